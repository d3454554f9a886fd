"""Policy packs: what an authority sets, signed here, pulled by every terminal of its region.

A pack is read by the very code that a terminal reads it with (`kiosk.policy`), so what is issued
here is not refused there. It is signed with the centre's signing key, which terminals know since
their enrolment. A version is issued once: a mistake is withdrawn and issued anew as the next
version. Terminals choose by its date which pack is in force; they go on with what they have while
they cannot reach the centre.
"""

from __future__ import annotations

import logging
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, TypeVar

from django.db import IntegrityError, transaction
from django.utils import timezone

from central.briefly import Briefly
from central.keys import keyring
from central.models import PolicyPack, TerminalReport
from central.signatures import BadRequest
from central.standing import epoch
from kiosk.policy import BadPolicy, load_policy, read_pack
from kiosk.policy.pack import order_of
from kiosk.policy.shelf import PURPOSE
from sync.canonical import sha256_hex
from sync.wire.policy import PACK_LIMIT, DesiredPacks, Issued, Pack

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from central.cases import Case
    from central.models import Terminal
    from kiosk.policy import Days, Policy
    from sync.wire.policy import PackQuestion

T = TypeVar("T")

log = logging.getLogger(__name__)


_SATURDAY = 5

#: What a pack is today -> the words for the operator.
STATES = {
    "in_force": "正在执行",
    "waiting": "待执行",
    "superseded": "已被替代",
    "withdrawn": "已撤回",
}


class BadPack(ValueError):
    """This pack is not issued, or not withdrawn; the message says why."""


def issue(data: bytes, region: str = "", by: str = "") -> PolicyPack:
    """Check a pack, sign it and keep it: terminals of its region fetch it with their next
    heartbeat. The same pack may be issued again. `region`: the one that it must be for.

    Raises `BadPack`.
    """
    if len(data) > PACK_LIMIT:
        raise BadPack(f"the pack is larger than {PACK_LIMIT} bytes")
    try:
        policy = read_pack(data, "the pack")
    except BadPolicy as bad:
        raise BadPack(str(bad)) from None
    code = policy.region.code
    if region and code != region:
        raise BadPack(f"the pack is for region {code}, not {region}")
    pack = PolicyPack(
        region=code,
        version=policy.version,
        effective=policy.effective,
        source=policy.source,
        demo=policy.demo,
        text=data.decode("utf-8"),
        sha256=sha256_hex(data),
        size=len(data),
        signature=keyring().sign(PURPOSE + data),
        issued_by=by,
    )
    try:
        with transaction.atomic():
            pack.save()
    except IntegrityError:
        return _issued_before(pack)
    return pack


def _issued_before(pack: PolicyPack) -> PolicyPack:
    """The same pack as it is here already. Raises `BadPack` if it is not quite the same."""
    before = PolicyPack.objects.filter(region=pack.region, version=pack.version).first()
    if before is None or before.sha256 != pack.sha256:
        raise BadPack(f"version {pack.version} was issued before, with other contents")
    if before.withdrawn_at is not None:
        raise BadPack(f"version {pack.version} was withdrawn; give it another version")
    return before


def lacking(pack: PolicyPack) -> tuple[str, ...]:
    """Full keys that services of this release ask for and the pack has not."""
    return read_pack(pack.text.encode("utf-8"), pack.version).lacks(load_policy())


def withdraw(region: str, version: str, by: str = "") -> PolicyPack | None:
    """Terminals put the pack away with their next heartbeat. Returns the one that rules in its
    place today; None: none does, and terminals go by the example in their program.

    Raises `BadPack` if there is no such pack.
    """
    found = PolicyPack.objects.filter(region=region, version=version, withdrawn_at=None)
    if not found.update(withdrawn_at=timezone.now(), withdrawn_by=by):
        raise BadPack(f"region {region} has no version {version}, or it was withdrawn before")
    return ruling(PolicyPack.objects.filter(region=region), timezone.localdate())


def ruling(packs: Iterable[PolicyPack], day: date) -> PolicyPack | None:
    """Which of them is in force on a day, by the rule that terminals go by."""
    in_force = [pack for pack in packs if pack.withdrawn_at is None and pack.effective <= day]
    return max(in_force, key=_order, default=None)


def today(ask: Callable[[Policy], T]) -> T:
    """A rule of the newest pack in force, of whatever region; otherwise as `ruled`."""
    return _asked(ruling(PolicyPack.objects.all(), timezone.localdate()), ask)


def ruled(terminal: str, day: date, ask: Callable[[Policy], T]) -> T:
    """A rule of the pack that was in force on a day in the terminal's region, which its last
    heartbeat named: so the citizen was told. Without a pack, or a rule in it, the program's example
    rules. `terminal`: its number."""
    report = TerminalReport.objects.filter(pk=terminal).first()
    packs = PolicyPack.objects.filter(region=report.region if report else "")
    return _asked(ruling(packs, day), ask)


def policy_of(case: Case) -> Policy:
    """The pack of `ruled` on the day of the case: by it the citizen chose."""
    return ruled(case.terminal_id, timezone.localdate(case.created), lambda policy: policy)


def days_of(case: Case, ask: Callable[[Policy], Days]) -> Days:
    """How long something takes, by the pack that ruled on the day of the case."""
    return ruled(case.terminal_id, timezone.localdate(case.created), ask)


def shortest(ask: Callable[[Policy], Days]) -> timedelta:
    """What `days_of` says of no case is shorter."""
    packs = [None, *PolicyPack.objects.filter(withdrawn_at=None)]
    return timedelta(days=min(_asked(pack, ask).number for pack in packs))


def went_by(version: str) -> Policy:
    """The pack that a terminal went by and names; the program's example rules for one that was
    never issued here."""
    known = _issued.get()
    if version not in known:
        pack = PolicyPack.objects.filter(version=version).first()
        known[version] = load_policy() if pack is None else _read(pack.text)
    return known[version]


_issued: Briefly[dict[str, Policy]] = Briefly(dict)


def _asked(pack: PolicyPack | None, ask: Callable[[Policy], T]) -> T:
    if pack is not None:
        try:
            return ask(_read(pack.text))
        except BadPolicy:
            log.warning("policy pack %s lacks a rule that the centre goes by", pack)
    return ask(load_policy())


@lru_cache(maxsize=32)
def _read(text: str) -> Policy:
    return read_pack(text.encode("utf-8"), "the pack")


def ends(since: datetime, days: Days) -> datetime:
    """When a time is over. Working days are those from Monday to Friday: the centre has no
    calendar of public holidays."""
    if days.unit == "calendar":
        return since + timedelta(days=days.number)
    end, left = timezone.localtime(since), days.number
    while left:
        end += timedelta(days=1)
        left -= end.weekday() < _SATURDAY
    return end


def state_of(pack: PolicyPack, day: date | None = None) -> str:
    """A key of `STATES`."""
    day = day or timezone.localdate()
    if pack.withdrawn_at is not None:
        return "withdrawn"
    if pack.effective > day:
        return "waiting"
    rules = ruling(PolicyPack.objects.filter(region=pack.region), day)
    return "in_force" if pack == rules else "superseded"


def desired_packs(region: str) -> DesiredPacks | None:
    """What a terminal of a region should have, signed; None: nothing was ever issued for it."""
    known = _desired.get()
    if region not in known:
        known[region] = _look_up(region) if region else None
    return known[region]


_desired: Briefly[dict[str, DesiredPacks | None]] = Briefly(dict)


def _look_up(region: str) -> DesiredPacks | None:
    # One question, so that number and lists are of one moment.
    everything = list(PolicyPack.objects.defer("text", "signature", "source"))
    ours = [pack for pack in everything if pack.region == region]
    if not ours:
        return None
    today = timezone.localdate()
    rules = ruling(ours, today)
    standing = [pack for pack in ours if pack.withdrawn_at is None]
    wanted = [pack for pack in standing if pack == rules or pack.effective > today]
    gone = [pack for pack in ours if pack.withdrawn_at is not None]
    unsigned = DesiredPacks.unsigned(
        epoch=epoch(),
        # Rows are never deleted, and what was withdrawn stays so.
        number=len(everything) + sum(pack.withdrawn_at is not None for pack in everything),
        region=region,
        packs=[_named(pack) for pack in sorted(wanted, key=_order)],
        withdrawn=[_named(pack) for pack in gone],
    )
    return keyring().signed(unsigned)


def give(terminal: Terminal, question: PackQuestion) -> Pack:
    """One pack as it was issued, to a terminal of any region: a pack is no secret.

    Raises `BadRequest`.
    """
    pack = PolicyPack.objects.filter(sha256=question.sha256, withdrawn_at=None).first()
    if pack is None:
        raise BadRequest("unknown_pack")
    return Pack(data=pack.text.encode("utf-8"), signature=bytes(pack.signature))


def _named(pack: PolicyPack) -> Issued:
    return Issued(version=pack.version, sha256=pack.sha256, size=pack.size)


def _order(pack: PolicyPack) -> tuple[date, tuple[int, ...]]:
    return order_of(pack.effective, pack.version)
