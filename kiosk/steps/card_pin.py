"""密码: the card's own PIN is verified, or changed, while the card stays in.

How many wrong PINs the card would still take, the card says; with one left nothing is tried here
any more, because the next mistake would lock it. A card that is pulled while somebody types is
waited for ten seconds, and has to be the same one.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from hardware.faults import DeviceFault, FaultCode
from kiosk.records.pins import PinSaid
from kiosk.visit.prompts import EnterPin, ReadCard, UsePin
from kiosk.visit.service import Leave

if TYPE_CHECKING:
    from hardware.card.contents import SocialCard
    from kiosk.records.citizen import Citizen
    from kiosk.records.pins import PinUsed
    from sync.canonical import Json

#: With so many tries left nobody types a PIN here.
_LAST_TRY = 1


async def own_card(citizen: Citizen, prompt: ReadCard) -> SocialCard:
    """The card of the person whose ID card was read. Raises `Leave` for another's."""
    card = await prompt
    if card.holder is None and not prompt.holder:
        return card  # it does not say whose it is; its PIN will
    if card.holder is None or card.holder.number != citizen.number.text:
        raise Leave("card_pin.other_card", icon="card-remove-outline")
    return card


def whose(citizen: Citizen, card: SocialCard) -> dict[str, Json]:
    """Person and card, as every document about a card names them."""
    return {
        "name": citizen.name,
        "id_number": citizen.number.text,
        "card_id": card.card_id,
        "card_no": card.card_no,
    }


async def verified(
    card: SocialCard, again: str = "", *, keep: bool = False
) -> tuple[SocialCard, bool]:
    """Have the present PIN entered until the card takes it; whether it is one that cards are issued
    with. `again`: id of words why it is asked once more; `keep`: whether `changed` follows also
    where it is the citizen's own. Raises `Leave` before the last try."""
    while True:
        card = await _entered(card, EnterPin("card_pin.present", card.insertion, again=again))
        used = await UsePin("card_pin.verify", card, keep=keep)
        card = _after(card, used)
        if used.said is PinSaid.DONE:
            return card, used.initial
        again = "card_pin.wrong" if used.said is PinSaid.WRONG else "card_pin.unread"


async def changed(card: SocialCard, citizen: Citizen, phone: str) -> tuple[SocialCard, PinSaid]:
    """After `verified`, which kept it: have a new PIN made up and written. DONE, or UNKNOWN.
    `phone`: the holder's, masked, "" where nobody told it."""
    while True:
        card, used = await _changed_once(card, citizen, phone)
        if used.said in (PinSaid.DONE, PinSaid.UNKNOWN):
            return card, used.said
        card, _ = await verified(card, "card_pin.kept", keep=True)


async def chosen(card: SocialCard, used: PinUsed, citizen: Citizen, phone: str) -> PinSaid:
    """After the centre's script has set the initial PIN: have the citizen make up their own."""
    _, changed_now = await _changed_once(_after(card, used), citizen, phone)
    return changed_now.said


async def _changed_once(
    card: SocialCard, citizen: Citizen, phone: str
) -> tuple[SocialCard, PinUsed]:
    owner = citizen.number.text
    wanted = EnterPin("card_pin.new", card.insertion, new=True, owner=owner, phone=phone)
    card = await _entered(card, wanted)
    used = await UsePin("card_pin.change", card, change=True)
    return _after(card, used), used


async def _entered(card: SocialCard, prompt: EnterPin) -> SocialCard:
    """Have a PIN typed; the card may be pulled and put in again meanwhile."""
    while True:
        if not prompt.new:
            _must_have_tries(card)
            prompt = replace(prompt, tries_left=card.pin_tries)
        try:
            await replace(prompt, card=card.insertion)
        except DeviceFault as fault:
            if fault.code is not FaultCode.CARD_PULLED:
                raise
        else:
            return card
        back = await ReadCard("card_pin.put_back", tries=True, back=True)
        if back.card_id != card.card_id:
            raise Leave("card_pin.exchanged", icon="card-remove-outline")
        card = replace(card, insertion=back.insertion, pin_tries=back.pin_tries)


def _must_have_tries(card: SocialCard) -> None:
    if card.pin_tries == 0:
        raise Leave("card_pin.locked", icon="lock-alert-outline")
    if card.pin_tries == _LAST_TRY:
        raise Leave("card_pin.last_try", icon="alert-outline")


def _after(card: SocialCard, used: PinUsed) -> SocialCard:
    """The card as it stands after its PIN was used. Where it is unknown it is asked for again."""
    return replace(card, insertion=used.insertion, pin_tries=used.tries_left)
