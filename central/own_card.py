"""What is done to a card that its holder has put in the slot: 解挂, 启用, 密码.

Whoever files it has to have been proven to stand there a moment before, and the card has to be the
one that the register has of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from central.business import Opened, is_proven_now
from central.ports.registry import registry
from sync.wire.envelopes import Rejection

if TYPE_CHECKING:
    from typing import Final

#: Reason -> its words for operators.
WORDS: Final[Mapping[str, str]] = {
    "unproven": "没有核验本人，或核验过久",
    "other_card": "卡号与登记的不一致",
}


def rows(document: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Whose card, and which: what the page shows of any of these documents."""
    return [
        ("姓名", document["name"]),
        ("身份证号", document["id_number"]),
        ("卡识别码", document["card_id"]),
        ("卡号", document.get("card_no", "")),
    ]


def refusal(opened: Opened) -> tuple[Rejection, str] | None:
    """Why nothing is done to this card for this person; None if it may be. Raises
    `central.ports.NotNow`."""
    if not is_proven_now(opened):
        return Rejection.NOT_PERMITTED, "unproven"
    known, card_no = registry().find(opened.person), opened.document.card_no
    if known is not None and known.card_no and card_no not in ("", known.card_no):
        return Rejection.MISMATCH, "other_card"
    return None
