"""检查我的社保卡: does it read, which generation is it, how does it stand, must I change it? (§5.7)

Needs no PIN and shows nothing personal. It saves needless replacements: a second-generation card
in date may go on being used (domain R-E9), and a third-generation card has no end date (R-E6). How
the card stands is asked of the centre by its number; offline only the chip is looked at, and it is
said so. With what is wrong a slip for the window can be printed.
"""

from __future__ import annotations

from hardware.faults import Device, DeviceFault, FaultCode
from kiosk.steps.social_card import must_serve
from kiosk.visit.prompts import Done, ReadCard
from kiosk.visit.service import Leave, Service

#: What the chip says without a PIN -> the page shown. Everything else is a fault of the reader.
_CARD_TROUBLE = {
    FaultCode.CARD_FOREIGN: "card_check.foreign",
    FaultCode.CARD_DAMAGED: "card_check.damaged",
    FaultCode.CARD_MUTE: "card_check.damaged",
    FaultCode.CARD_BLANK: "card_check.blank",
    FaultCode.CARD_BLOCKED: "card_check.blocked",
    FaultCode.CARD_NOT_UNDERSTOOD: "card_check.not_understood",
}

#: Whether a card that ends is in date -> the page shown.
_PAGES = {True: "in_date", False: "expired", None: "no_date"}


class CheckCard(Service):
    """读卡自检."""

    id = "card_check"
    group = "help"
    icon = "card-search-outline"
    order = 50
    needs = frozenset({Device.CARD_READER})
    stages = ("read", "result")

    async def serve(self) -> None:
        self.at("read")
        try:
            card = await ReadCard("card_check.read", tries=True)
        except DeviceFault as fault:
            if fault.code not in _CARD_TROUBLE:
                raise
            self.at("result")
            raise Leave(_CARD_TROUBLE[fault.code], icon="card-remove-outline") from None

        self.at("result")
        serves = await must_serve("card_check.ask", card)
        if card.pin_tries == 0:
            raise Leave("card_check.pin_locked", icon="lock-outline")
        facts: dict[str, str | int] = {
            "place": self._place(card.region),
            "tries": card.pin_tries or 0,
            "until": f"{card.expires:%Y-%m-%d}" if card.expires else "—",
        }
        lines = [f"card_check.line.{card.interface}", "card_check.line.issuer"]
        if card.pin_tries is not None:
            lines.append("card_check.line.tries")
        lines.append("card_check.line.in_use" if serves else "card_check.line.unknown")
        page = _PAGES[card.in_date_on(self.today)] if card.generation < 3 else "third"
        look = "ok" if page in ("third", "in_date") else "waiting"
        await Done(f"card_check.{page}", state=look, facts=facts, lines=tuple(lines))

    def _place(self, code: str) -> str:
        """Where it was issued (发卡地区): by name here, else by its code."""
        here = self.policy.region
        return here.city if here.code[:4] == code[:4] else code
