"""What the documents point at is there: files, tests by name, commands."""

from __future__ import annotations

import re
import shutil
import sys
import tomllib
from dataclasses import fields
from pathlib import Path

import pytest

import kiosk.services
from hardware.faults import Device
from hardware.vendor import CARD_FAMILIES, ID_FAMILIES
from kiosk.services import find_services
from kiosk.settings import Devices as DeviceSettings
from kiosk.settings import load_settings
from kiosk.visit.flow import Ending, Outcome
from kiosk.words import LANGUAGES, LOCALE, Words
from tests.flows.counter import Walk
from tests.flows.explore import explore
from tests.flows.test_words import ICONS

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted([*ROOT.glob("docs/*.md"), ROOT / "README.md"])

#: Top-level folders of the map; what begins with one of them is a path.
_FOLDERS = ("kiosk", "screens", "hardware", "sync", "central", "tests", "docs")

#: Made by whoever follows docs/new-service.md.
_TO_BE_WRITTEN = {
    "kiosk/words/zh_CN/guide.toml",
    "kiosk/words/en/guide.toml",
    "tests/flows/test_guide.py",
}


def quoted(document: Path) -> set[str]:
    return set(re.findall(r"`([^`\n]+)`", document.read_text(encoding="utf-8")))


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda file: file.name)
def test_every_path_a_document_names_is_there(document: Path) -> None:
    paths = {
        words
        for words in quoted(document)
        if re.fullmatch(rf"(?:{'|'.join(_FOLDERS)})/[\w./]*", words)
    }
    missing = {path for path in paths - _TO_BE_WRITTEN if not (ROOT / path).exists()}
    assert missing == set()


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda file: file.name)
def test_every_test_a_document_names_is_there(document: Path) -> None:
    tests = "".join(file.read_text(encoding="utf-8") for file in ROOT.glob("tests/**/test_*.py"))
    named = {words.rstrip("…") for words in quoted(document) if re.fullmatch(r"test_\w+…?", words)}
    assert {name for name in named if f"def {name}" not in tests} == set()


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda file: file.name)
def test_every_link_of_a_document_leads_somewhere(document: Path) -> None:
    links = re.findall(r"\]\(([^)#]+)\)", document.read_text(encoding="utf-8"))
    local = [link for link in links if "://" not in link]
    assert [link for link in local if not (document.parent / link).exists()] == []


def test_every_key_of_a_policy_pack_is_explained_to_its_authors() -> None:
    text = (ROOT / "docs/policy-pack.md").read_text(encoding="utf-8")
    explained = set(re.findall(r"^\| `([^`]+)`", text, flags=re.MULTILINE))
    pack = tomllib.loads((ROOT / "kiosk/policy/tangshan.toml").read_text(encoding="utf-8"))
    needed: set[str] = set()
    for key, value in pack.items():
        if not isinstance(value, dict):
            needed.add(key)
        elif key == "consent":
            needed |= {f"consent.代号.{part}" for text in value.values() for part in text}
        elif key in ("service", "days", "fees", "special_groups"):
            needed.add(f"{key}.代号")
        elif key in ("places", "areas", "banks", "outlets"):
            needed |= {f"{key}.代号.{part}" for one in value.values() for part in one}
        else:
            needed |= {f"{key}.{part}" for part in value}
    assert needed <= explained
    assert explained - needed == {"places.代号.where", "places.代号.phone"}, "keys of no pack"


def test_the_settings_shown_to_technicians_are_settings(tmp_path: Path) -> None:
    text = (ROOT / "docs/technicians.md").read_text(encoding="utf-8")
    (sample,) = re.findall(r"```toml\n(.*?)```", text, flags=re.DOTALL)
    file = tmp_path / "settings.toml"
    file.write_text(sample, encoding="utf-8")
    settings = load_settings(file, {})
    assert (settings.mode, settings.devices.card) == ("production", "pcsc")


@pytest.mark.parametrize("document", ["README.md", "docs/operators.md", "docs/technicians.md"])
def test_who_reads_of_a_command_is_told_where_it_stands(document: str) -> None:
    text = (ROOT / document).read_text(encoding="utf-8")
    assert ". .venv/bin/activate" in text
    first = re.search(r"python -m central [a-z]|kioskctl [a-z]", text)
    assert first is None or text.index(". .venv/bin/activate") < first.start()


def test_every_command_of_the_centre_that_is_named_is_there() -> None:
    from central.__main__ import app

    names = {one.name or str(one.callback.__name__) for one in app.registered_commands}
    known = {name.replace("_", "-") for name in names}
    known |= {str(group.name) for group in app.registered_groups}
    text = (ROOT / "docs/operators.md").read_text(encoding="utf-8")
    assert set(re.findall(r"python -m central ([a-z-]+)", text)) <= known


#: What step 1 of docs/new-service.md asks for, as somebody may write it.
_GUIDE = """
service.guide = { name = "办事指南", detail = "要带什么、到哪里办" }
stage.guide = { choose = "选择", read = "查看" }
[guide.topic]
title = "想办什么？"
text = "点一下。"
apply.label = "首次办卡"
replace.label = "补换卡"
[guide.answer]
title = "请带身份证"
text = "到{window}办。"
"""


def test_the_service_shown_to_newcomers_is_found_said_and_walked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Does what docs/new-service.md says, and nothing else."""
    text = (ROOT / "docs/new-service.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL)
    (tmp_path / "guide.py").write_text(code, encoding="utf-8")
    monkeypatch.setattr(kiosk.services, "__path__", [*kiosk.services.__path__, str(tmp_path)])
    monkeypatch.setitem(sys.modules, "kiosk.services.guide", None)
    monkeypatch.delitem(sys.modules, "kiosk.services.guide")
    (guide,) = (service for service in find_services() if service.id == "guide")
    for language in LANGUAGES:
        shutil.copytree(LOCALE / language, tmp_path / language)
        without = explore(guide).missing(Words(language, tmp_path), ICONS)
        assert {line.split()[2] for line in without} == {
            *("service.guide.name", "service.guide.detail"),
            *("stage.guide.choose", "stage.guide.read"),
            *("guide.topic.title", "guide.topic.apply.label", "guide.topic.replace.label"),
            "guide.answer.title",
        }
        (tmp_path / language / "guide.toml").write_text(_GUIDE, encoding="utf-8")
        assert explore(guide).missing(Words(language, tmp_path), ICONS) == []
    walk = Walk(guide).say("guide.topic", "apply").say("guide.answer", True)
    assert walk.visit.outcome == Outcome(Ending.DONE, service="guide")


def rows(document: str, heading: str) -> list[list[str]]:
    """The rows of the table under a heading."""
    text = (ROOT / "docs" / document).read_text(encoding="utf-8")
    (part,) = re.findall(rf"^## {heading}\n(.*?)(?=^## |\Z)", text, flags=re.DOTALL | re.MULTILINE)
    lines = [line for line in part.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[1:]]


def test_the_devices_page_has_every_device_model_and_library_that_there_is() -> None:
    named = {
        heading: {row[0].strip("`") for row in rows("devices.md", heading)}
        for heading in ("What there is", "Printer models", "Makers' libraries")
    }
    models = {file.stem for file in (ROOT / "hardware/models").glob("*.toml")}
    assert named["What there is"] == set(Device)
    assert named["Printer models"] == models
    assert named["Makers' libraries"] == {*CARD_FAMILIES, *ID_FAMILIES}


def test_the_devices_page_says_of_each_against_what_it_was_tried() -> None:
    words = {"`real`", "`foreign`", "`mock`", "`far end`"}
    for heading in ("What there is", "Printer models", "Makers' libraries"):
        for row in rows("devices.md", heading):
            assert set(row[-1].split(", ")) <= words, row
    settings = {field.name for field in fields(DeviceSettings)}
    for heading in ("What there is", "Makers' libraries"):
        for row in rows("devices.md", heading):
            cell = row[2] if heading == "What there is" else row[3]
            assert set(re.findall(r"`(\w+)", cell)) <= settings, row
    for row in rows("devices.md", "What there is"):
        for file in re.findall(r"`(hardware/[\w/.]+)`", row[3]):
            assert (ROOT / file).is_file(), row
