"""挂失: block a lost card at once, also without network (domain §5.3).

Numbers to call stand on the first page, because a telephone blocks the card sooner than a queue,
and because the bank's side of the card is blocked by the bank only. 临时挂失 (temporary) rests on
the ID card; 正式挂失 (formal) asks for proof of who stands there. The card is shown, masked, before
anything is confirmed, and from when it is blocked the centre says. Offline the report waits, goes
before everything else when the network is back, and the slip says that it has no effect yet. For
who cannot come a relative or friend reports it with both ID cards (亲友代办), where the policy lets
them. Who reports is asked first, or the wrong card is blocked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from hardware.faults import Device
from kiosk.records.proof import Level, Proof
from kiosk.records.submission import Standpoint
from kiosk.steps.consents import Consents
from kiosk.steps.enquiry import ask_about
from kiosk.steps.filing import Paper, file
from kiosk.steps.identity import identify
from kiosk.steps.proof import prove
from kiosk.steps.proxy import NOBODY, proxy_for
from kiosk.steps.rows import card_name, masked
from kiosk.visit.prompts import Choice, Notice, Option
from kiosk.visit.service import Leave, Service

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from kiosk.records.citizen import Citizen
    from kiosk.steps.proxy import Proxy

_TEMPORARY, _FORMAL = (
    Option("temporary", icon="timer-sand"),
    Option("formal", icon="card-off-outline"),
)
_FOLLOWS = (("effect", "card-off-outline"), ("undo", "undo-variant"), ("bank", "bank"))
#: Where the card is blocked from the centre's word on.
_BLOCKING = (Standpoint.ACCEPTED, Standpoint.TO_REVIEW)


class ReportLoss(Service):
    """挂失."""

    id = "loss_report"
    group = "card"
    icon = "card-off-outline"
    order = 30
    needs = frozenset({Device.ID_READER})
    submits = True
    rules = frozenset(
        {
            "service.loss_report.temporary_lapse",
            "service.loss_report.proxy",
            "consent.loss_report.temporary",
            "consent.loss_report.formal",
            "consent.comparison.consent",
        }
    )
    stages = ("notice", "identity", "confirm", "receipt")
    own_states: ClassVar = {
        "in_force": "ok",
        "to_review": "waiting",
        "lapsed": "waiting",
        "withdrawn": "ok",
        "returned": "trouble",
        "replaced": "ok",
        "duplicate": "waiting",
    }

    async def serve(self) -> None:
        consents = Consents(self.policy)
        self.at("notice")
        agreed = await consents.read(self._notice())

        self.at("identity")
        citizen, proxy = await self._who(by_proxy=agreed.exception)
        known = await self._card(citizen)

        self.at("confirm")
        rules = self.policy.service(self.id)
        shown = card_name(known, self.policy)
        facts = {"lapse": rules.days("temporary_lapse").name, "card": shown or "loss_report.yours"}
        kind = "formal"
        if proxy is None:
            # A temporary loss ends by itself, so its holder must be able to make it last.
            which = Choice("loss_report.make_formal", (_FORMAL,), facts)
            if known.get("temporary") is not True:
                which = Choice("loss_report.kind", (_TEMPORARY, _FORMAL), facts)
            kind = await which
        await consents.read(Notice(f"loss_report.{kind}", _FOLLOWS, must_agree=True, facts=facts))
        proof = Proof(Level.P1, agreed.at)
        if kind == "formal":
            who = citizen if proxy is None else proxy.citizen
            proof = await prove(self.context, who, consents, agreed.at)

        self.at("receipt")
        document = {
            "name": citizen.name,
            "id_number": citizen.number.text,
            "loss": kind,
            "card": str(known.get("card") or ""),
            **(NOBODY if proxy is None else proxy.document()),
        }
        more: dict[str, Any] = {"consents": consents.given}
        rows = (*masked(citizen), ("loss_report.slip.kind", f"loss_report.kind.{kind}.label"))
        rows += (("loss_report.slip.card", shown),) if shown else ()
        if proxy is not None:
            more["attachments"], rows = proxy.attachments(), (*rows, proxy.row())
            proof = proxy.proof(proof)
        transaction = self.transaction(citizen, document, proof, **more)
        paper = Paper(
            "loss_report",
            rows=rows,
            notes=("loss_report.slip.bank", f"loss_report.{kind}.undo.text"),
            facts=facts,
            while_queued=("loss_report.queued.text",),
            already="loss_report.already",
            since=dict.fromkeys(_BLOCKING, "loss_report.slip.since"),
        )
        await file(transaction, paper)

    def _notice(self) -> Notice:
        return Notice(
            "loss_report.notice",
            points=(("call", "phone"), ("bank", "bank"), ("bring", "card-account-details-outline")),
            exception=self.policy.service(self.id).flag("proxy"),
        )

    async def _who(self, *, by_proxy: bool) -> tuple[Citizen, Proxy | None]:
        """Whose card it is, and who stands there instead of them."""
        if not by_proxy:
            return await identify(self.today), None
        holder = await identify(self.today, "proxy.holder_card")
        return holder, await proxy_for(holder, self.policy, self.today)

    async def _card(self, citizen: Citizen) -> Mapping[str, Any]:
        """Which card it is, as the centre tells of it; nothing while nobody can look it up."""
        known = await ask_about(citizen, "loss_report.ask", "loss_report.card") or {}
        state, temporary = known.get("state"), known.get("temporary") is True
        if state == "none" or (state == "lost" and not temporary):
            raise Leave(f"loss_report.{state}", icon="information-outline")
        return known
