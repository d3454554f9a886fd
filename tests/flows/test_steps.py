"""Steps by themselves: proof, in which every moment and every reason has to be the right one, and
what is filed, handed over and told. What a whole service makes of them is tested with it."""

from __future__ import annotations

import dataclasses
from datetime import timedelta
from typing import Any

import pytest

from hardware.faults import DeviceFault, FaultCode
from kiosk.photo.faces import Band, Comparison, Place, Why
from kiosk.photo.pages import Page
from kiosk.records.citizen import Citizen
from kiosk.records.proof import Level, Proof
from kiosk.records.staff import Staff
from kiosk.steps.consents import Consents
from kiosk.steps.filing import Paper, file, report
from kiosk.steps.identity import identify_or_paper
from kiosk.steps.proof import compare, on_paper, prove, prove_own_wish
from kiosk.steps.signing import review_and_sign
from kiosk.visit.prompts import AskStaff, Compared
from kiosk.visit.service import Context, Service
from tests.flows.counter import (
    ACCEPTED,
    CAPTURE,
    COMPARING,
    CONTEXT,
    NOW,
    PAGE,
    POLICY,
    QUEUED,
    SIGNATURE,
    SUBMITTED,
    TO_REVIEW,
    TODAY,
    WITH_PORTRAIT,
    ZHANG,
    Walk,
    number,
)

#: When the notice was read, the comparison agreed to, made, and when a member of staff vouched.
READ, AGREED, MADE, VOUCHED = (NOW + timedelta(minutes=minutes) for minutes in range(4))
STAFFED = dataclasses.replace(COMPARING, staffed=True)


class Step(Service):
    """A service of one step, and what the step gave."""

    id, group, icon, stages = "step", "help", "help", ()
    step: Any

    async def serve(self) -> None:
        type(self).gave = await type(self).step(self)

    gave: Any = None


def run(step: Any, context: Context = COMPARING) -> tuple[Walk, type[Step]]:
    service = type("OneStep", (Step,), {"step": staticmethod(step)})
    return Walk(service, context), service


def citizen(card: Any = WITH_PORTRAIT) -> Citizen:
    return Citizen.from_id_card(card, TODAY)


def proving(card: Any = WITH_PORTRAIT, context: Context = COMPARING) -> tuple[Walk, type[Step]]:
    return run(lambda one: prove(one.context, citizen(card), Consents(one.policy), READ), context)


def faces(band: Band) -> Compared:
    return Compared(Comparison(band, 0.5, "test"), MADE)


# -- who stands there ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("band", "level", "reasons"),
    [
        (Band.MATCH, Level.P3, ()),
        (Band.UNSURE, Level.P1, ("face_unsure",)),
        (Band.MISMATCH, Level.P1, ("face_mismatch",)),
        (Band.CANNOT_TELL, Level.P1, ("face_not_compared",)),
    ],
)
def test_a_proof_is_of_the_moment_in_which_the_faces_were_compared(
    band: Band, level: Level, reasons: tuple[str, ...]
) -> None:
    walk, step = proving()
    walk.say("comparison.consent", AGREED).say("proof.look", CAPTURE)
    assert (walk.prompt.photo, walk.prompt.portrait) == (CAPTURE.photo, WITH_PORTRAIT.portrait)
    walk.say("comparison.compare", faces(band))
    found: Proof = step.gave
    assert (found.level, found.at, found.staff) == (level, MADE, None)
    assert found.comparison == faces(band).comparison
    assert found.reasons == (*reasons, "liveness_not_seen")


def test_who_vouches_settles_what_is_of_the_face_and_nothing_else() -> None:
    walk, step = proving(context=STAFFED)
    walk.say("comparison.consent", AGREED).say("proof.look", CAPTURE)
    walk.say("comparison.compare", faces(Band.MISMATCH))
    walk.say("proof.staff", Staff("s07", "face", VOUCHED))
    assert (step.gave.level, step.gave.reasons) == (Level.P3, ("liveness_not_seen",))


def not_compared(walk: Walk, why: Why) -> None:
    """Says and does what leads to no comparison."""
    if why is Why.DECLINED:
        walk.say("comparison.consent", None)
    elif why is Why.NO_PORTRAIT:
        walk.say("comparison.consent", AGREED)
    elif why is Why.NO_FACE:
        walk.say("comparison.consent", AGREED)
        walk.visit.fault(DeviceFault(FaultCode.CAMERA_NO_FRAMES))


@pytest.mark.parametrize("staffed", [False, True])
@pytest.mark.parametrize(
    ("why", "at", "card", "place"),
    [
        (Why.NO_METHOD, READ, WITH_PORTRAIT, Place.NONE),
        (
            Why.GUARDIAN,
            READ,
            dataclasses.replace(ZHANG, birth="20121125", number=number("20121125")),
            Place.TERMINAL,
        ),
        (Why.DECLINED, READ, WITH_PORTRAIT, Place.TERMINAL),
        (Why.NO_PORTRAIT, READ, ZHANG, Place.TERMINAL),
        (Why.NO_FACE, AGREED, WITH_PORTRAIT, Place.TERMINAL),
    ],
)
def test_without_a_comparison_it_is_said_why_and_staff_are_the_other_way(
    why: Why, at: Any, card: Any, place: Place, staffed: bool
) -> None:
    context = dataclasses.replace(CONTEXT, comparison=place, staffed=staffed)
    walk, step = proving(card, context)
    not_compared(walk, why)
    if staffed:
        assert isinstance(walk.prompt, AskStaff)
        assert walk.prompt.reasons == ("face", "covering", "declined")
        walk.say("proof.staff", staff := Staff("s07", "face", VOUCHED))
        assert step.gave.document()["staff"] == {"id": "s07", "reason": "face"}
        assert (step.gave.level, step.gave.at, step.gave.staff) == (Level.P3, VOUCHED, staff)
        assert step.gave.reasons == ()
    else:
        assert (step.gave.level, step.gave.staff) == (Level.P1, None)
        assert step.gave.at == at
        reason = "face_declined" if why is Why.DECLINED else "face_not_compared"
        assert step.gave.reasons == (reason,)
    assert step.gave.comparison.why is why


def test_who_turns_fourteen_today_is_asked() -> None:
    card = dataclasses.replace(WITH_PORTRAIT, birth="20121124", number=number("20121124"))
    assert proving(card)[0].at == "comparison.consent"


@pytest.mark.parametrize(("wish", "pressed"), [("own", ()), ("other", ("asked_by_other",))])
def test_whose_wish_it_is_stands_behind_what_the_proof_says(
    wish: str, pressed: tuple[str, ...]
) -> None:
    walk, step = run(lambda one: prove_own_wish(one.context, citizen(), Consents(one.policy), READ))
    walk.say("proof.wish", wish).say("comparison.consent", None)
    assert step.gave.reasons == ("face_declined", *pressed)
    assert step.gave.at == READ


@pytest.mark.parametrize("legible", [True, False])
def test_papers_are_no_proof_and_a_person_looks(legible: bool) -> None:
    pages = (PAGE, Page(b"\xff\xd8 blurred", "3" * 64, legible=legible))
    unsure = Comparison(Band.UNSURE, 0.3, "test")
    _, step = run(lambda one: on_paper(READ, CAPTURE, unsure, pages, covered=True))
    assert (step.gave.level, step.gave.at, step.gave.comparison) == (Level.P0, READ, unsure)
    unclear = () if legible else ("page_unclear",)
    looked_at = ("face_unsure", "liveness_not_seen", "head_covering")
    assert step.gave.reasons == (*looked_at, "on_paper", *unclear)


def test_a_photo_is_compared_where_it_can_be_and_otherwise_at_the_centre() -> None:
    def comparing(card: Any) -> tuple[Walk, type[Step]]:
        return run(lambda one: compare(one.context, citizen(card), CAPTURE, Consents(POLICY)))

    walk, step = comparing(ZHANG)
    walk.say("comparison.consent", AGREED)
    assert (step.gave[0].why, step.gave[1]) == (Why.AT_CENTRAL, AGREED)
    walk, step = comparing(WITH_PORTRAIT)
    walk.say("comparison.consent", None)
    assert (step.gave[0].why, step.gave[1]) == (Why.DECLINED, None)
    walk, step = comparing(WITH_PORTRAIT)
    walk.say("comparison.consent", AGREED)
    assert (walk.prompt.photo, walk.prompt.portrait) == (CAPTURE.photo, WITH_PORTRAIT.portrait)
    walk.say("comparison.compare", faces(Band.MATCH))
    assert step.gave == (faces(Band.MATCH).comparison, MADE)


# -- whose card ------------------------------------------------------------------------------------


def test_who_has_no_id_card_here_is_known_by_the_household_register() -> None:
    walk, step = run(lambda one: identify_or_paper(one.policy, one.today))
    assert walk.prompt.may_lack
    walk.say("identity.id_card", None)
    walk.say("papers.who", {"name": ZHANG.name, "id_number": ZHANG.number})
    walk.say("papers.age", "right").say("papers.ethnic", "01")
    walk.say("papers.household_first", PAGE).say("papers.household_own", PAGE)
    assert (step.gave.on_paper, step.gave.name) == (True, ZHANG.name)


# -- what is signed, filed and handed over ---------------------------------------------------------


def test_it_is_said_whose_signature_it_is() -> None:
    walk, step = run(lambda one: review_and_sign({"name": ZHANG.name}, (), ZHANG.name))
    walk.say("review", True)
    assert walk.prompt.name == ZHANG.name
    walk.say("signature", SIGNATURE)
    assert step.gave == SIGNATURE


PAPER = Paper("apply", notes=("a note",), facts={"n": 1}, while_queued=("while it waits",))


@pytest.mark.parametrize(
    ("verdict", "unsure", "state", "page", "notes"),
    [
        (ACCEPTED, False, "state.accepted", "apply.accepted", ("a note",)),
        (TO_REVIEW, True, "state.to_review", "apply.to_review", ("a note",)),
        (QUEUED, False, "state.queued", "apply.queued", ("while it waits", "a note")),
        (QUEUED, True, "state.unsure", "apply.queued", ("apply.queued.text",)),
    ],
)
def test_paper_and_page_say_what_the_centre_said_and_no_more(
    verdict: Any, unsure: bool, state: str, page: str, notes: tuple[str, ...]
) -> None:
    paper = dataclasses.replace(PAPER, unsure=unsure)
    walk, _ = run(lambda one: report(paper, SUBMITTED, verdict))
    slip = walk.prompt.slip
    assert (slip.id, slip.state, slip.notes) == ("apply.slip", state, notes)
    assert (slip.number, slip.facts["n"]) == (SUBMITTED.receipt_no, 1)
    walk.say("filing.print", None)
    assert (walk.at, walk.prompt.number) == (page, SUBMITTED.receipt_no)
    assert walk.prompt.facts["n"] == 1 and walk.prompt.lines[0] == f"{state}.meaning"


def test_the_answer_that_is_waited_for_is_that_to_what_was_filed() -> None:
    walk, _ = run(lambda one: file(None, PAPER))  # type: ignore[arg-type]
    walk.say("filing.submit", SUBMITTED)
    assert (walk.at, walk.prompt.submitted) == ("filing.verdict", SUBMITTED)


def test_each_copy_has_a_name_of_its_own() -> None:
    walk, _ = run(lambda one: report(PAPER, SUBMITTED, ACCEPTED))
    for copy in (1, 2, 3):
        assert walk.prompt.action == f"{SUBMITTED.id}.{copy}"
        walk.visit.fault(DeviceFault(FaultCode.PRINTER_PAPER_OUT))
        walk.say("apply.accepted", "reprint")
