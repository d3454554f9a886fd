"""Random visits of every service against the real outbox, courier, intake and machine.

A service is walked by being there. Whoever stands at the terminal answers anything, goes back,
changes a row, pulls the card, lets time run out, leaves, meets faults; the network comes and goes,
and the terminal starts again in the middle. Afterwards everything is delivered, and the centre
holds exactly what the walk was told: each thing submitted, once, under the person whose card was
read, with the consents that were given; of a visit that submitted nothing, nothing.

KIOSK_WALKS says how many visits of each service there are. A visit that breaks a rule is named by
its number; KIOSK_WALK_SEED is a number that is walked alone.
"""

from __future__ import annotations

import dataclasses
import os
import random
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
import time_machine

from hardware.card.contents import Holder
from hardware.faults import DeviceFault, FaultCode
from kiosk.operations import outbox as outbox_operations
from kiosk.operations.work import Work
from kiosk.photo.capture import Capture
from kiosk.photo.faces import Place
from kiosk.records.submission import Reply
from kiosk.services import find_services
from kiosk.upkeep.desired import Desired
from kiosk.visit import prompts as p
from kiosk.visit.flow import Ending, Prompt, Unacceptable, Visit
from kiosk.visit.service import FollowUp, Service
from sync.canonical import sha256_hex
from sync.central import CentralClient, CentralUnreachable
from sync.courier import Courier
from sync.envelope import Sealer
from sync.identity import Identity
from sync.outbox import Limits, Outbox
from sync.signing import DeviceKey
from tests.flows import counter
from tests.flows.ways import Revise, ways
from tests.system.people import jpeg

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.system.in_process import Centre
    from tests.system.people import Person

#: Visits of each service.
WALKS = int(os.environ.get("KIOSK_WALKS", "60"))
SEED = os.environ.get("KIOSK_WALK_SEED", "")
#: Until one was taken in there are so many.
MOST = 600
#: What the centre says of something that it takes in; walks go on until it did once.
TAKEN_IN = {"accepted", "to_review"}
#: A visit that is longer goes in circles on purpose: the citizen leaves.
LONGEST = 60
#: What the registry may say of somebody's card; None: it does not know the person.
CARDS = ("", "1", "1", "2", "B", "A", "A", "4", None)
#: Terminals: what is fitted, who is there.
CONTEXTS = tuple(
    dataclasses.replace(
        counter.CONTEXT, comparison=Place.TERMINAL, staffed=staffed, online=online, cards=online
    )
    for staffed in (True, False)
    for online in (True, False)
)

PHOTO = dataclasses.replace(counter.PHOTO, jpeg=jpeg(), sha256=sha256_hex(jpeg()))
PAGE = dataclasses.replace(counter.PAGE, jpeg=jpeg(), sha256=sha256_hex(jpeg()))


@dataclass
class Told:
    """What the citizen of one visit was told and what they did."""

    #: Envelope -> receipt number, kind, verdict ("queued" where none came).
    submitted: dict[str, list[str]] = field(default_factory=dict)
    #: Envelope -> texts that were agreed to on the way to it.
    agreed: dict[str, set[str]] = field(default_factory=dict)


class Line:
    """Stands for `Transport`: the doors of the centre in this process."""

    def __init__(self, centre: Centre, key_id: str) -> None:
        self._centre, self._key_id, self.up = centre, key_id, True

    def post(self, path: str, message: Any, answer: Any, timeout_s: float) -> Any:
        from central import api, questions
        from central.models import Terminal

        if not self.up:
            raise CentralUnreachable("connection")
        doors = {
            "envelopes": api._envelopes,
            "pieces": api._piece,
            "in-pieces": api._in_pieces,
            "questions": questions.answer,
        }
        terminal = Terminal.objects.get(key_id=self._key_id)
        said = doors[path](terminal, type(message).model_validate_json(message.model_dump_json()))
        return answer.model_validate_json(said.model_dump_json())

    def close(self) -> None: ...


class Booth:
    """One terminal: real outbox, courier and client on a line to the real centre."""

    def __init__(self, centre: Centre, state: Path) -> None:
        from central import fleet

        key = DeviceKey.load_or_create(state)
        given = fleet.enrol(fleet.new_code(), key.id, key.public, "大厅")
        self.identity = Identity(
            terminal=given.terminal,
            central_url="https://centre.invalid",
            device_key_id=given.device_key_id,
            central_public_key=given.central_public_key,
            central_key_id=given.central_key_id,
            algorithm=given.algorithm,
            central_key_number=given.central_key_number,
            central_signing_key=given.central_signing_key,
        )
        self.identity.save(state)
        self.state = state
        self.line: Any = Line(centre, key.id)
        self.desired = Desired(state / "desired.json", 60.0)
        self._open()
        self.client = CentralClient(self.identity, state)
        self.client._ready = lambda: self.line  # type: ignore[method-assign]

    def _open(self) -> None:
        limits = Limits(items=10_000, days=10_000, free_bytes=0)
        self.outbox = Outbox(self.state / "outbox.db", self.identity.terminal, limits)
        self.courier = Courier(self.outbox, self.line, self.identity)

    def restart(self) -> None:
        """Both programs end and begin again: what is on the disk is all that is left."""
        self.outbox.close()
        self._open()

    @property
    def terminal_id(self) -> str:
        return self.identity.terminal

    @property
    def sealer(self) -> Any:
        return lambda: Sealer.of(self.identity)

    @property
    def journal(self) -> Any:
        return self

    def record(self, event: str, **more: object) -> None:
        """As of a journal."""

    def deliver(self) -> None:
        from central.models import Terminal

        Terminal.objects.filter(number=self.identity.terminal).update(questions_since=None)
        for _ in range(20):
            self.courier.deliver()

    def close(self) -> None:
        self.outbox.close()


@pytest.fixture(scope="module")
def booth(own_database: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """One for each database: a terminal is known to the centre that enrolled it only."""
    booths: list[Booth] = []

    def of(centre: Centre) -> Booth:
        if not booths:
            booths.append(Booth(centre, tmp_path_factory.mktemp("booth")))
        return booths[0]

    yield of
    for made in booths:
        made.close()


class Citizen:
    """Stands at the booth, with an ID card and whims drawn from a seed."""

    def __init__(self, booth: Booth, centre: Centre, seed: str) -> None:
        self.chance = random.Random(seed)
        self.booth, self.told = booth, Told()
        #: Of the ID card that was read last, which may be a child's, but not of who only acts for
        #: its holder (亲友代办).
        self.read = ""
        card = self.chance.choice(CARDS)
        self.person: Person = centre.holder("" if card is None else card)
        number = self.person.number
        #: Nobody else's, so that the centre can say how it stands.
        self.card_no = f"T{number[6:14]}"
        centre.register(self.person, card_no=self.card_no)
        if card is None:
            centre.forget(self.person)
        self.card = dataclasses.replace(
            counter.ZHANG, name=self.person.name, number=number, birth=number[6:14]
        )
        self.booth.line.up = self.chance.random() < 0.8
        #: The terminal started again in the middle: nobody was told the end.
        self.restarted = False

    def has_applied(self, centre: Centre) -> None:
        """Mostly, and at another terminal."""
        if self.chance.random() < 0.7:
            centre.applied(self.person, 0)

    def walk(self, service: type[Service]) -> Visit:
        context = self.chance.choice(CONTEXTS)
        visit = Visit(lambda: service(context))
        visit.start()
        for _ in range(LONGEST):
            if visit.prompt is None or self.restarted:
                return visit
            self._act(visit, visit.prompt)
        while visit.prompt is not None and not visit.cancel():
            self._act(visit, visit.prompt)
        return visit

    def _act(self, visit: Visit, prompt: Prompt[Any]) -> None:
        if self.chance.random() < 0.03:
            self.booth.line.up = not self.booth.line.up
        if self._does_otherwise(visit, prompt, self.chance.random()):
            return
        way = self._way(prompt)
        if isinstance(way, DeviceFault):
            visit.fault(way)
        elif isinstance(way, Revise):
            visit.revise(way.step)
        else:
            if isinstance(prompt, p.Submit):
                self.told.agreed[way.id] = {
                    one.id for one, said in visit._said if agrees(one, said)
                }
            visit.answer(way)

    def _does_otherwise(self, visit: Visit, prompt: Prompt[Any], whim: float) -> bool:
        """Whether something happens instead of an answer."""
        if whim < 0.005:
            self.restarted = True
            self.booth.restart()
            return True
        if whim < 0.03 and prompt.needs_card() is not None:
            return visit.interrupt(DeviceFault(FaultCode.CARD_PULLED))
        if prompt.performed_by is not None or prompt.effect:
            return False
        if whim < 0.03:
            return visit.cancel()
        if whim < 0.035:
            visit.tick(1e9)  # nobody is there any more
            return True
        if whim < 0.09 and visit.can_go_back:
            visit.back()
            return True
        return whim > 0.98 and visit.keep()

    def _way(self, prompt: Prompt[Any]) -> Any:
        """What is answered: by the real thing where there is one, else mostly what leads on."""
        real = {
            p.AskCentral: self._ask,
            p.Submit: self._submit,
            p.AwaitVerdict: self._verdict,
            p.FindMine: self._mine,
        }
        found = tuple(ways(prompt))
        often = 0.3 if isinstance(prompt, p.Review) else 0.12
        other = self.chance.choice(found) if self.chance.random() < often else found[0]
        if isinstance(other, DeviceFault):
            return other
        if type(prompt) in real:
            return real[type(prompt)](prompt)
        if prompt.id in ("papers.who", "child.who"):
            return self._named(prompt.id)
        if isinstance(prompt, p.Choice):
            return self.chance.choice(prompt.options).value
        if isinstance(prompt, p.PlaceIdCard):
            return self._placed(prompt, other)
        if isinstance(prompt, p.TakePage):
            return PAGE
        if isinstance(prompt, p.ReadCard) and other.holder is not None:
            holder = Holder(self.card.number, self.card.name, "1", "01", None)
            self.read = self.card.number
            return dataclasses.replace(other, holder=holder, card_no=self.card_no)
        if isinstance(prompt, p.TakePhoto):
            return Capture(PHOTO, counter.CAPTURE.frame)
        return other

    def _placed(self, prompt: p.PlaceIdCard, card: Any) -> Any:
        placed = None if card is None else self._own(card)
        if prompt.id != "proxy.id_card":
            self.read = self.card.number if placed is None else placed.number
        return placed

    def _named(self, page: str) -> dict[str, str]:
        """Who is named where no card was read."""
        who = self.card if page == "papers.who" else counter.CHILD
        self.read = who.number
        return {"name": who.name, "id_number": who.number}

    def _own(self, card: Any) -> Any:
        """The person's own card, of the kind that was drawn."""
        if card.number[:-1] == counter.ZHANG.number[:-1] and card.number != counter.ZHANG.number:
            return card  # one that cannot be used
        if card.birth != counter.ZHANG.birth:
            return card  # somebody else's: a child's
        more = {"portrait": card.portrait, "kind": card.kind, "valid_to": card.valid_to}
        return dataclasses.replace(self.card, address=card.address, **more)

    # -- what is real ----------------------------------------------------------------------------

    def _work(self) -> Work:
        parts: Any = self.booth
        return Work(
            parts=parts,
            report=lambda _: None,
            cancelled=lambda: False,
            told=list,
            now=lambda: counter.NOW,
            online=lambda: False,
            letterhead=lambda: None,  # type: ignore[arg-type,return-value]
        )

    def _ask(self, prompt: p.AskCentral) -> Reply:
        question = prompt.question
        try:
            return Reply(self.booth.client.ask(question.kind, dict(question.fields), timeout_s=5))
        except CentralUnreachable as error:
            assert error.reason == "connection", f"{question.kind} was not answered: {error.reason}"
            return Reply()

    def _submit(self, prompt: p.Submit) -> Any:
        done = outbox_operations.submit(prompt, None, self._work())
        self.told.submitted[done.id] = [done.receipt_no, prompt.transaction.kind, "queued"]
        return done

    def _verdict(self, prompt: p.AwaitVerdict) -> Any:
        if self.booth.line.up:
            self.booth.deliver()
        said = outbox_operations.await_verdict(prompt, None, self._work())
        self.told.submitted[prompt.submitted.id][2] = str(said.standpoint)
        return said

    def _mine(self, prompt: p.FindMine) -> Any:
        return outbox_operations.find_mine(prompt, None, self._work())


def agrees(prompt: Prompt[Any], answer: Any) -> bool:
    """Whether this answer is a consent."""
    if isinstance(prompt, p.AskConsent):
        return answer is not None
    return isinstance(prompt, p.Notice) and prompt.must_agree


def cases_of(booth: Booth) -> dict[str, Any]:
    from central.cases import Case

    return {str(case.id): case for case in Case.objects.filter(terminal=booth.identity.terminal)}


@pytest.mark.parametrize("service", find_services(), ids=lambda service: service.id)
def test_the_centre_holds_exactly_what_each_visit_was_told(
    service: type[Service], centre: Centre, booth: Any
) -> None:
    from central.keys import person_hash

    terminal = booth(centre)
    centre.knows(counter.CHILD.number, counter.CHILD.name)
    told_of: set[str] = set()
    for number in [int(SEED)] if SEED else range(max(MOST, WALKS)):
        if number >= WALKS and (told_of & TAKEN_IN or not service.submits):
            break
        before = cases_of(terminal)
        seed = f"{service.id} {number}"
        with time_machine.travel(counter.NOW + timedelta(seconds=5), tick=True):
            citizen = Citizen(terminal, centre, seed)
            if issubclass(service, FollowUp):
                citizen.has_applied(centre)
            try:
                visit = citizen.walk(service)
            except (Unacceptable, LookupError, RuntimeError) as error:
                raise AssertionError(f"{seed}: {error!r}") from error
            if not citizen.restarted:
                assert visit.outcome is not None, seed
                assert visit.outcome.ending is not Ending.CRASHED, seed
            terminal.line.up = True
            terminal.deliver()
        after = cases_of(terminal)
        submitted = citizen.told.submitted
        assert set(after) - set(before) == set(submitted), f"{seed}: more or less than was told"
        assert visit.outcome is None or bool(submitted) == visit.outcome.committed, seed
        for item, (receipt_no, kind, verdict) in submitted.items():
            case = after[item]
            assert (case.receipt_no, case.kind) == (receipt_no, kind), seed
            assert case.person == person_hash(citizen.read), f"{seed}: another person's"
            assert verdict in (case.verdict, "queued"), f"{seed}: {case.reason}"
            given = {consent["text_id"] for consent in case.contents["consents"]}
            agreed = citizen.told.agreed[item]
            # What was agreed to in the service that led to this one is none of its business.
            right = given == agreed if kind == service.id else given <= agreed
            assert right, f"{seed}: agreed to {given}"
            told_of.add(case.verdict)
    if service.submits and not SEED:
        assert told_of & TAKEN_IN, f"{told_of}: nothing was taken in"
