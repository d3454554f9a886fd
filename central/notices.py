"""Notices (通知): who filed something is told by 短信 when it comes to another state (R-B14).

One message for each state that a case comes to, for every business alike: the business names its
states (`Business.states`), the table below says what the citizen can do. What is told is only where
the matter stands: no name, no ID number, of the receipt number the end. What was said on the spot,
by screen and paper, is not said again.

A message that could not be sent is tried again (`central.work`); after some tries an alarm says so.
When the case has moved on meanwhile, only where it stands now is told.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from django.db import transaction
from django.utils import timezone

from central.business import business_of
from central.cases import Case, Event, add_tasks, record
from central.packs import went_by
from central.ports.messages import messages
from central.ports.registry import registry

if TYPE_CHECKING:
    from datetime import datetime

TASK = "notice"

#: The same for the number that was there before another one was given (`tell_also`).
TASK_BEFORE = "notice_before"
_BEFORE = "phone_before"
_CHANGED = (
    "【社保卡】您登记在社保中心的联系电话换成了别的号码（回执尾号{tail}）。"
    "如果不是您本人办的，请马上拨打{hotline}。"
)

#: Who filed something stays at the terminal so long for the centre's word; what is decided later
#: nobody has been told.
_SAID_ON_THE_SPOT = timedelta(minutes=2)

_TEXT = "【社保卡】您{day}办理的{matter}（回执尾号{tail}）：{word}。{advice}咨询电话{hotline}。"

#: State -> its word, where the operators' word is not one for citizens.
_WORDS = {"to_review": "待核实", "delivered": "卡可以领了", "duplicate": "以前已经办理"}

#: State -> what the citizen can do, in every business.
_ADVICE = {
    "to_review": "工作人员正在核实，请等一等。",
    "needs_more": "请带身份证到窗口补交材料。",
    "delivered": "请带身份证到回执上写的地方领卡。",
    "returned": "请带身份证到窗口问清原因。",
    "refused": "请带身份证到窗口问清原因。",
    "lapsed": "需要的话请再办一次。",
}


def _phone_of(case: Case) -> str:
    """The telephone that the citizen gave with it, or that the register has; "" if none. Raises
    `central.ports.NotNow`."""
    if phone := case.contents["document"].get("phone"):
        return str(phone)
    known = registry().find(case.person)
    return known.phone if known is not None else ""


def tasks(since: datetime | None = None) -> tuple[str, ...]:
    """What is to be done so that the citizen is told where a case stands now. `since`: when it was
    filed, if it arrives just now."""
    here = since is not None and timezone.now() - since <= _SAID_ON_THE_SPOT
    return (TASK,) if messages() is not None and not here else ()


def send(position: int) -> None:
    """Tell where a case stands, unless that was told. Raises what the port raises."""
    case = Case.objects.get(pk=position)
    port, here = messages(), _came_here(case)
    if port is None or _is_told(case, here):
        return
    if not (phone := _phone_of(case)):
        return
    text = text_of(case, here.to_state, came_from=here.from_state)
    port.send(f"{case.id}:{here.pk}", phone, text)
    with transaction.atomic():
        Case.objects.select_for_update().get(pk=position)
        # Moved on meanwhile: then another task is to tell that.
        if here == _came_here(case) and not _is_told(case, here):
            record(case, "centre", "notified", business_of(case.kind).states[here.to_state])


def tell_also(case: Case, phone: str) -> None:
    """Have the number that was there before told that there is another now: whoever took the card
    of somebody else could have changed it (domain §5.14). Inside the caller's transaction."""
    if messages() is None:
        return
    case.findings = {**case.findings, _BEFORE: phone}
    case.save(update_fields=["findings"])
    add_tasks([(case, TASK_BEFORE)])


def send_to_the_one_before(position: int) -> None:
    """What `tell_also` asked for; then the number is dropped. Raises what the port raises."""
    case = Case.objects.get(pk=position)
    port, phone = messages(), case.findings.get(_BEFORE)
    if not phone:
        return
    if port is not None:
        hotline = went_by(case.contents["policy_version"]).hotline
        text = _CHANGED.format(tail=case.receipt_no[-6:], hotline=hotline)
        port.send(f"{case.id}:before", phone, text)
    with transaction.atomic():
        case = Case.objects.select_for_update().get(pk=position)
        case.findings = {name: one for name, one in case.findings.items() if name != _BEFORE}
        case.save(update_fields=["findings"])
        if port is not None:
            record(case, "centre", "warned")


def _came_here(case: Case) -> Event:
    """When it came to the state in which it is."""
    return case.events.exclude(to_state="").latest("id")


def _is_told(case: Case, here: Event) -> bool:
    return case.events.filter(what="notified", pk__gt=here.pk).exists()


def text_of(case: Case, state: str, *, came_from: str = "") -> str:
    """What is sent."""
    business = business_of(case.kind)
    own = business.own_moves.get((came_from, state))
    word = _WORDS.get(state) or business.states[state]
    filed = timezone.localtime(case.created)
    return _TEXT.format(
        day=f"{filed.month}月{filed.day}日",
        matter=business.title,
        tail=case.receipt_no[-6:],
        word=word if own is None else own.told,
        advice=_ADVICE.get(state, ""),
        hotline=went_by(case.contents["policy_version"]).hotline,
    )
