"""What a service is: one thing a citizen can come for, and the ways it may end early.

A service is a class with a coroutine `serve` that awaits prompts and steps. Everything it may
depend on besides their answers is its `Context`, made once at the start of a visit, so that Back,
which replays the service, finds the same.
"""

from __future__ import annotations

import json
from collections.abc import Coroutine, Mapping
from dataclasses import field
from typing import TYPE_CHECKING, Any, ClassVar

from hardware.faults import Device, DeviceFault
from kiosk.late import dataclass
from kiosk.photo.faces import Place
from kiosk.receipts import Slip
from kiosk.records.submission import Question
from kiosk.records.transaction import Transaction
from kiosk.visit.flow import KeepForLater
from kiosk.visit.prompts import Advice, AskCentral, Print

if TYPE_CHECKING:
    from datetime import date

    from kiosk.policy import Policy
    from kiosk.records.citizen import Citizen
    from kiosk.records.proof import Proof
    from sync.canonical import Json

#: Groups of the home page, in their order: 卡业务, 查询与证明, 缴费与待遇, 办事与帮助.
GROUPS = ("card", "enquiry", "payment", "help")


class Leave(Exception):
    """A dead end that is not one: why it does not go on here, and where it does (domain §6).

    Words: `<id>.title`, `<id>.text`, `<id>.next`. The engine shows them, and prints a 窗口办理单
    for the window on request. Without an id the citizen has chosen to leave and goes home at once.
    `citizen`: by their ID card, whose matter is under way already; the page then leads on to
    办理进度 with one touch.
    """

    def __init__(
        self,
        message: str = "",
        *,
        icon: str = "information-outline",
        facts: Mapping[str, str | int] | None = None,
        citizen: Citizen | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.icon = icon
        self.citizen = citizen
        self.facts: Mapping[str, str | int] = facts or {}


class GoOn(Exception):
    """The citizen goes on in another service with what is known here, which is not read or asked
    once more. Back leads from there to here. `known`: what its `take_up` is given."""

    def __init__(self, service: type[Service], *known: Any) -> None:
        super().__init__(service.id)
        self.service = service
        self.known = known


@dataclass(frozen=True)
class Context:
    """All that a service may depend on besides its answers."""

    today: date
    policy: Policy
    #: Where faces are compared.
    comparison: Place = Place.NONE
    #: Whether a receipt can be printed, as of the start of the visit.
    printer: bool = True
    #: Whether somebody is there who may vouch for a citizen (人工核验).
    staffed: bool = False
    #: Whether the centre could be reached at the start of the visit.
    online: bool = False
    #: Whether the code of an electronic card can be read here and asked about at the centre.
    electronic: bool = False
    #: Whether a social security card can be read here and asked about at the centre.
    cards: bool = False
    #: Names this visit, so that two visits' prints are told apart.
    visit: str = ""
    #: Each business that this terminal can file -> its service.
    businesses: Mapping[str, type[Service]] = field(default_factory=dict)
    #: Services that home does not offer now: nothing leads to them in the middle of a visit either.
    closed: frozenset[str] = frozenset()
    #: Where a citizen sees how far their matters are; None while that is closed.
    progress: type[ShowsProgress] | None = None


class Service:
    """One thing a citizen can come for. Subclasses live one to a file in `kiosk/services/`."""

    #: Names the service in the menu, the words, the log and the centre's settings.
    id: ClassVar[str]
    #: One of `GROUPS`.
    group: ClassVar[str]
    #: Icon name of the tile on the home screen.
    icon: ClassVar[str]
    #: Place in its group, small first.
    order: ClassVar[int] = 100
    #: Whether it stands behind 更多 where home has not room for all.
    seldom: ClassVar[bool] = False
    #: Whether it is there only where a unit's session is held (`settings.hall.unit_session`).
    for_units: ClassVar[bool] = False
    #: Devices without which the service is not offered.
    needs: ClassVar[frozenset[Device]] = frozenset()
    #: Whether it files a transaction: not offered while the outbox takes nothing.
    submits: ClassVar[bool] = False
    #: Whether it can do nothing without the centre.
    needs_network: ClassVar[bool] = False
    #: Rules that it asks the policy pack for by name, as full keys ("fees.first"). Not offered
    #: while the pack in force has not got one of them: the pack may be older than this release.
    rules: ClassVar[frozenset[str]] = frozenset()
    #: Stages shown in the progress strip, in order.
    stages: ClassVar[tuple[str, ...]] = ()
    #: State of a case at the centre -> how it looks, where the usual words of 办理进度
    #: (`progress.stage.<state>`) do not say what it means for this business. Words:
    #: `<id>.state.<state>.word`, `.meaning` (on paper), `.advice` (on the page).
    own_states: ClassVar[Mapping[str, str]] = {}
    #: Whether a card is made: 办理进度 then shows all the steps that there are (domain §5.6).
    makes_card: ClassVar[bool] = False

    def __init__(self, context: Context) -> None:
        self.context = context
        self.today = context.today
        self.policy = context.policy
        #: In which the citizen goes on, see `GoOn`.
        self._next: Service | None = None
        #: Where the service stands now; see `at`.
        self.stage = ""
        #: Under whom answers may wait for another day, see `kiosk.steps.unfinished`.
        self.holder: Citizen | None = None
        #: ID number of the child whose matter it is, "" where it is the holder's own.
        self.about = ""

    def transaction(
        self, citizen: Citizen, document: Mapping[str, Json], proof: Proof, **more: Any
    ) -> Transaction:
        """What this service files about a person. `more`: the other parts of a `Transaction`."""
        return Transaction(
            self.id, self.policy.version, document, proof, person=citizen.number.text, **more
        )

    def at(self, stage: str) -> None:
        """From here on the progress strip shows this stage."""
        if stage not in self.stages:
            raise ValueError(f"{self.id} has no stage {stage}")
        self.stage = stage

    @property
    def resumable(self) -> bool:
        """Whether it is known under whom answers can wait for another day."""
        return self.holder is not None

    @property
    def under_way(self) -> Service:
        """The one that is under way: this one, or in which the citizen went on."""
        return self if self._next is None else self._next.under_way

    async def serve(self) -> None:
        """The procedure, read from top to bottom as at the counter."""
        raise NotImplementedError

    async def take_up(self, *known: Any) -> None:
        """The procedure from where so much is known, for who comes from another service."""
        raise NotImplementedError

    async def run(self) -> None:
        """`serve`, and what comes after it."""
        await self._run(self.serve())

    async def _run(self, procedure: Coroutine[Any, Any, None]) -> None:
        """The procedure and what comes after it, a dead end's page too: who leaves may have their
        answers kept, wherever they are."""
        try:
            await self._through(procedure)
        except KeepForLater as keep:
            kept = json.dumps(keep.answers, ensure_ascii=False)
            keep.answers = {}
            await self._keep(kept)

    async def _through(self, procedure: Coroutine[Any, Any, None]) -> None:
        """The procedure, and the page of a dead end, or the service in which it goes on."""
        go_on, left = None, None
        try:
            await procedure
            return
        except GoOn as on:
            go_on = on.service(self.context), on.known
        except Leave as leave:
            left, citizen = (leave.message, leave.icon, leave.facts), leave.citizen
        if left is not None and left[0] and await self._advise(*left, self._progress_of(citizen)):
            assert self.context.progress is not None
            go_on = self.context.progress(self.context), (citizen,)
        if go_on is not None:
            self._next, known = go_on
            await self._next._run(self._next.take_up(*known))

    def _progress_of(self, citizen: Citizen | None) -> str:
        """Id of the service where they see how far it is, "" where none is led to."""
        if citizen is None or citizen.on_paper or self.context.progress is None:
            return ""
        return self.context.progress.id

    def kept_under(self) -> dict[str, str]:
        """Under whom and what answers wait, as the centre is asked."""
        assert self.holder is not None
        who = {"id_number": self.holder.number.text, "name": self.holder.name}
        return {**who, "about": self.about, "service": self.id}

    async def _keep(self, answers: str) -> None:
        """Have the centre keep them, sealed, and say what came of it."""
        fields = {**self.kept_under(), "answers": answers}
        reply = await AskCentral("unfinished.keep", Question("unfinished.keep", fields))
        until = "" if reply.facts is None else str(reply.facts.get("until") or "")
        if until:
            await Advice("unfinished.kept", "calendar-clock", {"until": until})
        else:
            await Advice("unfinished.not_kept", "cloud-off-outline")

    async def _advise(
        self, message: str, icon: str, facts: Mapping[str, str | int], onward: str
    ) -> bool:
        """The page of a dead end. Returns whether the citizen goes on in the service `onward`."""
        advice = Advice(message, icon, facts, prints=self.context.printer, onward=onward)
        if (wish := await advice) != "print":
            return wish == "onward"
        slip = Slip(
            id="advice.slip",
            state="state.window",
            rows=(("advice.slip.service", f"service.{self.id}.name"),),
            notes=(f"{message}.title", f"{message}.text", f"{message}.next"),
            facts=facts,
        )
        lines: tuple[str, ...] = ("advice.printed",)
        try:
            await Print("advice.print", slip, action=f"{self.context.visit}-{message}")
        except DeviceFault as fault:
            lines = (f"fault.{fault.code}.citizen",)
        return await Advice(message, icon, facts, lines=lines, onward=onward) == "onward"


class FollowUp(Service):
    """A business about a matter that was filed before. It begins as any other, and besides from
    the matter's own entry in 办理进度, where the centre says that it may; the words of that button
    are `service.<id>.button`. What is known there: the `Citizen` and the receipt number."""


class ShowsProgress(Service):
    """Where one sees how far one's matters are. It begins as any other, and besides where a service
    ends because its matter is under way already; the words of that button are
    `service.<id>.button`. What is known there: the `Citizen`, by their ID card, or by their
    electronic card, with which one can look only."""


class ForHolders(Service):
    """What the holder of a card is led to from a service that is for who has none. It begins as any
    other, and besides from there. What is known there: the `Citizen`."""

    async def serve(self) -> None:
        await self.serve_holder(None)

    async def take_up(self, *known: Citizen) -> None:
        await self.serve_holder(*known)

    async def serve_holder(self, citizen: Citizen | None) -> None:
        """The procedure. `citizen`: by their ID card, if that was read before they came here."""
        raise NotImplementedError
