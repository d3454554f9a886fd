"""Which terminal should have which release: cohorts, and what an operator says about them.

A version goes to 1 %, then 10 %, then all of the terminals. Whether a terminal belongs to a share
is a hash of the version and its number: the same at every heartbeat, another with every version, so
that the same halls do not always come first. One terminal belongs to every share.

| state   | terminals of the share | all others            |
|---------|------------------------|-----------------------|
| running | the new version        | the version before    |
| paused  | the new version        | the version before    |
| halted  | the version before     | the version before    |
| done    | the new version        | the new version       |

What is said to a terminal is signed together with its number and grows in `Centre.release_number`
with every decision, so that nothing older that somebody kept counts. It can only name what offline
keys have released.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from central.briefly import Briefly
from central.keys import keyring
from central.models import Centre, Terminal, TerminalReport
from central.releases.models import ReleasePin, Rollout
from central.releases.repository import NotReleased, Repository
from sync.canonical import sha256_hex
from sync.wire.release import DesiredRelease

if TYPE_CHECKING:
    from collections.abc import Mapping

#: Of the fleet.
SHARES = (0.01, 0.10, 1.0)

_HASH_DIGITS = 16


def belongs(rollout: Rollout, terminal: str) -> bool:
    """Whether a terminal is among those that get the version by now."""
    return terminal == rollout.first or place(rollout.version, terminal) < SHARES[rollout.share]


def place(version: str, terminal: str) -> float:
    """Where in the fleet a terminal stands for a version, from 0 to 1."""
    digits = sha256_hex(f"{version}\n{terminal}".encode())[:_HASH_DIGITS]
    return int(digits, 16) / float(16**_HASH_DIGITS)


def wanted(rollout: Rollout, terminal: str) -> str:
    """The version that a terminal without a pin should have; "": the centre does not say."""
    if rollout.state == Rollout.State.DONE:
        return rollout.version
    reached = rollout.state != Rollout.State.HALTED and belongs(rollout, terminal)
    return rollout.version if reached else rollout.previous


# -- what terminals are told -----------------------------------------------------------------------


class _Decided(NamedTuple):
    epoch: int
    number: int
    root: str
    rollout: Rollout | None
    pins: Mapping[str, str]


def _look_up() -> _Decided:
    centre = Centre.objects.get(pk=Centre.ONE)
    return _Decided(
        centre.epoch,
        centre.release_number,
        repository().first_root(),
        Rollout.objects.first(),
        dict(ReleasePin.objects.values_list("terminal_id", "version")),
    )


_decided = Briefly(_look_up)


def desired_release(terminal: str) -> DesiredRelease | None:
    """What a terminal is told with the answer to its heartbeat, signed."""
    decided = _decided.get()
    version = decided.pins.get(terminal, "")
    if not version and decided.rollout is not None:
        version = wanted(decided.rollout, terminal)
    if not decided.root or not (version or decided.number):
        return None  # nothing was ever released here
    unsigned = DesiredRelease.unsigned(
        epoch=decided.epoch, number=decided.number, version=version, root=decided.root
    )
    return keyring().signed(unsigned, terminal=terminal)


def repository() -> Repository:
    """The one of this centre."""
    return Repository(Path(settings.STATE))


# -- what is decided -------------------------------------------------------------------------------


def start(version: str, by: str, *, soak_hours: int = 24, least_visits: int = 20) -> Rollout:
    """Begin to give a version to the fleet. Raises `NotReleased`."""
    _must_be_released(version)
    with transaction.atomic():
        _count()
        newest = Rollout.objects.first()
        if newest is not None and newest.state in (Rollout.State.RUNNING, Rollout.State.PAUSED):
            raise NotReleased(f"{newest.version} is still on its way: finish it or roll it back")
        done = newest is not None and newest.state == Rollout.State.DONE
        before = (newest.version if done else newest.previous) if newest else ""
        if version == before:
            raise NotReleased(f"the fleet has {version}")
        return Rollout.objects.create(
            version=version,
            previous=before,
            share_since=timezone.now(),
            soak_hours=soak_hours,
            least_visits=least_visits,
            first=_first(version),
            changed_by=by,
        )


def _first(version: str) -> str:
    """The terminal that comes first, of those that run a release as far as they say."""
    enabled = Terminal.objects.filter(enabled=True)
    cannot = TerminalReport.objects.filter(release__version="").values("terminal_id")
    numbers = enabled.exclude(pk__in=cannot).values_list("number", flat=True)
    return min(numbers, key=lambda number: place(version, number), default="")


def pause(by: str) -> Rollout:
    """It reaches nobody more. Raises `NotReleased`."""
    return _change({Rollout.State.RUNNING}, Rollout.State.PAUSED, by)


def resume(by: str) -> Rollout:
    """Go on, also after it was halted: somebody has looked into why. Raises `NotReleased`."""
    return _change({Rollout.State.PAUSED, Rollout.State.HALTED}, Rollout.State.RUNNING, by)


def roll_back(by: str, reason: str = "") -> Rollout:
    """Whoever has the newest version goes back to the one before. Raises `NotReleased`."""
    able = {Rollout.State.RUNNING, Rollout.State.PAUSED, Rollout.State.DONE}
    return _change(able, Rollout.State.HALTED, by, reason)


def advance() -> Rollout:
    """The next share gets it, or all have it. Raises `NotReleased`."""
    with transaction.atomic():
        _count()
        rollout = _newest({Rollout.State.RUNNING})
        if rollout.share + 1 < len(SHARES):
            rollout.share += 1
        else:
            rollout.state = Rollout.State.DONE
        rollout.share_since = timezone.now()
        rollout.save()
        return rollout


def pin(terminal: Terminal, version: str, by: str) -> None:
    """This terminal has this version until `unpin`. Raises `NotReleased`."""
    _must_be_released(version)
    with transaction.atomic():
        _count()
        ReleasePin.objects.update_or_create(
            terminal=terminal, defaults={"version": version, "by": by}
        )


def unpin(terminal: Terminal) -> bool:
    """It has what the fleet has again; returns whether it was pinned."""
    with transaction.atomic():
        _count()
        return bool(ReleasePin.objects.filter(terminal=terminal).delete()[0])


def _change(able: set[Rollout.State], to: Rollout.State, by: str, reason: str = "") -> Rollout:
    with transaction.atomic():
        _count()
        rollout = _newest(able)
        if to == Rollout.State.RUNNING:
            rollout.share_since = timezone.now()
        rollout.state, rollout.changed_by, rollout.reason = to, by, reason[:200]
        rollout.save()
        return rollout


def _newest(able: set[Rollout.State]) -> Rollout:
    rollout = Rollout.objects.first()
    if rollout is None or rollout.state not in able:
        said = rollout.get_state_display() if rollout else "没有发布"
        raise NotReleased(f"not now: {said}")
    return rollout


def _count() -> None:
    """Whoever decides is alone until the end of the transaction."""
    Centre.locked()
    Centre.objects.filter(pk=Centre.ONE).update(release_number=F("release_number") + 1)


def _must_be_released(version: str) -> None:
    if version not in repository().released():
        raise NotReleased(f"{version} is not among what was signed and published")
