"""What each terminal should be: put together of the rules for all, for its hall and for itself.

The narrowest rule counts. What is wanted is set by `python -m central fleet …`, `close-service` and
on the operators' pages; each value is checked here before anybody is told of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from django.db.models import Q
from django.utils import timezone
from pydantic import ValidationError

from central import commands
from central.briefly import Briefly
from central.fleet_models import Wanted
from central.keys import keyring
from central.models import DesiredService, Terminal
from central.ports import electronic_cards
from central.ports.messages import messages
from sync.canonical import sha256_hex
from sync.pins import PERSON_ID, can_be_typed
from sync.wire import settings
from sync.wire.desired import Announcement, Desired, DesiredState, RosterEntry

if TYPE_CHECKING:
    from sync.canonical import Json
    from sync.wire.fleet import Heartbeat


#: A role whose people type their number at the terminal.
_STAFF = "staff"
_CANNOT_BE_TYPED = "工作人员在终端上只能按数字，编号是 s 加 1 到 6 位数字，如 s012"

#: Why a service is closed is told in so many characters at most.
REASON = 60


class NotWanted(ValueError):
    """What is wanted cannot be. The text says why."""


class Scoped(Protocol):
    """A rule for all, for a hall or for a terminal."""

    hall: str
    terminal_id: str | None


R = TypeVar("R", bound=Scoped)


def said_to(terminal: Terminal, heartbeat: Heartbeat) -> Desired:
    """The desired state for the answer to a heartbeat, signed; without its contents where the
    terminal has them."""
    state = state_of(terminal, commands.named(terminal, heartbeat))
    held = heartbeat.desired_version == state.version
    return keyring().signed(
        Desired.unsigned(
            version=state.version,
            issued=timezone.localtime().isoformat(),
            device_key_id=terminal.key_id,
            state=None if held else state.model_dump(mode="json"),
        ),
        terminal=terminal.number,
    )


def state_of(terminal: Terminal, named: list[dict[str, Json]]) -> DesiredState:
    """What this terminal should be, and the commands for it."""
    wanted = list(_mine(_wanted.get(), terminal))

    def of(kind: Wanted.Kind) -> dict[str, Any]:
        return {rule.key: rule.value for rule in wanted if rule.kind == kind}

    closed = {rule.service_id: rule for rule in _mine(_services.get(), terminal)}
    shown = of(Wanted.Kind.ANNOUNCEMENT)
    contents: dict[str, Json] = {
        "closed_services": {id_: rule.reason for id_, rule in closed.items() if rule.closed},
        "notices": messages() is not None,
        "electronic_cards": electronic_cards.is_connected(),
        "settings": of(Wanted.Kind.SETTING),
        "announcements": [{"id": key, **one} for key, one in shown.items() if one is not None],
        "roster": of(Wanted.Kind.PERSON),
        "commands": named,
    }
    return DesiredState.model_validate({"version": sha256_hex(contents)[:12], **contents})


def _mine(rules: Iterable[R], terminal: Terminal) -> Iterator[R]:
    """Those that are for this terminal, the narrowest last."""
    mine = [
        rule
        for rule in rules
        if rule.terminal_id == terminal.number
        or (rule.terminal_id is None and rule.hall in ("", terminal.hall))
    ]
    yield from sorted(mine, key=lambda rule: (rule.terminal_id is not None, rule.hall != ""))


_services = Briefly(lambda: list(DesiredService.objects.all()))
_wanted = Briefly(lambda: list(Wanted.objects.all()))


# -- setting it ------------------------------------------------------------------------------------


def checked(kind: str, key: str, value: Any) -> Any:
    """A value as it is kept. Raises `NotWanted`."""
    try:
        if kind == Wanted.Kind.SETTING:
            return settings.read(key, value)
        if kind == Wanted.Kind.PERSON:
            return _person(key, value)
        if value is None:
            return None
        return _announcement(key, value)
    except settings.BadValue as bad:
        raise NotWanted(str(bad)) from None
    except NotWanted:
        raise
    except (ValidationError, ValueError, TypeError, AttributeError):
        raise NotWanted(f"{key}：内容不合要求") from None


def _announcement(key: str, value: Any) -> Any:
    until = value.get("until", "")
    if until and not _is_day(until):
        raise NotWanted(f"{key}：最后一天 {until} 要写成 2026-12-31 这样 (ISO 8601)，且确有这一天")
    zh, en = value.get("zh", ""), value.get("en", "")
    if not zh.strip() or not zh.isprintable():
        raise NotWanted("公告要有中文内容，且只有一行")
    for text, most in ((zh, 50), (en, 100)):
        if len(text) > most:
            raise NotWanted(f"公告最长 {most} 个字，现在 {len(text)} 个：{text[:10]}…")
    try:
        announcement = Announcement.model_validate({"id": key, **value})
    except ValidationError as bad:
        if bad.errors()[0]["loc"] != ("id",):
            raise
        raise NotWanted(f"{key}：公告的名字用英文字母、数字和 _ . -，最长 40 个字") from None
    return announcement.model_dump(mode="json", exclude={"id"})


def _is_day(text: str) -> bool:
    """As 2026-12-31; `date.fromisoformat` reads 20261231 and 2026-W53-4, too."""
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def _person(key: str, value: Any) -> Any:
    if not PERSON_ID.fullmatch(key):
        raise NotWanted(f"{key}: 编号是小写字母加数字，如 t001、s002")
    entry = RosterEntry.model_validate(value)
    if _STAFF in entry.roles and not can_be_typed(key):
        raise NotWanted(f"{key}: {_CANNOT_BE_TYPED}")
    return entry.model_dump(mode="json")


def want(
    kind: str, key: str, value: Any, *, hall: str = "", terminal: Terminal | None = None, by: str
) -> None:
    """Set one thing for all, for a hall or for a terminal. Raises `NotWanted`."""
    value = checked(kind, key, value)
    Wanted.objects.update_or_create(
        slot=slot_of(kind, key, hall, terminal),
        defaults={
            "kind": kind,
            "key": key,
            "hall": hall,
            "terminal": terminal,
            "value": value,
            "changed_by": by,
        },
    )


def want_no_more(kind: str, key: str, *, hall: str = "", terminal: Terminal | None = None) -> bool:
    """Take a rule away: the wider one counts again. Returns whether there was one."""
    found = Wanted.objects.filter(slot=slot_of(kind, key, hall, terminal))
    return bool(found.delete()[0])


def slot_of(kind: str, key: str, hall: str, terminal: Terminal | None) -> str:
    """What there is one rule for."""
    return f"{kind}:{key}:{terminal.number if terminal else f'@{hall}'}"


def close_service(
    service_id: str, reason: str, *, hall: str = "", terminal: Terminal | None = None
) -> None:
    """Close a service, or all (`sync.marks.EVERYTHING`). `reason`: Chinese, shown on the
    home screen."""
    DesiredService.objects.update_or_create(
        service_id=service_id,
        terminal=terminal,
        hall="" if terminal else hall,
        defaults={"reason": reason, "closed": True},
    )


def open_service(service_id: str, *, hall: str = "", terminal: Terminal | None = None) -> bool:
    """Open a service again: wherever it was closed, or in a hall or at a terminal only, also where
    it stays closed for all others. Returns whether it was closed there."""
    rules = DesiredService.objects.filter(service_id=service_id)
    if terminal is None and not hall:
        was_closed = rules.filter(closed=True).exists()
        rules.delete()
        return was_closed
    here = Q(terminal=terminal, hall="" if terminal else hall)
    wider = Q(terminal=None, hall__in=["", terminal.hall] if terminal else [""])
    was_closed = rules.filter(here | wider, closed=True).exists()
    rules.filter(here).delete()
    if rules.filter(wider, closed=True).exists():
        DesiredService.objects.create(
            service_id=service_id, terminal=terminal, hall="" if terminal else hall, closed=False
        )
    return was_closed
