"""电子社保卡: offered where its code can be read and asked about, never good for more than P1."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from hardware.codes import CodeSpent, OneTimeCode
from hardware.faults import DeviceFault, FaultCode
from hardware.scanner import ScanStep
from hardware.supervision import DeviceState
from kiosk.operations.scanner import MOST_CODES
from kiosk.records.electronic import CodeSaid, ElectronicCard
from kiosk.records.proof import Level
from kiosk.records.submission import Reply
from kiosk.services.card_check import CheckCard
from kiosk.services.card_progress import CardProgress
from kiosk.services.problem_report import ReportProblem
from kiosk.visit.flow import Ending
from kiosk.visit.prompts import ScanCard
from sync.central import CentralUnreachable
from tests.flows.counter import ACCEPTED, AGREED, CONTEXT, SUBMITTED, ZHANG, Walk, fits
from tests.flows.test_terminal import Desk, terminal

WITH_CODES = replace(CONTEXT, electronic=True)
HERS = ElectronicCard(CodeSaid.VALID, ZHANG.name, ZHANG.number)
CASE = {
    "receipt_no": "13029926112400015",
    "kind": "first_application",
    "stage": "accepted",
    "filed": "2026-11-20",
    "since": "2026-11-23",
    "outlet": "",
    "overdue": True,
    "may": ["case_withdrawal", "problem_report"],
}


def test_it_is_not_offered_where_no_code_can_be_read() -> None:
    assert [way.value for way in Walk(CardProgress).prompt.options] == ["id_card", "receipt"]
    walk = Walk(ReportProblem).say("problem_report.notice", AGREED)
    assert walk.at == "identity.id_card", "one way is no choice"


def test_progress_by_a_code_is_to_look_at_only() -> None:
    walk = Walk(CardProgress, WITH_CODES).say("progress.by", "electronic")
    walk.say("identity.electronic", HERS)
    assert walk.prompt.person == ZHANG.number
    walk.say("progress.mine", ()).say("progress.ask", Reply({"cases": [CASE]}))
    assert [entry.number for entry in walk.prompt.entries] == [CASE["receipt_no"]]
    assert walk.prompt.answers() == (), "neither printed nor taken up"
    assert walk.prompt.lines == ("progress.to_look_at",)
    walk.say("progress.listing", True)
    assert walk.visit.outcome is not None and walk.visit.outcome.ending is Ending.DONE


def test_a_problem_is_reported_by_a_code_with_the_proof_that_it_is() -> None:
    walk = Walk(ReportProblem, WITH_CODES).say("problem_report.notice", AGREED)
    walk.say("identity.by", "electronic").say("identity.electronic", HERS)
    walk.say("problem_report.about", "card")
    transaction = walk.prompt.transaction
    fits(transaction)
    assert transaction.proof.level is Level.P1
    assert transaction.document["id_number"] == ZHANG.number
    walk.say("filing.submit", SUBMITTED).say("filing.verdict", ACCEPTED)


@pytest.mark.parametrize("said", [said for said in CodeSaid if said is not CodeSaid.VALID])
def test_a_code_that_does_not_serve_leads_to_the_id_card(said: CodeSaid) -> None:
    walk = Walk(CardProgress, WITH_CODES).say("progress.by", "electronic")
    assert walk.say("identity.electronic", ElectronicCard(said)).at == f"electronic.{said}"


def test_a_number_that_is_none_identifies_nobody() -> None:
    walk = Walk(CardProgress, WITH_CODES).say("progress.by", "electronic")
    wrong = replace(HERS, number=ZHANG.number[:-1] + "?")
    assert walk.say("identity.electronic", wrong).at == "electronic.unknown"


# -- the operation ---------------------------------------------------------------------------------


class Telephones:
    """A scanner before which one code after the other is held."""

    def __init__(self, *texts: str) -> None:
        self.codes = [OneTimeCode(text) for text in texts]

    def read(self, cancelled: Any, report: Any) -> OneTimeCode:
        return self.codes.pop(0)


class Platform:
    """The centre; what it says to one question after the other, None: it does not answer."""

    def __init__(self, *said: dict[str, str] | None) -> None:
        self.said = list(said)
        self.asked: list[tuple[str, dict[str, str]]] = []

    def ask(self, kind: str, fields: dict[str, str], *, timeout_s: float) -> dict[str, str]:
        self.asked.append((kind, fields))
        answer = self.said.pop(0)
        if answer is None:
            raise CentralUnreachable("timeout")
        return answer


VALID = {"said": "valid", "name": ZHANG.name, "id_number": ZHANG.number}


def scanned(
    tmp_path: Path, telephones: Telephones, platform: Platform
) -> tuple[ElectronicCard, list[ScanStep]]:
    desk = terminal(tmp_path, camera=Desk(None), scanner=Desk(telephones))
    desk.parts = replace(desk.parts, central=platform)  # type: ignore[arg-type]
    steps: list[ScanStep] = []
    return desk.perform(ScanCard("identity.electronic"), steps.append), steps


def test_a_code_goes_to_the_centre_at_once_and_once(tmp_path: Path) -> None:
    telephones, platform = Telephones("secret code"), Platform(VALID)
    (code,) = telephones.codes
    card, steps = scanned(tmp_path, telephones, platform)
    assert (card, steps) == (HERS, [ScanStep.CHECKING])
    assert platform.asked == [("electronic_card.holder", {"code": "secret code"})]
    assert ZHANG.number not in repr(card) and ZHANG.name not in repr(card)
    with pytest.raises(CodeSpent):
        code.take()


def test_an_old_or_another_code_may_be_followed_by_the_right_one(tmp_path: Path) -> None:
    platform = Platform({"said": "expired"}, {"said": "unknown"}, VALID)
    card, steps = scanned(tmp_path, Telephones("a", "b", "c"), platform)
    assert card == HERS
    told = [ScanStep.REFRESH, ScanStep.OTHER_CODE]
    assert [step for step in steps if step is not ScanStep.CHECKING] == told


def test_nobody_tries_codes_for_ever(tmp_path: Path) -> None:
    platform = Platform(*({"said": "unknown"} for _ in range(MOST_CODES)))
    card, _ = scanned(tmp_path, Telephones(*"abcdefgh"), platform)
    assert card == ElectronicCard(CodeSaid.UNKNOWN)
    assert len(platform.asked) == MOST_CODES


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (None, CodeSaid.UNASKED),
        ({"said": "stopped"}, CodeSaid.STOPPED),
        ({"said": "of a newer centre"}, CodeSaid.UNKNOWN),
    ],
)
def test_no_other_answer_identifies_anybody(
    tmp_path: Path, answer: dict[str, str] | None, said: CodeSaid
) -> None:
    card, _ = scanned(tmp_path, Telephones("a"), Platform(answer))
    assert card == ElectronicCard(said)


def test_a_code_whose_minute_is_over_is_not_sent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hardware.codes.LIFETIME_S", -1.0)
    telephones = Telephones("old")
    monkeypatch.undo()
    telephones.codes.append(OneTimeCode("new"))
    platform = Platform(VALID)
    card, steps = scanned(tmp_path, telephones, platform)
    assert card == HERS and steps[1] is ScanStep.REFRESH
    assert [fields["code"] for _, fields in platform.asked] == ["new"]


def test_a_scanner_that_fails_ends_the_visit_with_its_words() -> None:
    walk = Walk(CardProgress, WITH_CODES).say("progress.by", "electronic")
    walk.visit.fault(DeviceFault(FaultCode.SCANNER_OFFLINE))
    assert walk.visit.outcome is not None
    assert walk.visit.outcome.fault is FaultCode.SCANNER_OFFLINE


# -- where it is offered ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fitted", "state", "platform", "offered"),
    [
        (True, DeviceState.READY, True, True),
        (True, DeviceState.READY, False, False),
        (True, DeviceState.FAULT, True, False),
        (False, None, True, True),
        (False, None, False, False),
    ],
)
def test_it_is_offered_with_scanner_centre_and_platform(
    tmp_path: Path, fitted: bool, state: DeviceState | None, platform: bool, offered: bool
) -> None:
    """Without a scanner the camera reads it."""
    scanner = {"scanner": Desk(None)} if fitted else {}
    desk = terminal(tmp_path, camera=Desk(None), **scanner)
    if state is not None:
        desk.health.put("scanner", state)
    assert not desk._context().electronic, "the centre has said nothing yet"
    desired = {"version": "1", "closed_services": {}, "electronic_cards": platform}
    (tmp_path / "desired.json").write_text(json.dumps(desired))
    desk.parts.desired.refresh()
    assert desk._context().electronic is offered
    desk.visit(CheckCard)
