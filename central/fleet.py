"""The fleet: terminals enrol, report what they are and are told what they should be."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.db import connection, transaction
from django.utils import timezone

from central import alarms, crashes
from central.briefly import Briefly
from central.codes import code_hash, fresh_code
from central.database import unhurried
from central.desired import said_to
from central.keys import keyring
from central.models import Centre, EnrolmentCode, Terminal, TerminalReport
from central.packs import desired_packs
from central.releases.rollout import desired_release
from central.standing import epoch, highest_position, standing
from sync.canonical import sha256_hex
from sync.wire.enrolment import EnrolAnswer
from sync.wire.fleet import HeartbeatAnswer, Numbered

if TYPE_CHECKING:
    from sync.wire.fleet import Heartbeat, QueueReport

#: Tangshan is 02 in Hebei; four digits follow.
_LAST_NUMBER = 29999

#: What a terminal says of its cabinet; a person looks whether that was a technician.
DOOR_OPEN = "door_open"

CODE_VALID = timedelta(days=7)


class BadCode(Exception):
    """Nobody is enrolled with this code. `error` is a code of `sync.wire.base.Refusal`."""

    def __init__(self, error: str) -> None:
        super().__init__(error)
        self.error = error


def new_code(replaces: Terminal | None = None) -> str:
    """A new enrolment code; it is not kept and cannot be shown again.

    `replaces`: the terminal that lost its key. Who enrols with the code takes over its number, and
    with the number whatever still waits in its outbox.
    """
    code = fresh_code()
    EnrolmentCode.objects.create(
        code_sha256=code_hash(code), expires_at=timezone.now() + CODE_VALID, replaces=replaces
    )
    return code


def enrol(code: str, key_id: str, public_key: bytes, hall: str) -> EnrolAnswer:
    """Make a terminal known. The same code with the same key gives the same terminal again, and so
    does a new code: a terminal that still has its key keeps its number.

    Raises `BadCode`.
    """
    terminal = _enrolled(code, key_id, public_key, hall)
    ring = keyring()
    current = ring.current()
    unsigned = EnrolAnswer.unsigned(
        terminal=terminal.number,
        device_key_id=key_id,
        central_public_key=current.public_key,
        central_key_id=current.key_id,
        algorithm=current.algorithm,
        central_key_number=current.number,
        central_signing_key=ring.signing_key(),
    )
    return ring.signed(unsigned, device_key_sha256=sha256_hex(public_key))


@transaction.atomic
def _enrolled(code: str, key_id: str, public_key: bytes, hall: str) -> Terminal:
    """The code's row is locked, so that it is worth one terminal to whoever comes at once."""
    codes = EnrolmentCode.objects.select_for_update(of=("self",))
    found = codes.filter(code_sha256=code_hash(code)).first()
    if found is None:
        raise BadCode("code_unknown")
    if found.used_by is not None:
        if found.used_by.key_id != key_id:
            raise BadCode("code_used")
        return found.used_by
    if found.expires_at < timezone.now():
        raise BadCode("code_expired")
    terminal = Terminal.objects.filter(key_id=key_id).first()
    if terminal is not None and not terminal.enabled:
        raise BadCode("terminal_disabled")
    if found.replaces is not None:
        if terminal is not None and terminal != found.replaces:
            raise BadCode("code_used")
        terminal = found.replaces
        terminal.key_id, terminal.public_key = key_id, public_key
        # The code was given for it, so it is in use again.
        terminal.former_good, terminal.enabled, terminal.retired_at = False, True, None
    elif terminal is None:
        terminal = Terminal(number=_next_number(), key_id=key_id, public_key=public_key)
    terminal.hall = hall or terminal.hall
    terminal.save()
    found.used_by = terminal
    found.save()
    return terminal


def _next_number() -> str:
    centre = Centre.locked()
    if centre.last_terminal >= _LAST_NUMBER:
        raise BadCode("no_numbers")
    centre.last_terminal += 1
    centre.save(update_fields=["last_terminal"])
    return f"{centre.last_terminal:06d}"


#: A report replaces the one before, in one statement, which says the highest number here as well.
_COLUMNS = [str(field.column) for field in TerminalReport._meta.concrete_fields]
_REPORT = (
    f"INSERT INTO central_terminalreport ({', '.join(_COLUMNS)})"
    f" VALUES ({', '.join(['%s'] * len(_COLUMNS))}) ON CONFLICT (terminal_id) DO UPDATE SET "
    + ", ".join(f"{name} = excluded.{name}" for name in _COLUMNS if name != "terminal_id")
)
_HIGHEST = (
    "(SELECT max(seq) FROM central_case WHERE central_case.terminal_id ="
    " central_terminalreport.terminal_id)"
)


def heard(terminal: Terminal, heartbeat: Heartbeat) -> HeartbeatAnswer:
    """Keep what a terminal reports; returns what it should be, and how far the centre is safe."""
    queue, now = heartbeat.queue, timezone.now()
    report = TerminalReport(
        terminal=terminal,
        sent_at=datetime.fromisoformat(heartbeat.at),
        received_at=now,
        versions=heartbeat.versions,
        services=heartbeat.services,
        queued=queue.queued + queue.sending,
        dead=queue.dead,
        oldest_s=queue.oldest_s,
        damaged_files=queue.damaged_files,
        held=queue.held,
        held_oldest_s=queue.held_oldest_s,
        held_gone=queue.held_gone,
        copied=queue.copied,
        known_epoch=queue.known_epoch,
        known_position=queue.known_position,
        last_seq=queue.last_seq,
        set_back=queue.set_back,
        later=queue.later,
        health=[row.model_dump() for row in heartbeat.health],
        health_age_s=heartbeat.health_age_s,
        desired_version=heartbeat.desired_version[:40],
        region=heartbeat.region,
        release=heartbeat.release.model_dump(),
        self_test_at=heartbeat.self_test_at,
        self_test_wrong=heartbeat.self_test_wrong,
        envelope_key_id=heartbeat.envelope_key_id,
        envelope_key_number=heartbeat.envelope_key_number,
    )
    with connection.cursor() as cursor:
        cursor.execute(
            unhurried(_REPORT, connection.vendor, _HIGHEST),  # the next comes in a minute
            [
                field.get_db_prep_save(getattr(report, field.attname), connection)
                for field in TerminalReport._meta.concrete_fields
            ],
        )
        highest_seq = cursor.fetchone()[0] or 0
    _sound_alarms(terminal, queue)
    crashes.take(terminal, heartbeat.crashes)
    if any(row.fault == DOOR_OPEN for row in heartbeat.health):
        alarms.sound(DOOR_OPEN, terminal)
    return HeartbeatAnswer(
        server_time=timezone.localtime(now).isoformat(timespec="seconds"),
        desired=said_to(terminal, heartbeat),
        standing=_standing.get(),
        numbered=_numbered(terminal, queue.last_seq, highest_seq),
        envelope_key=keyring().news_for(heartbeat.envelope_key_id),
        packs=desired_packs(heartbeat.region),
        release=desired_release(terminal.number),
    )


def _numbered(terminal: Terminal, given: int, highest: int) -> Numbered | None:
    """What a terminal cannot know whose folder was put back in place, so that it gives no number
    twice."""
    if highest <= given:
        return None
    return keyring().signed(Numbered.unsigned(seq=highest), terminal=terminal.number)


def _sound_alarms(terminal: Terminal, queue: QueueReport) -> None:
    """At once, and not with the next sweep: a copy reports under the same number as the original,
    and a centre that was put back soon reaches the same positions with other cases."""
    if queue.copied:
        alarms.sound("copied", terminal)
    if queue.held_gone:
        alarms.sound("held_gone", terminal, str(queue.held_gone), once=True)
    if queue.set_back:
        alarms.sound("set_back", terminal, str(queue.set_back), once=True)
    # Asked twice, because what is known briefly may be a moment old.
    newer = queue.known_position > _highest.get() and queue.known_position > highest_position()
    if newer and queue.known_epoch == epoch():
        alarms.sound("behind_terminals", terminal, str(queue.known_position))


_highest = Briefly(highest_position)
_standing = Briefly(standing)
