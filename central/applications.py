"""What every business that asks for a card is at the centre: its states, its rules, the printed
《登记表》 (附件1).

The rules are tried in order; the first that applies decides. The question before a visit and the
application itself go through the same table (domain §2.3).
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any, ClassVar

from django.utils import timezone

from central import card_numbers, card_orders, card_states, pictures, portrait
from central.business import Business, Opened, businesses
from central.card_states import WITHOUT_CARD, CardMove
from central.cases import TO_REVIEW, came_from
from central.keys import person_hash
from central.models import CardState
from central.packs import went_by
from central.ports.registry import registry
from central.rules import open_case
from kiosk.policy import BadPolicy
from kiosk.records.id_number import IdNumber
from sync.codes import SEX, ethnic_name
from sync.wire.application import PAGES, Eligibility
from sync.wire.envelopes import Rejection

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from central.cases import Case
    from central.ports.registry import Registered
    from kiosk.policy import Policy
    from sync.wire.application import MayApply

#: (refusal, reason, does it apply?)
_RULES: list[tuple[Rejection, str, Callable[[Registered], bool]]] = [
    (Rejection.NOT_PERMITTED, "deceased", lambda person: person.deceased),
    (Rejection.NOT_PERMITTED, "not_insured", lambda person: not person.insured),
    (Rejection.NOT_PERMITTED, "has_card", lambda person: person.card_state not in WITHOUT_CARD),
    (Rejection.DUPLICATE_APPLICATION, "open_elsewhere", lambda person: person.open_elsewhere),
]

_PERSON_KINDS = {"employee": "职工", "resident": "城乡居民", "flexible": "灵活就业"}
_WAYS = {"outlet": "网点自取", "instant": "网点当场制卡", "mail": "邮寄"}
#: States in which a card has its number and nobody has it in their hands.
_BEING_MADE = ("in_production", "in_delivery")
_IDENTIFIED = {"id_card": "身份证芯片", "household": "户口簿", "birth_certificate": "出生医学证明"}


class CardApplication(Business):
    """One of them. Subclasses say whose."""

    states: ClassVar = {
        "accepted": "已受理",
        "to_review": "待核实",
        "approved": "审核通过",
        "needs_more": "需补件",
        "in_production": "制卡中",
        "in_delivery": "配送中",
        "delivered": "网点待领",
        "collected": "已领卡",
        "finished": "办结",
        "returned": "退回",
        "withdrawn": "已撤回",
        "refused": "不予受理",
        "duplicate": "重复申请",
    }
    machine: ClassVar = {
        "accepted": ("to_review", "approved", "needs_more", "returned", "withdrawn"),
        "to_review": ("accepted", "approved", "needs_more", "returned", "withdrawn"),
        "needs_more": ("accepted", "returned", "withdrawn"),
        "approved": ("to_review", "in_production", "returned"),
        # The 制卡公司 may send it back.
        "in_production": ("in_delivery", "delivered", "needs_more", "returned"),
        "in_delivery": ("delivered", "needs_more", "returned"),
        # Back only where the card cannot be found there.
        "delivered": ("collected", "finished", "in_production"),
        # Its social security side is activated by the person, here or at a window (启用).
        "collected": ("finished",),
        # The registry was wrong or came late: a person may take it in after all, once they looked.
        "refused": ("to_review",),
        "duplicate": ("to_review",),
    }
    open_states = (
        "accepted",
        "to_review",
        "approved",
        "needs_more",
        "in_production",
        "in_delivery",
        "delivered",
    )
    withdrawable = ("accepted", "to_review")
    own_moves: ClassVar = card_orders.OWN_MOVES
    tasks = ("photo",)
    words: ClassVar = {
        "on_paper": "没有读身份证，凭材料照片办理：请核对材料各页（R-B10）",
        "age": "年龄与业务不符：未成年人由监护人代办，成年人自己办（看出生日期；R-B5 政策包 ages）",
        "page_unclear": "有一页材料拍得不清楚",
        "deceased": "登记为已故",
        "not_insured": "没有参保",
        "has_card": "已有社会保障卡",
        "open_elsewhere": "在别处有未办结的申请",
    }
    form = "河北省社会保障卡申领登记表"
    #: Whether it is filed for a child, by its guardian.
    for_a_child: ClassVar = False

    def rows(self, document: Mapping[str, Any], policy: Policy) -> list[tuple[str, str]]:
        return [
            *self.form_rows(document, policy),
            ("核对身份", _IDENTIFIED.get(document["identified"], document["identified"])),
            ("身份证住址", document["id_address"]),
            ("签发机关", document["id_issuer"]),
            ("有效期限", _from_to(document)),
        ]

    def form_rows(self, document: Mapping[str, Any], policy: Policy) -> list[tuple[str, str]]:
        """The items of 附件1, in its order (domain R-B1), and where the card goes."""
        kind = document["person_kind"]
        group, bank, outlet = document["special_group"], document["bank"], document["outlet"]
        return [
            ("姓名", document["name"]),
            ("性别", SEX[document["sex"]]),
            ("身份证号", document["id_number"]),
            ("出生日期", document["birth"]),
            ("民族", ethnic_name(document["ethnic"])),
            ("特殊人群标志", _named(group, lambda: policy.special_group(group))),
            ("人员类别", _PERSON_KINDS.get(kind, kind)),
            ("医保个人编号", document["insurance_no"]),
            ("联系电话", document["phone"] or "沿用中心已有号码"),
            ("通讯地址", document["address"]["text"]),
            ("合作银行", _named(bank, lambda: policy.bank(bank).name)),
            ("领卡网点", _named(outlet, lambda: policy.outlet(outlet).name)),
            ("领取方式", _WAYS.get(document["pickup"], document["pickup"])),
            ("电子社保卡", "同意一起开通" if document["electronic"] else "不开通"),
        ]

    def faults(self, opened: Opened) -> str:
        form, files = opened.document, opened.attachments
        hashed = [name for name in ("photo", *PAGES) if getattr(form, f"{name}_sha256")]
        on_paper = form.identified != "id_card"
        checks = [
            ("birth", form.birth.replace("-", "") == form.id_number[6:14]),
            ("sex", (form.sex == "1") == (int(form.id_number[16]) % 2 == 1)),
            ("pickup", (form.pickup == "mail") == (not form.outlet)),
            ("pages", self.has_pages(form) == any(page in hashed for page in PAGES)),
            ("attachments", all(name in files for name in hashed)),
            ("id_card", on_paper == (not form.id_valid_from)),
        ]
        if wrong := next((name for name, right in checks if not right), ""):
            return wrong
        return _faulty_picture(files)

    def has_pages(self, form: Any) -> bool:
        """Whether pages of paper belong to it."""
        return bool(form.identified != "id_card")

    def reasons(self, opened: Opened) -> tuple[str, ...]:
        """What rests on papers (R-B10), and for whose age it is the wrong business (R-B5), is
        looked at, whatever the terminal says of it."""
        said = opened.contents.proof.reasons
        own = {
            "on_paper": opened.document.identified != "id_card",
            "age": _is_child(opened) != self.for_a_child,
        }
        found = [reason for reason, applies in own.items() if applies and reason not in said]
        return (*super().reasons(opened), *found)

    def kept_from(self, case: Case, to: str) -> str:
        return card_orders.kept_from(case, to)

    def moved(self, case: Case) -> None:
        """Whoever had to compare has decided; the card follows the case."""
        card_orders.follow(case)
        if case.state != TO_REVIEW:
            portrait.add_task(case)
        if card_orders.is_remade(case):
            card_states.spoil(case.person)
        if case.state == "in_production":
            bank = case.contents["document"]["bank"]
            card_states.number(case.person, bank, timezone.localdate())
        elif case.state == "collected" or (
            case.state == "finished" and not _was(case, "collected")
        ):
            card_states.bring(case.person, CardState.NOT_ACTIVE, CardMove.HAND_OUT)
        if case.state in ("in_production", "in_delivery", "delivered", "collected"):
            card_numbers.ask(case)
        if case.state in ("returned", "needs_more") and came_from(case) in _BEING_MADE:
            card_states.cancel(case.person)

    def beside(self) -> Sequence[Business]:
        """Whoever files a first card."""
        return applications()

    def refusal(self, opened: Opened) -> tuple[Rejection, str] | None:
        return refusal(opened.document.name, opened.person)


def _is_child(opened: Opened) -> bool:
    """On the day on which it was filed, by the pack that the terminal went by: from `ages.adult` on
    one applies oneself; before, a guardian does (R-B5 「未成年人需要提供…监护人的身份证」)."""
    adult = went_by(opened.contents.policy_version).ages.adult
    form = opened.document
    number = IdNumber(form.id_number, date.fromisoformat(form.birth))
    return number.age_on(timezone.localdate(opened.created)) < adult


def _was(case: Case, state: str) -> bool:
    """Whether it came through a state: when collected the card is in its holder's hands."""
    return case.events.filter(to_state=state).exists()


def refusal(name: str, person: str) -> tuple[Rejection, str] | None:
    """Why the holder of this name and keyed hash may have no first card; None if they may."""
    known = registry().find(person)
    if known is None:
        return Rejection.PERSON_UNKNOWN, "not_in_registry"
    if known.name != name:
        return Rejection.MISMATCH, "name"
    return next(((kind, reason) for kind, reason, applies in _RULES if applies(known)), None)


def applications() -> list[CardApplication]:
    """The businesses that ask for a first card."""
    return [one for one in businesses().values() if isinstance(one, CardApplication)]


def eligibility(asked: MayApply) -> Eligibility:
    """May the holder of this number and name apply, by whatever of these businesses?"""
    person = person_hash(asked.id_number)
    refused = refusal(asked.name, person)
    if refused is None and open_case(applications()[0], person) is not None:
        refused = Rejection.DUPLICATE_APPLICATION, "open_case"
    return Eligibility(rejection=refused[0], reason=refused[1]) if refused else Eligibility()


def _named(code: str, name: Callable[[], str]) -> str:
    """What the pack calls it; the code where it does not know it."""
    try:
        return str(name())
    except BadPolicy:
        return code


def _from_to(document: Mapping[str, Any]) -> str:
    if not document["id_valid_from"]:
        return ""
    return f"{document['id_valid_from']} 至 {document['id_valid_to']}"


def _faulty_picture(files: Mapping[str, bytes]) -> str:
    """A word for the first picture that is not what it should be."""
    if "photo" in files and (fault := pictures.card_photo_fault(files["photo"])):
        return f"photo.{fault}"
    pages = [page for page in PAGES if page in files]
    return next((page for page in pages if pictures.size_of(files[page], "JPEG") is None), "")
