"""The doctor: is this terminal healthy, and if not, what is wrong and what to do?

Each check looks at one thing and ends in a `Finding`. Devices are opened and asked themselves; one
that the running screen program holds is judged by what that program last said of it. The checks
stand in `CHECKS`, in the order in which a technician would go about it: what others depend on comes
first.
"""

from __future__ import annotations

import json
import os
import shutil
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as TookTooLong
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from hardware.faults import WEIGHTS, Device, DeviceFault, FaultCode, NotWanted, Weight
from hardware.supervision import Condition, Driver
from kiosk.upkeep.housekeeping import CLOCK_IMPOSSIBLE, LEAST_FREE_BYTES, fault_of_centre
from sync.clock import RELEASED
from sync.marks import RETIRED_FILE

if TYPE_CHECKING:
    from hardware.camera import Camera
    from kiosk.settings import Settings
    from sync.journal.check import Checked

#: A state file older than this was not written by a program that lives, seconds.
_FRESH_S = 30.0

#: Longest look at one device, seconds; a camera takes several to be known for black or frozen.
_LOOK_S = 20.0

#: A camera is watched for so long, seconds: black and frozen pictures are known after five.
_WATCH_S = 6.0


@dataclass(frozen=True)
class Finding:
    """What one check found. Neither a fault nor present: the terminal has no such device."""

    check: str
    fault: FaultCode | None = None
    detail: str = ""
    present: bool = True

    @property
    def healthy(self) -> bool:
        return self.fault is None

    @property
    def serious(self) -> bool:
        """Whether citizens are turned away for it."""
        return self.fault is not None and WEIGHTS[self.fault] is not Weight.WARNING


@dataclass(frozen=True)
class Patient:
    """The terminal that is examined."""

    state: Path
    settings: Settings
    #: Who examines it may see no devices, as in the agent's unit: the screen program's word counts.
    from_afar: bool = False

    def row(self, device: str) -> dict[str, Any] | None:
        """What the screen program says of a device; None if it has not said anything lately."""
        if age_of(self.state / "health.json") > _FRESH_S:
            return None
        return next((row for row in health_rows(self.state) if row["device"] == device), None)


Check: TypeAlias = Callable[[Patient], Finding]


def examine(patient: Patient, name: str) -> Finding:
    """One check, by its name in `CHECKS`."""
    try:
        return CHECKS[name](patient)
    except DeviceFault as fault:
        return Finding(name, fault.code, fault.detail)


def read_json(file: Path) -> dict[str, Any]:
    """A state file of ours; {} if it is not there or cannot be read."""
    try:
        document = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return document if isinstance(document, dict) else {}


def health_rows(state: Path) -> list[dict[str, Any]]:
    """The health table as the screen program last wrote it, without what is no row of it."""
    rows = read_json(state / "health.json").get("health")
    needed = ("device", "state", "since", "fault")
    return [
        row
        for row in (rows if isinstance(rows, list) else [])
        if isinstance(row, dict) and all(isinstance(row.get(name), str) for name in needed)
    ]


def age_of(file: Path) -> float:
    """Seconds since a file was written; infinite if it is not there."""
    try:
        return time.time() - file.stat().st_mtime
    except OSError:
        return float("inf")


# -- the terminal ---------------------------------------------------------------------------------


def _enrolment(patient: Patient) -> Finding:
    from sync.identity import IDENTITY_FILE, NotEnrolled, load_identity

    try:
        identity = load_identity(patient.state)
    except NotEnrolled as missing:
        file = patient.state / IDENTITY_FILE
        why = _why_unusable(file, "damaged") if file.exists() else ""
        raise DeviceFault(FaultCode.NOT_ENROLLED, why) from missing
    if (patient.state / RETIRED_FILE).exists():
        raise DeviceFault(FaultCode.NOT_ENROLLED, "retired")
    return Finding("enrolment", detail=identity.terminal)


def _why_unusable(file: Path, otherwise: str, too_open: int = 0) -> str:
    """ "no_rights" where this user may not read the file, or others may (`too_open`: bits of the
    mode that it must not have), for then it may be sound."""
    shut = file.exists() and not os.access(file, os.R_OK)
    return "no_rights" if shut or (file.exists() and file.stat().st_mode & too_open) else otherwise


def _key(patient: Patient) -> Finding:
    """Whether the key that this terminal signs with can be had, and is kept as the settings say."""
    from sync.identity import DEVICE_KEY_FILE, IDENTITY_FILE, NotEnrolled
    from sync.sealing import TpmFault
    from sync.signing import DeviceKey

    try:
        key = DeviceKey.load(patient.state)
        lost = key.lost()
    except NotEnrolled as missing:
        if (patient.state / IDENTITY_FILE).exists():
            # Without it nothing is delivered, whatever the identity says.
            why = _why_unusable(patient.state / DEVICE_KEY_FILE, "no_key", 0o077)
            raise DeviceFault(FaultCode.NOT_ENROLLED, why) from missing
        return Finding("key", present=False)
    except TpmFault as fault:
        raise DeviceFault(FaultCode.TPM_AWAY, fault.detail) from fault
    if lost:
        return Finding("key", FaultCode.TPM_OTHER)
    if patient.settings.central.sealed_to and not key.sealed:
        return Finding("key", FaultCode.KEY_NOT_SEALED)
    return Finding("key", detail="tpm" if key.sealed else "file")


def _disk(patient: Patient) -> Finding:
    free = shutil.disk_usage(patient.state).free
    low = free < LEAST_FREE_BYTES
    return Finding("disk", FaultCode.DISK_LOW if low else None, f"{free / 1e9:.1f} GB")


def _outbox(patient: Patient) -> Finding:
    from sync.identity import NotEnrolled, load_identity
    from sync.outbox import Outbox, OutboxUnavailable, Reason

    file = patient.state / "outbox.db"
    try:
        terminal = load_identity(patient.state).terminal
        if not file.exists():
            return Finding("outbox", present=False)
        outbox = Outbox(file, terminal)
        counts = outbox.counts_and_ages()
        outbox.close()
    except NotEnrolled:
        return Finding("outbox", present=False)
    except OutboxUnavailable as unavailable:
        raise DeviceFault(FaultCode.OUTBOX_UNAVAILABLE, unavailable.reason) from unavailable
    detail = f"{counts.queued + counts.sending} / {counts.oldest_s} s"
    if counts.copied:
        # It can be read, and gives no number.
        raise DeviceFault(FaultCode.OUTBOX_UNAVAILABLE, Reason.COPIED)
    if counts.dead:
        return Finding("outbox", FaultCode.OUTBOX_DEAD_LETTERS, f"{counts.dead}")
    return Finding("outbox", detail=detail)


def check_journal(state: Path) -> Checked:
    """The whole journal, against the checkpoints kept with it.

    Raises `sync.identity.NotEnrolled` without the key they are signed with, and `OSError`.
    """
    from sync.journal import FOLDER
    from sync.journal.check import check
    from sync.journal.checkpoints import vouched
    from sync.signing import DeviceKey

    return check(state / FOLDER, vouched(state / FOLDER, *DeviceKey.load(state).publics))


def _journal(patient: Patient) -> Finding:
    from sync.identity import NotEnrolled
    from sync.journal import FOLDER, Journal
    from sync.journal.checkpoints import load

    folder = patient.state / FOLDER
    try:
        if not folder.is_dir():
            return Finding("journal", present=False)
        Journal(folder, "kioskctl").position()
        found = check_journal(patient.state)
    except NotEnrolled:
        return Finding("journal", present=False)
    except OSError as error:
        raise DeviceFault(FaultCode.JOURNAL_UNWRITABLE, error.strerror or "") from error
    if found.altered is not None:
        detail = f"{found.altered.seq} {found.altered.what}"
        return Finding("journal", FaultCode.JOURNAL_ALTERED, detail)
    if load(folder).altered:
        return Finding("journal", FaultCode.JOURNAL_ALTERED, "centre")
    return Finding("journal", detail=f"{found.entries}")


def _policy(patient: Patient) -> Finding:
    from kiosk.clock import beijing_now
    from kiosk.policy.shelf import FOLDER, Shelf
    from sync.identity import NotEnrolled, load_identity

    try:
        key = load_identity(patient.state).central_signing_key
    except NotEnrolled:
        key = b""
    shelf = Shelf(patient.state / FOLDER, key, patient.settings.hall.region)
    found = shelf.rules_on(beijing_now().date())
    wrong = [*(found.unusable or {}).values()]
    if trouble := read_json(patient.state / "agent.json").get("policy"):
        wrong.append(str(trouble))
    if wrong:
        return Finding("policy", FaultCode.POLICY_REFUSED, "; ".join(wrong))
    return Finding("policy", detail=found.line())


def _screen(patient: Patient) -> Finding:
    if age_of(patient.state / "health.json") > _FRESH_S:
        raise DeviceFault(FaultCode.SCREEN_STOPPED, _why_stopped(patient))
    return Finding("screen")


def _agent(patient: Patient) -> Finding:
    if not _is_agent(read_json(patient.state / "agent.json").get("pid")):
        raise DeviceFault(FaultCode.AGENT_STOPPED, _why_stopped(patient))
    return Finding("agent")


def _why_stopped(patient: Patient) -> str:
    """`kioskctl` does with the defaults, the programs do not start without a file."""
    return "" if (patient.state / "settings.toml").exists() else "no_settings"


def _is_agent(pid: object) -> bool:
    """Whether a process is alive and is an agent; its number may have gone to another since."""
    if not isinstance(pid, int):
        return False
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False
    return b"agent" in command.split(b"\0")


def _centre(patient: Patient) -> Finding:
    said = str(read_json(patient.state / "agent.json").get("central", "never"))
    return Finding("centre", fault_of_centre(said), said)


def _clock(patient: Patient) -> Finding:
    # The agent hears of it from the centre, which compares the times of its signed requests, or
    # knows by itself that it cannot be this time.
    said = read_json(patient.state / "agent.json").get("central")
    wrong = said in ("clock_skew", CLOCK_IMPOSSIBLE) or time.time() < RELEASED
    return Finding("clock", FaultCode.CLOCK_WRONG if wrong else None)


# -- the devices ----------------------------------------------------------------------------------


def _ports(patient: Patient) -> Finding:
    """Serial ports that are named by a number: after a start they may be each other's."""
    from hardware.inventory import unsteady

    devices = patient.settings.devices
    more = (devices.scanner, devices.pin_pad, devices.contacts)
    ports = (devices.id_reader, devices.printer, *more)
    named = [name for name in ports if unsteady(name)]
    return Finding("ports", FaultCode.PORT_UNSTEADY if named else None, " ".join(named))


def _poll(driver: Driver) -> Condition:
    return driver.poll()


def _watch(camera: Camera) -> Condition:
    """Long enough to see that the picture is neither black nor frozen."""
    until = time.monotonic() + _WATCH_S
    try:
        for _ in camera.frames(lambda: time.monotonic() > until):
            pass
    except NotWanted:
        return camera.poll()
    raise DeviceFault(FaultCode.CAMERA_NO_FRAMES, "the stream ended")


def _device(name: Device, offline: FaultCode, look: Callable[[Any], Condition] = _poll) -> Check:
    """A check that opens a device, looks at it, and lets go of it."""

    def check(patient: Patient) -> Finding:
        from hardware.devices import make_drivers

        driver = make_drivers(patient.settings.devices)[name]
        if driver is None:
            return Finding(name, present=False)
        if patient.from_afar and (row := patient.row(name)) is not None:
            return _as_said(name, row)
        try:
            condition = _within_limit(lambda: _look_at(driver, look), offline)
        except DeviceFault as fault:
            if fault.code not in _BUSY or (row := patient.row(name)) is None:
                raise
            # The screen program holds it, and knows better.
            return _as_said(name, row)
        return Finding(name, condition.fault, condition.detail)

    return check


def _as_said(name: str, row: dict[str, Any]) -> Finding:
    return Finding(name, _fault_of(row), str(row.get("detail", "")))


def _fault_of(row: dict[str, Any]) -> FaultCode | None:
    """The fault in a row of the health table; one of another release is one we cannot name."""
    said = row["fault"]
    if not said:
        return None
    return FaultCode(said) if said in set(FaultCode) else FaultCode.INTERNAL


_BUSY = (
    FaultCode.ID_READER_BUSY,
    FaultCode.PRINTER_BUSY,
    FaultCode.PAGE_PRINTER_BUSY,
    FaultCode.CARD_READER_BUSY,
    FaultCode.CAMERA_BUSY,
    FaultCode.SCANNER_BUSY,
    FaultCode.PIN_PAD_BUSY,
    FaultCode.CONTACTS_BUSY,
)


def _look_at(driver: Driver, look: Callable[[Any], Condition]) -> Condition:
    driver.open()
    try:
        return look(driver)
    finally:
        driver.close()


def _within_limit(look: Callable[[], Condition], offline: FaultCode) -> Condition:
    """A look that does not return is given up, and left behind with its thread."""
    found: Future[Condition] = Future()

    def run() -> None:
        try:
            found.set_result(look())
        except BaseException as error:  # noqa: BLE001 - it is passed on, whole
            found.set_exception(error)

    threading.Thread(target=run, name="doctor", daemon=True).start()
    try:
        return found.result(_LOOK_S)
    except TookTooLong:
        raise DeviceFault(offline, f"no answer within {_LOOK_S:.0f} s") from None


#: Name -> check. The names are ids of words under `doctor.`.
CHECKS: dict[str, Check] = {
    "enrolment": _enrolment,
    "key": _key,
    "disk": _disk,
    "outbox": _outbox,
    "journal": _journal,
    "policy": _policy,
    "screen": _screen,
    "agent": _agent,
    "centre": _centre,
    "clock": _clock,
    "ports": _ports,
    Device.ID_READER: _device(Device.ID_READER, FaultCode.ID_READER_OFFLINE),
    Device.CARD_READER: _device(Device.CARD_READER, FaultCode.CARD_READER_OFFLINE),
    Device.PRINTER: _device(Device.PRINTER, FaultCode.PRINTER_OFFLINE),
    Device.CAMERA: _device(Device.CAMERA, FaultCode.CAMERA_NO_FRAMES, _watch),
    Device.DOCUMENT_CAMERA: _device(Device.DOCUMENT_CAMERA, FaultCode.CAMERA_NO_FRAMES, _watch),
    Device.PAGE_PRINTER: _device(Device.PAGE_PRINTER, FaultCode.PAGE_PRINTER_OFFLINE),
    Device.SCANNER: _device(Device.SCANNER, FaultCode.SCANNER_OFFLINE),
    Device.PIN_PAD: _device(Device.PIN_PAD, FaultCode.PIN_PAD_OFFLINE),
    Device.UPS: _device(Device.UPS, FaultCode.UPS_OFFLINE),
    Device.HEADSET: _device(Device.HEADSET, FaultCode.HEADSET_OFFLINE),
    Device.CONTACTS: _device(Device.CONTACTS, FaultCode.CONTACTS_OFFLINE),
}
