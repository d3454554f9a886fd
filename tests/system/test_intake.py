"""What the centre answers to an envelope, what it keeps of it, and what it tells its operators."""

from __future__ import annotations

import base64
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
import time_machine

from sync.canonical import sha256_hex
from sync.signing import centre_signed
from tests.system.in_process import MORNING
from tests.system.people import Person, form_of, jpeg, png
from tests.system.test_businesses import loss_of

if TYPE_CHECKING:
    from central.models import Alarm, Terminal
    from sync.wire.envelopes import Envelope, ItemAnswer
    from tests.system.in_process import Centre


@pytest.fixture(autouse=True)
def quiet(centre: Centre) -> None:
    """No alarm of another test is on."""
    from central.models import Alarm

    Alarm.objects.all().delete()


def loss(centre: Centre, person: Person | None = None, **more: Any) -> Envelope:
    return centre.seal("loss_report", loss_of(person or centre.holder()), 0, **more)


def broken(envelope: Envelope) -> Envelope:
    """A byte fell over on the way."""
    last = bytes([envelope.sealed[-1] ^ 1])
    return envelope.model_copy(update={"sealed": envelope.sealed[:-1] + last})


def alarms(kind: str, about: str) -> list[Alarm]:
    from central.models import Alarm

    return list(Alarm.objects.filter(kind=kind, about=about))


def case_of(answer: ItemAnswer) -> Any:
    from central.cases import Case

    return Case.objects.get(pk=answer.position)


def is_here(envelope: Envelope) -> bool:
    from central.cases import Case

    return Case.objects.filter(id=envelope.header["id"]).exists()


# -- the answer ----------------------------------------------------------------------------------


def test_an_answer_is_signed_for_the_terminal_that_asked(centre: Centre) -> None:
    from central.intake import receive
    from central.keys import keyring
    from central.standing import epoch

    envelope = loss(centre)
    said = receive(centre.sender, [envelope])
    (answer,) = said.answers
    assert (answer.id, answer.verdict) == (envelope.header["id"], "accepted")
    assert answer.sealed_sha256 == sha256_hex(envelope.sealed)
    assert (answer.epoch, answer.rejection, answer.reason) == (epoch(), None, "")
    key = keyring().signing_key()
    assert centre_signed(said, key, terminal=centre.sender.number)
    assert not centre_signed(said, key, terminal=centre.terminal().number)


def test_an_answer_names_the_centres_own_time_also_when_it_is_given_again(centre: Centre) -> None:
    envelope = loss(centre)
    (first,) = centre.receive(envelope)
    taken_in = case_of(first).received_at
    with time_machine.travel(taken_in + timedelta(minutes=2), tick=False):
        (again,) = centre.receive(envelope)
    assert first.at == again.at
    assert datetime.fromisoformat(first.at) == taken_in.replace(microsecond=0)


def test_what_is_not_kept_was_taken_in_at_no_time(centre: Centre) -> None:
    (answer,) = centre.receive(loss(centre, header_says={"kind": "nothing_known"}))
    assert (answer.verdict, answer.position, answer.at) == ("later", 0, "")


def test_a_refusal_says_why(centre: Centre) -> None:
    (answer,) = centre.receive(loss(centre, centre.holder("")))
    assert (answer.verdict, answer.rejection) == ("rejected", "not_permitted")
    assert answer.reason == "no_card"


def test_a_batch_without_anything_is_answered_and_makes_nothing_safe(
    centre: Centre, monkeypatch: pytest.MonkeyPatch
) -> None:
    from central.intake import receive
    from central.models import Centre as Kept

    monkeypatch.setattr("central.standing.highest_position", lambda: 0)
    Kept.objects.update(backed_up_to=0)
    answer = receive(centre.sender, [])
    assert (answer.answers, answer.standing.backed_up_to) == ([], 0)


def test_where_the_commit_is_the_backup_what_was_answered_is_safe(
    centre: Centre, monkeypatch: pytest.MonkeyPatch
) -> None:
    from django.conf import settings

    from central import intake, standing

    monkeypatch.setattr(settings, "BACKUP", "commit")
    # Somebody else's view of the table is older than this batch.
    monkeypatch.setattr(standing, "highest_position", lambda: 0)
    batch = intake.receive(centre.sender, [loss(centre), loss(centre)])
    assert batch.standing.backed_up_to == max(answer.position for answer in batch.answers)


# -- what comes again ----------------------------------------------------------------------------


@pytest.mark.parametrize("card", ["1", ""])
def test_what_comes_again_is_answered_as_it_was(centre: Centre, card: str) -> None:
    """Accepted or rejected, also after the registry has changed its mind."""
    from central.cases import Case

    person = centre.holder(card)
    envelope = loss(centre, person)
    (first,) = centre.receive(envelope)
    centre.set_card(person, "" if card else "1")
    assert centre.receive(envelope) == [first]
    assert Case.objects.filter(id=first.id).count() == 1


def test_one_id_with_two_contents_is_unusable_and_an_alarm_names_the_receipt(
    centre: Centre,
) -> None:
    first = loss(centre)
    (answer,) = centre.receive(first)
    other = loss(centre, header_says={"id": first.header["id"]})
    (said,) = centre.receive(other)
    assert (said.verdict, said.reason, said.position) == ("unusable", "id_reused", 0)
    assert case_of(answer).sealed_sha256 == sha256_hex(first.sealed)
    (alarm,) = alarms("id_reused", case_of(answer).receipt_no)
    assert alarm.terminal == centre.sender


def test_one_id_with_two_contents_on_two_lines_at_once_is_found_as_well(
    centre: Centre, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second is looked up before the first is written, and decided after it."""
    from central import intake

    first = loss(centre)
    (answer,) = centre.receive(first)
    known = intake._known
    looks = iter([True])
    monkeypatch.setattr(
        intake, "_known", lambda *about: {} if next(looks, False) else known(*about)
    )
    (said,) = centre.receive(loss(centre, header_says={"id": first.header["id"]}))
    assert (said.verdict, said.reason) == ("unusable", "id_reused")
    for kind, about in (("id_reused", case_of(answer).receipt_no), ("unusable", "id_reused")):
        (alarm,) = alarms(kind, about)
        assert alarm.terminal == centre.sender


def test_nobody_learns_of_anothers_case(centre: Centre) -> None:
    """A stolen export: whether it is here already is not said, and who it was stolen from is."""
    from central.intake import receive

    thief = centre.terminal()
    known, new = loss(centre), loss(centre)
    centre.receive(known)
    for envelope in (known, new):
        (said,) = receive(thief, [envelope]).answers
        assert (said.verdict, said.reason, said.position) == ("later", "other_terminal", 0)
    assert not is_here(new)
    (alarm,) = alarms("other_terminal", centre.sender.number)
    assert (alarm.terminal, alarm.times) == (thief, 2)


# -- what is put off, or never good --------------------------------------------------------------

#: What the centre lacks -> what the header says, and what the alarm is about.
LACKING: dict[str, tuple[dict[str, Any], str]] = {
    "unknown_kind": ({"kind": "card_of_tomorrow"}, "card_of_tomorrow"),
    "unknown_key": ({"key_id": "0123456789abcdef"}, "0123456789abcdef"),
    "newer_schema": ({"schema_version": 2}, "2"),
}


def resealed(envelope: Envelope, says: dict[str, Any]) -> Envelope:
    """Its header says this now; nobody opens it so far."""
    return envelope.model_copy(update={"header": {**envelope.header, **says}})


@pytest.mark.parametrize("why", LACKING)
def test_what_the_centre_cannot_judge_comes_again_and_an_alarm_says_what_it_lacks(
    centre: Centre, why: str
) -> None:
    header, about = LACKING[why]
    envelope = loss(centre)
    (said,) = centre.receive(resealed(envelope, header))
    assert (said.verdict, said.reason, said.position) == ("later", why, 0)
    (alarm,) = alarms(why, about)
    assert alarm.terminal == centre.sender
    assert not is_here(envelope)
    # It leaves no trace: what comes under this id is judged anew.
    assert centre.receive(envelope)[0].verdict == "accepted"


@pytest.mark.parametrize(
    ("version", "verdict", "reason"), [(2, "later", "newer_schema"), (1, "accepted", "")]
)
def test_contents_of_a_newer_format_come_again(
    centre: Centre, version: int, verdict: str, reason: str
) -> None:
    """Also where only the contents say so, and whatever else a newer format may hold."""
    (said,) = centre.receive(loss(centre, contents_say={"schema_version": version, "new": 1}))
    assert (said.verdict, said.reason) == (verdict, reason)


def test_what_does_not_open_is_unusable_and_leaves_no_trace(centre: Centre) -> None:
    envelope = loss(centre)
    (said,) = centre.receive(broken(envelope))
    assert (said.verdict, said.reason, said.position) == ("unusable", "does_not_open", 0)
    assert [alarm.terminal for alarm in alarms("unusable", "does_not_open")] == [centre.sender]
    assert centre.receive(envelope)[0].verdict == "accepted"


def test_what_only_spells_a_nul_is_kept_as_it_was_written_also_where_it_was_once_refused(
    centre: Centre, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The centre took the six characters for a NUL. A terminal keeps what was refused so, and sends
    it again when it is told to: nothing here stands in its way."""
    from central import whole

    person, pictures = centre.holder(""), {"photo": jpeg(), "signature": png()}
    form = form_of(person, pictures["photo"]) | {"id_address": "河北省唐山市\\u0000路1号"}
    envelope = centre.seal("first_application", form, 0, pictures=pictures)
    with monkeypatch.context() as before:
        before.setattr(whole, "has_nul", lambda _: True)
        (refused,) = centre.receive(envelope)
        assert (refused.verdict, refused.reason, refused.position) == ("unusable", "nul", 0)
    (taken,) = centre.receive(envelope)
    assert taken.verdict == "accepted"
    assert case_of(taken).contents["document"]["id_address"] == form["id_address"]


@pytest.mark.parametrize(
    ("hall", "taken"), [("厅\\u0000", True), ("厅\0", False), ("\\\\u0000", True)]
)
def test_a_door_refuses_a_nul_and_no_text_that_only_spells_one(
    centre: Centre, hall: str, taken: bool
) -> None:
    """A terminal whose report had the six characters was refused for ever."""
    import json

    from django.test import RequestFactory

    from central.api import _read
    from central.signatures import BadRequest
    from sync.wire.doors import ENROL

    key = base64.b64encode(bytes(32)).decode("ascii")
    body = json.dumps({"code": "A" * 28, "device_public_key": key, "hall": hall})
    request = RequestFactory().post("/", body, content_type="application/json")
    if taken:
        assert _read(request, ENROL).hall == hall
    else:
        with pytest.raises(BadRequest):
            _read(request, ENROL)


def test_what_contradicts_itself_is_unusable(centre: Centre) -> None:
    (said,) = centre.receive(loss(centre, contents_say={"document_sha256": "0" * 64}))
    assert (said.verdict, said.reason) == ("unusable", "document_hash")
    assert alarms("unusable", "document_hash")


@pytest.mark.parametrize("many", [1, 2])
@pytest.mark.parametrize(
    ("word", "kind"), [("no_registry", "no_registry"), ("registry_away", "server_error")]
)
def test_while_an_outside_system_is_away_it_comes_again(
    centre: Centre, monkeypatch: pytest.MonkeyPatch, many: int, word: str, kind: str
) -> None:
    from central.business.loss_report import LossReport
    from central.ports import NotNow

    def away(*_: object) -> None:
        raise NotNow(word)

    batch = [loss(centre) for _ in range(many)]
    with monkeypatch.context() as patch:
        patch.setattr(LossReport, "refusal", away)
        answers = centre.receive(*batch)
    assert [(said.verdict, said.reason) for said in answers] == [("later", word)] * many
    assert [alarm.terminal for alarm in alarms(kind, word)] == [None]
    assert [said.verdict for said in centre.receive(*batch)] == ["accepted"] * many


def test_a_fault_of_the_centre_is_no_refusal_and_its_words_are_not_kept(
    centre: Centre, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The words of an error may be personal; where it was is what somebody needs."""
    from central.business.loss_report import LossReport

    envelope, name = loss(centre), "王小明"

    def fault(*_: object) -> None:
        raise ZeroDivisionError(name)

    with monkeypatch.context() as patch:
        patch.setattr(LossReport, "faults", fault)
        (said,) = centre.receive(envelope)
    assert (said.verdict, said.reason) == ("later", "server_error")
    (alarm,) = alarms("server_error", "ZeroDivisionError")
    assert alarm.terminal is None
    assert name not in caplog.text and "in fault" in caplog.text
    assert centre.receive(envelope)[0].verdict == "accepted"


# -- what is kept --------------------------------------------------------------------------------


def test_a_case_is_what_was_sent(centre: Centre) -> None:
    """Whoever holds the receipt can be found and called."""
    from central.keys import person_hash

    person = centre.holder("")
    answer = centre.applied(person, 7)
    case = case_of(answer)
    assert (str(case.id), case.kind) == (answer.id, "first_application")
    assert (case.terminal, case.hall) == (centre.sender, "大厅")
    assert case.receipt_no == f"{centre.sender.number}261124{case.seq:05d}"
    assert case.person == person_hash(person.number)
    assert case.created == MORNING + timedelta(minutes=7)
    assert (case.state, case.review, case.earlier_id) == ("accepted", [], None)
    assert (case.verdict, case.rejection, case.reason) == ("accepted", "", "")
    assert abs(case.since - case.received_at) < timedelta(seconds=60)
    assert case.contents["document"]["id_number"] == person.number
    assert case.contents["signature"]["png_sha256"] == sha256_hex(png())
    assert "attachments" not in case.contents
    files = {"photo": jpeg(), "signature": png(), "portrait_wlt": person.number.encode()}
    assert {(row.name, row.sha256, row.size) for row in case.attachments.all()} == {
        (name, sha256_hex(data), len(data)) for name, data in files.items()
    }
    (event,) = case.events.all()
    assert (event.by, event.what, event.note) == ("centre", "received", "")
    assert (event.from_state, event.to_state) == ("accepted", "accepted")
    tasks = {(task.name, task.tries, task.error) for task in case.tasks.all()}
    assert tasks == {("photo", 0, "")}


def test_what_is_refused_is_kept_as_well_and_says_why(centre: Centre) -> None:
    answer = centre.lost(centre.holder(""), 0)
    case = case_of(answer)
    assert (case.state, case.verdict) == ("refused", "rejected")
    assert (case.rejection, case.reason) == ("not_permitted", "no_card")
    (event,) = case.events.all()
    assert (event.to_state, event.note) == ("refused", "no_card")


def test_a_second_application_names_the_first(centre: Centre) -> None:
    """Its own reasons to look are kept with it: it may be taken in after all."""
    person = centre.holder("")
    first = centre.applied(person, 0)
    answer = centre.applied(person, 5, level="P1", reasons=("face_not_compared",))
    case = case_of(answer)
    assert (answer.verdict, answer.rejection) == ("duplicate", "duplicate_application")
    assert (answer.reason, case.state, case.earlier_id) == (
        "open_case",
        "duplicate",
        first.position,
    )
    assert case.review == ["face_not_compared"]


def test_who_may_not_apply_is_told_so_before_that_they_have_applied(centre: Centre) -> None:
    person = centre.holder("")
    centre.applied(person, 0)
    centre.register(person, deceased=True)
    answer = centre.applied(person, 5)
    assert (answer.verdict, answer.reason == "open_case") == ("rejected", False)


def test_an_open_case_of_another_business_is_no_obstacle(centre: Centre) -> None:
    person = centre.holder()
    assert centre.lost(person, 0).verdict == "accepted"
    assert centre.found(person, 5).verdict == "accepted"


def test_what_a_person_must_look_at_says_why(centre: Centre) -> None:
    """What the terminal says, and what the business finds."""
    answer = centre.applied(centre.holder(""), 0, seen_s=10_000, reasons=("head_covering",))
    case = case_of(answer)
    assert (answer.verdict, case.state) == ("to_review", "to_review")
    assert case.review == ["head_covering", "proof_stale"]


def test_a_citizen_who_was_sent_by_another_raises_an_alarm_once_it_is_kept(
    centre: Centre,
) -> None:
    answer = centre.applied(centre.holder(""), 0, level="P1", reasons=("asked_by_other",))
    (alarm,) = alarms("asked_by_other", case_of(answer).receipt_no)
    assert alarm.terminal == centre.sender


def test_a_file_that_went_with_another_case_meanwhile_is_kept_again(
    centre: Centre, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the writing and the lock of the person somebody threw the portrait away."""
    from central import decisions, storage

    person = centre.holder("")
    lock = decisions.lock_persons

    def late(persons: list[str]) -> None:
        storage.remove(sha256_hex(person.number.encode()))
        lock(persons)

    monkeypatch.setattr(decisions, "lock_persons", late)
    answer = centre.applied(person, 0)
    assert storage.pictures_of(case_of(answer))["portrait_wlt"] == person.number.encode()


def test_the_persons_are_locked_while_it_is_decided_about_them(
    centre: Centre, monkeypatch: pytest.MonkeyPatch
) -> None:
    from central import decisions
    from central.keys import person_hash

    locked: list[list[str]] = []
    monkeypatch.setattr(decisions, "lock_persons", locked.append)
    people = [centre.holder(), centre.holder()]
    centre.receive(*(loss(centre, person) for person in people))
    assert locked == [[person_hash(person.number) for person in people]]


# -- numbers that stand twice --------------------------------------------------------------------


@pytest.fixture
def clone(centre: Centre) -> Terminal:
    return centre.terminal()


def numbered(centre: Centre, receipt_no: str, seq: int) -> ItemAnswer:
    envelope = loss(centre, header_says={"receipt_no": receipt_no, "seq": seq})
    return centre.receive(envelope)[0]


@pytest.mark.parametrize(
    ("receipt", "seq", "is_taken"),
    [("same", "own", True), ("own", "same", True), ("own", "own", False)],
)
def test_a_number_that_stands_twice_is_looked_at_and_an_alarm_says_so(
    centre: Centre, receipt: str, seq: str, is_taken: bool
) -> None:
    """A state folder was copied: both are kept, for both citizens hold a receipt."""
    first = case_of(centre.receive(loss(centre))[0])
    new = loss(centre)
    answer = numbered(
        centre,
        first.receipt_no if receipt == "same" else new.header["receipt_no"],
        first.seq if seq == "same" else new.header["seq"],
    )
    case = case_of(answer)
    assert ("receipt_reused" in case.review) is is_taken
    stands = ("to_review", "to_review") if is_taken else ("accepted", "in_force")
    assert (answer.verdict, case.state) == stands
    assert bool(alarms("clone", case.receipt_no)) is is_taken
    if is_taken:
        assert alarms("clone", case.receipt_no)[0].terminal == centre.sender


def test_two_terminals_may_count_alike_but_have_no_receipt_in_common(
    centre: Centre, clone: Terminal
) -> None:
    from central.intake import receive

    first = case_of(centre.receive(loss(centre))[0])
    for receipt_no, is_taken in ((f"{clone.number}26112400001", False), (first.receipt_no, True)):
        says = {"terminal": clone.number, "receipt_no": receipt_no, "seq": first.seq + is_taken}
        (answer,) = receive(clone, [loss(centre, header_says=says)]).answers
        assert ("receipt_reused" in case_of(answer).review) is is_taken, receipt_no
        found = alarms("clone", receipt_no)
        assert [alarm.terminal for alarm in found] == [clone] * is_taken


def test_one_of_several_with_a_number_of_others_is_the_one_that_is_looked_at(
    centre: Centre,
) -> None:
    first = case_of(centre.receive(loss(centre))[0])
    good, taken = loss(centre), loss(centre, header_says={"receipt_no": first.receipt_no})
    answers = centre.receive(good, taken)
    assert [answer.verdict for answer in answers] == ["accepted", "to_review"]


def test_all_of_several_with_numbers_of_others_are_looked_at(centre: Centre) -> None:
    cases = [case_of(centre.receive(loss(centre))[0]) for _ in range(2)]
    taken = [loss(centre, header_says={"receipt_no": case.receipt_no}) for case in cases]
    assert [answer.verdict for answer in centre.receive(*taken)] == ["to_review", "to_review"]


# -- the history ---------------------------------------------------------------------------------


def test_a_line_of_the_history_fits_and_says_a_move_only_where_there_is_one(
    centre: Centre,
) -> None:
    from central.cases import record

    case = case_of(centre.lost(centre.holder(), 0))
    line = record(case, "王", "opened", "长" * 300)
    assert (line.by, line.what, line.note) == ("王", "opened", "长" * 200)
    assert (line.case, line.from_state, line.to_state) == (case, "", "")
    move = record(case, "王", "moved", to="returned")
    assert (move.from_state, move.to_state, move.note) == ("in_force", "returned", "")


def test_a_case_came_from_where_its_last_move_began(centre: Centre) -> None:
    from central.cases import came_from, record

    case = case_of(centre.receive(loss(centre))[0])
    assert came_from(case) == case.state == "in_force"
    record(case, "李", "moved", to="ended")
    case.state = "ended"
    record(case, "李", "moved", to="to_review")
    record(case, "李", "opened")
    assert came_from(case) == "ended"


def test_a_task_is_due_at_once(centre: Centre) -> None:
    from django.utils import timezone

    from central.cases import Task, add_tasks

    case = case_of(centre.lost(centre.holder(), 0))
    before: datetime = timezone.now()
    add_tasks([(case, "photo"), (case, "notice")])
    tasks = Task.objects.filter(case=case)
    assert {task.name for task in tasks} == {"photo", "notice"}
    assert all(before <= task.due_at <= timezone.now() for task in tasks)
    tasks.delete()
