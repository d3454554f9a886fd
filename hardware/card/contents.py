"""社会保障卡: what the records of its files say (LD/T 32.6). No command is sent from here.

What was missing or senseless on a card is "" or None. No card data, however odd, raises anything
but `DeviceFault`. How the records are asked for is in `hardware.card.files`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from hardware.card.atr import historical_bytes
from hardware.card.session import CardSession, Interface
from hardware.characters import PRIVATE_USE
from hardware.faults import DeviceFault, FaultCode

_CARD_ID_BYTES, _CARD_NO_CHARACTERS = 16, 9

#: What cards fill a value up with.
_PADDING = b"\0\xff "

#: 社会保障号码 of a foreigner (外国人社会保障号码编制规则): the country's three letters, a reserved
#: place, fourteen of the passport.
_FOREIGNER_S = re.compile(r"[A-Z]{3}[0-9A-Z]{15}")

#: ISO 7064 MOD 11-2, as GB 11643 has it.
_CHECK_CHARACTERS = "10X98765432"

#: GB/T 2261.1.
_SEXES = ("0", "1", "2", "9")


@dataclass(frozen=True)
class Holder:
    """持卡人. Nothing of it appears in a `repr`, so that it cannot get into a log."""

    number: str = field(repr=False)
    name: str = field(repr=False)
    #: GB/T 2261.1.
    sex_code: str = field(repr=False)
    #: GB/T 3304, two digits.
    ethnic_code: str = field(repr=False)
    birth: date | None = field(repr=False)
    #: GB/T 2260, six digits.
    birthplace: str = field(default="", repr=False)


@dataclass(frozen=True)
class SocialCard:
    """What a card gives. What was missing or senseless on it is "" or None."""

    #: 卡识别码, 32 hexadecimal digits.
    card_id: str = field(repr=False)
    #: 规范版本 as it stands on the card: "3.00", "2.00", also "2.0".
    version: str
    #: 1, 2 or 3: the first character of the version decides.
    generation: int
    #: 初始化机构编号, 24 hexadecimal digits.
    issuer: str
    issued: date | None
    #: 卡有效期; None: none stated, or none that can be read.
    expires: date | None
    #: 卡号, a letter and eight digits.
    card_no: str = field(repr=False)
    holder: Holder | None = None
    #: 卡复位信息: the historical bytes, in hexadecimal.
    reset_info: str = field(default="", repr=False)
    #: Algorithm id of the application: "03" is SM4; "01" where the card does not say.
    algorithm: str = "01"
    interface: Interface = Interface.CONTACT
    #: Which presentation of a card this was, see `CardSession.insertion`.
    insertion: int = field(default=0, compare=False)
    #: Whether the HSM found that the chip was issued (INTERNAL AUTHENTICATE). False: nobody looked,
    #: so a programmed chip may say all of this.
    genuine: bool = field(default=False, compare=False)
    #: How many wrong PINs it would still take, where that was asked and the card says so.
    pin_tries: int | None = field(default=None, compare=False)

    @property
    def region(self) -> str:
        """发卡地区行政区划代码."""
        return self.card_id[:6]

    def in_date_on(self, day: date) -> bool | None:
        """Whether the card may be used on a day; None: cannot tell, its end could not be read.
        Cards of the third generation do not expire."""
        if self.generation >= 3:
            return True
        return None if self.expires is None else self.expires >= day


class DamagedCard(DeviceFault):
    """`generation`: as far as its version could be read; 0: not."""

    def __init__(self, what: str, generation: int = 0) -> None:
        super().__init__(FaultCode.CARD_DAMAGED, what)
        self.generation = generation


def decode(
    issuer: Mapping[str, bytes],
    holder: Mapping[str, bytes],
    card: CardSession | None = None,
    algorithm: str = "01",
) -> SocialCard:
    """Records by item -> the card. Raises `DeviceFault`: CARD_BLANK, CARD_DAMAGED."""
    if issuer and not any(value.strip(_PADDING) for value in issuer.values()):
        raise DeviceFault(FaultCode.CARD_BLANK)
    version = _ascii(issuer.get("version", b""))
    if version[:1] not in ("1", "2", "3"):
        raise DamagedCard("version")
    card_id = issuer.get("card_id", b"")
    if len(card_id) != _CARD_ID_BYTES or not _digits(card_id[:3]):
        raise DamagedCard("card id", int(version[0]))
    return SocialCard(
        card_id=card_id.hex().upper(),
        version=version,
        generation=int(version[0]),
        issuer=issuer.get("issuer", b"").hex().upper(),
        issued=_date(issuer.get("issued", b""), (1, 1)),
        expires=_date(issuer.get("expires", b""), (12, 31)),
        card_no=_ascii(issuer.get("card_no", b"")[:_CARD_NO_CHARACTERS]),
        holder=holder_of(holder),
        reset_info=historical_bytes(card.atr).hex().upper() if card else "",
        algorithm=algorithm,
        interface=card.interface if card else Interface.CONTACT,
        insertion=card.insertion if card else 0,
    )


def holder_of(records: Mapping[str, bytes]) -> Holder | None:
    """None if the card did not give who holds it, or not so that it can be read."""
    number = _ascii(records.get("number", b"")).upper()
    # The name goes on in its extension, and a character may be cut in two between them.
    name = records.get("name", b"").rstrip(b"\0\xff") + records.get("name_more", b"")
    try:
        text = name.rstrip(_PADDING).decode("gb18030").translate(PRIVATE_USE)
    except UnicodeDecodeError:
        return None
    if not text or not _is_number(number):
        return None
    sex = _ascii(records.get("sex_code", b""))
    return Holder(
        number=number,
        name=text,
        sex_code=sex if sex in _SEXES else "",
        # BCD here, other than on the resident ID card: byte 15 is code 15.
        ethnic_code=_digits(records.get("ethnic_code", b"")),
        birth=_date(records.get("birth", b""), (1, 1)),
        birthplace=_digits(records.get("birthplace", b"")),
    )


def _is_number(text: str) -> bool:
    """Whether this can be somebody's 社会保障号码: a citizen's with its check character (GB 11643),
    or a foreigner's. A number that fails is nobody's, and must not be taken for the holder's."""
    if _FOREIGNER_S.fullmatch(text):
        return True
    if not re.fullmatch(r"\d{17}[\dX]", text, re.ASCII):
        return False
    total = sum(int(digit) * pow(2, 17 - place, 11) for place, digit in enumerate(text[:17]))
    return _CHECK_CHARACTERS[total % 11] == text[17]


def _digits(value: bytes) -> str:
    """BCD, two digits a byte; "" if it is not, such as padding."""
    digits = value.hex()
    return digits if digits.isdecimal() else ""


def _ascii(value: bytes) -> str:
    """Text with its padding; "" if it is not printable ASCII."""
    text = value.rstrip(_PADDING).decode("latin-1")
    return text if text.isascii() and text.isprintable() else ""


def _date(value: bytes, only_year: tuple[int, int]) -> date | None:
    """Four bytes of BCD YYYYMMDD, padded with F or 0 if there is none.

    Some cards hold the year in ASCII instead; it stands for the (month, day) `only_year` in it.
    """
    if len(value) != 4:
        return None
    if all(0x30 <= byte <= 0x39 for byte in value):
        digits = value.decode("ascii") + "{:02d}{:02d}".format(*only_year)
    else:
        digits = value.hex()
    try:
        return date(int(digits[:4]), int(digits[4:6]), int(digits[6:8]))
    except ValueError:
        return None


def parse_records(answer: bytes) -> dict[int, bytes]:
    """Records `tag length value`, one after the other, by tag; what is cut short at the end is left
    out."""
    found: dict[int, bytes] = {}
    while len(answer) >= 2 and len(answer) >= 2 + answer[1]:
        found[answer[0]] = answer[2 : 2 + answer[1]]
        answer = answer[2 + answer[1] :]
    return found
