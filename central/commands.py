"""Commands to terminals: made for one, for a hall or for all; named, seen, and ended once.

How a command comes to have one effect stands in `sync.wire.desired`. What a terminal says of it
is kept as it was signed.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from django.db import transaction
from django.utils import timezone

from central.briefly import Briefly
from central.fleet_models import Command
from central.models import PartialEnvelope, Terminal
from sync.canonical import sha256_hex
from sync.wire.desired import ATTACHMENT_LIMIT, KINDS, CommandResult, NewKey, Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sync.canonical import Json
    from sync.wire.fleet import Heartbeat

log = logging.getLogger(__name__)

#: Unless another time is named.
VALID = timedelta(days=1)


class NoCommand(ValueError):
    """There is no such command, or not with these arguments. The text says what there is."""


def make(
    terminals: Iterable[Terminal],
    kind: str,
    arguments: dict[str, str],
    by: str,
    valid: timedelta = VALID,
) -> list[Command]:
    """One command for each terminal that is in use. Raises `NoCommand`."""
    takes = KINDS.get(kind)
    if takes is None:
        raise NoCommand(f"no such command: {kind}. There are: {', '.join(KINDS)}")
    for name, among in takes.items():
        if arguments.get(name) not in among:
            raise NoCommand(f"{kind} needs {name}: {' | '.join(among)}")
    if unknown := arguments.keys() - takes.keys():
        raise NoCommand(f"{kind} takes no {', '.join(sorted(unknown))}")
    expires = timezone.now() + valid
    return Command.objects.bulk_create(
        Command(terminal=one, kind=kind, arguments=arguments, made_by=by, expires_at=expires)
        for one in terminals
        if one.enabled
    )


#: Terminals that have a command without an outcome: the others cost no look into the table.
_waiting = Briefly(
    lambda: set(Command.objects.filter(outcome="").order_by().values_list("terminal_id", flat=True))
)


def named(terminal: Terminal, heartbeat: Heartbeat) -> list[dict[str, Json]]:
    """Take in what a terminal says of its commands; what it is still to do."""
    spoken = heartbeat.commands or heartbeat.results
    if not spoken and terminal.number not in _waiting.get():
        return []
    with transaction.atomic():
        return _named(terminal, heartbeat)


def _named(terminal: Terminal, heartbeat: Heartbeat) -> list[dict[str, Json]]:
    results = {result.id: result for result in heartbeat.results}
    now, still = timezone.now(), []
    open_ones = Command.objects.select_for_update().filter(terminal=terminal, outcome="")
    for command in open_ones.order_by("made_at"):
        id_ = str(command.id)
        if id_ in results:
            _end(command, results[id_], terminal)
            if not command.outcome:
                still.append(command)
        elif command.seen_at is not None and id_ not in heartbeat.commands:
            # It was noted there on disk, and is not any more.
            command.outcome, command.ended_at = Outcome.LOST, now
            command.save(update_fields=["outcome", "ended_at"])
        elif command.expires_at > now:
            if command.seen_at is None and id_ in heartbeat.commands:
                command.seen_at = now
                command.save(update_fields=["seen_at"])
            still.append(command)
        elif command.seen_at is None:
            command.outcome, command.ended_at = Outcome.EXPIRED, now
            command.save(update_fields=["outcome", "ended_at"])
    return [_wire(command) for command in still]


def _wire(command: Command) -> dict[str, Json]:
    return {
        "id": str(command.id),
        "kind": command.kind,
        "arguments": command.arguments,
        "expires": timezone.localtime(command.expires_at).isoformat(timespec="seconds"),
    }


def _end(command: Command, said: CommandResult, terminal: Terminal) -> None:
    """Keep a result that is signed, and do what follows from it; another one is none."""
    # It may have been signed before the terminal went over to the key it has now.
    keys = (bytes(terminal.public_key), bytes(terminal.former_public_key))
    if not any(_signed_by(key, said, terminal.number) for key in keys):
        log.error("the result of command %s is not signed by its terminal", command.id)
        return
    command.outcome, command.detail = said.outcome, said.detail
    command.ended_at = datetime.fromisoformat(said.at)
    command.seen_at = command.seen_at or timezone.now()
    command.result = said.model_dump(mode="json")
    if said.attachment_sha256:
        command.attachment = _attached(command, said.attachment_sha256)
        if command.attachment is None:
            command.outcome, command.detail = Outcome.FAILED, "attachment"
    if command.outcome == Outcome.DONE:
        _follow(command, said, terminal)
    command.save()


def _follow(command: Command, said: CommandResult, terminal: Terminal) -> None:
    if command.kind == "retire":
        terminal.enabled, terminal.retired_at = False, timezone.now()
        terminal.save(update_fields=["enabled", "retired_at"])
    elif command.kind == "rotate_key":
        shown = NewKey.unsigned(
            command=said.id, public_key_sha256=sha256_hex(said.new_public_key)
        ).signed_with(said.new_key_signature)
        new_id = sha256_hex(said.new_public_key)[:16]
        taken = Terminal.objects.filter(key_id=new_id).exclude(pk=terminal.pk).exists()
        if taken or not _signed_by(said.new_public_key, shown, terminal.number):
            command.outcome, command.detail = Outcome.FAILED, "new_key"
            return
        if new_id == terminal.key_id:
            return
        if not terminal.former_good:
            before = terminal.key_id, terminal.public_key
            terminal.former_key_id, terminal.former_public_key = before
            terminal.former_good = True
        # Else it never used the key in between, which was spoilt: it asked with the former one.
        terminal.key_id, terminal.public_key = new_id, said.new_public_key
        of_a_key = ("key_id", "public_key", "former_key_id", "former_public_key", "former_good")
        terminal.save(update_fields=of_a_key)


def _signed_by(key: bytes, message: CommandResult | NewKey, number: str) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(
            message.signature, message.signed_bytes(terminal=number)
        )
    except (InvalidSignature, ValueError):
        return False
    return True


def _attached(command: Command, sha256: str) -> bytes | None:
    """What came in pieces under the command's id; None if that is not what was meant."""
    found = PartialEnvelope.objects.filter(item=command.id, terminal_id=command.terminal_id)
    data = b"".join(bytes(one.sealed) for one in found)
    found.delete()
    return data if len(data) <= ATTACHMENT_LIMIT and sha256_hex(data) == sha256 else None
