"""监护人代未成年人申领: the rules of a first card; a person always looks (domain §5.16)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from central.applications import CardApplication, eligibility

if TYPE_CHECKING:
    from collections.abc import Mapping

    from central.business import Opened
    from kiosk.policy import Policy

_RELATIONS = {"father": "父亲", "mother": "母亲", "other": "其他监护人"}


class MinorApplication(CardApplication):
    kind = "minor_application"
    title = "代未成年人申领"
    for_a_child = True
    words: ClassVar = {
        **CardApplication.words,
        "no_photo": "没有照片：请核对孩子的年龄是否可以不拍",
        "minor": "监护人代办：请核对监护关系、孩子身份和材料各页（R-B5）",
    }

    def form_rows(self, document: Mapping[str, Any], policy: Policy) -> list[tuple[str, str]]:
        relation = document["relation"]
        return [
            *super().form_rows(document, policy),
            ("监护人", document["guardian_name"]),
            ("监护人身份证号", document["guardian_id_number"]),
            ("与孩子的关系", _RELATIONS.get(relation, relation)),
        ]

    def faults(self, opened: Opened) -> str:
        form = opened.document
        # Eight digits of birth stand at the same place of every number.
        born_before = form.guardian_id_number[6:14] < form.id_number[6:14]
        return super().faults(opened) if born_before else "guardian"

    def has_pages(self, form: Any) -> bool:
        """Without any page nothing shows the relation."""
        return True

    def reasons(self, opened: Opened) -> tuple[str, ...]:
        said = opened.contents.proof.reasons
        own = {"minor": True, "no_photo": not opened.document.photo_sha256}
        found = [reason for reason, applies in own.items() if applies and reason not in said]
        return (*super().reasons(opened), *found)


BUSINESS = MinorApplication()

ANSWERS = {"minor_application.eligibility": eligibility}
