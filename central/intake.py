"""Envelopes arriving: each id takes effect exactly once, whatever is sent how often.

In this order: is it the sender's own, is it known, does it open, is it whole, and then, in a
transaction, what is to become of it (`central.decisions`). Only what was decided is remembered, as
a case with its contents (`central.cases`). What the centre cannot judge now, and what is unusable,
leaves no trace under its id: it is answered again, perhaps otherwise, when it comes again. An alarm
says so.
"""

from __future__ import annotations

import logging
import traceback
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from django.db import IntegrityError
from django.utils import timezone

from central import alarms
from central.business import businesses
from central.cases import Case
from central.decisions import Arrived, Item, Said, runs, take_in
from central.keys import keyring, person_hash
from central.ports import NotNow
from central.standing import epoch, standing
from central.whole import Unusable, opened
from sync.envelope import Unreadable
from sync.header import SCHEMA_VERSION
from sync.wire.envelopes import BatchAnswer, Envelope, ItemAnswer, Rejection, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from central.models import Terminal
    from sync.header import EnvelopeHeader

log = logging.getLogger(__name__)

Outcome = TypeVar("Outcome")


class Later(Exception):
    """The centre cannot judge this now; the text is the word for why."""


def receive(terminal: Terminal, envelopes: Iterable[Envelope]) -> BatchAnswer:
    """Decide each envelope for itself. Never raises for one bad item: the rest must go on."""
    now = epoch()
    items = [Item.of(envelope) for envelope in envelopes]
    known = _known(terminal, items)
    outcomes = [_guarded(terminal, item, partial(_look, terminal, item, known)) for item in items]
    decided: dict[Arrived, Said] = {}
    for run in runs(outcome for outcome in outcomes if isinstance(outcome, Arrived)):
        decided |= _together(terminal, run)
    answers = [
        _answer(terminal, item, outcome if isinstance(outcome, Said) else decided[outcome], now)
        for item, outcome in zip(items, outcomes, strict=True)
    ]
    newest = max((answer.position for answer in answers), default=0)
    unsigned = BatchAnswer.unsigned(answers=answers, standing=standing(newest))
    return keyring().signed(unsigned, terminal=terminal.number)


def _answer(terminal: Terminal, item: Item, said: Said, now: int) -> ItemAnswer:
    log.info("item %s from %s: %s %s", item.header.id, terminal.number, said.verdict, said.reason)
    return ItemAnswer(
        id=item.header.id,
        sealed_sha256=item.sealed_sha256,
        verdict=said.verdict,
        rejection=said.rejection,
        reason=said.reason,
        position=said.position,
        epoch=now,
        at="" if said.at is None else timezone.localtime(said.at).isoformat(timespec="seconds"),
    )


def _guarded(terminal: Terminal, item: Item, judge: Callable[[], Outcome]) -> Outcome | Said:
    """What `judge` returns, or the answer to what it raises."""
    try:
        return judge()
    except Later as error:
        alarms.sound(*_alarm_of(terminal, item.header, str(error)))
        return Said(Verdict.LATER, str(error))
    except Unusable as error:
        alarms.sound("unusable", terminal, str(error))
        return Said(Verdict.UNUSABLE, str(error)[:60])
    except Exception as error:  # noqa: BLE001 - logged, and the item comes again
        # A fault of ours, not of the item. The error's text may be personal.
        where = "".join(traceback.format_tb(error.__traceback__))
        log.error("item %s: %s\n%s", item.header.id, type(error).__name__, where)
        alarms.sound("server_error", None, type(error).__name__)
        return Said(Verdict.LATER, "server_error")


def _alarm_of(
    terminal: Terminal, header: EnvelopeHeader, why: str
) -> tuple[str, Terminal | None, str]:
    """Kind, terminal and subject of the alarm for what is put off."""
    about = {
        "unknown_key": header.key_id,
        "unknown_kind": header.kind,
        "other_terminal": header.terminal,
        "newer_schema": str(header.schema_version),
    }.get(why)
    if about is None:
        return (why if why in alarms.WORDS else "server_error"), None, why
    return why, terminal, about


def _known(terminal: Terminal, items: Iterable[Item]) -> dict[str, Case]:
    """The terminal's own that are here already. Nothing is looked up of another's: who asks about
    one learns and changes nothing."""
    own = [item.header.id for item in items if item.header.terminal == terminal.number]
    return {str(case.id): case for case in Case.objects.filter(id__in=own)}


def _look(terminal: Terminal, item: Item, known: Mapping[str, Case]) -> Said | Arrived:
    """What was said of it before, or what is in it. Raises `Later` and `Unusable`."""
    header = item.header
    if header.terminal != terminal.number:
        raise Later("other_terminal")
    if header.id in known:
        return _again(terminal, known[header.id], item)
    business = businesses().get(header.kind)
    if business is None:
        raise Later("unknown_kind")
    return Arrived(item, business, opened(business, header, _open(item), person_hash))


def _together(terminal: Terminal, run: list[Arrived]) -> dict[Arrived, Said]:
    """Decide a run at once; where that fails because of one, each for itself."""
    if len(run) > 1:
        try:
            return dict(zip(run, take_in(terminal, run), strict=True))
        except Exception as error:  # noqa: BLE001 - what failed fails again below, and is answered
            log.info("%d items are decided one by one: %s", len(run), type(error).__name__)
    return {one: _guarded(terminal, one.item, partial(_alone, terminal, one)) for one in run}


def _alone(terminal: Terminal, one: Arrived) -> Said:
    try:
        return take_in(terminal, [one])[0]
    except NotNow as error:
        raise Later(str(error)) from None
    except IntegrityError:
        # The same envelope came on two lines at once: the other one was first.
        known = _known(terminal, [one.item]).get(one.item.header.id)
        if known is None:
            raise
        return _again(terminal, known, one.item)


def _again(terminal: Terminal, known: Case, item: Item) -> Said:
    if known.sealed_sha256 != item.sealed_sha256:
        alarms.sound("id_reused", terminal, known.receipt_no)
        raise Unusable("id_reused")
    return Said(
        Verdict(known.verdict),
        known.reason,
        Rejection(known.rejection) if known.rejection else None,
        known.position,
        known.received_at,
    )


def _open(item: Item) -> dict[str, Any]:
    """The contents. Raises `Later` for what the centre lacks, `Unusable` for what does not open."""
    header = item.header
    if header.schema_version > SCHEMA_VERSION:
        raise Later("newer_schema")
    opener = keyring().opener(header.key_id)
    if opener is None:
        raise Later("unknown_key")
    try:
        contents = opener.open(item.envelope.header, item.envelope.sealed)
    except Unreadable:
        raise Unusable("does_not_open") from None
    version = contents.get("schema_version")
    if type(version) is int and version > SCHEMA_VERSION:
        raise Later("newer_schema")
    return contents
