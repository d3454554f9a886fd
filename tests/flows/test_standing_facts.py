"""What every sentence may use: hotline, window, how a card is put; names in both languages."""

from __future__ import annotations

from pathlib import Path

import pytest

from kiosk.policy import Name, load_policy
from kiosk.settings import BadSettings, Settings, load_settings
from kiosk.words import LANGUAGES, LOCALE, Words
from kiosk.words.standing import standing_facts
from tests.flows.packs import policy_with


def words(language: str = "zh_CN", **environment: str) -> Words:
    settings = load_settings(None, environment) if environment else Settings()
    return Words(language, standing=standing_facts(settings))


def test_the_hotline_is_that_of_the_policy_in_every_sentence() -> None:
    other = policy_with(('hotline = "12333"', 'hotline = "0315-12345"'))
    for language in LANGUAGES:
        usual, changed = Words(language), Words(language, policy=other)
        spoken = [key for key in usual.ids() if "{hotline}" in usual.text(key)]
        assert len(spoken) >= 5
        for key in spoken:
            assert "12333" in usual.say(key)
            assert "0315-12345" in changed.say(key)
            assert "12333" not in changed.say(key)


def test_another_pack_changes_the_words_while_the_terminal_runs() -> None:
    said = Words()
    said.use(policy_with(('hotline = "12333"', 'hotline = "12345"')))
    assert "12345" in said.say("advice.help")


@pytest.mark.parametrize(
    ("place", "said"),
    [("flat", "平放在感应区上"), ("upright", "贴在立着的感应区上"), ("slot", "插进身份证插口")],
)
def test_how_the_id_card_is_put_follows_the_reader(tmp_path: Path, place: str, said: str) -> None:
    found = words(KIOSK_DEVICES_ID_READER_PLACE=place)
    assert filled(found, tmp_path, "把身份证{put_id}。") == f"把身份证{said}。"


def test_tap_comes_first_where_there_is_an_antenna(tmp_path: Path) -> None:
    both = words(KIOSK_DEVICES_CARD_PLACE="both")
    assert filled(both, tmp_path, "{put_card}").startswith("放在感应区上")
    assert "芯片朝上、朝前，插到底" in filled(words(), tmp_path, "{put_card}")
    assert "插" not in filled(words(KIOSK_DEVICES_CARD_PLACE="tap"), tmp_path, "{put_card}")


def filled(found: Words, tmp_path: Path, text: str) -> str:
    """A sentence of our own, said with the standing facts of `found`."""
    folder = tmp_path / found.language
    folder.mkdir(exist_ok=True)
    reader = (LOCALE / found.language / "reader.toml").read_text("utf-8")
    (folder / "a.toml").write_text(f"[probe]\ntext = '{text}'\n{reader}", "utf-8")
    own = Words(found.language, tmp_path, standing=found._usual)
    return own.say("probe.text")


def test_a_place_that_no_reader_has_is_refused() -> None:
    with pytest.raises(BadSettings, match="id_reader_place is 'ceiling'"):
        load_settings(None, {"KIOSK_DEVICES_ID_READER_PLACE": "ceiling"})


def test_the_window_is_named_in_the_language_of_the_screen() -> None:
    assert "社会保障卡业务窗口" in words().say("frame.help")
    assert "social security card window" in words("en").say("frame.help")


def test_a_name_of_the_pack_is_shown_in_the_language_of_the_screen() -> None:
    bank = load_policy().bank("boc").name
    assert (Words().name(bank), Words("en").name(bank)) == ("中国银行", "Bank of China")
    assert Words("en").name("张建国") == "张建国"
    facts = {"code": Name("甲", "A")}
    assert Words("en").say("photo.finding.ok", **facts) == Words("en").say("photo.finding.ok")


def test_a_fact_in_a_sentence_is_a_name_too(tmp_path: Path) -> None:
    for language, said in (("zh_CN", "到中国银行"), ("en", "到Bank of China")):
        (tmp_path / language).mkdir()
        (tmp_path / language / "a.toml").write_text("[a]\nb = '到{bank}'\n", "utf-8")
        own = Words(language, tmp_path)
        assert own.say("a.b", bank=load_policy().bank("boc").name) == said


def test_what_is_typed_never_fills_a_placeholder_twice(tmp_path: Path) -> None:
    (tmp_path / "zh_CN").mkdir()
    (tmp_path / "zh_CN/a.toml").write_text("[a]\nb = '{name}'\n", "utf-8")
    assert Words("zh_CN", tmp_path).say("a.b", name="{hotline}") == "{hotline}"


def test_consents_have_the_words_of_the_pack_that_rules() -> None:
    changed = policy_with(("露出双耳和眉毛", "露出耳朵"))
    assert Words().say("photo.notice.ears.title") == "露出双耳和眉毛"
    assert Words(policy=changed).say("photo.notice.ears.title") == "露出耳朵"
    assert Words("en", policy=changed).say("photo.notice.ears.title").startswith("Show")
