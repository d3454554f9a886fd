"""The pinyin engine: a small dictionary of our own for its rules, the real one for its words."""

from __future__ import annotations

from pathlib import Path

import pytest

from kiosk.keyboard.pinyin import NoDictionary, Pinyin, find_dictionary, load
from kiosk.keyboard.place_words import GENERAL_WORDS, QUICK_WORDS
from kiosk.policy import load_policy

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
        return load(load_policy().place_words)
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
        ("gaoxinqu", "高新区"),
        ("luanxian", "滦县"),
        ("pingfang", "平房"),
        ("dishang", "底商"),
    ):
        assert word in texts(real, letters, limit=6), letters
    assert "路南区" in texts(real, "lnq", limit=6)


def test_every_area_can_be_typed_by_its_name_of_today_and_its_old_one() -> None:
    policy = load_policy()
    words = {word for word, _ in policy.place_words}
    names = {str(area.name) for area in policy.areas} | {"滦县", "唐海县"}
    assert names - words == set()


def test_a_place_word_has_a_syllable_for_each_character() -> None:
    assert [word for word, spelt in GENERAL_WORDS if len(spelt.split()) != len(word)] == []
    assert all(spelt.replace(" ", "").isalpha() for _, spelt in GENERAL_WORDS)
    assert {"小区", "路", "村"} <= set(QUICK_WORDS)


def test_the_words_of_another_region_come_first_too() -> None:
    own = Pinyin(find_dictionary(), (("辛集市", "xin ji shi"), *GENERAL_WORDS))
    assert texts(own, "xinjishi")[0] == "辛集市"


@pytest.mark.parametrize(
    ("letters", "word"), [("lve", "略"), ("nve", "虐"), ("lue", "略"), ("qinlve", "侵略")]
)
def test_the_u_with_dots_is_found_as_it_is_typed_elsewhere(
    real: Pinyin, letters: str, word: str
) -> None:
    assert word in texts(real, letters, limit=6)
    assert real.spell("qinlve") == "qin'lve"


def test_a_daughter_is_still_found_although_nve_is_a_syllable(real: Pinyin) -> None:
    assert texts(real, "nver")[0] == "女儿"


def test_every_character_of_a_sound_can_be_reached(real: Pinyin) -> None:
    """✗ 280 rarer characters lay beyond the 64th candidate."""
    for letters in ("yi", "xi", "ji", "zhi", "fu", "li"):
        everything = texts(real, letters, limit=100_000)
        spelt = dictionary_characters(letters)
        assert len(spelt) > 64
        assert spelt <= set(everything), letters


def dictionary_characters(syllable: str) -> set[str]:
    """Characters of one syllable, read from the file itself."""
    lines = find_dictionary().read_text(encoding="utf-8").split("...\n", 1)[1].splitlines()
    rows = (line.split("\t") for line in lines)
    return {row[0] for row in rows if len(row) == 3 and row[1] == syllable and len(row[0]) == 1}


def test_a_longer_list_goes_on_where_the_shorter_one_ends(real: Pinyin) -> None:
    for letters in ("shi", "yi", "tangshan", "lldj", "s"):
        short = texts(real, letters, limit=64)
        assert texts(real, letters, limit=256)[: len(short)] == short, letters


def test_happiness_and_nothing_unseemly_is_offered_in_a_public_hall(real: Pinyin) -> None:
    assert texts(real, "xingfu")[0] == "幸福"
    for letters, unseemly in (("xingfu", "性福"), ("xingai", "性爱"), ("zuoai", "做爱")):
        assert unseemly not in texts(real, letters, limit=1000)
    assert "性" in texts(real, "xing")
    assert "性别" in texts(real, "xingbie")


def test_without_a_dictionary_it_says_which_package_is_missing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("KIOSK_PINYIN", str(tmp_path / "none"))
    with pytest.raises(NoDictionary, match="rime-data-pinyin-simp"):
        find_dictionary()
