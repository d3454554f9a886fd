"""The PINs (社保卡密码) of one visit: where they wait for the card, and which ones are too easy.

A PIN never is an answer of a prompt, so it is in no replay, no log and no suggestion. The screen
gives it to `Pins`; the operation at the card takes it from there, and gives it back only where a
change needs it once more. The end of the visit wipes what was not taken.
"""

from __future__ import annotations

from enum import StrEnum

from hardware.card.pin import INITIAL_PINS, Pin
from kiosk.late import dataclass
from kiosk.visit.flow import Unacceptable

#: Digits of a PIN.
DIGITS = 6


class PinSaid(StrEnum):
    """What became of one use of a PIN."""

    #: Verified, or changed.
    DONE = "done"
    #: The PIN was wrong.
    WRONG = "wrong"
    #: The card went away in the middle, and is known to have kept the PIN it had.
    KEPT = "kept"
    #: The card went away in the middle, and nobody can tell.
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class PinUsed:
    """`tries_left`: what the card says now, None if it does not. `initial`: the PIN that was
    verified is one that cards are issued with. `insertion`: where the card is now."""

    said: PinSaid
    tries_left: int | None = None
    initial: bool = False
    insertion: int = 0


class Pins:
    """See the module's docstring. The screen's thread puts, the card reader's takes."""

    def __init__(self) -> None:
        self._held: dict[bool, Pin] = {}

    def put(self, pin: Pin, *, new: bool, owner: str = "", phone: str = "") -> None:
        """Keep what was typed. `owner`: ID number of the holder; `phone`: their telephone number,
        masked. Raises `Unacceptable` for a new PIN that is too easily guessed, which is wiped."""
        if new and (weak := weakness(pin, owner, phone)):
            pin.wipe()
            raise Unacceptable(f"pin_weak.{weak}")
        self.keep(pin, new=new)

    def keep(self, pin: Pin, *, new: bool) -> None:
        """Keep a PIN in the place of the one before it."""
        old, self._held[new] = self._held.get(new), pin
        if old is not None:
            old.wipe()

    def take(self, *, new: bool) -> Pin:
        """The PIN that was typed, which is then the caller's to wipe. Raises `KeyError`."""
        return self._held.pop(new)

    def wipe(self) -> None:
        while self._held:
            self._held.popitem()[1].wipe()


#: A PIN that has so many digits of the telephone number in common, each in its place, as are shown
#: of its beginning or its end: 139xxx, xx0000.
_OF_THE_PHONE = 3


def weakness(pin: Pin, id_number: str, phone: str = "") -> str:
    """Why nobody may choose this PIN, in a word; "" if they may. `id_number`: of the holder, whose
    birth date and whose other digits anybody can read on the ID card. `phone`: 139****0000; a
    terminal knows no more of it."""
    if pin.is_one_digit():
        return "repeated"
    if pin.is_one_of(INITIAL_PINS):
        return "initial"
    if pin.is_straight():
        return "straight"
    # YYYYMMDD with its parts YYMMDD and YYYYMM, and DDMMYY, which is none of them.
    birth = id_number[6:14]
    if pin.stands_in(birth) or pin.stands_in(birth[6:] + birth[4:6] + birth[2:4]):
        return "birth"
    if pin.stands_in(id_number):
        return "id_number"
    return "phone" if pin.fits_in(phone, _OF_THE_PHONE) else ""
