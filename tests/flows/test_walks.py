"""Random visits of every service: whatever is answered, it ends, and what it files is whole.

A service is walked by being there. Hypothesis draws the seed of a visit that answers anything
(`tests.flows.ways`), goes back, changes a row, pulls the card, leaves it for another day, lets time
run out, leaves. A seed that breaks a rule is printed, and KIOSK_WALK_SEED walks it alone. The same
is done at the real centre, with a line that comes and goes and a terminal that starts again:
`tests/system/test_walks.py`.

KIOSK_WALKS says how many visits of each service there are.
"""

from __future__ import annotations

import dataclasses
import os
import random
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hardware.faults import DeviceFault, FaultCode
from kiosk.photo.faces import Band
from kiosk.records.proof import Level
from kiosk.records.transaction import Consent
from kiosk.services import find_services
from kiosk.services.first_application import ApplyFirst
from kiosk.visit import prompts as p
from kiosk.visit.flow import Ending, Prompt, Visit
from sync.canonical import canonical, sha256_hex
from sync.kinds import kinds
from tests.flows.counter import NOW, Walk
from tests.flows.explore import CONTEXTS
from tests.flows.ways import Revise, ways

if TYPE_CHECKING:
    from kiosk.records.transaction import Transaction
    from kiosk.visit.service import Service

WALKS = int(os.environ.get("KIOSK_WALKS", "40"))
SEED = os.environ.get("KIOSK_WALK_SEED", "")
#: A visit that is longer goes in circles on purpose: the citizen leaves.
LONGEST = 70
TERMINALS = (*CONTEXTS, *(dataclasses.replace(one, online=True) for one in CONTEXTS))
#: What happens instead of the answer that leads on, out of so many.
WHIMS = {0: "back", 1: "back", 2: "keep", 3: "idle", 4: "cancel", 5: "pulled"}
WHIMS |= dict.fromkeys(range(6, 16), "other")
MOST = 120


class Walker:
    """One visit, and what was filed in it."""

    def __init__(self, service: type[Service], seed: int) -> None:
        self._chance = random.Random(seed)
        context = self._chance.choice(TERMINALS)
        self.visit = Visit(lambda: service(context))
        self.filed: list[Transaction] = []

    def walk(self) -> None:
        self.visit.start()
        for _ in range(LONGEST):
            if self.visit.prompt is None:
                return
            self._act(self.visit.prompt, WHIMS.get(self._chance.randrange(MOST), ""))
        while self.visit.prompt is not None and not self.visit.cancel():
            self._act(self.visit.prompt, "")

    def _act(self, prompt: Prompt[Any], whim: str) -> None:
        visit = self.visit
        if whim == "back" and visit.can_go_back:
            visit.back()
        elif whim == "keep" and visit.keep():
            return
        elif whim == "idle" and not prompt.effect:
            visit.tick(1e9)
        elif whim == "cancel":
            visit.cancel()
        elif whim == "pulled" and prompt.needs_card() is not None:
            assert visit.interrupt(DeviceFault(FaultCode.CARD_PULLED))
        else:
            self._answer(prompt, other=whim == "other")

    def _answer(self, prompt: Prompt[Any], *, other: bool) -> None:
        found = tuple(ways(prompt))
        other = other or (type(prompt) is p.Choice and self._chance.random() < 0.4)
        way = self._chance.choice(found) if other else found[0]
        if isinstance(way, DeviceFault):
            self.visit.fault(way)
        elif isinstance(way, Revise):
            self.visit.revise(way.step)
        else:
            if isinstance(prompt, p.Submit):
                self.filed.append(prompt.transaction)
                must_be_whole(prompt.transaction, self.visit._said)
            self.visit.answer(way)


def must_be_whole(filed: Transaction, said: list[tuple[Prompt[Any], Any]]) -> None:
    """It has what was said on the way that led to it, and nothing else."""
    kind = kinds()[filed.kind]
    kind.document.model_validate(filed.document)
    assert set(filed.document) == set(kind.document.model_fields)
    assert set(filed.attachments) <= set(kind.attachments)
    agreed = {one.id for one, answer in said if agrees(one, answer)}
    assert {consent.text_id for consent in filed.consents} <= agreed
    assert filed.person == filed.document["id_number"] and filed.person in people(said)
    proven = any(
        (isinstance(one, p.CompareFaces) and answer.comparison.band is Band.MATCH)
        or (isinstance(one, p.AskStaff) and answer is not None)
        for one, answer in said
        if not isinstance(answer, DeviceFault)
    )
    assert proven or filed.proof.level not in (Level.P3, Level.PG)
    signed = [one for one in said if isinstance(one[0], p.Sign)]
    assert kind.signed <= bool(filed.signature) == bool(signed)
    if signed:
        page, strokes = signed[-1]
        assert filed.signature == strokes
        assert page.document == sha256_hex(canonical(dict(filed.document)))  # type: ignore[attr-defined]


def agrees(prompt: Prompt[Any], answer: Any) -> bool:
    """Whether this answer is a consent."""
    if isinstance(prompt, p.AskConsent):
        return answer is not None and not isinstance(answer, DeviceFault)
    return isinstance(prompt, p.Notice) and prompt.must_agree


def people(said: list[tuple[Prompt[Any], Any]]) -> set[str]:
    """The ID numbers that were read or typed on this way."""
    found = set()
    for prompt, answer in said:
        if isinstance(prompt, p.PlaceIdCard | p.ScanCard) and hasattr(answer, "number"):
            found.add(answer.number)
        elif isinstance(prompt, p.ReadCard) and getattr(answer, "holder", None) is not None:
            found.add(answer.holder.number)
        elif isinstance(prompt, p.Form) and "id_number" in answer:
            found.add(answer["id_number"])
    return found


@pytest.mark.parametrize("service", find_services(), ids=lambda service: service.id)
def test_every_visit_ends_and_files_no_more_than_was_said(service: type[Service]) -> None:
    kinds_filed: set[str] = set()

    @settings(
        max_examples=WALKS,
        deadline=None,
        database=None,
        derandomize=True,  # else none of them files, once in thousands of runs
        suppress_health_check=list(HealthCheck),
    )
    @given(seed=st.just(int(SEED)) if SEED else st.integers(0, 2**32 - 1))
    def walk(seed: int) -> None:
        walker = Walker(service, seed)
        walker.walk()
        outcome = walker.visit.outcome
        assert outcome is not None and outcome.ending is not Ending.CRASHED
        assert outcome.committed == bool(walker.filed)
        documents = [canonical(dict(one.document)) for one in walker.filed]
        assert len(set(documents)) == len(documents), "two effects"
        assert len({one.person for one in walker.filed}) <= 1, "two people"
        kinds_filed.update(one.kind for one in walker.filed)

    walk()
    assert SEED or service.id in kinds_filed or not service.submits, "no visit came to its end"


def test_what_was_not_said_is_found_out() -> None:
    """The rule itself can fail: a consent that nobody gave, a person who was not read."""
    walk = Walk(ApplyFirst).until("filing.submit")
    filed, said = walk.prompt.transaction, walk.visit._said
    must_be_whole(filed, said)
    for broken in (
        dataclasses.replace(filed, person="1" * 18),
        dataclasses.replace(filed, signature=None),
        dataclasses.replace(filed, document={**filed.document, "name": "别人"}),
        dataclasses.replace(filed, proof=dataclasses.replace(filed.proof, level=Level.P3)),
        dataclasses.replace(
            filed, consents=(*filed.consents, Consent("nobody.agreed", "1", "0" * 64, NOW))
        ),
    ):
        with pytest.raises(AssertionError):
            must_be_whole(broken, said)
