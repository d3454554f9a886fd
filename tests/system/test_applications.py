"""Applications for a card at the real centre, on both databases: by papers, how they are handed
out, and the printed 《登记表》."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image

from sync.canonical import sha256_hex
from sync.central import CentralClient
from sync.envelope import Sealer
from tests.system import people
from tests.system.people import Person, contents_of, form_of, jpeg, png
from tests.system.test_businesses import Browser
from tests.system.test_central import decided, shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sync.outbox import Stored
    from tests.system.conftest import CentralServer, EnrolledTerminal


def page(shade: int = 200) -> bytes:
    """A page before the camera."""
    out = io.BytesIO()
    Image.new("RGB", (1280, 720), (shade, shade, shade)).save(out, "JPEG", quality=80)
    return out.getvalue()


def put_signed(
    terminal: EnrolledTerminal,
    kind: str,
    document: dict[str, Any],
    pictures: dict[str, bytes],
    change: Callable[[dict[str, Any]], object] = lambda contents: None,
) -> Stored:
    """Put one signed transaction with pictures."""
    sealer = Sealer.of(terminal.identity)

    def seal(header: Any) -> bytes:
        contents = contents_of(header, document, {**pictures, "signature": png()})
        change(contents)
        return sealer.seal(header, contents)

    return terminal.outbox.put(kind, seal, key_id=sealer.key_id, algorithm=sealer.algorithm)


def by_paper(person: Person, **changes: Any) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Document and pictures of somebody without an ID card."""
    pictures = {"photo": jpeg(), "page_1": page(), "page_2": page(180)}
    document = form_of(person, pictures["photo"]) | {
        "identified": "household",
        "ethnic": "",
        "id_address": "",
        "id_issuer": "",
        "id_valid_from": "",
        "id_valid_to": "",
        "page_1_sha256": sha256_hex(pictures["page_1"]),
        "page_2_sha256": sha256_hex(pictures["page_2"]),
    }
    return document | changes, pictures


def unproven(contents: dict[str, Any]) -> None:
    contents["proof"] = {**contents["proof"], "level": "P0", "comparison": None}


def test_what_rests_on_papers_is_looked_at_whatever_the_terminal_says(
    central: CentralServer, terminal: EnrolledTerminal
) -> None:
    stored = put_signed(terminal, "first_application", *by_paper(people.PAPERS[0]))
    assert decided(terminal, stored).verdict == "to_review", "the terminal claimed P3 and a match"
    found = shown(central, stored)
    assert found is not None and "on_paper" in found["review"]


@pytest.mark.parametrize(
    ("changes", "without", "reason"),
    [
        ({"page_2_sha256": "0" * 64}, "", "page_2_hash"),
        ({}, "page_2", "attachments"),
        ({"page_1_sha256": "", "page_2_sha256": ""}, "pages", "pages"),
        ({"identified": "id_card"}, "", "pages"),
        ({"pickup": "mail"}, "", "pickup"),
        ({"outlet": ""}, "", "pickup"),
        ({"id_valid_from": "2015-03-01"}, "", "id_card"),
    ],
)
def test_papers_that_contradict_themselves_are_unusable(
    terminal: EnrolledTerminal, changes: dict[str, Any], without: str, reason: str
) -> None:
    document, pictures = by_paper(people.PAPERS[1], **changes)
    gone = {"pages": ("page_1", "page_2"), "": ()}.get(without, (without,))
    pictures = {name: data for name, data in pictures.items() if name not in gone}
    answer = decided(terminal, put_signed(terminal, "first_application", document, pictures))
    assert (answer.verdict, answer.reason) == ("unusable", reason)


def test_a_card_by_mail_has_no_outlet(terminal: EnrolledTerminal) -> None:
    photo = jpeg()
    document = form_of(people.PAPERS[2], photo) | {"pickup": "mail", "outlet": ""}
    stored = put_signed(terminal, "first_application", document, {"photo": photo})
    assert decided(terminal, stored).verdict == "accepted"


@pytest.fixture
def viewer(central: CentralServer) -> Iterator[Browser]:
    browser = Browser(central, "viewer")
    yield browser
    browser.close()


def test_the_form_is_printed_whole_and_that_it_was_opened_is_written_down(
    central: CentralServer, terminal: EnrolledTerminal, viewer: Browser
) -> None:
    person = people.PAPERS[3]
    document, pictures = by_paper(person, bank="icbc", outlet="icbc-lubei", pickup="instant")
    stored = put_signed(terminal, "first_application", document, pictures, unproven)
    decided(terminal, stored)
    found = shown(central, stored)
    assert found is not None
    position = found["position"]
    listed = viewer.get("/admin/cases/").text
    assert person.name not in listed and person.number not in listed
    path = f"/admin/cases/{position}/form"
    assert path in viewer.get(f"/admin/cases/{position}/").text
    printed = viewer.get(path)
    assert printed.status_code == 200
    for shown_text in (
        "河北省社会保障卡申领登记表",
        person.name,
        person.number,
        document["birth"],
        document["phone"],
        document["address"]["text"],
        "见户口簿",
        "城乡居民",
        "中国工商银行",
        "路北支行",
        "网点当场制卡",
        "同意一起开通",
        stored.receipt_no,
    ):
        assert shown_text in printed.text, shown_text
    assert printed.text.count("data:image/jpeg;base64,") == 1, "the photo"
    assert printed.text.count("data:image/png;base64,") == 1, "the signature"
    assert printed.headers["Cache-Control"] == "no-store"
    events = central.sql("SELECT what FROM central_event WHERE case_id = ?", position)
    assert [what for (what,) in events].count("printed") == 1


def test_a_case_without_a_form_has_none_and_strangers_see_none(
    central: CentralServer, terminal: EnrolledTerminal, viewer: Browser
) -> None:
    from tests.system.test_businesses import loss_of, put

    stored = put(terminal, "loss_report", loss_of(people.STRANGER))
    decided(terminal, stored)
    found = shown(central, stored)
    assert found is not None
    assert viewer.get(f"/admin/cases/{found['position']}/form").status_code == 404
    assert viewer.get("/admin/cases/999999/form").status_code == 404


# -- a guardian for a child ------------------------------------------------------------------------


def for_child(child: Person, **changes: Any) -> tuple[dict[str, Any], dict[str, bytes]]:
    document, pictures = by_paper(child)
    guardian = {
        "guardian_name": people.GUARDIAN.name,
        "guardian_id_number": people.GUARDIAN.number,
        "relation": "mother",
    }
    return document | guardian | changes, pictures


def test_a_childs_application_is_looked_at_whatever_the_terminal_says(
    central: CentralServer, terminal: EnrolledTerminal, viewer: Browser
) -> None:
    stored = put_signed(terminal, "minor_application", *for_child(people.CHILDREN[0]))
    assert decided(terminal, stored).verdict == "to_review", "the terminal claimed P3 and a match"
    found = shown(central, stored)
    assert found is not None and {"minor", "on_paper"} <= set(found["review"])
    printed = viewer.get(f"/admin/cases/{found['position']}/form").text
    assert people.GUARDIAN.name in printed and "母亲" in printed
    opened = viewer.get(f"/admin/cases/{found['position']}/").text
    assert "请核对监护关系" in opened


def test_without_a_photo_a_person_sees_to_the_age(
    central: CentralServer, terminal: EnrolledTerminal
) -> None:
    document, pictures = for_child(people.CHILDREN[1], photo_sha256="")
    del pictures["photo"]
    stored = put_signed(terminal, "minor_application", document, pictures)
    assert decided(terminal, stored).verdict == "to_review"
    found = shown(central, stored)
    assert found is not None and "no_photo" in found["review"]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"guardian_id_number": people.CHILDREN[2].number}, "guardian"),
        ({"guardian_id_number": people.id_number("20200101", 12)}, "guardian"),
        ({"relation": "uncle"}, "document.relation"),
        ({"page_1_sha256": "", "page_2_sha256": ""}, "pages"),
    ],
)
def test_a_guardian_who_is_none_makes_it_unusable(
    terminal: EnrolledTerminal, changes: dict[str, Any], reason: str
) -> None:
    document, pictures = for_child(people.CHILDREN[2], **changes)
    if reason == "pages":
        pictures = {"photo": pictures["photo"]}
    answer = decided(terminal, put_signed(terminal, "minor_application", document, pictures))
    assert (answer.verdict, answer.reason) == ("unusable", reason)


def test_a_child_has_one_open_application_whoever_filed_it(terminal: EnrolledTerminal) -> None:
    child = people.CHILDREN[3]
    first = put_signed(terminal, "minor_application", *for_child(child))
    assert decided(terminal, first).verdict == "to_review"
    again = put_signed(terminal, "first_application", *by_paper(child))
    answer = decided(terminal, again)
    assert (answer.verdict, answer.reason) == ("duplicate", "open_case")
    client = CentralClient(terminal.identity, terminal.state)
    who = {"id_number": child.number, "name": child.name}
    for kind in ("first_application", "minor_application"):
        said = client.ask(f"{kind}.eligibility", who, timeout_s=20)
        assert said["rejection"] == "duplicate_application"
    client.close()
