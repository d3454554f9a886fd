"""读卡自检: does my card still read, which generation is it, must I change it? (domain §5.7)

Needs no PIN and shows nothing personal. It saves needless replacements: a second-generation card
in date may go on being used (domain R-E9), and a third-generation card has no end date (R-E6).
"""

from __future__ import annotations

from hardware.faults import Device, DeviceFault, FaultCode
from kiosk.visit.prompts import Done, ReadCard
from kiosk.visit.service import Service

#: What the chip says without a PIN -> the result shown. Everything else is a fault of the reader.
_CARD_TROUBLE = {
    FaultCode.CARD_FOREIGN: "card_check.foreign",
    FaultCode.CARD_DAMAGED: "card_check.damaged",
    FaultCode.CARD_MUTE: "card_check.damaged",
    FaultCode.CARD_BLANK: "card_check.blank",
    FaultCode.CARD_BLOCKED: "card_check.blocked",
}


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
            card = await ReadCard("card_check.read")
        except DeviceFault as fault:
            if fault.code not in _CARD_TROUBLE:
                raise
            self.at("result")
            await Done(_CARD_TROUBLE[fault.code], state="trouble")
            return
        self.at("result")
        if card.generation == 3:
            await Done("card_check.third", state="ok")
        elif card.in_date_on(self.today):
            until = f"{card.expires:%Y-%m-%d}" if card.expires else "—"
            await Done("card_check.in_date", state="ok", facts={"until": until})
        else:
            await Done("card_check.expired", state="waiting")
