"""给孩子申领: a guardian (监护人) applies for a child's first card (domain §5.16, R-B5).

The guardian shows their own ID card and proves who they are; the child is known by their ID card or
by a page of the 户口簿 or the birth certificate, which shows the relation as well. Ages are the
policy's: below one a card has no photo, below another the guardian consents to the child's face by
itself. A person at the centre always looks.
"""

from __future__ import annotations

from dataclasses import replace

from hardware.faults import Device
from kiosk.records.application import CardApplication, named
from kiosk.records.masking import mask_name
from kiosk.steps.address import address
from kiosk.steps.application import contact, costs, paper, rows, special_group
from kiosk.steps.card_photo import photo_only
from kiosk.steps.consents import Consents
from kiosk.steps.eligibility import may_apply
from kiosk.steps.filing import file
from kiosk.steps.guardian import child_of, guarded, guardian_of, of_guardian
from kiosk.steps.pickup import pick_up
from kiosk.steps.proof import prove
from kiosk.steps.signing import review_and_sign
from kiosk.steps.unfinished import offer_unfinished
from kiosk.visit.prompts import Notice, Row
from kiosk.visit.service import Service

_FACE = Notice(
    "minor.face",
    (("what", "face-recognition"), ("use", "shield-lock-outline"), ("who", "account-child")),
    must_agree=True,
)


class ApplyForMinor(Service):
    """监护人代未成年人申领."""

    id = "minor_application"
    group = "card"
    icon = "human-male-child"
    order = 12
    seldom = True
    makes_card = True
    needs = frozenset({Device.ID_READER, Device.CAMERA})
    submits = True
    rules = frozenset(
        {
            "fees.first",
            "days.make_card",
            "consent.minor.notice",
            "consent.minor.face",
            "consent.photo.notice",
            "consent.comparison.consent",
        }
    )
    stages = ("notice", "guardian", "child", "details", "photo", "sign", "receipt")

    async def serve(self) -> None:
        policy = self.policy
        consents = Consents(policy)
        self.at("notice")
        agreed = await consents.read(self._notice())

        self.at("guardian")
        guardian, relation = await guardian_of(policy, self.today)
        proof = await prove(self.context, guardian, consents, agreed.at)

        self.at("child")
        child = await child_of(guardian, relation, policy, self.today)
        known_phone = await may_apply(self.context, child, "minor_application.eligibility")
        await offer_unfinished(self, guardian, child)

        self.at("details")
        reached = await contact(known_phone)
        home = await address(policy, child if child.id_address else guardian)
        group = await special_group(policy)
        pickup = await pick_up(policy, home.area)

        self.at("photo")
        capture, evidence = None, None
        age = child.age_on(self.today)
        if age >= policy.ages.photo:
            if age < policy.ages.face_consent:
                await consents.read(_FACE)
            _, capture, evidence = await photo_only(policy, consents)

        self.at("sign")
        electronic = policy.card.electronic and not agreed.exception
        photo = None if capture is None else capture.photo
        application = CardApplication(
            child, "resident", reached, home, group, pickup, electronic, photo
        )
        document = {
            **application.document(),
            "guardian_name": guardian.name,
            "guardian_id_number": guardian.number.text,
            "relation": relation,
        }
        reviewed = (*of_guardian(guardian, relation), *self._of_child(application))
        signature = await review_and_sign(document, reviewed, guardian.name, photo)

        self.at("receipt")
        attachments = {name: page.jpeg for name, page in named(child).items()}
        if capture is not None:
            attachments |= {"photo": capture.photo.jpeg, "frame": capture.frame.jpeg}
        transaction = self.transaction(
            child,
            document,
            guarded(proof, child, capture, evidence),
            attachments=attachments,
            consents=consents.given,
            signature=signature,
            evidence=evidence.document() if evidence else {},
        )
        who = ("form.guardian", mask_name(guardian.name))
        await file(transaction, paper(application, policy, "minor", who))

    def _notice(self) -> Notice:
        electronic = self.policy.card.electronic
        fee = ("fee_due", "cash") if self.policy.fee("first").yuan else ("fee", "cash-remove")
        points = (
            *(() if self.context.printer else (("no_paper", "printer-off-outline"),)),
            fee,
            ("time", "calendar-clock"),
            # Five have room, and whoever has forgotten it learns that on the next page.
            *((("bring", "card-account-details-outline"),) if self.context.printer else ()),
            ("papers", "book-account-outline"),
            ("data", "shield-lock-outline"),
        )
        return Notice(
            "minor.notice",
            points,
            must_agree=True,
            facts=costs(self.policy),
            exception=electronic,
        )

    def _of_child(self, application: CardApplication) -> tuple[Row, ...]:
        """The form's rows; a child is insured as a resident, and what was asked for at the notice
        is changed there."""
        own = rows(application, self.policy, typed="child", kind="")
        return tuple(
            replace(row, revise="minor.notice") if row.label == "form.electronic" else row
            for row in own
        )
