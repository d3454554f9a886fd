"""The citizen's PIN (社会保障卡密码): verify it, change it, and how many tries are left.

Commands are those of LD/T 32.5: VERIFY `00 20 00 00` and CHANGE PIN `80 5E 01 00`, digits packed
two to a byte. How many tries a card allows differs from city to city: the card says what is left
(63Cx), and nothing else is believed. A PIN is sent once, when a person has entered it: it is never
tried again by itself, and never guessed, not even the initial one.

A PIN exists in one `Pin`, which is overwritten as soon as it was used. Python may have copied its
bytes on the way to the card; what can be overwritten is.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from itertools import pairwise

from hardware.card.apdu import exchange, refused
from hardware.card.session import CardSession
from hardware.faults import DeviceFault, FaultCode

_VERIFY = bytes.fromhex("00200000")
_CHANGE = bytes.fromhex("805E0100")

#: Between old and new PIN.
_SEPARATOR = b"\xff"

SHORTEST, LONGEST = 4, 12

#: PINs that cards are issued with (domain §2.7); with one of these the card may not be used.
INITIAL_PINS = frozenset({"123456"})

#: The same digit throughout: not to be chosen either.
_DIGITS = "0123456789"


class Pin:
    """Digits that somebody has just entered. Nothing shows them; `wipe` overwrites them."""

    def __init__(self, digits: str) -> None:
        """Raises `ValueError`, without the digits, if they are not 4 to 12."""
        if not (SHORTEST <= len(digits) <= LONGEST and set(digits) <= set(_DIGITS)):
            raise ValueError("not a PIN")
        self._digits = bytearray(digits, "ascii")

    def __repr__(self) -> str:
        return "Pin()"

    def __reduce__(self) -> str:
        raise TypeError("a PIN is not written anywhere")

    def packed(self) -> bytes:
        """Two digits to a byte, an odd last one filled with F."""
        text = self._digits.decode("ascii")
        return bytes.fromhex(text + "F" * (len(text) % 2))

    def is_one_of(self, pins: Collection[str]) -> bool:
        return self._digits.decode("ascii") in pins

    def is_one_digit(self) -> bool:
        return len(set(self._digits)) == 1

    def stands_in(self, text: str) -> bool:
        """Whether the digits stand in a text, one behind the other."""
        return self._digits.decode("ascii") in text

    def fits_in(self, text: str, known: int) -> bool:
        """Whether the digits may stand in a masked text, whose `*` may be any, and at least so many
        of them are known to."""
        digits = self._digits.decode("ascii")
        parts = (text[at : at + len(digits)] for at in range(len(text) - len(digits) + 1))
        return any(
            len(part) - part.count("*") >= known
            and all(one in ("*", digit) for one, digit in zip(part, digits, strict=True))
            for part in parts
        )

    def is_straight(self) -> bool:
        """Whether each digit follows the one before it, up or down: 234567, 987654."""
        steps = {later - digit for digit, later in pairwise(self._digits)}
        return steps in ({1}, {-1})

    def copy(self) -> Pin:
        """The same digits once more, to be wiped by itself."""
        return Pin(self._digits.decode("ascii"))

    def wipe(self) -> None:
        self._digits[:] = bytes(len(self._digits))


@dataclass(frozen=True)
class PinOutcome:
    """What the card said to a PIN. `tries_left`: None if it does not say."""

    verified: bool
    tries_left: int | None = None

    @property
    def blocked(self) -> bool:
        return not self.verified and self.tries_left == 0

    def must_not_be_blocked(self) -> None:
        """Raises `DeviceFault(CARD_PIN_BLOCKED)`."""
        if self.blocked:
            raise DeviceFault(FaultCode.CARD_PIN_BLOCKED)


def verify(card: CardSession, pin: Pin) -> PinOutcome:
    """Send a PIN to the card, once. The application is selected.

    Raises `DeviceFault`: CARD_PULLED and the like, CARD_REFUSED for any other status word.
    """
    try:
        return _outcome(exchange(card.transmit, _VERIFY, pin.packed()).status)
    finally:
        pin.wipe()


def change(
    card: CardSession, old: Pin, new: Pin, initial: Collection[str] = INITIAL_PINS
) -> PinOutcome:
    """Change the PIN; the old one is checked by the card in the same command.

    Raises `DeviceFault(CARD_INITIAL_PIN)` if the new one is a PIN that cards are issued with or
    one digit throughout, before anything is sent; otherwise as `verify`.
    """
    try:
        if new.is_one_of(initial) or new.is_one_digit():
            raise DeviceFault(FaultCode.CARD_INITIAL_PIN, "new PIN")
        data = old.packed() + _SEPARATOR + new.packed()
        return _outcome(exchange(card.transmit, _CHANGE, data).status)
    finally:
        old.wipe()
        new.wipe()


def tries_left(card: CardSession) -> int | None:
    """How many wrong PINs the card would still take, asked without one; None if it does not say."""
    status = exchange(card.transmit, _VERIFY).status
    try:
        return _outcome(status).tries_left
    except DeviceFault:
        return None


def _outcome(status: int) -> PinOutcome:
    if status == 0x9000:
        return PinOutcome(True)
    if status & 0xFFF0 == 0x63C0:
        return PinOutcome(False, status & 0x0F)
    if status == 0x6983:
        return PinOutcome(False, 0)
    raise refused(status, "PIN")
