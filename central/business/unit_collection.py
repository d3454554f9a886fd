"""单位采集: a first card for whom a unit's list names (domain §5.15)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from central.applications import CardApplication, eligibility
from central.keys import person_hash
from central.ports import NotNow
from central.unit_lists import forget_old, row_of
from sync.kinds.unit_collection import UnitRow

if TYPE_CHECKING:
    from collections.abc import Mapping

    from central.business import Opened
    from kiosk.policy import Policy
    from sync.wire.application import MayApply

#: What the form has of a row; what a terminal is told of it.
_IN_FORM = ("serial", "user_source", "user_type")
_TOLD = (*_IN_FORM, "insurance_no", "address", "phone")


class UnitCollection(CardApplication):
    kind = "unit_collection"
    title = "单位采集"
    words: ClassVar = {
        **CardApplication.words,
        "not_listed": "不在任何单位名册里，或姓名与名册不一致",
    }

    def rows(self, document: Mapping[str, Any], policy: Policy) -> list[tuple[str, str]]:
        """What the terminal could not ask of the list is read from it here. On the printed form it
        is not: that is as it was signed."""
        return super().rows({**document, **_of_list(document)}, policy)

    def form_rows(self, document: Mapping[str, Any], policy: Policy) -> list[tuple[str, str]]:
        return [
            ("单位", document["unit"]),
            ("花名册序号", document["serial"]),
            *super().form_rows(document, policy),
            ("用户来源", document["user_source"]),
            ("用户类型", document["user_type"]),
        ]

    def reasons(self, opened: Opened) -> tuple[str, ...]:
        """Whoever the terminal could not ask about is looked up now."""
        said = super().reasons(opened)
        return said if _listed(opened.person, opened.document.name) else (*said, "not_listed")


def _of_list(document: Mapping[str, Any]) -> dict[str, str]:
    """What the list says of an application that names no unit, marked as such."""
    if document["unit"]:
        return {}
    try:
        found = _listed(person_hash(document["id_number"]), document["name"])
    except NotNow:
        return {"unit": "名册打不开，见告警"}
    if found is None:
        return {"unit": "现有名册里没有此人（没有报，或名册已删除、到期）"}
    unit, fields = found
    said = {"unit": unit, **{name: fields[name] for name in _IN_FORM}}
    return {name: f"{text}（据名册）" for name, text in said.items() if text}


def _listed(person: str, name: str) -> tuple[str, dict[str, Any]] | None:
    found = row_of(person)
    return found if found is not None and found[1]["name"] == name else None


def _row(asked: MayApply) -> UnitRow:
    """Who is on no list learns that before anything else."""
    found = _listed(person_hash(asked.id_number), asked.name)
    if found is None:
        return UnitRow()
    unit, fields = found
    may = eligibility(asked).model_dump(exclude={"phone"})
    # Who may not apply here is told that, and nothing of what the list knows.
    told = {} if may["rejection"] else {name: fields[name] for name in _TOLD}
    return UnitRow(**may, unit=unit, **told)


BUSINESS = UnitCollection()

ANSWERS = {"unit_collection.row": _row}

SWEEP = forget_old
