"""The device key sealed to the machine's TPM: a disk or a folder alone is nobody's terminal.

The chip is a real TPM 2.0 in software (`tests.system.chip`); systemd-creds speaks to it, and the
centre's own code judges what is signed.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from base64 import b64encode
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from hardware.faults import FaultCode
from kiosk.kioskctl import app
from kiosk.settings import BadSettings, load_settings
from kiosk.upkeep.doctor import Patient, examine
from sync.central import CentralClient
from sync.enrolment import NotEnrolledHere, enrol, why_not
from sync.faults import CentralUnreachable
from sync.fleet import Fleet
from sync.identity import NEXT_KEY_FILE, NotEnrolled, load_identity
from sync.outbox import Outbox
from sync.sealing import TpmFault, seal, unseal
from sync.signing import DeviceKey, use_next_key
from sync.transport import Transport
from tests.system.chip import Chip
from tests.system.conftest import EnrolledTerminal
from tests.system.fleet_rig import Rig
from tests.system.people import FREE
from tests.system.test_agent import accepted, put, status, until
from tests.system.test_agent import agent as running

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.system.conftest import CentralServer

pytestmark = pytest.mark.skipif(
    not (shutil.which("swtpm") and Path("/usr/bin/systemd-creds").exists()),
    reason="swtpm or systemd-creds is not installed",
)

#: Who holds a terminal's key is all one to the centre's database.
on_sqlite = pytest.mark.parametrize("new_database", ["sqlite"], indirect=True)


@pytest.fixture
def chip() -> Iterator[Chip]:
    made = Chip()
    yield made
    made.close()


@pytest.fixture
def other() -> Iterator[Chip]:
    """The TPM of another machine."""
    made = Chip()
    yield made
    made.close()


@pytest.fixture
def sealed(central: CentralServer, tmp_path: Path, chip: Chip) -> Iterator[EnrolledTerminal]:
    """A terminal whose key was made for the chip at its enrolment."""
    state = tmp_path / "terminal"
    identity = enrol(central.url, central.code(), state, tpm=chip.name)
    made = opened(state)
    assert made.identity == identity
    yield made
    closed(made)


def opened(state: Path) -> EnrolledTerminal:
    """As a process finds it at its start."""
    identity = load_identity(state)
    transport = Transport(identity.central_url, DeviceKey.load(state))
    return EnrolledTerminal(
        state, identity, Outbox(state / "outbox.db", identity.terminal), transport
    )


def closed(terminal: EnrolledTerminal) -> None:
    terminal.transport.close()
    terminal.outbox.close()


def asked(terminal: EnrolledTerminal) -> str:
    """A signed request by a process that has just started; "" if the centre took it."""
    transport = Transport(terminal.identity.central_url, DeviceKey.load(terminal.state))
    with closing(transport):
        try:
            Fleet(terminal.state, terminal.identity, terminal.outbox, transport, {}).beat()
        except CentralUnreachable as error:
            return error.reason
    return ""


def found(state: Path, holder: str = "tpm") -> FaultCode | None:
    """What the doctor says of the key."""
    settings = load_settings(None, {"KIOSK_CENTRAL_KEY_HOLDER": holder})
    return examine(Patient(state, settings), "key").fault


def secret_of(state: Path, chip: Chip, file: str = "device.key") -> bytes:
    return unseal(json.loads((state / file).read_bytes())["sealed"], chip.name)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A chip that failed is asked again at once."""
    monkeypatch.setattr("sync.signing._AGAIN_S", 0.0)


# -- made, used, kept ----------------------------------------------------------------------------


@on_sqlite
def test_a_sealed_key_signs_what_the_centre_takes_also_after_a_reboot(
    sealed: EnrolledTerminal, chip: Chip
) -> None:
    assert asked(sealed) == ""
    chip.power_off()
    chip.power_on()
    assert asked(sealed) == ""
    assert found(sealed.state) is None
    secret = secret_of(sealed.state, chip)
    words = [file.read_bytes() for file in sealed.state.rglob("*") if file.is_file()]
    assert len(secret) == 32
    for written in (secret, secret.hex().encode(), b64encode(secret)[:-4], b"PRIVATE KEY"):
        assert not any(written in word for word in words)
    assert (sealed.state / "device.key").stat().st_mode & 0o777 == 0o600


def test_the_key_is_in_no_argument_variable_or_log(
    chip: Chip, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    calls: list[Any] = []
    run = subprocess.run

    def noted(command: list[str], **more: Any) -> Any:
        calls.append((command, more["env"], {**more, "input": b""}))
        return run(command, **more)

    monkeypatch.setattr(subprocess, "run", noted)
    caplog.set_level("DEBUG")
    kept = seal(b"all that nobody may see elsewhere", chip.name)
    assert unseal(kept, chip.name) == b"all that nobody may see elsewhere"
    chip.nonsense = True
    with pytest.raises(TpmFault):
        unseal(kept, chip.name)
    assert len(calls) == 4, "it was asked whether it seals at all"
    assert "Failed" in caplog.text
    assert "nobody may see" not in repr(calls) + caplog.text + kept
    assert all("LD_LIBRARY_PATH" not in env for _, env, _ in calls)


@on_sqlite
def test_the_screen_unseals_before_a_citizen_waits_for_an_answer(
    sealed: EnrolledTerminal, chip: Chip
) -> None:
    with closing(CentralClient(sealed.identity, sealed.state)) as client:
        client.warm_up()
        chip.power_off()
        client._ready()._key.sign(b"")
    with closing(CentralClient(sealed.identity, sealed.state)) as client:
        client.warm_up()
        with pytest.raises(TpmFault):
            client._ready()._key.sign(b"")


# -- a chip that is another, or not there --------------------------------------------------------


def cleared(chip: Chip) -> None:
    chip.clear()


def on_another_board(chip: Chip) -> None:
    """Or: the disk, or a copy of the folder, in another machine."""
    chip.power_off()
    chip.board = "another"
    chip.power_on()


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("happens", [cleared, on_another_board])
@on_sqlite
def test_another_chip_gives_no_key_and_the_queue_stays_until_it_is_enrolled_again(
    sealed: EnrolledTerminal, central: CentralServer, chip: Chip, happens: Callable[[Chip], None]
) -> None:
    stored = put(sealed, FREE[20] if happens is cleared else FREE[21])
    happens(chip)
    assert asked(sealed) == "tpm_other"
    assert found(sealed.state) is FaultCode.TPM_OTHER
    before = (sealed.state / "device.key").read_bytes()
    number = sealed.identity.terminal
    (sealed.state / "settings.toml").write_text(
        f'mode = "test"\n[central]\nkey_holder = "tpm"\ntpm = "{chip.name}"\n'
    )
    code = central.command("enrolment-code", "--replaces", number).strip()
    words = ["enrol", "--state", str(sealed.state), "--url", central.url, "--code", code]
    refused = CliRunner().invoke(app, words)
    assert (refused.exit_code, "--new-key" in refused.output) == (2, True)
    assert (sealed.state / "device.key").read_bytes() == before
    done = CliRunner().invoke(app, [*words, "--new-key"])
    assert done.exit_code == 0, done.output
    assert load_identity(sealed.state).terminal == number
    key = DeviceKey.load(sealed.state)
    assert key.sealed
    assert len(key.publics) == 2, "what it signed before can still be checked"
    assert not (sealed.state / "device.key.next").exists()
    with running(sealed):
        until(lambda: accepted(sealed.outbox, stored), "what had waited")


@on_sqlite
def test_a_disk_that_comes_back_to_its_machine_goes_on(
    sealed: EnrolledTerminal, chip: Chip
) -> None:
    on_another_board(chip)
    assert asked(sealed) == "tpm_other"
    chip.power_off()
    chip.board = "board"
    chip.power_on()
    assert asked(sealed) == ""


@pytest.mark.usefixtures("impatient")
@on_sqlite
def test_an_agent_without_the_chip_says_so_keeps_the_queue_and_goes_on_when_it_is_there(
    sealed: EnrolledTerminal, chip: Chip
) -> None:
    chip.power_off()
    assert found(sealed.state) is FaultCode.TPM_AWAY
    stored = put(sealed, FREE[22])
    with running(sealed):
        until(lambda: status(sealed) == "tpm_away", "the fault")
        assert sealed.outbox.verdict(stored.id) is None
        chip.power_on()
        until(lambda: accepted(sealed.outbox, stored), "what had waited")
        until(lambda: status(sealed) == "ok", "the word")


@pytest.mark.parametrize("manners", ["mute", "nonsense"])
def test_a_chip_with_bad_manners_is_away(
    chip: Chip, monkeypatch: pytest.MonkeyPatch, manners: str
) -> None:
    kept = seal(b"secret", chip.name)
    monkeypatch.setattr("sync.sealing._PATIENCE_S", 0.5 if manners == "mute" else 20.0)
    setattr(chip, manners, True)
    with pytest.raises(TpmFault, match="tpm_away"):
        unseal(kept, chip.name)
    with pytest.raises(TpmFault, match="tpm_away"):
        seal(b"secret", chip.name)


@pytest.fixture
def tool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """Puts a program in the place of systemd-creds that does this when it is asked to unseal, and
    seals at once; what it was asked stands in the file."""

    def made(unseals: str) -> Path:
        asked, file = tmp_path / "asked", tmp_path / "tool"
        does = f"[ $1 = decrypt ] || exec echo sealed; {unseals}"
        file.write_text(f"#!/bin/sh\necho $1 >> {asked}\ncat > /dev/null\n{does}\n")
        file.chmod(0o700)
        monkeypatch.setattr("sync.sealing._TOOL", str(file))
        monkeypatch.setattr("sync.sealing._PATIENCE_S", 0.5 if "sleep" in unseals else 20.0)
        return asked

    return made


@pytest.mark.parametrize(
    ("unseals", "why"),
    [("exec sleep 60", "tpm_away"), ("kill -KILL $$", "tpm_away"), ("exit 1", "tpm_other")],
)
def test_only_a_refusal_says_that_it_is_another_chip(
    tool: Callable[[str], Path], unseals: str, why: str
) -> None:
    """A tool that was late, or ended for want of memory, says nothing of the chip; a terminal that
    believes it was moved throws its next key away, and its technician asks for another sheet."""
    tool(unseals)
    with pytest.raises(TpmFault) as fault:
        unseal("sealed", "device:/dev/tpmrm0")
    assert fault.value.reason == why


def test_a_chip_that_hangs_holds_up_one_question_and_not_each(
    tool: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sync.signing._AGAIN_S", 0.0)
    tool("exit 1")
    key = DeviceKey.load_or_create(tmp_path, tpm="device:/dev/tpmrm0")
    asked = tool("exec sleep 60")
    for _ in range(3):
        with pytest.raises(TpmFault, match="tpm_away"):
            key.sign(b"")
    assert asked.read_text().split() == ["encrypt", "decrypt"]


@pytest.mark.parametrize("damage", [b"", b"{", b"-----BEGIN PRIVATE KEY-----"])
def test_a_next_key_that_cannot_be_used_is_replaced(tmp_path: Path, damage: bytes) -> None:
    """Nobody has it yet. One that stayed kept this terminal from a new key for ever."""
    (tmp_path / NEXT_KEY_FILE).write_bytes(damage)
    following = DeviceKey.following(tmp_path, "")
    assert DeviceKey.following(tmp_path, "").id == following.id


@on_sqlite
def test_without_a_chip_nothing_is_enrolled_and_no_key_lies_in_a_file(
    central: CentralServer, chip: Chip, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = central.code()
    chip.power_off()
    with pytest.raises(NotEnrolledHere) as refused:
        enrol(central.url, code, tmp_path, tpm=chip.name)
    assert why_not(refused.value) == "tpm_away"
    assert list(tmp_path.iterdir()) == []
    chip.power_on()
    with monkeypatch.context() as without:
        without.setattr("sync.sealing._TOOL", "/usr/bin/no-such-tool")
        with pytest.raises(NotEnrolledHere, match="tpm_away"):
            enrol(central.url, code, tmp_path, tpm=chip.name)
    assert list(tmp_path.iterdir()) == []
    assert enrol(central.url, code, tmp_path, tpm=chip.name).terminal, "the code is still good"
    assert DeviceKey.load(tmp_path).sealed


def test_a_failing_chip_is_not_asked_again_at_once(
    chip: Chip, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The agent's loop turns five times a second."""
    key = DeviceKey.load_or_create(tmp_path, tpm=chip.name)
    chip.power_off()
    asked = []
    run = subprocess.run
    monkeypatch.setattr(subprocess, "run", lambda *a, **k: asked.append(1) or run(*a, **k))
    for _ in range(3):
        with pytest.raises(TpmFault, match="tpm_away"):
            key.sign(b"")
    assert len(asked) == 2, "whether it unseals, and whether it seals"


@pytest.mark.parametrize(
    "altered",
    [
        {"public": "00" * 32},
        {"sealed": "bm8ga2V5"},
        {"tpm": "cmd:touch /tmp/started"},
        {"tpm": "device:/dev/tpm/../../etc/passwd"},
    ],
)
def test_an_altered_file_gives_no_key_and_starts_nothing(
    chip: Chip, tmp_path: Path, altered: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    DeviceKey.load_or_create(tmp_path, tpm=chip.name)
    kept = json.loads((tmp_path / "device.key").read_bytes())
    (tmp_path / "device.key").write_text(json.dumps(kept | altered))
    if "tpm" in altered:
        monkeypatch.setattr(subprocess, "run", lambda *a, **k: pytest.fail("started"))
    with pytest.raises(TpmFault):
        DeviceKey.load(tmp_path).sign(b"")


@pytest.mark.parametrize("damage", [b"{", b"{}", b'{"public": 7}', b'{"public": "00"}'])
def test_half_a_file_is_no_key(tmp_path: Path, damage: bytes) -> None:
    (tmp_path / "device.key").write_bytes(damage)
    (tmp_path / "device.key").chmod(0o600)
    with pytest.raises(NotEnrolled):
        DeviceKey.load(tmp_path)


# -- another key ---------------------------------------------------------------------------------


@on_sqlite
def test_a_sealed_key_is_changed_for_a_sealed_one(
    own_database: None, chip: Chip, tmp_path: Path
) -> None:
    rig = Rig(tmp_path / "state", tpm=chip.name)
    before = rig.key
    id_ = rig.order("rotate_key")
    rig.settle()
    assert rig.outcome(id_) == "done"
    assert rig.row().key_id == rig.key.id != before.id
    assert rig.key.sealed and before.sealed
    assert rig.key.publics == (rig.key.public, before.public)


@on_sqlite
def test_a_key_in_a_file_is_a_fault_where_the_chip_is_wanted_and_the_next_one_is_sealed(
    own_database: None, chip: Chip, tmp_path: Path
) -> None:
    rig = Rig(tmp_path / "state")
    DeviceKey.load_or_create(rig.state, "device.key.next")  # ordered before
    assert found(rig.state, "file") is None
    assert found(rig.state) is FaultCode.KEY_NOT_SEALED
    rig.tpm = chip.name
    rig.restart()
    rig.order("rotate_key")
    rig.settle()
    assert rig.key.sealed
    assert found(rig.state) is None
    assert b"PRIVATE" not in b"".join(file.read_bytes() for file in rig.state.glob("device.key*"))


class Cut(BaseException):
    """The power goes."""


def test_the_power_may_go_at_every_step_to_the_next_key(
    chip: Chip, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One of the two keys is there, whole, and the way on is open."""
    first = tmp_path / "first"
    first.mkdir()
    before = DeviceKey.load_or_create(first, tpm=chip.name)
    cuts = 0
    while True:
        state = tmp_path / str(cuts)
        shutil.copytree(first, state)
        with monkeypatch.context() as power:
            left = Power(power, cuts)
            try:
                following = DeviceKey.following(state, chip.name)
                use_next_key(state, following.id)
            except Cut:
                pass
        assert not DeviceKey.load(state).lost()
        if left.steps >= 0:
            break
        cuts += 1
        again = DeviceKey.following(state, chip.name) if not_yet(state, before) else None
        assert again is None or use_next_key(state, again.id)
        after = DeviceKey.load(state)
        assert after.id != before.id
        assert after.publics == (after.public, before.public)
        assert not after.lost()
    assert cuts >= 10


def not_yet(state: Path, before: DeviceKey) -> bool:
    return DeviceKey.load(state).id == before.id


class Power:
    """Goes after so many steps: children, flushes, names."""

    def __init__(self, patch: pytest.MonkeyPatch, steps: int) -> None:
        self.steps = steps
        for owner, name in ((os, "fsync"), (Path, "replace"), (subprocess, "run")):
            patch.setattr(owner, name, self._counted(getattr(owner, name)))

    def _counted(self, step: Callable[..., Any]) -> Callable[..., Any]:
        def stepped(*given: Any, **more: Any) -> Any:
            self.steps -= 1
            if self.steps < 0:
                raise Cut
            return step(*given, **more)

        return stepped


@pytest.mark.parametrize("who", ["agent", "technician"])
@pytest.mark.parametrize("step", ["use_next_key", "Identity.save"])
@on_sqlite
def test_the_power_may_go_between_the_centre_s_yes_and_the_new_key(
    sealed: EnrolledTerminal,
    central: CentralServer,
    chip: Chip,
    monkeypatch: pytest.MonkeyPatch,
    who: str,
    step: str,
) -> None:
    """Whoever goes on, the agent by itself or the technician with the same sheet."""
    chip.clear()
    code = central.command("enrolment-code", "--replaces", sealed.identity.terminal).strip()
    with monkeypatch.context() as power:
        power.setattr(f"sync.enrolment.{step}", lambda *_: (_ for _ in ()).throw(Cut))
        with pytest.raises(Cut):
            enrol(central.url, code, sealed.state, tpm=chip.name, new_key=True)
    if who == "technician":
        again = enrol(central.url, code, sealed.state, tpm=chip.name, new_key=True)
        assert again.terminal == sealed.identity.terminal
    else:
        with running(sealed):
            until(lambda: status(sealed) == "ok", "it found the key that waited")
    assert found(sealed.state) is None
    assert not (sealed.state / "device.key.next").exists()
    assert asked(sealed) == ""


# -- settings ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("KIOSK_CENTRAL_KEY_HOLDER", "tmp"),
        ("KIOSK_CENTRAL_TPM", "/dev/tpmrm0"),
        ("KIOSK_CENTRAL_TPM", "cmd:sh"),
        ("KIOSK_CENTRAL_TPM", "swtpm:path=/run/no-chip"),
    ],
)
def test_settings_that_name_no_chip_are_refused(name: str, value: str) -> None:
    with pytest.raises(BadSettings):
        load_settings(None, {name: value})


def test_a_terminal_seals_to_its_own_chip() -> None:
    assert load_settings(None, {}).central.sealed_to == ""
    wanted = load_settings(None, {"KIOSK_CENTRAL_KEY_HOLDER": "tpm"})
    assert wanted.central.sealed_to == "device:/dev/tpmrm0"
