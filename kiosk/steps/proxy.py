"""亲友代办: an adult acts for another who cannot come (国办发〔2020〕45号, domain R-K2).

Both ID cards are read, it is seen who stands there, and the authority (委托书) is laid before the
camera or stated. None of it is judged here: a person at the centre always looks.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from hardware.faults import DeviceFault
from kiosk.late import dataclass
from kiosk.records.masking import mask_name
from kiosk.records.proof import Level, Proof
from kiosk.steps.identity import identify_other
from kiosk.visit.prompts import Choice, Option, TakePage
from kiosk.visit.service import Leave

if TYPE_CHECKING:
    from datetime import date

    from kiosk.photo.pages import Page
    from kiosk.policy import Policy
    from kiosk.records.citizen import Citizen

_AUTHORITY = Choice(
    "proxy.authority",
    (Option("paper", icon="file-document-outline"), Option("stated", icon="account-voice")),
)

#: Whose card is whose, before anything is done to either.
_PEOPLE = (Option("right", icon="check"), Option("wrong", icon="close"))

#: In a document, where nobody acts for another.
NOBODY = {"proxy_name": "", "proxy_id_number": "", "authority": "", "page_1_sha256": ""}


@dataclass(frozen=True)
class Proxy:
    """Who acts for another, and on what."""

    citizen: Citizen
    #: "paper", "stated".
    authority: str
    page: Page | None = None

    def document(self) -> dict[str, str]:
        """Its part of the document."""
        page = "" if self.page is None else self.page.sha256
        who = {"proxy_name": self.citizen.name, "proxy_id_number": self.citizen.number.text}
        return {**who, "authority": self.authority, "page_1_sha256": page}

    def attachments(self) -> dict[str, bytes]:
        return {} if self.page is None else {"page_1": self.page.jpeg}

    def row(self) -> tuple[str, str]:
        """For paper."""
        return "form.proxy", mask_name(self.citizen.name)

    def proof(self, own: Proof) -> Proof:
        """What the proxy's own proof is for the other: their ID card was seen, no more."""
        unclear = ("page_unclear",) if self.page is not None and not self.page.legible else ()
        return replace(own, level=Level.P1, reasons=(*own.reasons, "proxy", *unclear))


async def proxy_for(principal: Citizen, policy: Policy, today: date) -> Proxy:
    """Who stands there instead. Raises `Leave`."""
    citizen = await identify_other(principal, today, "proxy")
    if citizen.age_on(today) < policy.ages.guardian:
        raise Leave("proxy.too_young", icon="human-male-child")
    names = {"holder": mask_name(principal.name), "proxy": mask_name(citizen.name)}
    if await Choice("proxy.people", _PEOPLE, names) == "wrong":
        raise Leave("proxy.mixed_up", icon="account-switch-outline")
    if await _AUTHORITY == "stated":
        return Proxy(citizen, "stated")
    try:
        return Proxy(citizen, "paper", await TakePage("proxy.page", None))
    except DeviceFault:
        return Proxy(citizen, "stated")  # the centre asks for the paper if it wants it
