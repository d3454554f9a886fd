"""How each prompt that a device or the network must answer is answered.

One function per prompt, named in `OPERATIONS`. It runs on the worker of the prompt's performer,
gets the open device, and returns the answer or raises: `DeviceFault` for what can happen, anything
else for a bug. It polls `work.cancelled()` wherever it waits. Heavy libraries are imported here
inside the functions, on the worker, so that the screen is up before they are needed.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from hardware.faults import DeviceFault, FaultCode
from kiosk.darkroom import NoStudio
from kiosk.operations.camera import Looks, take_photo
from kiosk.receipts import compose
from kiosk.records.submission import Eligibility, Standing, Standpoint, Submitted, Verdict
from kiosk.visit import prompts

if TYPE_CHECKING:
    from hardware.card.contents import SocialCard
    from hardware.card.reader import CardReader
    from hardware.id_documents import IdCard
    from hardware.id_reader import IdReader
    from hardware.printer import ReceiptPrinter
    from kiosk.photo.verify import Comparison
    from kiosk.terminal import Parts, Terminal
    from kiosk.visit.flow import Prompt
    from sync.outbox import Outbox

log = logging.getLogger(__name__)

#: Seconds between two looks at the outbox while a citizen waits for the centre's word.
_VERDICT_POLL_S = 0.1


@dataclass(frozen=True)
class Work:
    """What an operation may use besides its device."""

    terminal: Terminal
    report: Callable[[Any], None]
    cancelled: Callable[[], bool]
    #: What the screen said since it was last asked.
    told: Callable[[], list[str]]
    #: Looks at frames and makes photos, for as long as the visit lasts.
    photographer: Looks = field(default_factory=NoStudio)


def load_ahead(parts: Parts) -> None:
    """Import and prepare what operations need, on a worker, while nobody waits."""
    import kiosk.records.payload  # noqa: F401

    if parts.sealer is not None:
        parts.sealer()
    if parts.central is not None:
        parts.central.warm_up()


def load_for_visit() -> None:
    """Load what only visits need and takes memory: the dictionary of the Chinese keyboard."""
    from kiosk.keyboard import pinyin

    try:
        pinyin.load()
    except pinyin.NoDictionary as missing:
        log.warning("no Chinese keyboard: %s", missing)


def place_id_card(prompt: prompts.PlaceIdCard, reader: IdReader, work: Work) -> IdCard:
    """Wait for a 居民身份证 and read it; reports each `IdStep`."""
    return reader.read(work.cancelled, work.report)


def read_card(prompt: prompts.ReadCard, reader: CardReader, work: Work) -> SocialCard:
    """Wait for a 社会保障卡 and read what it gives without a PIN: of a third-generation card the
    holder too, where the service needs it and the settings say how it is opened."""
    from hardware.card.authenticator import make_authenticator
    from hardware.card.files import read_social_card

    parts = work.terminal.parts
    way = parts.settings.devices.card_authenticator if prompt.holder else "none"
    if way == "hsm" and parts.card_centre is None:
        raise DeviceFault(FaultCode.HSM_UNREACHABLE, "no way to one is set up")
    authenticator = make_authenticator(way, parts.card_centre)
    return reader.use(
        work.cancelled, work.report, lambda card: read_social_card(card, authenticator)
    )


def compare_faces(prompt: prompts.CompareFaces, _: None, work: Work) -> Comparison:
    """A hint, whatever comes of it: nobody is refused because a comparison failed."""
    from kiosk.photo.verify import Place, verifier

    place = Place(work.terminal.settings.photo.comparison)
    return verifier(place).compare(prompt.photo.jpeg, prompt.portrait)


def ask_central(prompt: prompts.AskCentral, _: None, work: Work) -> Eligibility:
    """Ask the centre; offline is an answer, not a fault, because the service can go on."""
    from sync.central import CentralUnreachable

    central = work.terminal.parts.central
    if central is None:
        return Eligibility(Standing.OFFLINE)
    question = prompt.question
    try:
        answer = central.eligibility(
            question.service,
            question.id_number,
            question.name,
            timeout_s=work.terminal.settings.central.patience_s,
        )
    except CentralUnreachable as error:
        log.info("central unreachable: %s", type(error).__name__)
        return Eligibility(Standing.OFFLINE)
    return Eligibility(Standing(answer.standing), answer.reason)


def submit(prompt: prompts.Submit, _: None, work: Work) -> Submitted:
    """Seal and store. Returns after the durable commit, or raises and nothing was submitted."""
    from kiosk.records.payload import Prepared
    from sync.outbox import OutboxUnavailable

    parts = work.terminal.parts
    if parts.sealer is None:
        raise DeviceFault(FaultCode.NOT_ENROLLED)
    sealer = parts.sealer()
    prepared = Prepared.of(prompt.transaction)
    try:
        stored = parts.outbox.put(
            prompt.transaction.kind,
            lambda header: sealer.seal(header, prepared.payload(header)),
            key_id=sealer.key_id,
            algorithm=sealer.algorithm,
        )
    except OutboxUnavailable as error:
        raise DeviceFault(FaultCode.OUTBOX_UNAVAILABLE, error.reason) from error
    # Only now: what the journal calls submitted is on the disk.
    parts.journal.record("submitted", id=stored.id)
    return Submitted(stored.id, stored.receipt_no)


def await_verdict(prompt: prompts.AwaitVerdict, _: None, work: Work) -> Verdict:
    """Watch the outbox until the agent has brought the centre's word, or patience ends."""
    until = time.monotonic() + prompt.patience_s
    outbox: Outbox = work.terminal.parts.outbox
    while True:
        verdict = outbox.verdict(prompt.submitted.id)
        if verdict is not None:
            return Verdict(Standpoint(verdict.verdict), verdict.rejection or "")
        if time.monotonic() >= until or work.cancelled() or not work.terminal.online:
            return Verdict(Standpoint.QUEUED)
        time.sleep(_VERDICT_POLL_S)


def print_slip(prompt: prompts.Print, printer: ReceiptPrinter, work: Work) -> None:
    """Print a receipt, whole or not at all."""
    terminal = work.terminal
    receipt = compose(prompt.slip, terminal.letterhead(), terminal.words, terminal.now())
    printer.print(receipt, prompt.action)


#: Prompt -> how it is answered. `tests/flows` checks that none is missing.
OPERATIONS: dict[type[Prompt[Any]], Callable[[Any, Any, Work], Any]] = {
    prompts.PlaceIdCard: place_id_card,
    prompts.ReadCard: read_card,
    prompts.TakePhoto: take_photo,
    prompts.CompareFaces: compare_faces,
    prompts.AskCentral: ask_central,
    prompts.Submit: submit,
    prompts.AwaitVerdict: await_verdict,
    prompts.Print: print_slip,
}


def perform(prompt: Prompt[Any], device: Any, work: Work) -> Any:
    """Answer a prompt with its open device; called on the device's worker."""
    return OPERATIONS[type(prompt)](prompt, device, work)
