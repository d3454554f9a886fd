"""What a tour found, against what should have happened. Nothing personal goes into the report."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hardware.faults import OPTIONAL, Device
from hardware.virtual.personas import IdPersona
from kiosk.records.masking import mask_id_number, mask_name
from kiosk.upkeep.doctor import check_journal as checked
from sync.journal import FOLDER
from sync.journal.lines import read

#: Pixels of the card photo (domain §3.1).
PHOTO_SIZE = [358, 441]

#: What the state directory holds that belongs to other machines: the centre's data, the paper that
#: came out of the printer, and what the demo told the centre about its people.
_NOT_THE_TERMINALS = ("central", "receipts", "registry.json")

#: Ways in which text may lie on a disk.
_ENCODINGS = ("utf-8", "gb18030", "utf-16-le", "utf-16-be")


@dataclass(frozen=True)
class Check:
    """One thing that was compared."""

    what: str
    ok: bool
    #: What was found, where that helps; masked.
    found: Any = None


def check_application(held: dict[str, Any], number: str, person: IdPersona) -> Iterator[Check]:
    """The centre's view (`central show`) of the one application; `number` is the receipt's."""
    of_person = [
        case
        for case in held["cases"]
        if (case["kind"], case["name"]) == ("first_application", mask_name(person.name))
    ]
    yield Check("the centre holds exactly one application", len(of_person) == 1)
    if len(of_person) != 1:
        return
    one = of_person[0]
    yield Check("its receipt number is the one shown to the citizen", one["receipt_no"] == number)
    yield Check("a person looks at it", one["state_zh"] == "待核实", one["state_zh"])
    pictures = one["pictures"]
    yield Check("its photo opens, 358x441", pictures["photo"] == PHOTO_SIZE, pictures["photo"])
    yield Check("its signature opens", bool(pictures["signature"]), pictures["signature"])
    yield Check("the hash of the form is right", one["document_ok"] is True)
    yield Check("the hash of the photo is right", one["attachments_ok"] is True)
    yield Check("the signature is bound to what was signed", one["signature_ok"] is True)
    yield Check("the frame the photo was cut from is there", bool(pictures.get("frame")))
    yield Check("every rule of the photo is reported", one["rules_claimed"] > 0)
    yield Check("the centre measured the photo itself", one["rules_measured"] > 0)
    differing = one["photo_disagrees"]
    yield Check("it found what the terminal found", differing == [], differing)
    yield Check("the face was matched", one["proof"] == "P3", one["proof"])
    yield Check("what nothing can measure is left to a person", one["review"] == ["staff_rules"])
    consents = sorted(one["consents"])
    wanted = ["apply.notice", "comparison.consent", "photo.notice"]
    yield Check("every consent is recorded", consents == wanted, consents)


#: Why a person must look at a photo of a photo.
_PAPER = {"face_mismatch", "frame_in_picture", "liveness_not_seen", "staff_rules"}


def check_paper(held: dict[str, Any], person: IdPersona) -> Iterator[Check]:
    """The application with somebody else's photo on paper: taken in, and waiting for a person."""
    found = [case for case in held["cases"] if case["name"] == mask_name(person.name)]
    yield Check("the paper photo was taken in as well", len(found) == 1)
    for one in found:
        yield Check("it waits for a person", one["state_zh"] == "待核实", one["state_zh"])
        yield Check("for every reason there is", set(one["review"]) >= _PAPER, one["review"])
        yield Check("it proves nothing", one["proof"] == "P1", one["proof"])


def check_receipt(text: str, number: str, state: str, person: IdPersona) -> Iterator[Check]:
    """What the printed receipt says, and what it must not say. `state`: its state word."""
    plain = text.replace(" ", "")
    yield Check("the receipt has the number", number in plain)
    yield Check("the receipt says the state as it is", state.replace(" ", "") in plain, state)
    masked = mask_id_number(person.number)
    yield Check("the receipt has the masked identity number", masked in plain)
    yield Check("the receipt has the masked name", mask_name(person.name) in plain)
    for secret in (person.number, person.name):
        yield Check("the receipt does not have all of it", secret not in plain)


def check_terminal(health: list[dict[str, Any]], queue: dict[str, Any]) -> Iterator[Check]:
    """The devices, and the queue as the centre last heard of it."""
    states = {row["device"]: row["state"] for row in health}
    every = set(Device) - OPTIONAL
    ready = every <= states.keys() and all(states[device] == "ready" for device in every)
    yield Check("every device is ready", ready, states)
    yield Check("the centre hears the terminal's heartbeat", bool(queue.get("last_heartbeat")))
    waiting = {key: queue.get(key) for key in ("queued", "dead")}
    yield Check("nothing waits to be sent", waiting == {"queued": 0, "dead": 0}, waiting)


#: What the journal of one application must hold, from either program.
_JOURNAL = {"started", "visit_begun", "visit_ended", "submitted"}
#: Likewise one of these.
_ANSWERED = {"acknowledged", "put_to_review"}


def check_journal(state: Path) -> Iterator[Check]:
    """What both programs wrote down of it."""
    found = checked(state)
    altered = str(found.altered) if found.altered else ""
    yield Check("the journal is one unaltered chain", found.altered is None, altered)
    entries = [line.entry for line in read(state / FOLDER) if line.entry]
    kinds = {entry.kind for entry in entries}
    missing = sorted(_JOURNAL - kinds) + sorted(_ANSWERED if not kinds & _ANSWERED else ())
    yield Check("it tells of the visit and of the centre's answer", missing == [], missing)
    programs = sorted({entry.by for entry in entries})
    yield Check("both programs wrote it", {"agent", "screen"} <= set(programs), programs)
    unfit = [entry.facts for entry in entries if entry.kind == "unfit"]
    yield Check("every entry fits its kind", unfit == [], unfit)


def health_of(state: Path) -> list[dict[str, Any]]:
    """The health table as the screen process last wrote it."""
    rows: list[dict[str, Any]] = json.loads((state / "health.json").read_text("utf-8"))["health"]
    return rows


def traces(state: Path, secrets: tuple[str, ...]) -> list[str]:
    """Files of the terminal in which one of the secrets can be read, as paths in `state`."""
    needles = {secret.encode(encoding) for secret in secrets for encoding in _ENCODINGS}
    found = []
    for file in sorted(state.rglob("*")):
        inside = file.relative_to(state)
        if inside.parts[0] in _NOT_THE_TERMINALS or not file.is_file():
            continue
        content = file.read_bytes()
        if any(needle in content for needle in needles):
            found.append(str(inside))
    return found


def keep_receipts(printed: list[dict[str, Any]], out: Path, name: Callable[[int], str]) -> None:
    """Copy what was printed next to the report: a picture and a text each."""
    for place, piece in enumerate(printed):
        shutil.copyfile(piece["png"], out / f"{name(place)}.png")
        (out / f"{name(place)}.txt").write_text(piece["text"], encoding="utf-8")


def write(out: Path, report: dict[str, Any]) -> None:
    text = json.dumps(report, ensure_ascii=False, indent=2) + "\n"
    (out / "report.json").write_text(text, encoding="utf-8")
