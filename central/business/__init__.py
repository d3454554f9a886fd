"""What becomes of each business at the centre: one module each, found by being there.

A module declares `BUSINESS`, an instance of its own subclass of `Business`, for the kind of the
same name in `sync.kinds`, and `ANSWERS`, question id -> function, for its questions; or one of
both. `SWEEP`, if it is there, is called once a minute. Nothing else is touched by a new one: list,
page, intake, work and doors are the same for all.
"""

from __future__ import annotations

import importlib
import pkgutil
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar

from django.utils import timezone

from central.cases import TO_REVIEW
from central.packs import days_of, ends, went_by
from sync.wire.contents import ProofLevel
from sync.wire.envelopes import Rejection, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from types import ModuleType

    from central.cases import Case
    from kiosk.policy import Days, Policy
    from sync.wire.base import Message
    from sync.wire.contents import Contents, Proof

#: Levels at which it is known who stands there.
_PROVEN = (ProofLevel.PERSON, ProofLevel.GUARDIAN)
#: States in which somebody still waits for something, in every business.
WAITING = ("accepted", "to_review", "approved", "in_production", "in_delivery")
#: What came of comparing -> the reason.
_OF_THE_BAND = {"unsure": "face_unsure", "mismatch": "face_mismatch"}


@dataclass(frozen=True)
class Decision:
    """What is made of a transaction that arrives: what the terminal is told, where it stands."""

    verdict: Verdict
    state: str
    rejection: Rejection | None = None
    reason: str = ""
    earlier: int | None = None
    review: tuple[str, ...] = ()


@dataclass(frozen=True)
class Opened:
    """A transaction whose contents have been checked against themselves."""

    contents: Contents
    document: Any
    evidence: Any
    #: Keyed hash of the person's ID number.
    person: str
    #: When it was filed and where, as the terminal's sealed header says.
    created: datetime
    terminal: str
    attachments: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    #: Name of an attachment -> its SHA-256.
    hashes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class OwnMove:
    """A move that has words of its own, needs a reason and is asked about once more."""

    #: As operators read it, and what follows from it.
    called: str
    follows: str
    #: As the citizen is told of it.
    told: str


class Business:
    """One business. Subclasses say what differs."""

    #: Id of its kind in `sync.kinds`.
    kind: ClassVar[str]
    #: As operators read it.
    title: ClassVar[str]
    #: State -> the states that may follow.
    machine: ClassVar[Mapping[str, Sequence[str]]]
    #: States that the clock or another case brings about: no person does.
    by_itself: ClassVar[Sequence[str]] = ("lapsed", "withdrawn")
    #: States that refuse, send back or take effect at once -> what follows. Who decides so gives a
    #: reason, and is asked once more.
    grave: ClassVar[Mapping[str, str]] = {
        "returned": "这一件不再办理。",
        "needs_more": "要等本人补齐材料才继续办理。",
        "in_force": "立即生效。",
    }
    #: (state, state that follows) -> that very move, where its words are not those of the state.
    own_moves: ClassVar[Mapping[tuple[str, str], OwnMove]] = {}
    #: State -> its word.
    states: ClassVar[Mapping[str, str]]
    #: While one of these, the person may not have another (`beside`).
    open_states: ClassVar[Sequence[str]] = ()
    #: Review reason, or why it was refused -> its words, beside those that all businesses share.
    words: ClassVar[Mapping[str, str]] = {}
    #: Work after the commit, names of `central.work.PERFORMERS`.
    tasks: ClassVar[Sequence[str]] = ()
    #: States that end by themselves, see `lapse`.
    lapsing: ClassVar[Sequence[str]] = ()
    #: States in which the citizen may take it back, as long as nobody has decided anything;
    #: "withdrawn" may follow each.
    withdrawable: ClassVar[Sequence[str]] = ()

    #: Title of the form that is printed of a case (`form_rows`); "" if there is none.
    form: ClassVar[str] = ""

    def choices(self, state: str) -> list[str]:
        """Where a person may bring a case from this state."""
        return [to for to in self.machine.get(state, ()) if to not in self.by_itself]

    def called(self, state: str, to: str) -> str:
        """A move, as operators read it."""
        own = self.own_moves.get((state, to))
        return self.states[to] if own is None else own.called

    def follows(self, state: str, to: str) -> str:
        """What follows from a grave move; "" from any other."""
        own = self.own_moves.get((state, to))
        return self.grave.get(to, "") if own is None else own.follows

    def id_number(self, document: Any) -> str:
        """Whose case it is."""
        number: str = document.id_number
        return number

    def name(self, document: Mapping[str, Any]) -> str:
        """For lists, which mask it."""
        return str(document.get("name", ""))

    def rows(self, document: Mapping[str, Any], policy: Policy) -> list[tuple[str, str]]:
        """What the page shows of the document: (label, value), with the names of the pack."""
        return [(name, str(value)) for name, value in document.items()]

    def form_rows(self, document: Mapping[str, Any], policy: Policy) -> list[tuple[str, str]]:
        """What the printed form shows: (label, value), with the names of the pack."""
        return []

    def faults(self, opened: Opened) -> str:
        """What contradicts itself in this document, in a word; "" if nothing does."""
        return ""

    def beside(self) -> Sequence[Business]:
        """Of all these together a person has one open case."""
        return (self,)

    def refusal(self, opened: Opened) -> tuple[Rejection, str] | None:
        """Why this may not be, as (kind, reason); None if it may. Raises
        `central.ports.NotNow`."""
        return None

    def reasons(self, opened: Opened) -> tuple[str, ...]:
        """Why a person must look besides what the terminal says, as codes. A terminal is not
        believed a level of proof without what makes it: a face that matched, or staff. What makes
        it does not last."""
        proof = opened.contents.proof
        if _is_proven(proof):
            return () if is_fresh(opened) else ("proof_stale",)
        if proof.reasons:
            return ()
        band = "" if proof.comparison is None else proof.comparison.band
        return (_OF_THE_BAND.get(band, "face_not_compared"),)

    def state_after(self, verdict: Verdict, opened: Opened) -> str:
        """Where a new case stands."""
        return {
            Verdict.ACCEPTED: "accepted",
            Verdict.TO_REVIEW: TO_REVIEW,
            Verdict.DUPLICATE: "duplicate",
            Verdict.REJECTED: "refused",
        }[verdict]

    def lapse(self, case: Case) -> tuple[timedelta, str] | None:
        """After how long in its state, one of `lapsing`, the centre moves a case on by itself, and
        where to; None if it stays."""
        return None

    def lapses_after(self) -> timedelta:
        """No case ends by itself sooner: what is younger is not even looked at."""
        return timedelta(0)

    def kept_from(self, case: Case, to: str) -> str:
        """Why nobody may bring a case into this state now, in a word; "" if they may."""
        return ""

    def moved(self, case: Case) -> None:
        """A case has come into a state: inside the transaction, for what must happen with it."""

    def takes_up(self, case: Case) -> bool:
        """Whether the citizen may begin this business from that case: a button of 办理进度."""
        return False

    def bank_from(self, case: Case) -> date | None:
        """The day from which another bank may make the next card, as far as it is known."""
        return None

    def is_late(self, case: Case) -> bool:
        """Whether somebody waits for it longer than they should."""
        if case.state not in WAITING:
            return False
        return timezone.now() > ends(case.received_at, days_of(case, _to_card))


def _to_card(policy: Policy) -> Days:
    """A card, and whatever has no time of its own, that takes longer than this is late."""
    return policy.days("make_card")


def is_fresh(opened: Opened) -> bool:
    """Whether it was seen who stands there shortly before they signed, or filed what is not signed:
    by the pack that the terminal went by."""
    contents = opened.contents
    signature = contents.signature
    done = opened.created if signature is None else datetime.fromisoformat(signature.signed_at)
    minutes = went_by(contents.policy_version).proof.fresh_minutes
    return (
        timedelta(0)
        <= done - datetime.fromisoformat(contents.proof.at)
        <= timedelta(minutes=minutes)
    )


def _is_proven(proof: Proof) -> bool:
    """Whether a face that matched, or staff, stand behind the level (domain §5.0)."""
    matched = proof.comparison is not None and proof.comparison.band == "match"
    return proof.level in _PROVEN and (matched or proof.staff is not None)


def is_proven_now(opened: Opened) -> bool:
    """Whether it was proven who stands there (P3), and shortly before."""
    return opened.contents.proof.level is ProofLevel.PERSON and is_fresh(opened)


@cache
def businesses() -> dict[str, Business]:
    """Kind id -> its business."""
    found: dict[str, Business] = {}
    for name, module in _modules():
        business: Business | None = getattr(module, "BUSINESS", None)
        if business is None:
            continue  # it only answers
        if business.kind != name:
            raise RuntimeError(f"{name} declares the business {business.kind}")
        found[business.kind] = business
    return found


def business_of(kind: str) -> Business:
    """Raises `KeyError`."""
    return businesses()[kind]


@cache
def answers() -> dict[str, Callable[[Any], Message]]:
    """Question id -> who answers it."""
    found: dict[str, Callable[[Any], Message]] = {}
    for _, module in _modules():
        found |= getattr(module, "ANSWERS", {})
    return found


def sweeps() -> list[Callable[[], None]]:
    """What is to be looked for once a minute."""
    return [module.SWEEP for _, module in _modules() if hasattr(module, "SWEEP")]


def _modules() -> Iterator[tuple[str, ModuleType]]:
    for module in pkgutil.iter_modules(__path__):
        yield module.name, importlib.import_module(f"{__name__}.{module.name}")
