"""The pinyin engine: a small dictionary of our own for its rules, the real one for its words."""

from __future__ import annotations

from pathlib import Path

import pytest

from kiosk.keyboard.pinyin import NoDictionary, Pinyin, find_dictionary
from kiosk.keyboard.place_words import PLACE_WORDS
from kiosk.records.codes import TANGSHAN

SMALL = """\
# a comment
---
name: small
...

山\tshan\t900
唐\ttang\t800
汤\ttang\t700
先\txian\t9000
西\txi\t500
安\tan\t400
西安\txi an\t300
社\tshe\t90
卡\tka\t80
宝\tbao\t70
社保\tshe bao\t60
唐山\ttang shan\t50
烫伤\ttang shang\t55
唐山市\ttang shan shi\t40
流利\tliu li\t30
绿\tlv\t20
嗯\tn\t10
not a line
没有重量\tmei you zhong liang
"""


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Pinyin:
    file = tmp_path_factory.mktemp("pinyin") / "small.dict.yaml"
    file.write_text(SMALL, encoding="utf-8")
    return Pinyin(file, own=())


@pytest.fixture(scope="module")
def real() -> Pinyin:
    try:
        return Pinyin(find_dictionary())
    except NoDictionary as missing:
        pytest.skip(str(missing))


def texts(engine: Pinyin, letters: str, limit: int = 64) -> list[str]:
    return [found.text for found in engine.candidates(letters, limit)]


def test_exact_words_come_first_then_longer_ones_then_parts(small: Pinyin) -> None:
    assert texts(small, "tangshan") == ["唐山", "唐山市", "唐", "汤"]
    assert texts(small, "tang") == ["唐", "汤", "烫伤", "唐山", "唐山市"]


def test_a_word_says_how_many_letters_it_stands_for(small: Pinyin) -> None:
    used = {found.text: found.used_letters for found in small.candidates("tangshan")}
    assert (used["唐山"], used["唐"]) == (8, 4)


def test_beginning_of_a_syllable_is_enough_at_the_end(small: Pinyin) -> None:
    assert texts(small, "tangs")[0] == "烫伤"
    assert texts(small, "ta")[:2] == ["唐", "汤"]


def test_initials_find_words(small: Pinyin) -> None:
    assert texts(small, "ts")[:2] == ["烫伤", "唐山"]
    assert texts(small, "tshan")[0] == "唐山"
    assert texts(small, "ll")[0] == "流利"
    assert texts(small, "tss")[0] == "唐山市"


def test_a_word_not_in_the_dictionary_is_composed(small: Pinyin) -> None:
    first = small.candidates("shebaoka")[0]
    assert (first.text, first.used_letters) == ("社保卡", 8)
    assert "社保" in texts(small, "shebaoka")


def test_apostrophe_cuts_syllables(small: Pinyin) -> None:
    assert texts(small, "xian")[:2] == ["先", "西安"]
    cut = texts(small, "xi'an")
    assert cut[0] == "西安"
    assert "先" not in cut
    assert small.candidates("xi'")[0].text == "西"


def test_letters_as_they_are_read(small: Pinyin) -> None:
    assert small.spell("tangshan") == "tang'shan"
    assert small.spell("tangv") == "tang'v"
    assert small.spell("v") == "v"


def test_u_umlaut_is_typed_as_v(small: Pinyin) -> None:
    assert texts(small, "lv") == ["绿"]


@pytest.mark.parametrize("letters", ["", "'", "v", "''", "iu"])
def test_letters_that_begin_nothing_have_no_candidates(small: Pinyin, letters: str) -> None:
    assert small.candidates(letters) == []


def test_what_cannot_be_read_stays_typed(small: Pinyin) -> None:
    first = small.candidates("tangv")[0]
    assert (first.text, first.used_letters) == ("唐", 4)


def test_no_more_than_asked_for_and_none_twice(real: Pinyin) -> None:
    for letters in ("s", "shi", "shishi", "zbxq"):
        found = texts(real, letters, limit=20)
        assert len(found) == len(set(found)) <= 20


def test_typing_one_letter_more_never_fails(real: Pinyin) -> None:
    for line in ("tangshanshilubeiqu", "zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz", "a'b''c'''", "vvv"):
        for end in range(len(line) + 1):
            typed = line[:end]
            for found in real.candidates(typed):
                assert 0 < found.used_letters <= len(typed)


def test_words_of_the_counter(real: Pinyin) -> None:
    for letters, word in (
        ("tangshan", "唐山"),
        ("shehuibaozhang", "社会保障"),
        ("shebaoka", "社保卡"),
        ("zhangbeixiaoqu", "张北小区"),
        ("guoyuanxiang", "果园乡"),
        ("ercun", "二村"),
        ("haolou", "号楼"),
        ("caofeidian", "曹妃甸"),
        ("leting", "乐亭县"),
    ):
        assert word in texts(real, letters, limit=6), letters
    assert "路南区" in texts(real, "lnq", limit=6)


def test_every_district_is_a_place_word() -> None:
    words = {word for word, _ in PLACE_WORDS}
    assert set(TANGSHAN.values()) <= words
    assert all(spelt and spelt.replace(" ", "").isalpha() for _, spelt in PLACE_WORDS)


def test_a_place_word_has_a_syllable_for_each_character() -> None:
    assert [word for word, spelt in PLACE_WORDS if len(spelt.split()) != len(word)] == []


def test_without_a_dictionary_it_says_which_package_is_missing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("KIOSK_PINYIN", str(tmp_path / "none"))
    with pytest.raises(NoDictionary, match="rime-data-pinyin-simp"):
        find_dictionary()
