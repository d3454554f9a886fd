"""Businesses at the centre: each is one file, all go the same way; who decides must have looked."""

from __future__ import annotations

import itertools
import re
import time
from contextlib import closing
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
import requests

from sync.central import CentralClient
from sync.courier import Courier
from sync.enrolment import enrol
from sync.envelope import Sealer
from sync.header import BEIJING
from tests.system import people
from tests.system.people import Person, contents_of
from tests.system.test_central import decided, shown, submit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sync.outbox import Stored
    from tests.system.conftest import CentralServer, EnrolledTerminal

CARD_ID = "0123456789ABCDEF0123456789ABCDEF"


def put(
    terminal: EnrolledTerminal,
    kind: str,
    document: dict[str, Any],
    change: Callable[[dict[str, Any]], object] = lambda contents: None,
    urgent: bool = False,
) -> Stored:
    """Put one unsigned transaction of any kind."""
    sealer = Sealer.of(terminal.identity)

    def seal(header: Any) -> bytes:
        contents = contents_of(header, document, {})
        change(contents)
        return sealer.seal(header, contents)

    return terminal.outbox.put(
        kind, seal, key_id=sealer.key_id, algorithm=sealer.algorithm, urgent=urgent
    )


def loss_of(person: Person, loss: str = "temporary") -> dict[str, Any]:
    return {"name": person.name, "id_number": person.number, "loss": loss, "card": ""}


def withdrawal_of(person: Person) -> dict[str, Any]:
    return {"name": person.name, "id_number": person.number, "card_id": CARD_ID}


def asked(terminal: EnrolledTerminal, kind: str, person: Person) -> dict[str, Any]:
    client = CentralClient(terminal.identity, terminal.state)
    try:
        fields = {"id_number": person.number, "name": person.name}
        return client.ask(kind, fields, timeout_s=20)
    finally:
        client.close()


def until(what: str, condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end, what
        time.sleep(0.1)


def state_of(central: CentralServer, stored: Stored) -> str:
    found = shown(central, stored)
    assert found is not None
    state: str = found["state"]
    return state


HOLDERS = itertools.cycle(people.CARD_HOLDERS)
WITHDRAWING = itertools.cycle(people.WITHDRAWING)


@pytest.fixture
def holder() -> Person:
    """Whose card nobody else reports; each database has its own registry."""
    return next(HOLDERS)


# -- 挂失, 解挂, 制卡进度 -------------------------------------------------------------------------


def test_a_lost_card_is_blocked_and_serves_again_after_its_withdrawal(
    central: CentralServer, terminal: EnrolledTerminal, holder: Person
) -> None:
    before = asked(terminal, "loss_report.card", holder)
    assert (before["rejection"], before["state"]) == (None, "in_use")
    assert before["card"][:1] + before["card"][-2:] == "T78" and "*" in before["card"]
    assert asked(terminal, "loss_withdrawal.state", holder)["state"] == "in_use"

    lost = put(terminal, "loss_report", loss_of(holder), urgent=True)
    assert decided(terminal, lost).verdict == "accepted"
    assert state_of(central, lost) == "in_force"
    until("blocked", lambda: asked(terminal, "loss_report.card", holder)["state"] == "lost")

    found = put(terminal, "loss_withdrawal", withdrawal_of(holder), fresh)
    assert decided(terminal, found).verdict == "accepted"
    assert (state_of(central, found), state_of(central, lost)) == ("in_force", "withdrawn")
    until("in use", lambda: asked(terminal, "loss_report.card", holder)["state"] == "in_use")


def fresh(contents: dict[str, Any]) -> None:
    """Proven just now."""
    now = datetime.now(BEIJING) - timedelta(seconds=1)
    contents["proof"] = {"level": "P3", "at": now.isoformat(), "comparison": people.MATCH}


def test_the_same_loss_again_is_a_duplicate_and_a_formal_one_is_not(
    central: CentralServer, terminal: EnrolledTerminal, holder: Person
) -> None:
    first = put(terminal, "loss_report", loss_of(holder))
    assert decided(terminal, first).verdict == "accepted"
    again = put(terminal, "loss_report", loss_of(holder))
    assert decided(terminal, again).verdict == "duplicate"
    assert asked(terminal, "loss_report.card", holder)["temporary"] is True
    formal = put(terminal, "loss_report", loss_of(holder, "formal"), fresh)
    assert decided(terminal, formal).verdict == "accepted"
    found = asked(terminal, "loss_report.card", holder)
    assert (found["state"], found["temporary"]) == ("lost", False)


def test_a_formal_loss_that_must_be_looked_at_blocks_the_card_meanwhile(
    central: CentralServer, terminal: EnrolledTerminal, holder: Person
) -> None:
    def unsure(contents: dict[str, Any]) -> None:
        contents["proof"]["reasons"] = ["face_unsure"]

    lost = put(terminal, "loss_report", loss_of(holder, "formal"), unsure)
    assert decided(terminal, lost).verdict == "to_review"
    assert state_of(central, lost) == "to_review"
    until("blocked", lambda: asked(terminal, "loss_report.card", holder)["state"] == "lost")
    assert asked(terminal, "loss_report.card", holder)["temporary"] is False, "it is formal already"


@pytest.mark.parametrize(
    ("level", "reason"), [("P1", "unproven"), ("P2", "unproven"), ("PG", "unproven")]
)
def test_a_loss_is_withdrawn_only_by_who_is_proven_to_be_the_holder(
    central: CentralServer, terminal: EnrolledTerminal, level: str, reason: str
) -> None:
    holder = next(HOLDERS)
    assert decided(terminal, put(terminal, "loss_report", loss_of(holder))).verdict == "accepted"
    until("blocked", lambda: asked(terminal, "loss_report.card", holder)["state"] == "lost")
    weak = put(
        terminal,
        "loss_withdrawal",
        withdrawal_of(holder),
        lambda contents: (fresh(contents), contents["proof"].update(level=level)),
    )
    verdict = decided(terminal, weak)
    assert (verdict.verdict, verdict.rejection, verdict.reason) == (
        "rejected",
        "not_permitted",
        reason,
    )
    assert asked(terminal, "loss_report.card", holder)["state"] == "lost"


def test_an_old_proof_does_not_bring_a_card_back(
    terminal: EnrolledTerminal, holder: Person
) -> None:
    assert decided(terminal, put(terminal, "loss_report", loss_of(holder))).verdict == "accepted"
    verdict = decided(terminal, put(terminal, "loss_withdrawal", withdrawal_of(holder)))
    assert (verdict.verdict, verdict.reason) == ("rejected", "unproven"), "of 2026-11-24"


def test_what_is_not_lost_cannot_be_withdrawn(terminal: EnrolledTerminal, holder: Person) -> None:
    verdict = decided(terminal, put(terminal, "loss_withdrawal", withdrawal_of(holder), fresh))
    assert (verdict.verdict, verdict.reason) == ("rejected", "in_use")


def test_who_has_no_card_has_none_to_report(terminal: EnrolledTerminal) -> None:
    person = people.REVIEWED[0]
    assert asked(terminal, "loss_report.card", person)["state"] == "none"
    verdict = decided(terminal, put(terminal, "loss_report", loss_of(person)))
    assert (verdict.verdict, verdict.reason) == ("rejected", "no_card")


def test_progress_names_all_matters_of_a_person_newest_first(
    central: CentralServer, terminal: EnrolledTerminal, holder: Person
) -> None:
    assert asked(terminal, "card_progress.cases", holder) == {"cases": []}
    stored = [put(terminal, "loss_report", loss_of(holder)) for _ in range(2)]
    for one in stored:
        decided(terminal, one)
    found = asked(terminal, "card_progress.cases", holder)["cases"]
    assert [one["receipt_no"] for one in found] == [one.receipt_no for one in reversed(stored)]
    assert [one["stage"] for one in found] == ["duplicate", "in_force"]
    assert {one["kind"] for one in found} == {"loss_report"}
    other = Person("别名", holder.birth, holder.order)
    assert asked(terminal, "card_progress.cases", other) == {"cases": []}, "number without name"


def test_a_matter_is_found_by_its_receipt_number_and_the_end_of_the_id_number(
    central: CentralServer, terminal: EnrolledTerminal, holder: Person
) -> None:
    stored = put(terminal, "loss_report", loss_of(holder))
    decided(terminal, stored)

    def found(**given: str) -> list[dict[str, Any]]:
        fields = {"receipt_no": stored.receipt_no, "last_four": holder.number[-4:], **given}
        client = CentralClient(terminal.identity, terminal.state)
        try:
            return list(client.ask("card_progress.receipt", fields, timeout_s=20)["cases"])
        finally:
            client.close()

    (one,) = found()
    assert (one["kind"], one["stage"], one["may"]) == ("loss_report", "in_force", [])
    assert holder.name not in str(one) and holder.number not in str(one)
    wrong = f"{(int(holder.number[-4]) + 1) % 10}{holder.number[-3:]}"
    assert found(last_four=wrong) == []
    assert found(receipt_no="13000026112400013") == []


def back_of(person: Person, stored: Stored) -> dict[str, Any]:
    return {"name": person.name, "id_number": person.number, "receipt_no": stored.receipt_no}


def test_a_matter_that_nobody_decided_is_taken_back_and_can_be_filed_again(
    central: CentralServer, terminal: EnrolledTerminal
) -> None:
    person = next(WITHDRAWING)
    first = submit(terminal, person)
    assert decided(terminal, first).verdict == "accepted"
    (offered,) = asked(terminal, "case_withdrawal.cases", person)["cases"]
    assert (offered["receipt_no"], offered["kind"]) == (first.receipt_no, "first_application")
    (case,) = asked(terminal, "card_progress.cases", person)["cases"]
    assert case["may"] == ["case_withdrawal"]

    back = put(terminal, "case_withdrawal", back_of(person, first))
    assert decided(terminal, back).verdict == "accepted"
    assert (state_of(central, back), state_of(central, first)) == ("in_force", "withdrawn")
    assert asked(terminal, "case_withdrawal.cases", person)["cases"] == []
    again = put(terminal, "case_withdrawal", back_of(person, first))
    assert decided(terminal, again).verdict == "duplicate"
    assert decided(terminal, submit(terminal, person)).verdict == "accepted"


def test_what_a_person_decided_is_not_taken_back(
    central: CentralServer, terminal: EnrolledTerminal, decider: Browser
) -> None:
    """Also where an operator's decision brought it back to 待核实."""
    person = next(WITHDRAWING)
    stored = submit(terminal, person)
    decided(terminal, stored)
    found = shown(central, stored)
    assert found is not None
    for to in ("approved", "to_review"):
        decider.get(f"/admin/cases/{found['position']}/")
        decider.post(f"/admin/cases/{found['position']}/move", to=to, note="核对无误")
        assert state_of(central, stored) == to
        assert asked(terminal, "case_withdrawal.cases", person)["cases"] == []
        verdict = decided(terminal, put(terminal, "case_withdrawal", back_of(person, stored)))
        assert (verdict.verdict, verdict.reason) == ("rejected", "decided")
        assert state_of(central, stored) == to


def test_nobody_takes_back_what_another_filed(
    central: CentralServer, terminal: EnrolledTerminal, holder: Person
) -> None:
    stored = submit(terminal, next(WITHDRAWING))
    decided(terminal, stored)
    verdict = decided(terminal, put(terminal, "case_withdrawal", back_of(holder, stored)))
    assert (verdict.verdict, verdict.reason) == ("rejected", "not_found")
    # The photo of nobody is looked at by a person.
    assert state_of(central, stored) in ("accepted", "to_review")


def test_a_loss_is_not_taken_back_without_the_proof_that_its_withdrawal_needs(
    central: CentralServer, terminal: EnrolledTerminal, holder: Person
) -> None:
    lost = put(terminal, "loss_report", loss_of(holder))
    decided(terminal, lost)
    assert asked(terminal, "case_withdrawal.cases", holder)["cases"] == []
    back = put(terminal, "case_withdrawal", back_of(holder, lost))
    assert decided(terminal, back).verdict == "rejected"
    assert state_of(central, lost) == "in_force"


def test_what_is_reported_waits_for_somebody_and_is_not_kept_twice_open(
    terminal: EnrolledTerminal, holder: Person
) -> None:
    report = {"name": holder.name, "id_number": holder.number, "about": "name", "receipt_no": ""}
    first = put(terminal, "problem_report", report)
    assert decided(terminal, first).verdict == "accepted"
    assert decided(terminal, put(terminal, "problem_report", report)).verdict == "duplicate"
    other = put(terminal, "problem_report", report | {"about": "card"})
    assert decided(terminal, other).verdict == "accepted"


def test_only_what_is_late_may_be_reported_as_late(
    central: CentralServer, terminal: EnrolledTerminal
) -> None:
    person = next(WITHDRAWING)
    stored = submit(terminal, person)
    decided(terminal, stored)
    central.sql(
        "UPDATE central_case SET received_at = ? WHERE receipt_no = ?",
        "2026-01-01 00:00:00+00:00" if central.database else "2026-01-01 00:00:00",
        stored.receipt_no,
    )
    (case,) = asked(terminal, "card_progress.cases", person)["cases"]
    assert (case["overdue"], case["may"]) == (True, ["case_withdrawal", "problem_report"])
    late = {"about": "late", "receipt_no": stored.receipt_no}
    report = {"name": person.name, "id_number": person.number, **late}
    assert decided(terminal, put(terminal, "problem_report", report)).verdict == "accepted"
    cases = asked(terminal, "card_progress.cases", person)["cases"]
    may = [one["may"] for one in cases if one["kind"] == "first_application"]
    assert may == [["case_withdrawal"]], "reported once"


def test_the_state_of_a_card_is_told_by_its_number_and_nothing_of_its_holder(
    terminal: EnrolledTerminal, holder: Person
) -> None:
    def stands(card_no: str, **whose: str) -> dict[str, Any]:
        client = CentralClient(terminal.identity, terminal.state)
        try:
            return client.ask("social_card.state", {"card_no": card_no, **whose}, timeout_s=20)
        finally:
            client.close()

    card_no = str(dict(holder.more)["card_no"])
    assert stands(card_no) == {"state": "in_use"}
    assert stands(card_no, id_number=holder.number) == {"state": "in_use"}
    for another in (people.DECEASED.number, "130203198001010020"):
        assert stands(card_no, id_number=another) == {"state": ""}, "a chip says what it is told to"
    decided(terminal, put(terminal, "loss_report", loss_of(holder)))
    assert stands(card_no) == {"state": "lost"}
    assert stands("Z99999999") == {"state": ""}


def test_urgent_overtakes_at_the_terminal_and_the_contract_says_what_is_urgent() -> None:
    from sync.kinds import kinds

    assert {name for name, kind in kinds().items() if kind.urgent} == {"loss_report"}


# -- who decides ----------------------------------------------------------------------------------


class Browser:
    """An operator's session."""

    def __init__(self, central: CentralServer, role: str) -> None:
        self._url = central.url
        name = f"{role}-{time.monotonic_ns()}"
        options = [] if role == "viewer" else ["--role", role]
        password = central.command("adduser", name, *options).strip()
        self._session = requests.Session()
        self._session.trust_env = False
        self.post("/admin/login/", username=name, password=password)

    def get(self, path: str) -> requests.Response:
        return self._session.get(self._url + path, timeout=20)

    def post(self, path: str, **fields: str) -> requests.Response:
        if "csrftoken" not in self._session.cookies:
            self.get("/admin/login/")
        token = self._session.cookies["csrftoken"]
        data = {**fields, "csrfmiddlewaretoken": token}
        headers = {"Referer": self._url + path}
        return self._session.post(self._url + path, data=data, headers=headers, timeout=20)

    def close(self) -> None:
        self._session.close()


@pytest.fixture
def decider(central: CentralServer) -> Iterator[Browser]:
    browser = Browser(central, "decider")
    yield browser
    browser.close()


def to_review(central: CentralServer, terminal: EnrolledTerminal, person: Person) -> int:
    """Position of an application that a person must look at."""
    stored = submit(
        terminal, person, lambda contents: contents["proof"].update(reasons=["face_mismatch"])
    )
    assert decided(terminal, stored).verdict == "to_review"
    found = shown(central, stored)
    assert found is not None and found["state"] == "to_review"
    position: int = found["position"]
    return position


def state_at(central: CentralServer, position: int) -> str:
    return str(central.sql("SELECT state FROM central_case WHERE position = ?", position)[0][0])


def test_nobody_finishes_unseen_what_must_be_looked_at(
    central: CentralServer, terminal: EnrolledTerminal, decider: Browser
) -> None:
    position = to_review(central, terminal, people.REVIEWED[1])
    unseen = decider.post(f"/admin/cases/{position}/move", to="approved", note="看过了")
    assert "请先打开办件查看" in unseen.text
    assert state_at(central, position) == "to_review"
    # The answer was the page itself: now it was opened.
    silent = decider.post(f"/admin/cases/{position}/move", to="approved", note="  ")
    assert "必须填写理由" in silent.text
    assert state_at(central, position) == "to_review"
    done = decider.post(f"/admin/cases/{position}/move", to="approved", note="本人到窗口核对无误")
    assert "已处理" in done.text
    assert state_at(central, position) == "approved"
    events = central.sql(
        "SELECT what, note FROM central_event WHERE case_id = ? ORDER BY id", position
    )
    assert ("moved", "本人到窗口核对无误") in events


def test_opening_by_one_is_not_opening_by_another(
    central: CentralServer, terminal: EnrolledTerminal, decider: Browser
) -> None:
    position = to_review(central, terminal, people.REVIEWED[2])
    other = Browser(central, "decider")
    assert other.get(f"/admin/cases/{position}/").status_code == 200
    other.close()
    decider.post(f"/admin/cases/{position}/move", to="approved", note="同事看过了")
    assert state_at(central, position) == "to_review"


def test_a_viewer_sees_and_decides_nothing(
    central: CentralServer, terminal: EnrolledTerminal
) -> None:
    position = to_review(central, terminal, people.REVIEWED[3])
    viewer = Browser(central, "viewer")
    page = viewer.get(f"/admin/cases/{position}/")
    assert page.status_code == 200 and "处理</h2>" not in page.text
    refused = viewer.post(f"/admin/cases/{position}/move", to="approved", note="x")
    assert refused.status_code == 403
    assert state_at(central, position) == "to_review"
    for path in ("auth/user", "central/registeredperson", "central/enrolmentcode"):
        assert viewer.get(f"/admin/{path}/").status_code == 403, path
    for path in ("central/terminal", "central/alarm"):
        assert viewer.get(f"/admin/{path}/").status_code == 200, path
    viewer.close()


def test_what_the_machine_does_not_know_is_refused(
    central: CentralServer, terminal: EnrolledTerminal, decider: Browser
) -> None:
    position = to_review(central, terminal, people.REVIEWED[4])
    decider.get(f"/admin/cases/{position}/")
    for to in ("finished", "in_production", "nonsense", ""):
        decider.post(f"/admin/cases/{position}/move", to=to, confirmed="1", note="试试")
        assert state_at(central, position) == "to_review"


def test_an_id_number_is_looked_for_without_standing_in_an_address(
    central: CentralServer, terminal: EnrolledTerminal, decider: Browser
) -> None:
    person = people.REVIEWED[5]
    stored = submit(terminal, person)
    decided(terminal, stored)
    found = decider.post("/admin/cases/find", what=f" {person.number} ")
    assert stored.receipt_no in found.text
    assert person.number not in found.url
    assert re.search(r"person=[0-9a-f]{64}$", found.url)
    by_receipt = decider.post("/admin/cases/find", what=stored.receipt_no)
    assert stored.receipt_no in by_receipt.text
    assert person.number not in (central.state / "central.log").read_text(encoding="utf-8")
    assert decider.get("/admin/cases/").headers["Content-Security-Policy"].startswith("default-src")


def test_lists_are_read_page_by_page_from_the_newest(
    central: CentralServer, terminal: EnrolledTerminal, decider: Browser
) -> None:
    for _ in range(2):
        put(terminal, "loss_report", loss_of(people.STRANGER))
    Courier(terminal.outbox, terminal.transport, terminal.identity).deliver()
    newest = int(central.sql("SELECT max(position) FROM central_case")[0][0])
    page = decider.get(f"/admin/cases/?before={newest}").text
    positions = [int(one) for one in re.findall(r"/admin/cases/(\d+)/", page)]
    assert positions and max(positions) < newest
    assert positions == sorted(positions, reverse=True)


@pytest.mark.parametrize("new_database", ["sqlite"], indirect=True)
def test_the_screen_asks_with_the_key_that_its_terminal_has_now(
    terminal: EnrolledTerminal, central: CentralServer
) -> None:
    """The agent takes another one while the screen runs, and the centre forgets the old one."""
    question: Any = {"card_no": "A12345678"}
    with closing(CentralClient(terminal.identity, terminal.state)) as screen:
        screen.ask("social_card.state", question, timeout_s=15.0)
        code = central.command("enrolment-code", "--replaces", terminal.identity.terminal).strip()
        enrol(central.url, code, terminal.state, new_key=True)
        assert screen.ask("social_card.state", question, timeout_s=15.0) == {"state": ""}
