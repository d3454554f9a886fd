"""What a card, a file or the centre holds is shown by `kioskctl` as it is, and does nothing else.

✗ `card read` and `id read` crashed on a name like `[/]`, showed `[red]` wrongly and passed ESC to
the technician's terminal. Whatever any command says comes from outside in part, so every command
is given such texts, as arguments and by every way they can come in.
"""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import typer
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner, Result

from hardware.card.authenticator import Gate
from hardware.card.contents import Holder
from hardware.card.monitor import ReaderState, Seen
from hardware.faults import Device, DeviceFault, FaultCode
from hardware.inventory import Plugged
from hardware.virtual.personas import ID_PERSONAS
from kiosk import kioskctl
from kiosk.kioskctl import app, console, photo_window
from kiosk.kioskctl.cards import changes
from kiosk.upkeep.visit_lock import VisitLock, visit_runs
from sync.faults import CentralRefused
from sync.identity import Identity
from sync.outbox import Outbox
from tests.any_text import any_text
from tests.flows.counter import social_card
from tests.id_cards import said_by

RUN = CliRunner()

#: Made once, as in a process of `kioskctl`: to make all commands takes longer than to run one.
COMMAND: Any = typer.main.get_command(app)


@pytest.fixture(autouse=True)
def made_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("typer.testing._get_command", lambda _: COMMAND)


#: What a terminal obeys instead of showing it. Written down here once more: the code's own table
#: cannot prove itself.
OBEYED = [*map(chr, range(0x20)), *map(chr, range(0x7F, 0xA0)), "\u202e", "\u2066", "\u200f"]
OBEYED = [character for character in OBEYED if character not in "\t\n"]

NASTY = (
    "[/]",
    "[red]张[/red]",
    "[link=http://127.0.0.1]a[/link]",
    ":warning:",
    "\x1b]0;owned\x07",
    "\x1b[2J\x1b[1;1H",
    "\x9b31m",
    "a|b",
    "\u202egnp.exe",
    "\ud83d",
    "a\rb",
    "\x7f\x08\x08",
    "%s {x} \\x",
    "-" * 300,
    "",
)


def harmless(result: Result) -> None:
    """It ended with one of its own codes, and said nothing that a terminal would obey."""
    unforeseen = result.exception
    assert unforeseen is None or isinstance(unforeseen, SystemExit), repr(unforeseen)
    assert result.exit_code in (0, 1, 2)
    said = result.stdout_bytes + result.stderr_bytes
    assert [obeyed for obeyed in OBEYED if obeyed in said.decode("utf-8")] == []


@pytest.fixture
def state(tmp_path: Path) -> Path:
    Identity(
        "130299", "http://127.0.0.1:9", "0" * 16, b"\0" * 1216, "0" * 16, "test", 1, b"\0" * 32
    ).save(tmp_path)
    (tmp_path / "settings.toml").write_text('mode = "test"\n[devices]\nid_reader = "/dev/null"\n')
    return tmp_path


# -- the one way out -------------------------------------------------------------------------------


@pytest.mark.parametrize("text", NASTY)
def test_a_text_is_said_as_it_is(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    console.out(text)
    console.warn(console.styled(text, "red"))
    console.line(text)
    console.stop(text)
    listed = console.table("[red]", text)
    console.row(listed, text, console.styled(text, "green"))
    console.out(listed)
    said = "".join(capsys.readouterr())
    assert [obeyed for obeyed in OBEYED if obeyed in said] == []
    # Markup and emoji are neither taken away nor turned into something.
    shown = re.sub("\\s|\N{REPLACEMENT CHARACTER}|[│┃━─┏┓┡┩└┘┳┴╇╈]", "", said)
    asked = re.sub(r"\s", "", "".join(one for one in text if one not in OBEYED))
    assert shown.count(asked.replace("\ud83d", "")) >= 4 or len(text) > 80


@pytest.mark.parametrize("text", NASTY)
def test_json_says_the_same_and_moves_nothing(
    text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    console.say_json({"name": text, text: 1})
    said = capsys.readouterr().out
    assert [obeyed for obeyed in OBEYED if obeyed in said] == []
    assert json.loads(said) == {"name": text, text: 1}


# -- what comes from a card ------------------------------------------------------------------------


class Cards:
    """Both readers, with a card that holds a text."""

    def __init__(self, text: str) -> None:
        holder = Holder(text, text, "1", "01", date(1957, 3, 16))
        self.social = replace(social_card(), holder=holder, card_no=text, version="3.00")
        self.identity = replace(
            said_by(ID_PERSONAS["zhang"]), name=text, address=text, issuer=text, valid_from=text
        )

    def open(self) -> None:
        """It is."""

    def close(self) -> None:
        """See `open`."""

    gate = Gate()

    def use(self, *_: Any, **__: Any) -> Any:
        return self.social

    def read(self, *_: Any, **__: Any) -> Any:
        return self.identity


@pytest.fixture(params=NASTY)
def nasty_card(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    text: str = request.param
    drivers = {Device.CARD_READER: Cards(text), Device.ID_READER: Cards(text)}
    monkeypatch.setattr("hardware.devices.make_drivers", lambda _: drivers)
    return text


@pytest.mark.parametrize(
    "words",
    [
        ("card", "read"),
        ("card", "read", "--unmasked"),
        ("card", "read", "--unmasked", "--json"),
        ("card", "read", "--ministry"),
        ("id", "read"),
        ("id", "read", "--unmasked"),
        ("id", "read", "--unmasked", "--json"),
    ],
    ids=" ".join,
)
def test_a_card_cannot_move_the_technician_s_terminal(
    nasty_card: str, state: Path, words: tuple[str, ...]
) -> None:
    result = RUN.invoke(app, [*words, "--state", str(state)])
    harmless(result)
    if "--ministry" in words and "|" in nasty_card:
        assert result.exit_code == 2, "✗ it was a traceback"
    elif "--ministry" not in words:
        assert result.exit_code == 0, result.output
    if words[-1] == "--unmasked" and nasty_card.startswith("["):
        assert nasty_card in result.stdout


def test_what_readers_are_called_is_no_command_either() -> None:
    for text in NASTY:
        for change in changes(Seen(True), Seen(True, {text: ReaderState(card=True)})):
            assert console.plain(change).isprintable()


def test_what_is_plugged_in_may_call_itself_anything(monkeypatch: pytest.MonkeyPatch) -> None:
    found = [Plugged("serial", text, text) for text in NASTY]
    monkeypatch.setattr("hardware.inventory.plugged_in", lambda: iter(found))
    for words in (["devices"], ["devices", "--json"]):
        result = RUN.invoke(app, words)
        harmless(result)
        assert result.exit_code == 0


# -- what comes from files and the centre ----------------------------------------------------------


@pytest.mark.parametrize("text", NASTY)
@pytest.mark.parametrize("as_json", [[], ["--json"]])
def test_health_of_whatever_stands_in_the_files(state: Path, text: str, as_json: list[str]) -> None:
    Outbox(state / "outbox.db", "130299").close()
    names = ("device", "state", "since", "fault", "detail", "serial", "firmware")
    row = dict.fromkeys(names, text) | {"counters": {text: text}}
    (state / "health.json").write_text(json.dumps({"health": [row]}))
    (state / "agent.json").write_text(json.dumps({"central": text, "pid": text}))
    result = RUN.invoke(app, ["health", "--state", str(state), *as_json])
    harmless(result)
    assert result.exit_code == 1


@pytest.mark.parametrize("document", ["", "[]", "7", '{"health": 7}', '{"health": [7, {}]}', "{"])
def test_health_of_files_that_are_none(state: Path, document: str) -> None:
    Outbox(state / "outbox.db", "130299").close()
    for name in ("health.json", "agent.json", "desired.json"):
        (state / name).write_text(document)
    result = RUN.invoke(app, ["health", "--state", str(state)])
    harmless(result)
    assert result.exit_code == 1
    harmless(RUN.invoke(app, ["doctor", "--state", str(state), "--only", "centre"]))


@pytest.mark.parametrize("text", NASTY)
def test_settings_with_anything_in_them(state: Path, text: str) -> None:
    (state / "settings.toml").write_text(json.dumps(text) + " = 1\n", errors="replace")
    result = RUN.invoke(app, ["health", "--state", str(state)])
    harmless(result)
    assert result.exit_code == 2


@pytest.mark.parametrize("text", NASTY)
def test_a_centre_that_refuses_with_anything(
    state: Path, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise CentralRefused(400, text)

    monkeypatch.setattr("sync.enrolment.enrol", refuse)
    words = ["enrol", "--state", str(state), "--url", "http://127.0.0.1:9", "--code", "x"]
    result = RUN.invoke(app, words)
    harmless(result)
    assert result.exit_code == 2


# -- devices that fail, and places that are not there ----------------------------------------------


class Frames:
    """A camera that gives so many frames and ends."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.opened = 0

    def open(self) -> None:
        self.opened += 1

    def close(self) -> None:
        """It is."""

    def frames(self, _: Any) -> Iterator[Any]:
        import numpy as np

        class Frame:
            rgb = np.zeros((8, 8, 3), np.uint8)

        for _number in range(self.count):
            yield Frame


def camera(monkeypatch: pytest.MonkeyPatch, frames: int) -> Frames:
    made = Frames(frames)
    monkeypatch.setattr("hardware.devices.make_drivers", lambda _: {Device.CAMERA: made})
    return made


@pytest.mark.parametrize(
    "name", ["nodir/x.jpg", "x", "x.gif", "x.jpg/y.jpg", "a\0b.jpg", "[/].bmp", "\x1b[2J.tiff"]
)
def test_a_picture_that_cannot_be_kept_is_not_taken(
    state: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """✗ `camera snap nodir/x.jpg` was a traceback, after the picture was taken."""
    (tmp_path / "x.jpg").touch()
    driver = camera(monkeypatch, 3)
    words = ["camera", "snap", f"{tmp_path}/{name}", "--after", "0", "--state", str(state)]
    result = RUN.invoke(app, words)
    harmless(result)
    assert (result.exit_code, driver.opened) == (2, 0)


def test_a_camera_that_gives_nothing_leaves_no_file(
    state: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    camera(monkeypatch, 0)
    words = ["camera", "snap", str(tmp_path / "x.jpg"), "--after", "0", "--state", str(state)]
    result = RUN.invoke(app, words)
    harmless(result)
    assert result.exit_code == 1
    assert list(tmp_path.glob("*x.jpg*")) == []


@pytest.mark.parametrize("display", ["", ":913", "nonsense", "127.0.0.1:9", "unix:913.0", ":x"])
def test_no_display_is_said_before_the_camera_is_used(
    state: Path, monkeypatch: pytest.MonkeyPatch, display: str
) -> None:
    """✗ Without a display OpenCV ends the whole program."""
    driver = camera(monkeypatch, 3)
    monkeypatch.setenv("DISPLAY", display)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    result = RUN.invoke(app, ["photo", "live", "--state", str(state)])
    harmless(result)
    assert (result.exit_code, driver.opened) == (2, 0)
    assert "window" in result.stderr


def test_a_display_that_answers_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.setenv("DISPLAY", ":914")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("\0/tmp/.X11-unix/X914")
        server.listen()
        photo_window.must_have_display()


# -- what stands in the journal, and waits for the citizen -----------------------------------------


def entries(state: Path) -> list[str]:
    said = RUN.invoke(app, ["journal", "show", "--json", "--state", str(state)])
    return [entry["what"] for entry in json.loads(said.stdout) if entry["kind"] == "data_shown"]


SHOWING = {
    "card_read": (("card", "read", "--unmasked"), ("card", "read", "--ministry")),
    "id_read": (("id", "read", "--unmasked"),),
    "camera_snap": (("camera", "snap", "x.png", "--after", "0"),),
}


@pytest.fixture
def all_devices(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    drivers = {
        Device.CARD_READER: Cards("张建国"),
        Device.ID_READER: Cards("张建国"),
        Device.CAMERA: Frames(3),
        Device.PRINTER: Frames(0),
    }
    monkeypatch.setattr("hardware.devices.make_drivers", lambda _: drivers)


@pytest.mark.usefixtures("all_devices")
@pytest.mark.parametrize(
    ("what", "words"),
    [(what, words) for what, ways in SHOWING.items() for words in ways],
    ids=lambda value: value if isinstance(value, str) else " ".join(value),
)
def test_what_shows_personal_data_stands_in_the_journal(
    state: Path, what: str, words: tuple[str, ...]
) -> None:
    """✗ Unmasked reads and snaps left no journal entry, and worked during a visit."""
    assert RUN.invoke(app, [*words]).exit_code == 2, "without a terminal there is no journal"
    assert RUN.invoke(app, [*words, "--state", str(state)]).exit_code == 0
    assert entries(state) == [what]
    visit = VisitLock(state)
    visit.begin()
    refused = RUN.invoke(app, [*words, "--state", str(state)])
    assert refused.exit_code == 2 and "citizen" in refused.stderr
    assert "张建国" not in refused.output
    visit.end()
    assert entries(state) == [what]
    assert RUN.invoke(app, [*words, "--state", str(state)]).exit_code == 0


@pytest.mark.usefixtures("all_devices")
@pytest.mark.parametrize(
    "words", [("card", "read"), ("id", "read"), ("print", "test")], ids=" ".join
)
def test_while_a_visit_runs_no_command_uses_a_device(state: Path, words: tuple[str, ...]) -> None:
    visit = VisitLock(state)
    visit.begin()
    assert RUN.invoke(app, [*words, "--state", str(state)]).exit_code == 2
    visit.end()


@pytest.mark.usefixtures("all_devices")
def test_what_cannot_stand_in_the_journal_is_not_shown(state: Path) -> None:
    (state / "journal").write_text("in the way of the folder")
    result = RUN.invoke(app, ["id", "read", "--unmasked", "--state", str(state)])
    assert result.exit_code == 2
    assert "张建国" not in result.output


def test_a_visit_is_known_to_other_programs_for_as_long_as_it_runs(tmp_path: Path) -> None:
    assert not visit_runs(tmp_path)
    visit = VisitLock(tmp_path)
    for _ in range(2):
        visit.begin()
        visit.begin()
        assert visit_runs(tmp_path)
        visit.end()
        assert not visit_runs(tmp_path)
    visit.end()
    VisitLock(tmp_path / "nowhere").begin()  # a visit does without


# -- every command, given anything -----------------------------------------------------------------


def leaves(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Every command. Typer brings its own click, so a group is known by what it has."""
    below = getattr(command, "commands", None)
    if below is None:
        yield path
        return
    for name, one in below.items():
        yield from leaves(one, (*path, name))


COMMANDS = sorted(leaves(COMMAND))


def options_of(path: tuple[str, ...]) -> list[str]:
    command = COMMAND
    for name in path:
        command = command.commands[name]
    return [one for parameter in command.params for one in parameter.opts if one.startswith("-")]


#: Nothing that waits for ever, and no way out of the machine.
KEPT = {("card", "watch"): ("--for", "0.01"), ("enrol",): ("--url", "http://127.0.0.1:9")}


def test_every_command_is_among_them() -> None:
    assert len(COMMANDS) > 15
    assert ("card", "read") in COMMANDS


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
@settings(
    max_examples=6,
    deadline=None,
    # Without the explaining one, which traces every line that runs.
    phases=(Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink),
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(data=st.data())
def test_every_command_takes_anything(
    state: Path, monkeypatch: pytest.MonkeyPatch, path: tuple[str, ...], data: st.DataObject
) -> None:
    texts = st.sampled_from(NASTY) | any_text(max_size=20)
    # Drawn here: a device is opened on a thread of its own.
    detail = data.draw(texts)

    class Broken(Cards):
        def open(self) -> None:
            raise DeviceFault(FaultCode.INTERNAL, detail)

    # What a terminal sends is UTF-8, which halves of a surrogate pair are not. The runner shows
    # what is typed as it is, where a terminal's own echo shows a control character as ^H.
    typed = st.text(st.characters(exclude_categories=["C"], include_characters="\n"), max_size=20)
    broken = {device: Broken("张建国") for device in Device}
    monkeypatch.setattr("hardware.devices.make_drivers", lambda _: broken)
    monkeypatch.setattr("hardware.card.pcsc.watch_service", lambda _: Broken("x"))
    monkeypatch.setattr(Broken, "stop", lambda self: None, raising=False)
    monkeypatch.setenv("DISPLAY", "")
    given_options = [
        word
        for option in data.draw(
            st.lists(st.sampled_from(options_of(path) or ["--json"]), max_size=3)
        )
        for word in (option, data.draw(texts))
        if option not in ("--state", "--for", "--url")
    ]
    arguments = data.draw(st.lists(texts.filter(lambda text: not text.startswith("-")), max_size=3))
    at = ["--state", str(state)] if "--state" in options_of(path) else []
    words = [*path, *given_options, *KEPT.get(path, ()), *at, "--", *arguments]
    harmless(RUN.invoke(app, words, input=data.draw(typed)))


def test_a_bug_shows_its_place_and_nothing_of_what_it_stumbled_over(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def bug() -> None:
        name = "张建国"
        raise ValueError(f"cannot do with {name}")

    monkeypatch.setattr(kioskctl, "app", bug)
    with pytest.raises(SystemExit) as ended:
        kioskctl.main()
    said = "".join(capsys.readouterr())
    assert ended.value.code == 2
    assert "张建国" not in said
    assert "ValueError at test_kioskctl_output.py:" in said
