"""首次申领: an adult without a card applies for their first one, for themself.

The procedure of the window (domain §1.2, §5.1): tell what it is, costs and takes; read the
identity card; see that there is no card and no open application; ask for what the chip does not
hold; take the photo; show everything; have it signed; keep it safe; hand over a receipt that says
no more than is true.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from hardware.faults import Device, DeviceFault
from kiosk.photo.verify import GUARDIAN_BELOW_YEARS, Comparison, Place, cannot_tell
from kiosk.receipts import Slip
from kiosk.records.address import Address, RuralAddress, UrbanAddress, parse_address
from kiosk.records.application import Consent, FirstApplication, SignedApplication
from kiosk.records.citizen import Citizen
from kiosk.records.codes import TANGSHAN
from kiosk.records.evidence import PhotoEvidence
from kiosk.records.masking import mask_id_number, mask_name
from kiosk.records.submission import (
    Eligibility,
    EligibilityQuestion,
    Standing,
    Standpoint,
    Submitted,
    Verdict,
)
from kiosk.services._identify import identify
from kiosk.visit.flow import Service
from kiosk.visit.prompts import (
    Advice,
    AskCentral,
    AskConsent,
    AwaitVerdict,
    Choice,
    ChoosePhoto,
    CompareFaces,
    Done,
    Field,
    Form,
    Notice,
    Option,
    Print,
    ReadCard,
    Review,
    Row,
    Sign,
    Submit,
    TakePhoto,
)

if TYPE_CHECKING:
    from datetime import datetime

    from kiosk.photo.capture import Capture

#: A photo may be taken this often; the citizen chooses among all of them (domain §5.1).
PHOTO_TRIES = 3

_URBAN_FIELDS = (
    Field("estate", rule="place", keyboard="chinese", longest=30),
    Field("building", rule="house", keyboard="digits", longest=8),
    Field("entrance", rule="house", keyboard="digits", longest=8, optional=True),
    Field("room", rule="house", keyboard="digits", longest=8),
)
_RURAL_FIELDS = (
    Field("township", rule="place", keyboard="chinese", longest=20),
    Field("village", rule="place", keyboard="chinese", longest=20),
    Field("detail", rule="detail", keyboard="chinese", longest=30),
)

#: Where the application stands at the end -> the page that says so, and its state.
_RESULTS = {
    Standpoint.ACCEPTED: ("apply.done", "ok"),
    Standpoint.QUEUED: ("apply.saved", "waiting"),
    Standpoint.DUPLICATE: ("apply.not_accepted", "trouble"),
    Standpoint.REJECTED: ("apply.not_accepted", "trouble"),
}

#: A refusal after upload -> whose words explain it when the centre gave no reason of its own.
_REFUSALS = {
    Standpoint.DUPLICATE: Standing.DUPLICATE,
    Standpoint.REJECTED: Standing.NOT_PERMITTED,
}


class ApplyFirst(Service):
    """首次申领社会保障卡."""

    id = "first_application"
    icon = "card-plus-outline"
    order = 10
    needs = frozenset({Device.ID_READER, Device.CAMERA})
    stages: ClassVar = {
        "notice": ("apply.notice", "apply.who", "apply.unit"),
        "identity": ("apply.id_card", "apply.eligibility", "apply.have_card"),
        "details": (
            "apply.phone",
            "apply.phone_again",
            "apply.address_same",
            "apply.address_kind",
            "apply.area",
            "apply.address_urban",
            "apply.address_rural",
            "apply.special_group",
            "apply.bank",
            "apply.outlet",
        ),
        "photo": (
            "apply.photo_notice",
            "apply.head_covering",
            "apply.photo",
            "apply.choose_photo",
            "apply.compare_consent",
            "apply.compare",
        ),
        "sign": ("apply.review", "apply.sign"),
        "receipt": (
            "apply.submit",
            "apply.verdict",
            "apply.print",
            *dict.fromkeys(page for page, _ in _RESULTS.values()),
        ),
    }

    async def serve(self) -> None:
        agreed_at = await self._notice()
        if not await self._applies_alone():
            return
        citizen = await identify("apply.id_card", self.context.today)
        if citizen is None or not await self._may_apply(citizen):
            return

        phone = await self._phone()
        address = await self._address(citizen)
        special_group = await self._special_group()
        bank, outlet = await self._bank_and_outlet(address)
        photo_agreed_at = await Notice(
            "apply.photo_notice",
            points=(
                ("use", "shield-lock-outline"),
                ("bare", "hat-fedora"),
                ("ears", "ear-hearing"),
                ("glasses", "glasses"),
            ),
            must_agree=True,
        )
        covered = await self._cannot_uncover()
        tries, capture = await self._photo(covered)
        compare_agreed_at, evidence = await self._compare(citizen, capture, tries, covered)

        photo = capture.photo
        application = FirstApplication(citizen, phone, address, special_group, bank, outlet, photo)
        await Review("apply.review", self._rows(application), photo)
        signature = await Sign("apply.sign", application.sha256, citizen.name)
        version = self.context.policy.version
        consents: tuple[Consent, ...] = (
            Consent("apply.notice", version, agreed_at),
            Consent("apply.photo_notice", version, photo_agreed_at),
        )
        if compare_agreed_at is not None:
            consents += (Consent("apply.compare_consent", version, compare_agreed_at),)
        signed = SignedApplication(application, signature, consents, version, evidence)
        submitted = await Submit("apply.submit", signed)
        verdict = await AwaitVerdict("apply.verdict", submitted)
        await self._hand_over(application, submitted, verdict)

    # -- before anything is asked ------------------------------------------------------------

    async def _notice(self) -> datetime:
        policy = self.context.policy
        return await Notice(
            "apply.notice",
            points=(
                ("fee_due", "cash") if policy.first_card_fee else ("fee", "cash-remove"),
                ("time", "calendar-clock"),
                ("bring", "card-account-details-outline"),
                ("use", "hospital-building"),
                ("data", "shield-lock-outline"),
            ),
            must_agree=True,
            facts={"fee": policy.first_card_fee, "days": policy.days_to_card},
        )

    async def _applies_alone(self) -> bool:
        """个人, 单位统一 or for a child (domain R-B2): only who applies for themself goes on."""
        who = await Choice(
            "apply.who",
            (
                Option("self", icon="account"),
                Option("unit", icon="office-building-outline"),
                Option("child", icon="human-male-child"),
            ),
        )
        if who == "child":
            await Advice("apply.child", icon="human-male-child")
            return False
        if who == "unit":
            route = (
                Option("self", icon="account"),
                Option("leave", icon="office-building-outline"),
            )
            return await Choice("apply.unit", route) == "self"
        return True

    # -- may this person apply ---------------------------------------------------------------

    async def _may_apply(self, citizen: Citizen) -> bool:
        if not citizen.is_adult_on(self.context.today):
            await Advice("apply.under_age", icon="human-male-child")
            return False
        question = EligibilityQuestion(self.id, citizen.number.text, citizen.name)
        answer = await AskCentral("apply.eligibility", question)
        if answer.standing is Standing.ELIGIBLE:
            return True
        if answer.standing is Standing.OFFLINE:
            return await self._says_no_card()
        await self._refuse(answer)
        return False

    async def _says_no_card(self) -> bool:
        """Offline nobody can look it up: the citizen is asked, the centre decides later."""
        options = (
            Option("no", icon="card-plus-outline"),
            Option("yes", icon="card-account-details"),
        )
        if await Choice("apply.have_card", options) == "no":
            return True
        await self._refuse(Eligibility(Standing.NOT_PERMITTED, "has_card"))
        return False

    async def _refuse(self, answer: Eligibility) -> None:
        if answer.reason != "has_card":
            await Advice(f"apply.refused.{answer.standing}", icon="alert-circle-outline")
            return
        look = (
            Option("read", icon="card-search-outline"),
            Option("leave", icon="exit-to-app"),
        )
        if await Choice("apply.has_card", look) == "leave":
            return
        try:
            card = await ReadCard("apply.read_card")
        except DeviceFault:
            await Advice("apply.card_unreadable", icon="card-remove-outline")
            return
        in_date = card.generation == 3 or card.in_date_on(self.context.today)
        await Advice(
            "apply.card_serves" if in_date else "apply.card_expired",
            icon="card-account-details",
            facts={"generation": "一二三"[card.generation - 1]},
        )

    # -- what the chip does not hold ---------------------------------------------------------

    async def _phone(self) -> str:
        box = Field("phone", rule="mobile", keyboard="digits", longest=13)
        phone = (await Form("apply.phone", (box,)))["phone"]
        await Form("apply.phone_again", (box,), must_equal=(("phone", phone),))
        return phone

    async def _address(self, citizen: Citizen) -> Address:
        known = parse_address(citizen.id_address)
        if known is not None:
            same = Option("same", detail=known.text, icon="home-account")
            other = Option("other", icon="home-edit-outline")
            if await Choice("apply.address_same", (same, other)) == "same":
                return known
        kind = await Choice(
            "apply.address_kind",
            (
                Option("urban", icon="home-city-outline"),
                Option("rural", icon="barn"),
            ),
        )
        area = await Choice(
            "apply.area", tuple(Option(code, label=name) for code, name in TANGSHAN.items())
        )
        facts = {"area": TANGSHAN[area]}
        if kind == "urban":
            urban = await Form("apply.address_urban", _URBAN_FIELDS, facts=facts)
            return UrbanAddress(
                area, urban["estate"], urban["building"], urban["entrance"], urban["room"]
            )
        rural = await Form("apply.address_rural", _RURAL_FIELDS, facts=facts)
        return RuralAddress(area, rural["township"], rural["village"], rural["detail"])

    async def _special_group(self) -> str:
        groups = self.context.policy.special_groups
        return await Choice(
            "apply.special_group", tuple(Option(code, label=name) for code, name in groups)
        )

    async def _bank_and_outlet(self, address: Address) -> tuple[str, str]:
        policy = self.context.policy
        bank = await Choice(
            "apply.bank", tuple(Option(bank.id, label=bank.name) for bank in policy.banks)
        )
        outlets = tuple(
            Option(outlet.id, label=outlet.name, detail=outlet.address)
            for outlet in policy.outlets_of(bank, address.area)
        )
        return bank, await Choice("apply.outlet", outlets, facts={"bank": policy.bank(bank).name})

    # -- the photo ---------------------------------------------------------------------------

    async def _cannot_uncover(self) -> bool:
        """Whether a head covering stays on for religious or medical reasons (domain R-D16): then
        a person looks at the application, and nobody is refused."""
        options = (
            Option("bare", icon="account-check-outline"),
            Option("cannot", icon="account-cog"),
        )
        return await Choice("apply.head_covering", options) == "cannot"

    async def _photo(self, covered: bool) -> tuple[int, Capture]:
        """How often it was taken, and the one the citizen likes best."""
        captures: tuple[Capture, ...] = ()
        while True:
            captures += (await TakePhoto("apply.photo", len(captures) + 1, covered),)
            left = PHOTO_TRIES - len(captures)
            chosen = await ChoosePhoto("apply.choose_photo", captures, left)
            if chosen != "again":
                return len(captures), captures[int(chosen) - 1]

    async def _compare(
        self, citizen: Citizen, capture: Capture, tries: int, covered: bool
    ) -> tuple[datetime | None, PhotoEvidence]:
        """The face against the chip's portrait, if there is one and the citizen agrees.

        Asked by itself and only where something would be compared; declining changes nothing
        (人脸识别技术应用安全管理办法). The result goes to the operator as a hint.
        """
        place, agreed_at = Place(self.context.comparison), None
        comparison, portrait = self._why_not(citizen, place), citizen.portrait
        if comparison is None:
            agreed_at = await AskConsent(
                "apply.compare_consent",
                (
                    ("what", "face-recognition"),
                    ("kept", "shield-lock-outline"),
                    ("free", "hand-okay"),
                ),
            )
            if agreed_at is None or portrait is None:
                comparison = cannot_tell("declined")
            elif place is Place.CENTRAL:
                comparison = cannot_tell("at_central")
            else:
                comparison = await CompareFaces("apply.compare", capture.photo, portrait)
        sent = portrait if agreed_at is not None and place is Place.CENTRAL else None
        return agreed_at, PhotoEvidence(capture, tries, covered, comparison, sent, place)

    def _why_not(self, citizen: Citizen, place: Place) -> Comparison | None:
        """What stands instead of a comparison that nobody need be asked for."""
        if place is Place.NONE:
            return cannot_tell("no_method")
        if citizen.portrait is None:
            return cannot_tell("no_portrait")
        if citizen.number.age_on(self.context.today) < GUARDIAN_BELOW_YEARS:
            return cannot_tell("guardian")
        return None

    # -- what is reviewed and handed over ----------------------------------------------------

    def _rows(self, application: FirstApplication) -> tuple[Row, ...]:
        """The nine items of the 登记表 (the photo stands beside them), and where the card goes."""
        citizen, policy = application.citizen, self.context.policy
        return (
            Row("form.name", citizen.name),
            Row("form.sex", citizen.sex_name),
            Row("form.id_number", citizen.number.text),
            Row("form.birth", f"{citizen.number.birth:%Y-%m-%d}"),
            Row("form.ethnic", citizen.ethnic_name),
            Row(
                "form.special_group",
                policy.special_group(application.special_group),
                revise="apply.special_group",
            ),
            Row("form.phone", application.phone, revise="apply.phone"),
            Row("form.address", application.address.text, revise=self._address_prompt(citizen)),
            Row("form.bank", policy.bank(application.bank).name, revise="apply.bank"),
            Row("form.outlet", policy.outlet(application.outlet).name, revise="apply.outlet"),
        )

    @staticmethod
    def _address_prompt(citizen: Citizen) -> str:
        known = parse_address(citizen.id_address) is not None
        return "apply.address_same" if known else "apply.address_kind"

    async def _hand_over(
        self, application: FirstApplication, submitted: Submitted, verdict: Verdict
    ) -> None:
        policy, citizen = self.context.policy, application.citizen
        outlet = policy.outlet(application.outlet)
        why: tuple[str, ...] = ()
        if unless_told := _REFUSALS.get(verdict.standpoint):
            why = (f"apply.refused.{verdict.reason or unless_told}.text",)
        fee = "apply.slip.fee_due" if policy.first_card_fee else "apply.slip.fee"
        slip = Slip(
            id="apply.slip",
            state=f"state.{verdict.standpoint}",
            number=submitted.receipt_no,
            rows=(
                ("form.name", mask_name(citizen.name)),
                ("form.id_number", mask_id_number(citizen.number.text)),
                ("form.bank", policy.bank(application.bank).name),
                ("form.outlet", outlet.name),
                ("form.outlet_phone", outlet.phone),
            ),
            notes=why or (fee, "apply.slip.days", "apply.slip.bring"),
            facts={"fee": policy.first_card_fee, "days": policy.days_to_card},
        )
        lines: tuple[str, ...] = why
        try:
            await Print("apply.print", slip, action=submitted.id)
        except DeviceFault as fault:
            lines += ("receipt.not_printed", f"fault.{fault.code}.citizen")
        prompt_id, state = _RESULTS[verdict.standpoint]
        await Done(
            prompt_id,
            state=state,
            number=submitted.receipt_no,
            lines=(f"state.{verdict.standpoint}.meaning", *lines),
        )
