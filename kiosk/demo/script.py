"""What is done in a tour, as tables of steps (`kiosk.demo.acts`), chapter by chapter.

The first chapter is one complete first application as a citizen makes it, with an address typed
and one answer changed on the review page. The others: where it stands, a card reported lost and
found again, one replaced, a telephone number changed, a loss without network, a card left behind, a
card check, a technician's round, what the centre can do to a terminal, and a unit's session. The
system tests make their own scripts of the same parts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from kiosk.demo.acts import (
    Act,
    Centre,
    Choose,
    Follow,
    Gone,
    Keys,
    Pinyin,
    Step,
    Touch,
    Uplink,
    bench,
    corner_pattern,
    cover_preview,
    enter_pin,
    hold_unit_session,
    sign,
    uncover,
)

NEXT = Touch("primary")
PHONE = "13900000000"
PHONE_SHOWN = "139 0000 0000"
ESTATE = "幸福小区"

_BEGIN = (
    Step("home", "home", (Touch("service:first_application"),)),
    Step("notice", "apply.notice", (NEXT,)),
    Step("for-whom", "apply.who", (Touch("option:resident"),)),
)
_PHONE = (
    Step("phone", "telephone.number", (Keys(PHONE),)),
    Step("phone-typed", "telephone.number", (NEXT,), (PHONE_SHOWN,)),
    Step("phone-right", "telephone.read_back", (Touch("option:right"),), (PHONE_SHOWN,)),
)
_TYPED_ADDRESS = (
    Step("address-same", "address.same", (Touch("option:other"),)),
    Step("address-kind", "address.kind", (Touch("option:urban"),)),
    Step("district", "address.area", (Touch("option:130203"),)),
    Step(
        "address",
        "address.urban",
        (
            Touch("field:estate"),
            Pinyin("xingfu", "幸福"),
            Pinyin("xiaoqu", "小区"),
            Touch("field:building"),
            Keys("19"),
            Touch("field:room"),
            Keys("401"),
        ),
    ),
    Step("address-typed", "address.urban", (NEXT,), (ESTATE, "19", "401")),
)
_SAME_ADDRESS = (Step("address-same", "address.same", (Touch("option:same"),)),)
_BANK = (
    Step("special-group", "apply.special_group", (Touch("option:none"),)),
    Step("bank", "pickup.bank", (Touch("option:icbc"),)),
    Step("outlet", "pickup.outlet", (Touch("option:icbc-lubei"),)),
)
#: The face is compared with the portrait in the ID card's chip, with a consent of its own.
_COMPARED = (Step("compare-consent", "comparison.consent", (NEXT,)),)
_REHEARSED = tuple(bench("camera", "play", film) for film in ("blink", "turn-left", "turn-right"))
_CHOSEN = Step("photo-chosen", "photo.choose", (NEXT,), within_s=60.0)
_TAKEN = (
    # All that the citizen will do before the camera is drawn while there is time.
    Step("photo-notice", "photo.notice", (*_REHEARSED, bench("camera", "scene", "far"), NEXT)),
    Step("photo", "photo.take", (Follow("photo.take"),)),
    _CHOSEN,
)
#: The same of somebody who does not see the preview and does what the voice says.
_TAKEN_UNSEEN = (
    Step(
        "photo-notice",
        "photo.notice",
        (*_REHEARSED, bench("camera", "scene", "nobody"), cover_preview, NEXT),
    ),
    Step("photo-unseen", "photo.take", (Follow("photo.take", unseeing=True), uncover)),
    _CHOSEN,
)
_PHOTO = (*_TAKEN, *_COMPARED)
_CHANGE = (
    Step("review", "review", (Touch("row:apply.special_group"),), (PHONE, ESTATE, "无")),
    Step("special-group-again", "apply.special_group", (Touch("option:veteran"),)),
    Step("review-changed", "review", (NEXT,), (PHONE, ESTATE, "优抚对象")),
)
_REVIEW = (Step("review", "review", (NEXT,), (PHONE,)),)
_SIGN = (Step("signature", "signature", (sign,)),)
SIGNED = (Step("signed", "signature", (NEXT,), enabled=("primary",)),)


def identified(persona: str) -> tuple[Step, ...]:
    """From home until the ID card of a persona lies on the reader."""
    return (*_BEGIN, Step("id-card", "identity.id_card", (bench("id", "put", persona),)))


#: The result, and the ID card is taken away again. By then a receipt has been printed, or not.
_TAKE_ALL: tuple[Act, ...] = (bench("id", "lift"), NEXT)
#: What nothing here can measure, shoulders among it, is looked at by a person.
TAKEN_IN = (Step("done", "apply.to_review", _TAKE_ALL, ("等待核实",), within_s=40.0),)
SAVED = (Step("done", "apply.queued", _TAKE_ALL, ("还没有生效",), within_s=40.0),)


APPLICATION = (
    *identified("zhang"),
    *_PHONE,
    *_TYPED_ADDRESS,
    *_BANK,
    *_PHOTO,
    *_CHANGE,
    *_SIGN,
    *SIGNED,
    *TAKEN_IN,
)

CARD_CHECK = (
    Step("home", "home", (Touch("service:card_check"),), enabled=("service:card_check",)),
    Step("insert-card", "card_check.read", (bench("card", "insert", "third"),)),
    Step("card-checked", "card_check.third", (bench("card", "pull"), NEXT)),
)

TECHNICIAN = (
    Step("home", "home", (corner_pattern,)),
    Step("technician-pin", "maintenance.pin", (enter_pin,)),
    Step("maintenance", "maintenance", (NEXT,), ("正常",)),
    Step("test-page", "maintenance", (Touch("back"),), ("测试页已打印",)),
)

REASON = "读卡器正在维护，请到窗口办理"
FLEET = (
    Step("home", "home", (Centre(("close-service", "card_check", "--reason", REASON)),)),
    Step(
        "service-closed",
        "home",
        (Centre(("open-service", "card_check")),),
        (REASON,),
        disabled=("service:card_check",),
    ),
    Step("service-open", "home", enabled=("service:card_check",)),
)

_BY_ID_CARD = Step("progress-by", "progress.by", (Touch("option:id_card"),))
PROGRESS = (
    Step("home", "home", (Touch("service:card_progress"),)),
    _BY_ID_CARD,
    Step("id-card", "identity.id_card", (bench("id", "put", "zhang"),)),
    Step("progress", "progress.listing", (Touch("entry:0"),), ("待核实",)),
    Step("progress-printed", "progress.listing", _TAKE_ALL, ("已经打印，请取走。",)),
)

#: From home to the card that is reported lost, and the kind of loss that is agreed to then.
_TO_THE_CARD = (
    Step("home", "home", (Touch("service:loss_report"),)),
    Step("loss-notice", "loss_report.notice", (NEXT,)),
    Step("id-card", "identity.id_card", (bench("id", "put", "wang"),)),
)
_KIND = Step("loss-kind", "loss_report.kind", (Touch("option:temporary"),))
_CONSEQUENCES = Step("loss-consequences", "loss_report.temporary", (NEXT,))
#: Online the card is shown before anything is confirmed, masked.
LOSS = (
    *_TO_THE_CARD,
    replace(_KIND, shows=("中国银行 A30****01",)),
    _CONSEQUENCES,
    Step("loss-done", "loss_report.accepted", _TAKE_ALL, ("已经挂失",), within_s=40.0),
)


def _typed_twice(pin: str) -> tuple[Act, ...]:
    """A new PIN, and once more."""
    return (Keys(pin), NEXT, Keys(pin), NEXT)


#: Before what cannot be taken back.
_OWN_WISH = Step("own-wish", "proof.wish", (Touch("option:own"),))

#: A lost card is replaced, from home to the signature: told of the loss, of the benefits and of the
#: three points, each by itself.
REPLACED = (
    Step("home", "home", (Touch("service:card_replacement"),)),
    Step("replace-notice", "card_replacement.notice", (NEXT,)),
    Step("id-card", "identity.id_card", (bench("id", "put", "liu"),)),
    Step("why", "old_card.reason", (Touch("option:lost"),)),
    Step("block-first", "card_replacement.lost", (NEXT,)),
    Step("phone-known", "telephone.known", (Touch("option:known"),), ("139****0000",)),
    Step("bank", "pickup.bank", (Touch("option:ccb"),)),
    Step("outlet", "pickup.outlet", (Touch("option:ccb-lubei"),)),
    Step("benefits", "old_card.benefits", (NEXT,), ("养老金", "惠农补贴")),
    Step("point-1", "card_replacement.no_way_back", (NEXT,)),
    Step("point-2", "card_replacement.other_bank", (NEXT,)),
    Step("point-3", "card_replacement.accounts", (NEXT,)),
    _OWN_WISH,
    *_TAKEN_UNSEEN,
    *_COMPARED,
    Step("review", "review", (NEXT,), ("T00****42", "免费")),
    *_SIGN,
    *SIGNED,
)
REPLACEMENT = (
    *REPLACED,
    Step("replace-done", "card_replacement.to_review", _TAKE_ALL, ("等待核实",), within_s=40.0),
)

#: It is taken back from its entry in 办理进度, before anybody has looked at it.
TAKEN_BACK = (
    Step("home", "home", (Touch("service:card_progress"),)),
    _BY_ID_CARD,
    Step("id-card", "identity.id_card", (bench("id", "put", "liu"),)),
    Step("may-be-taken-back", "progress.listing", (Touch("entry:0:case_withdrawal"),)),
    Step("take-back", "case_withdrawal.confirm", (NEXT,)),
    Step("taken-back", "case_withdrawal.accepted", _TAKE_ALL, ("不再办理",), within_s=40.0),
)

#: Staff vouch: the demo's is number 001.
_VOUCHED = (
    Step("compare-declined", "comparison.consent", (Touch("decline"),)),
    Step("staff-why", "proof.staff", (Touch("reason:declined"),)),
    Step("staff-number", "proof.staff", (Keys("001"), Touch("number_done"))),
    Step("staff-pin", "proof.staff", (enter_pin,)),
)
WITHDRAWAL = (
    Step("home", "home", (Touch("service:loss_withdrawal"),)),
    Step("withdrawal-notice", "loss_withdrawal.notice", (NEXT,)),
    Step("id-card", "identity.id_card", (bench("id", "put", "wang"),)),
    Step("found-card", "loss_withdrawal.card", (bench("card", "insert", "third"),)),
    _OWN_WISH,
    *_VOUCHED,
    Step(
        "withdrawal-done",
        "loss_withdrawal.accepted",
        (bench("id", "lift"), bench("card", "pull"), NEXT),
        ("已经解挂",),
        within_s=40.0,
    ),
)

#: Another telephone number, behind 更多; staff vouch for who stands there.
CHANGE = (
    Step("home", "home", (Touch("group:more"),)),
    Step("more", "home", (Touch("service:info_change"),)),
    Step("change-notice", "info_change.notice", (NEXT,)),
    Step("id-card", "identity.id_card", (bench("id", "put", "chen"),)),
    Step("change-what", "info_change.what", (Touch("option:phone"),)),
    *_PHONE,
    _OWN_WISH,
    *_VOUCHED,
    Step("change-done", "info_change.accepted", _TAKE_ALL, ("已经改好",), within_s=40.0),
)

#: What the centre has of somebody is wrong: told to it in a few touches.
PROBLEM = (
    Step("home", "home", (Touch("group:more"),)),
    Step("more", "home", (Touch("service:problem_report"),)),
    Step("problem-notice", "problem_report.notice", (NEXT,)),
    Step("problem-by", "identity.by", (Touch("option:id_card"),)),
    Step("id-card", "identity.id_card", (bench("id", "put", "chen"),)),
    Step("what-is-wrong", "problem_report.about", (Touch("option:contact"),)),
    Step("problem-done", "problem_report.accepted", _TAKE_ALL, ("工作人员会查",), within_s=40.0),
)

#: A guardian for a child of thirteen, who has an ID card; the register is laid before the camera.
MINOR = (
    Step("home", "home", (Touch("group:more"),)),
    Step("more", "home", (Touch("service:minor_application"),)),
    Step("minor-notice", "minor.notice", (NEXT,)),
    Step("guardian", "identity.id_card", (bench("id", "put", "zhao"),)),
    Step("relation", "guardian.relation", (Touch("option:mother"),)),
    *_VOUCHED,
    Step("child-by", "child.known_by", (bench("id", "lift"), Touch("option:id_card"))),
    Step("child-card", "child.id_card", (bench("id", "put", "child"),)),
    Step("register", "child.household_first", (bench("camera", "scene", "household-first"),)),
    Step(
        "register-head",
        "child.household_head",
        (bench("camera", "scene", "household-head"),),
        within_s=40.0,
    ),
    Step(
        "register-own",
        "child.household_own",
        (bench("camera", "scene", "household-own"),),
        within_s=40.0,
    ),
    replace(_PHONE[0], within_s=40.0),
    *_PHONE[1:],
    *_SAME_ADDRESS,
    *_BANK,
    Step("face-consent", "minor.face", (NEXT,)),
    *_TAKEN,
    *_REVIEW,
    *_SIGN,
    *SIGNED,
    Step("minor-done", "minor.to_review", _TAKE_ALL, ("等待核实",), within_s=40.0),
)

#: A new card, still with the PIN that it was issued with.
ACTIVATION = (
    Step("home", "home", (Choose("card_activation"),)),
    Step("activation-notice", "card_activation.notice", (NEXT,)),
    Step("id-card", "identity.id_card", (bench("id", "put", "ma"),)),
    _OWN_WISH,
    *_VOUCHED,
    Step("new-card", "card_activation.card", (bench("card", "insert", "new"),)),
    Step("initial-pin", "card_pin.present", (Keys("123456"), NEXT)),
    Step("birthday-as-pin", "card_pin.new", _typed_twice("660519")),
    Step("new-pin", "card_pin.new", _typed_twice("864209"), ("生日",)),
    Step(
        "activated",
        "card_activation.accepted",
        (bench("id", "lift"), bench("card", "pull"), NEXT),
        ("已经启用", "中国工商银行"),
        within_s=40.0,
    ),
)
#: The same card, whose PIN its holder wants to change; mistyped once, and pulled while typing.
PIN_CHANGE = (
    Step("home", "home", (Choose("pin_change"),)),
    Step("pin-notice", "pin_change.notice", (NEXT,)),
    Step("id-card", "identity.id_card", (bench("id", "put", "ma"),)),
    Step("card", "pin_change.card", (bench("card", "insert", "new"),)),
    Step("mistyped", "card_pin.present", (Keys("864200"), NEXT)),
    Step("present-pin", "card_pin.present", (Keys("864209"), NEXT), ("还可以试 5 次",)),
    Step("pulled", "card_pin.new", (bench("card", "pull"),)),
    Step("put-back", "card_pin.put_back", (bench("card", "insert", "new"),)),
    Step("new-pin", "card_pin.new", _typed_twice("975313")),
    Step(
        "pin-changed",
        "pin_change.done",
        (bench("id", "lift"), bench("card", "pull"), NEXT),
        ("社保密码改好了",),
        within_s=40.0,
    ),
)

#: A PIN that is locked and forgotten: the centre's script goes to the card, and a new PIN.
PIN_RESET = (
    Step("home", "home", (Choose("pin_reset"),)),
    Step("reset-notice", "pin_reset.notice", (NEXT,)),
    Step("id-card", "identity.id_card", (bench("id", "put", "wang"),)),
    _OWN_WISH,
    *_VOUCHED,
    Step("locked-card", "pin_reset.card", (bench("card", "insert", "blocked-pin"),)),
    Step("forgotten", "pin_reset.which", (Touch("option:reset"),), ("锁住了",)),
    Step("new-pin", "card_pin.new", _typed_twice("864209"), within_s=40.0),
    Step(
        "pin-reset",
        "pin_reset.own",
        (bench("id", "lift"), bench("card", "pull"), NEXT),
        ("新密码设好了",),
        within_s=40.0,
    ),
)

#: Said while a card lies on the reader that was read before.
_LYING = "这里已经放着一张证件"

#: Somebody reports the card of another who cannot come, with both ID cards and no letter.
PROXY = (
    Step("home", "home", (Touch("service:loss_report"),)),
    Step("loss-notice", "loss_report.notice", (Touch("exception"),)),
    Step("holder", "proxy.holder_card", (bench("id", "put", "ma"),)),
    Step(
        "friend",
        "proxy.id_card",
        (bench("id", "lift"), Gone(_LYING), bench("id", "put", "zhao")),
        (_LYING,),
    ),
    Step("whose-is-whose", "proxy.people", (Touch("option:right"),), ("马*芬", "赵*")),
    Step("authority", "proxy.authority", (Touch("option:stated"),)),
    Step("loss-consequences", "loss_report.formal", (NEXT,)),
    *_VOUCHED,
    Step("proxy-done", "loss_report.to_review", _TAKE_ALL, ("已经先停用",), within_s=40.0),
)

#: A unit's session: its row is found by the ID card, photo and signature follow at once.
UNIT = (
    Step("home", "home", (hold_unit_session, bench("id", "portrait", "man"))),
    Step("unit-home", "home", (Touch("service:unit_collection"),)),
    Step("unit-notice", "apply.notice", (NEXT,)),
    Step("id-card", "identity.id_card", (bench("id", "put", "long-name"),)),
    Step("unit-row", "unit_collection.row", (Touch("option:right"),), ("翔云里",)),
    *_BANK,
    *_PHOTO,
    Step("review", "review", (NEXT,), ("示例公司", "翔云里")),
    *_SIGN,
    *SIGNED,
    Step("unit-done", "unit_collection.to_review", _TAKE_ALL, ("等待核实",), within_s=40.0),
)

#: Somebody else's photo on paper before the lens, with the ID card of another: nobody is refused,
#: and a person looks at it.
PAPER_PHOTO = (
    Step("home", "home", (bench("id", "portrait", "stranger"),)),
    *identified("zhao"),
    *_PHONE,
    *_SAME_ADDRESS,
    *_BANK,
    Step("photo-notice", "photo.notice", (bench("camera", "scene", "print"), NEXT)),
    Step("paper-photo", "photo.take"),
    Step("photo-chosen", "photo.choose", (NEXT,), within_s=90.0),
    *_COMPARED,
    Step("staff", "proof.staff", (NEXT,)),
    Step("review", "review", (NEXT,)),
    *_SIGN,
    *SIGNED,
    Step(
        "paper-done",
        "apply.to_review",
        (bench("id", "portrait", "own"), *_TAKE_ALL),
        ("等待核实",),
        within_s=40.0,
    ),
)

#: Without network: saved, said to have no effect yet, and sent first when the line is back.
OFFLINE = (
    Step("home", "home", (Uplink(up=False),)),
    *_TO_THE_CARD,
    _KIND,
    _CONSEQUENCES,
    Step("loss-queued", "loss_report.queued", _TAKE_ALL, ("还没有生效",), within_s=40.0),
    Step("home", "home", (Uplink(up=True),), ("离线",)),
    # 解挂 opens with the line, and what is urgent has gone by then.
    Step(
        "online-again",
        "home",
        (Touch("service:card_progress"),),
        enabled=("service:loss_withdrawal",),
        within_s=60.0,
    ),
    _BY_ID_CARD,
    Step("id-card", "identity.id_card", (bench("id", "put", "wang"),)),
    Step("loss-in-force", "progress.listing", _TAKE_ALL, ("卡已停用",), within_s=40.0),
)

#: The citizen walks away and the card stays in the slot.
LEFT_BEHIND = (
    Step("home", "home", (Touch("service:card_check"),)),
    Step("insert-card", "card_check.read", (bench("card", "insert", "third"),)),
    Step("card-checked", "card_check.third", (NEXT,)),
    Step("left-behind", "left_behind", (bench("card", "pull"),), ("请取走您的证件",)),
    Step("home-again", "home"),
)

#: The tour: chapter -> its steps.
CHAPTERS: Mapping[str, tuple[Step, ...]] = {
    "application": APPLICATION,
    "paper_photo": PAPER_PHOTO,
    "minor": MINOR,
    "progress": PROGRESS,
    # Before its holder reports it lost.
    "left_behind": LEFT_BEHIND,
    "card_check": CARD_CHECK,
    "loss": LOSS,
    "withdrawal": WITHDRAWAL,
    "change": CHANGE,
    "problem": PROBLEM,
    "activation": ACTIVATION,
    "pin_change": PIN_CHANGE,
    "pin_reset": PIN_RESET,
    "proxy": PROXY,
    "replacement": REPLACEMENT,
    "taken_back": TAKEN_BACK,
    "offline": OFFLINE,
    "technician": TECHNICIAN,
    "fleet": FLEET,
    "unit": UNIT,
}


def short_application(persona: str, *, offline: bool = False) -> tuple[Step, ...]:
    """The shortest way from home to the signature; for tests of what happens after it."""
    have_card = Step("have-card", "eligibility.have_card", (Touch("option:no"),))
    asked = (have_card,) if offline else ()
    return (
        # Whoever it is, the chip shows the man who sits there.
        Step("home", "home", (bench("id", "portrait", "man"),)),
        *identified(persona),
        *asked,
        *_PHONE,
        *_SAME_ADDRESS,
        *_BANK,
        *_PHOTO,
        *_REVIEW,
        *_SIGN,
    )
