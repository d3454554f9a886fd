"""Every word has its twin in the other language, and every prompt has its words."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from hardware.faults import FaultCode
from kiosk.records.submission import Standpoint
from kiosk.services import find_services
from kiosk.visit.prompts import Form
from kiosk.words import LANGUAGES, LOCALE, Words
from sync.outbox import Reason

WORDS = {language: Words(language) for language in LANGUAGES}
SOURCES = Path(__file__).parents[2]


def test_both_languages_have_the_same_ids() -> None:
    chinese, english = (WORDS[language].ids() for language in LANGUAGES)
    assert chinese - english == set()
    assert english - chinese == set()


def placeholders(text: str) -> set[str]:
    return set(re.findall(r"\{(\w+)\}", text))


def test_both_languages_use_the_same_facts() -> None:
    chinese, english = (WORDS[language] for language in LANGUAGES)
    differing = [
        key
        for key in chinese.ids()
        if placeholders(chinese.text(key)) != placeholders(english.text(key))
    ]
    assert differing == []


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("code", FaultCode)
def test_every_fault_has_words_for_citizen_and_technician(language: str, code: FaultCode) -> None:
    for words in ("citizen", "technician", "fix"):
        assert WORDS[language].has(f"fault.{code}.{words}")


@pytest.mark.parametrize("code", FaultCode)
def test_every_fault_is_raised_somewhere_and_provoked_by_a_test(code: FaultCode) -> None:
    def named_in(*folders: str) -> bool:
        files = (file for folder in folders for file in (SOURCES / folder).rglob("*.py"))
        others = (file for file in files if file != SOURCES / "hardware/faults.py")
        return any(f"FaultCode.{code.name}" in file.read_text("utf-8") for file in others)

    assert named_in("hardware", "kiosk")
    assert named_in("tests")


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_why_nothing_can_be_stored_has_words(reason: Reason) -> None:
    for language in LANGUAGES:
        assert WORDS[language].has(f"fault.outbox_unavailable.reason.{reason}")


@pytest.mark.parametrize("service", find_services())
def test_every_service_is_named_and_its_stages_too(service: type) -> None:
    for language in LANGUAGES:
        assert WORDS[language].has(f"service.{service.id}.name")
        assert WORDS[language].has(f"service.{service.id}.detail")
        for stage in service.stages:
            assert WORDS[language].has(f"stage.{service.id}.{stage}")


def quoted_ids(file: Path) -> set[str]:
    """Ids of prompts as they are written in a service: "telephone.number", "identity.expired" …"""
    return set(
        re.findall(r"\"((?:apply|identify|card_check)\.[a-z_.]+)\"", file.read_text("utf-8"))
    )


@pytest.mark.parametrize(
    "file", sorted((SOURCES / "kiosk/services").glob("*.py")), ids=lambda f: f.stem
)
def test_every_prompt_of_a_service_has_a_title(file: Path) -> None:
    for prompt in quoted_ids(file):
        if prompt.endswith((".text", ".fee", ".fee_due", ".days", ".bring")):
            assert WORDS["zh_CN"].has(prompt), prompt
        else:
            assert WORDS["zh_CN"].has(f"{prompt}.title"), prompt


@pytest.mark.parametrize("standpoint", Standpoint)
def test_every_state_has_its_word_and_its_meaning(standpoint: Standpoint) -> None:
    for language in LANGUAGES:
        assert WORDS[language].has(f"state.{standpoint}.word")
        assert WORDS[language].has(f"state.{standpoint}.meaning")


def test_only_the_centre_makes_an_application_accepted() -> None:
    """「待上传回执 · 尚未生效」 may not sound like 已受理 (domain §5.0)."""
    assert WORDS["zh_CN"].say("state.queued.word") == "待上传回执 · 尚未生效"
    accepted = [key for key in WORDS["zh_CN"].ids() if WORDS["zh_CN"].say(key) == "已受理"]
    # The second is a stage that the centre names in its reply.
    assert sorted(accepted) == ["progress.stage.accepted.word", "state.accepted.word"]


def test_every_box_of_every_form_has_label_and_hint() -> None:
    from kiosk.steps import address

    boxes = (*address.URBAN_FIELDS, *address.RURAL_FIELDS)
    for box in boxes:
        for language in LANGUAGES:
            assert WORDS[language].has(f"field.{box.name}.label")
            assert WORDS[language].has(f"field.{box.name}.hint")
    assert Form.idle_s is not None


def test_an_id_without_words_is_shown_as_itself() -> None:
    assert WORDS["zh_CN"].say("no.such.words", fact=1) == "no.such.words"


def test_a_fact_that_is_missing_does_not_stop_the_terminal() -> None:
    assert "{days}" in WORDS["zh_CN"].say("apply.slip.days", other=1)


def test_an_id_defined_twice_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "xx"
    folder.mkdir()
    (folder / "a.toml").write_text("[a]\nb = 'one'\n")
    (folder / "b.toml").write_text("[a]\nb = 'two'\n")
    with pytest.raises(ValueError, match=r"a\.b is defined twice"):
        Words("xx", tmp_path)
    assert LOCALE.is_dir()
