"""Sample prompts for every screen, and a terminal without devices. All people are fictitious."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from hardware.faults import Device, DeviceFault, FaultCode
from hardware.supervision import DeviceState, HealthTable
from kiosk.maintenance.roster import Person, Refusal, Role, StaffRefused
from kiosk.offers import Offer
from kiosk.policy import Name, load_policy
from kiosk.policy.shelf import RulesToday, Shelf
from kiosk.records.pins import Pins
from kiosk.records.staff import Staff
from kiosk.settings import Settings
from kiosk.steps.matters import WAY
from kiosk.steps.old_card import REASONS
from kiosk.terminal import QueueState
from kiosk.upkeep.left_behind import ROW, Left
from kiosk.visit import prompts as p
from kiosk.visit.flow import Event, Prompt, Visit
from kiosk.visit.prompts import Option, Row
from kiosk.visit.service import Context, Service
from kiosk.words import Words
from tests.flows.counter import social_card


@lru_cache(maxsize=1)
def photo() -> Any:
    """Something with the shape of a card photo: 358 x 441 JPEG, nobody's face."""
    from PIL import Image, ImageDraw

    image = Image.new("RGB", (358, 441), "#E9EDF0")
    pen = ImageDraw.Draw(image)
    pen.ellipse((89, 60, 269, 290), fill="#D9B99B")
    pen.rectangle((40, 330, 318, 441), fill="#243447")
    data = BytesIO()
    image.save(data, "JPEG", quality=70, dpi=(350, 350))
    return SimpleNamespace(jpeg=data.getvalue(), width=358, height=441)


def _captures(number: int) -> tuple[Any, ...]:
    return tuple(SimpleNamespace(photo=photo()) for _ in range(number))


def sample_prompts() -> dict[str, Prompt[Any]]:
    """Name in the catalogue -> prompt. At least one of every class, long words included."""
    return {name: _filed(prompt) for name, prompt in _samples().items()}


def _filed(prompt: Prompt[Any]) -> Prompt[Any]:
    """As `kiosk.steps.filing` shows the end of a visit: with words on the receipt."""
    if not (isinstance(prompt, p.Done) and prompt.number):
        return prompt
    receipt = f"filing.receipt.{'missing' if prompt.not_printed else 'printed'}"
    return replace(prompt, facts={"receipt": receipt, **prompt.facts})


#: The longest name that a bank of the pack has.
_LOST = {
    "lapse": Name("15 天", "15 days"),
    "card": Name("中国邮政储蓄银行 A12****89", "Postal Savings Bank of China A12****89"),
}


def _samples() -> dict[str, Prompt[Any]]:
    return {
        "notice": p.Notice(
            "apply.notice",
            points=(
                ("fee", "cash-remove"),
                ("time", "calendar-clock"),
                ("bring", "card-account-details-outline"),
                ("electronic", "cellphone"),
                ("data", "shield-lock-outline"),
            ),
            must_agree=True,
            exception=True,
            facts={"fee": 0, "days": 15, "instant": "当场制卡"},
        ),
        "notice-loss": p.Notice(
            "loss_report.notice",
            points=(("call", "phone"), ("bank", "bank"), ("bring", "card-account-details-outline")),
            exception=True,
        ),
        "existing-card": p.Choice(
            "existing_card.has_one",
            (
                Option("read", icon="card-search-outline"),
                Option("replace", icon="card-multiple-outline"),
                Option("leave", icon="exit-to-app"),
            ),
        ),
        "existing-expired": p.Choice(
            "existing_card.expired",
            (
                Option("replace", icon="card-multiple-outline"),
                Option("leave", icon="exit-to-app"),
            ),
            {"generation": Name("二", "2")},
        ),
        "loss-kind": p.Choice(
            "loss_report.kind",
            (Option("temporary", icon="timer-sand"), Option("formal", icon="card-off-outline")),
            _LOST,
        ),
        "loss-made-formal": p.Choice(
            "loss_report.make_formal", (Option("formal", icon="card-off-outline"),), _LOST
        ),
        "loss-formal": p.Notice(
            "loss_report.formal",
            (("effect", "card-off-outline"), ("undo", "undo-variant"), ("bank", "bank")),
            must_agree=True,
            facts=_LOST,
        ),
        "choice-list": p.Choice(
            "apply.who",
            (
                Option("employee", icon="office-building-outline"),
                Option("resident", icon="home-account"),
                Option("flexible", icon="account-hard-hat"),
                Option("child", icon="human-male-child"),
            ),
        ),
        "resume": p.Resume(
            "unfinished.found",
            (
                Option("go_on", icon="play-circle-outline"),
                Option("anew", icon="pencil-outline"),
            ),
            {"day": "2026-11-23"},
        ),
        "replace-reason": p.Choice(
            "old_card.reason", tuple(Option(one, icon=icon) for one, icon in REASONS.items())
        ),
        "replace-notice": p.Notice(
            "card_replacement.notice",
            (
                ("no_paper", "printer-off-outline"),
                ("fee_due", "cash"),
                ("old", "card-bulleted-outline"),
                ("electronic", "cellphone"),
                ("data", "shield-lock-outline"),
            ),
            must_agree=True,
            facts={"days": 30},
            exception=True,
        ),
        "replace-offline": p.Choice(
            "card_replacement.offline",
            (Option("book", icon="calendar-clock"), Option("leave", icon="exit-to-app")),
        ),
        "replace-benefits": p.Notice(
            "old_card.benefits",
            (
                *((one, "cash") for one in ("pension", "medical", "employment", "farming")),
                ("pay_days", "calendar-clock"),
            ),
            facts={
                "pay_days": "30 日到次月 15 日",
                **dict(load_policy().service("card_replacement").names("benefits")),
            },
        ),
        "replace-point": p.Notice(
            "card_replacement.accounts",
            (("what", "cash"),),
            must_agree=True,
            least_s=5.0,
            aloud=True,
        ),
        "replace-other-bank": p.Notice(
            "card_replacement.other_bank",
            (("what", "bank"),),
            must_agree=True,
            facts={"day": "2027-05-24", "months": 6},
            least_s=5.0,
            aloud=True,
        ),
        "replace-queued": p.Done(
            "card_replacement.queued",
            "waiting",
            "13029926112400015",
            facts={"minutes": 10},
            lines=("state.unsure.meaning",),
        ),
        "replace-booked": p.Done(
            "card_replacement.booking.queued",
            "waiting",
            "13029926112400015",
            lines=("state.queued.meaning",),
        ),
        "choice-two": p.Choice(
            "address.same",
            (
                Option(
                    "same", detail="河北省唐山市路北区张北小区19楼1门401号", icon="home-account"
                ),
                Option("other", icon="home-edit-outline"),
            ),
        ),
        "choice-grid": p.Choice(
            "address.area",
            tuple(Option(area.code, label=area.name) for area in load_policy().areas),
        ),
        "choice-pages": p.Choice(
            "pickup.outlet",
            tuple(
                Option(
                    f"outlet-{at}",
                    label=f"中国建设银行股份有限公司唐山{name}支行营业部",
                    detail=f"当场制卡 · 唐山市路北区新华东道{at * 17 + 4}号",
                    icon="flash" if at % 2 else "bank-outline",
                )
                for at, name in enumerate(
                    ("建设路", "新华道", "北新道", "车站路", "龙泽路", "大里路")
                )
            ),
            facts={"bank": "中国建设银行"},
        ),
        "id-card": p.PlaceIdCard("identity.id_card"),
        "id-card-or-paper": p.PlaceIdCard("identity.id_card", may_lack=True),
        "take-page": p.TakePage("papers.household_first"),
        "paper-form": p.Form(
            "papers.who",
            (
                p.Field("name", rule="name", keyboard="chinese", longest=50),
                p.Field("id_number", rule="id_number", keyboard="id_digits", longest=20),
            ),
        ),
        "read-card": p.ReadCard("existing_card.read"),
        "scan-card": p.ScanCard("identity.electronic"),
        "progress-by": p.Choice(
            "progress.by",
            (
                Option("id_card", icon="card-account-details-outline"),
                Option("electronic", icon="qrcode"),
                Option("receipt", icon="receipt-text-outline"),
            ),
        ),
        "advice-electronic": p.Advice("electronic.stopped", icon="card-off-outline"),
        "pin": p.EnterPin("card_pin.present", 1, tries_left=2, again="card_pin.wrong"),
        "pin-new": p.EnterPin("card_pin.new", 1, new=True),
        "use-pin": p.UsePin("card_pin.verify", social_card()),
        "run-script": p.RunScript("pin_reset.script", social_card(), "reset", "request"),
        "choose-photo": p.ChoosePhoto("photo.choose", _captures(1), 2),
        "choose-photo-two": p.ChoosePhoto("photo.choose", _captures(2), 1),
        "choose-photo-last": p.ChoosePhoto("photo.choose", _captures(3), 0),
        "compare-consent": p.AskConsent(
            "comparison.consent",
            (
                ("what", "face-recognition"),
                ("kept", "shield-lock-outline"),
                ("free", "hand-okay"),
            ),
        ),
        "compare": p.CompareFaces("comparison.compare", photo(), b""),
        "review": p.Review(
            "review",
            (
                Row("form.name", "买买提·吐尔逊·阿卜杜热合曼"),
                Row("form.sex", "男"),
                Row("form.id_number", "130299195703120015"),
                Row("form.birth", "1957-03-12"),
                Row("form.ethnic", "维吾尔族"),
                Row("form.person_kind", "person_kind.flexible", revise="apply.who"),
                Row("form.special_group", "无", revise="apply.special_group"),
                Row("form.phone", "13800000000", revise="telephone"),
                Row("form.insurance_no", "B0012345678", revise="telephone"),
                Row(
                    "form.address",
                    "河北省唐山市路北区张北小区19楼1门401号",
                    revise="address",
                ),
                Row(
                    "form.outlet",
                    "中国建设银行股份有限公司 唐山建设路支行",
                    revise="pickup",
                ),
                Row("form.electronic", "electronic.yes", revise="apply.notice"),
            ),
            photo(),
        ),
        "ask-central": p.AskCentral("eligibility.ask", SimpleNamespace()),  # type: ignore[arg-type]
        "submit": p.Submit("filing.submit", SimpleNamespace()),  # type: ignore[arg-type]
        "verdict": p.AwaitVerdict("filing.verdict", SimpleNamespace()),  # type: ignore[arg-type]
        "staff": p.AskStaff("proof.staff", ("face", "covering", "declined")),
        "find-mine": p.FindMine("progress.mine", "130299195703120015"),
        "listing": p.Listing("progress.listing", _entries(), lines=("progress.offline",)),
        "listing-loss": p.Listing("progress.listing", _losses()),
        "listing-way": p.Listing("progress.listing", _cards()),
        "listing-empty": p.Listing("progress.listing", ()),
        "photo-notice": p.Notice(
            "photo.notice",
            (
                ("use", "shield-lock-outline"),
                ("bare", "hat-fedora"),
                ("ears", "ear-hearing"),
                ("glasses", "glasses"),
            ),
            must_agree=True,
            exception=True,
        ),
        "print": p.Print("filing.print", (), "action"),
        "advice": p.Advice("apply.child", icon="human-male-child"),
        "advice-refused": p.Advice("refused.mismatch", icon="alert-circle-outline"),
        "advice-filed-before": p.Advice(
            "refused.duplicate_application",
            icon="alert-circle-outline",
            prints=True,
            onward="card_progress",
        ),
        "done-already": p.Done(
            "loss_report.already",
            "ok",
            "13029926112400015",
            facts={"lapse": "10 天"},
            lines=("state.already.meaning",),
        ),
        "done-ok": p.Done(
            "apply.accepted",
            "ok",
            "13029926112400015",
            lines=("state.accepted.meaning", "filing.notice"),
        ),
        "done-waiting": p.Done(
            "apply.queued",
            "waiting",
            "13029926112400015",
            lines=("state.queued.meaning", "filing.notice"),
            not_printed="fault.printer_paper_out.citizen",
        ),
        "done-trouble": p.Done(
            "apply.not_accepted",
            "trouble",
            "13029926112400015",
            lines=("state.rejected.meaning", "refused.mismatch.text"),
        ),
        "done-activated": p.Done(
            "card_activation.queued",
            "waiting",
            "13029926112400015",
            lines=("state.queued.meaning",),
        ),
        "done-pin-unknown": p.Done("pin_change.unknown", "trouble", "13029926112400015"),
        "done-card": p.Done(
            "card_check.third",
            "ok",
            facts={"place": "唐山市", "tries": 6, "until": "—"},
            lines=tuple(
                f"card_check.line.{line}" for line in ("contact", "issuer", "tries", "in_use")
            ),
        ),
        "form": p.Form(
            "telephone.number", (p.Field("phone", rule="mobile", keyboard="digits", longest=13),)
        ),
        "form-aside": p.Form(
            "telephone.number",
            (
                p.Field("phone", rule="mobile", keyboard="digits", longest=13),
                p.Field(
                    "insurance_no", "insurance_no", "house", longest=20, optional=True, aside=True
                ),
            ),
        ),
        "sign": p.Sign("signature", "ab" * 32, "张建国"),
        "take-photo": p.TakePhoto("photo.take"),
    }


def _entries() -> tuple[p.Entry, ...]:
    """Three: more than a page."""
    return tuple(
        p.Entry(
            title="service.first_application.name",
            state=state,
            word=f"progress.stage.{stage}.word",
            rows=(
                ("progress.row.filed", "2026-11-20"),
                ("progress.row.since", "2026-11-23"),
                ("progress.row.outlet", "中国建设银行股份有限公司唐山建设路支行"),
            ),
            number="13029926112400015",
            advice=f"progress.stage.{stage}.advice",
        )
        for state, stage in (("ok", "delivered"), ("trouble", "needs_more"), ("ok", "finished"))
    )


def _cards() -> tuple[p.Entry, ...]:
    """A card that takes too long and may be reported, and one that may be withdrawn."""
    usual = p.Entry(
        title="service.first_application.name",
        state="trouble",
        word="progress.stage.in_production.word",
        rows=(("progress.row.filed", "2026-10-20"), ("progress.row.since", "2026-10-23")),
        number="13029926112400015",
        advice="progress.overdue",
        acts=("problem_report",),
        way=tuple(f"progress.way.{step}" for step, _ in WAY),
        at_step=2,
    )
    queued = replace(
        usual,
        state="ok",
        word="progress.stage.accepted.word",
        advice="progress.stage.accepted.advice",
        acts=("case_withdrawal",),
        at_step=1,
        prints=False,
    )
    return usual, queued


def _losses() -> tuple[p.Entry, ...]:
    """The longest words that a state has."""
    return tuple(
        p.Entry(
            title=f"service.{kind}.name",
            state=look,
            word=f"{kind}.state.{state}.word",
            rows=(("progress.row.filed", "2026-11-20"), ("progress.row.since", "2026-11-23")),
            number="13029926112400015",
            advice=f"{kind}.state.{state}.advice",
        )
        for kind, state, look in (
            ("loss_report", "to_review", "waiting"),
            ("loss_withdrawal", "returned", "trouble"),
        )
    )


class Recorder:
    """The actions of a screen, written down."""

    def __init__(self, can_go_back: bool = True) -> None:
        self.can_go_back = can_go_back
        self.pin_pad = False
        self.calls: list[tuple[Any, ...]] = []
        #: Whether words are heard.
        self.aloud = True
        #: Ids of what was spoken; "": hushed.
        self.spoken: list[str] = []

    def answer(self, value: Any) -> None:
        self.calls.append(("answer", value))

    def back(self) -> None:
        self.calls.append(("back",))

    def revise(self, prompt_id: str) -> None:
        self.calls.append(("revise", prompt_id))

    def cancel(self) -> None:
        self.calls.append(("cancel",))

    def tell(self, word: str) -> None:
        self.calls.append(("tell", word))

    def speak(self, message: str) -> None:
        self.spoken.append(message)

    def speaks(self, message: str) -> bool:
        return self.aloud

    def vouch(self, staff: str, pin: str, reason: str) -> Staff:
        self.calls.append(("vouch", staff, len(pin), reason))
        if (staff, pin) != ("s012", "246810"):
            raise StaffRefused(Refusal.WRONG)
        return Staff(staff, reason, datetime(2026, 11, 24, 9, 30, tzinfo=UTC))

    def enter_pin(self, digits: str) -> None:
        self.calls.append(("pin", digits))

    def has_pin_pad(self) -> bool:
        return self.pin_pad

    def pin_keys(self) -> str:
        return "1234567890"

    def hush(self) -> None:
        self.spoken.append("")

    def touched(self) -> None:
        self.calls.append(("touched",))


@dataclass
class Desk:
    """The maintenance desk: the PIN is 246810; printing does what `fault` says."""

    fault: FaultCode | None = None
    wrong: int = 0
    times_left: int = 0

    def admit(self, pin: str) -> Person:
        if pin == "246810":
            return Person("t01", frozenset({Role.TECHNICIAN}), "")
        self.wrong += 1
        if self.wrong < 3:
            raise StaffRefused(Refusal.WRONG)
        raise StaffRefused(Refusal.LOCKED, 30.0)

    def left(self) -> None:
        self.times_left += 1

    def print_test_page(self) -> None:
        if self.fault is not None:
            raise DeviceFault(self.fault)


@dataclass
class Running:
    """An operation that the test answers by hand."""

    prompt: Prompt[Any]
    report: Callable[[Any], None]
    done: Callable[[Any], None]
    cancelled: bool = False
    told: list[str] = field(default_factory=list)

    def cancel(self) -> None:
        self.cancelled = True

    def tell(self, word: str) -> None:
        self.told.append(word)


class Readers:
    """What of `kiosk.upkeep.left_behind` the stage needs; the test says what lies there."""

    def __init__(self, health: HealthTable) -> None:
        self._health = health
        self._told: list[Callable[[Left], None]] = []

    def watch(self, told: Callable[[Left], None], patience_s: float) -> None:
        self._told.append(told)

    def tell(self, *where: Device, seconds: int = 20) -> None:
        self._told[-1](Left(frozenset(where), seconds))
        if where and not seconds:
            self._health.put(ROW, DeviceState.WARNING, FaultCode.ITEM_LEFT)
        elif self._health.get(ROW) is not None:
            self._health.put(ROW, DeviceState.READY)


#: For `StubTerminal.rules`: those of the centre, and others from New Year on.
CENTRES_RULES: dict[str, Any] = {
    "version": "2026-11-20",
    "source": "唐山市人社局关于社会保障卡服务事项的通知",
    "origin": "centre",
    "demo": False,
    "next_version": "2026-12-15",
    "next_effective": date(2027, 1, 1),
}


class StubTerminal:
    """What the stage needs of a `kiosk.terminal.Terminal`, without devices or disk."""

    def __init__(self, services: tuple[type[Service], ...] = (), language: str = "zh_CN") -> None:
        self.settings = Settings(mode="test")
        self.words = Words(language)
        self.health = HealthTable()
        for device in ("id_reader", "card_reader", "printer", "camera"):
            self.health.put(device, DeviceState.READY, serial="A1001")
        self.maintenance = Desk()
        self.online = True
        self.restart_due = False
        self.waiting = QueueState(0, 0, 0)
        #: No key of a centre: the built-in pack rules.
        self.rules = Shelf(Path("policy"), b"").rules_on(date(2026, 11, 24))
        self.offers = tuple(Offer(service, True) for service in services)
        self.running: list[Running] = []
        #: Who listens to the PIN pad.
        self.pads: list[Running] = []
        self.pins = Pins()
        self.wiped = 0
        self.events: list[Event] = []
        #: Devices in which a card was left, and numbers that nobody was told.
        self.left_behind = Readers(self.health)
        self.saved: tuple[str, ...] = ()
        self.announced: tuple[str, ...] = ()
        self.restart_due = False
        #: Where the voice goes.
        self.output = ""

    def announcements(self) -> tuple[str, ...]:
        return self.announced

    def untold(self) -> tuple[str, ...]:
        return self.saved

    def letterhead(self) -> Any:
        return SimpleNamespace(terminal="TS-0001")

    def services(self) -> tuple[Offer, ...]:
        return self.offers

    def queue(self) -> QueueState:
        return self.waiting

    def rules_today(self) -> RulesToday:
        return self.rules

    def visit(self, service: type[Service], listen: object = None) -> Visit:
        context = Context(date(2026, 11, 24), load_policy())
        return Visit(lambda: service(context), self.events.append)

    def start(
        self, prompt: Prompt[Any], report: Callable[[Any], None], done: Callable[[Any], None]
    ) -> Running:
        self.running.append(Running(prompt, report, done))
        return self.running[-1]

    def watch_card(self, prompt: Prompt[Any], gone: Callable[[Any], None]) -> Running:
        self.running.append(Running(prompt, lambda event: None, gone))
        return self.running[-1]

    def alive(self) -> None:
        """No watchdog."""

    def voice_output(self) -> str:
        return self.output

    def has_pin_pad(self) -> bool:
        return self.health.usable("pin_pad")

    def listen_to_pad(self, prompt: Prompt[Any], pressed: Callable[[str], None]) -> Running:
        self.pads.append(Running(prompt, lambda event: None, pressed))
        return self.pads[-1]

    def wipe(self) -> None:
        self.wiped += 1
        self.pins.wipe()

    def forget(self) -> None:
        """Memory is looked into where there is a whole process: tests/system."""
