"""信息变更: the telephone number or the address that the register has of a person.

It takes effect at once for who is proven to stand there, else after a person has looked. Changes
come late, after a day without network or in a queue of reviews: of two the one that was made later
stays, whichever arrives first. The history is the cases themselves.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from central import notices
from central.business import Business, Opened
from central.cases import Case
from central.keys import person_hash
from central.machine import NotPossible
from central.masking import masked_address, masked_number
from central.ports.registry import registry
from sync.kinds.info_change import Known, WhatIsKnown
from sync.wire.envelopes import Rejection, Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from central.ports.registry import Registered
    from kiosk.policy import Policy
    from sync.wire.base import Message

_WHAT = {"phone": "联系电话", "address": "通讯地址"}


class InfoChange(Business):
    kind = "info_change"
    title = "信息变更"
    states: ClassVar = {
        "in_force": "已变更",
        "to_review": "待核实",
        "returned": "退回",
        "refused": "不予受理",
        "duplicate": "重复",
    }
    machine: ClassVar = {"to_review": ("in_force", "returned"), "refused": ("to_review",)}
    words: ClassVar = {"changed_since": "之后又有变更"}

    def rows(self, document: Mapping[str, Any], policy: Policy) -> list[tuple[str, str]]:
        what = document["what"]
        return [
            ("姓名", document["name"]),
            ("身份证号", document["id_number"]),
            ("变更项目", _WHAT[what]),
            ("变更为", document[what]),
        ]

    def faults(self, opened: Opened) -> str:
        document = opened.document
        given = {"phone": document.phone, "address": document.address and document.area_code}
        return "" if given[document.what] else str(document.what)

    def refusal(self, opened: Opened) -> tuple[Rejection, str] | None:
        known = registry().find(opened.person)
        if refused := _refused(known, opened.document.name):
            return refused, "name"
        if _changed_since(opened.person, opened.document.what, opened.created):
            return Rejection.NOT_PERMITTED, "changed_since"
        return None

    def state_after(self, verdict: Verdict, opened: Opened) -> str:
        return "in_force" if verdict is Verdict.ACCEPTED else super().state_after(verdict, opened)

    def moved(self, case: Case) -> None:
        if case.state != "in_force":
            return
        document = case.contents["document"]
        if _changed_since(case.person, document["what"], case.created):
            raise NotPossible("changed_since")
        known = registry().find(case.person)
        registry().set_contact(case.person, document["what"], document[document["what"]])
        if document["what"] == "phone" and known and known.phone not in ("", document["phone"]):
            notices.tell_also(case, known.phone)


def _changed_since(person: str, what: str, made: datetime) -> bool:
    """Whether a change that was made later is in force."""
    later = Case.objects.filter(
        person=person, kind=InfoChange.kind, state="in_force", created__gt=made
    )
    return later.filter(contents__document__what=what).exists()


def _refused(known: Registered | None, name: str) -> Rejection | None:
    if known is None:
        return Rejection.PERSON_UNKNOWN
    return Rejection.MISMATCH if known.name != name else None


def _known(asked: WhatIsKnown) -> Message:
    known = registry().find(person_hash(asked.id_number))
    refused = _refused(known, asked.name)
    if refused is not None or known is None:
        return Known(rejection=refused)
    return Known(
        phone=masked_number(known.phone) if known.phone else "",
        address=masked_address(known.address),
    )


BUSINESS = InfoChange()

ANSWERS = {"info_change.known": _known}
