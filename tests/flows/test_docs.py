"""What the documents point at is there: files, tests by name, commands."""

from __future__ import annotations

import ast
import importlib
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
from kiosk.visit.service import Service
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


def test_what_a_service_says_of_itself_is_all_there() -> None:
    said = {row[0].strip("`") for row in rows("new-service.md", "What a service says of itself")}
    text = (ROOT / "docs/new-service.md").read_text(encoding="utf-8")
    shown = set(re.findall(r"^    (\w+) = ", text, flags=re.MULTILINE))
    declared = {name for name, kind in Service.__annotations__.items() if "ClassVar" in kind}
    assert said | shown == declared


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda file: str(file.name))
def test_what_is_to_be_imported_can_be(document: Path) -> None:
    for module, name in re.findall(r"`from ([\w.]+) import (\w+)`", document.read_text("utf-8")):
        assert hasattr(importlib.import_module(module), name), (module, name)


def test_a_backup_is_put_back_whole() -> None:
    from central.keys import FOLDER
    from central.releases.repository import FOLDER as RELEASES

    text = (ROOT / "docs/operators.md").read_text(encoding="utf-8")
    (copied,) = re.findall(r"^cp -a FOLDER/.*# (.*)$", text, flags=re.MULTILINE)
    (told,) = re.findall(r"`DIR/central/`（(.*?)），用", text, flags=re.DOTALL)
    for name in ("central.db", "files/", f"{RELEASES}/", f"{FOLDER}/", "django.secret"):
        assert name in copied and f"`{name}`" in told, name


# -- the state directory --------------------------------------------------------------------------

#: What only a demonstration or a test has in its state directory.
_OF_A_DEMO = ("kiosk/demo/", "hardware/virtual/")
_DEMO_FILES = {"stage.sock", "bench.sock"}

#: Named by no code of ours: SQLite's own, and what `sync.database` numbers.
_BY_SQLITE = {"outbox.db-wal", "outbox.db-shm"}


def named_in_a_state_directory() -> set[str]:
    """Each `state / NAME` in the code of the terminal, and the files that belong to the outbox."""
    found = set()
    for folder in ("kiosk", "sync", "hardware", "screens"):
        for file in (ROOT / folder).rglob("*.py"):
            path = str(file.relative_to(ROOT))
            if not path.startswith(_OF_A_DEMO):
                found |= names_in(ast.parse(file.read_text("utf-8")), path)
    database = (ROOT / "sync/database.py").read_text("utf-8")
    beside = {f"outbox.db{suffix}" for suffix in re.findall(r'f"\{path\}(\.\w+)"', database)}
    return (found | beside) - _DEMO_FILES


def names_in(tree: ast.Module, path: str) -> set[str]:
    module = path.removesuffix(".py").replace("/", ".")
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
            left = ast.unparse(node.left).rpartition(".")[2].strip("_")
            if left in ("state", "state_dir"):
                found.add(value_of(node.right, tree, module))
    return found - {""}


def value_of(name: ast.expr, tree: ast.Module, module: str) -> str:
    """Of a text, or of a constant that stands in this module or is imported anywhere in it; "" of
    what is given by somebody else."""
    if isinstance(name, ast.Constant):
        return str(name.value)
    if not isinstance(name, ast.Name):
        return ""
    for node in ast.walk(tree):
        for one in node.names if isinstance(node, ast.ImportFrom) else ():
            if (one.asname or one.name) == name.id and isinstance(node, ast.ImportFrom):
                return str(getattr(importlib.import_module(str(node.module)), one.name))
    return str(getattr(importlib.import_module(module), name.id, "")) if name.id.isupper() else ""


def test_the_state_directory_s_files_are_those_that_the_code_names() -> None:
    """✗ A technician who found `commands.json` or `outbox.db.lock` read nowhere whether it may
    go."""
    cells = [row[0] for row in rows("technicians.md", "The state directory")]
    listed = {name.rstrip("/") for cell in cells for name in re.findall(r"`([^`]+)`", cell)}
    code = named_in_a_state_directory()
    assert {"outbox.db", "outbox.db.lock", "updates", "crashes", "tally.json"} <= code
    assert listed - _BY_SQLITE == code


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
