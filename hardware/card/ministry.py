"""The boundary in the words of the ministry's card driver (SSCardDriver, LD/T 33 and 6001.5).

Other programs of the social security offices speak of a card in these fields and error codes, so
what leaves the terminal for them, or comes from a vendor's driver, goes through here.

`iReadCardBas(iType, out)` gives eleven fields, each followed by "|", in GBK:

    发卡地区行政区划代码|社会保障号码|卡号|卡识别码|姓名|卡复位信息|规范版本|发卡日期|卡有效期|终端机编号|终端设备号|

It returns 0, or a negative number with words in `out`. For a status word of the card the number is
minus the status word.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from enum import IntEnum
from typing import TYPE_CHECKING

from hardware.card.session import Interface
from hardware.faults import FaultCode

if TYPE_CHECKING:
    from hardware.card.contents import SocialCard

ENCODING = "gbk"


class ReadType(IntEnum):
    """`iType`: which interface, or which first."""

    CONTACT = 1
    CONTACTLESS = 2
    CONTACT_FIRST = 3
    CONTACTLESS_FIRST = 4

    def allows(self, interface: Interface) -> bool:
        """Whether a card found on this interface is one that was asked for."""
        if self is ReadType.CONTACT:
            return interface is Interface.CONTACT
        if self is ReadType.CONTACTLESS:
            return interface is Interface.CONTACTLESS
        return True


@dataclass(frozen=True)
class BasicCard:
    """The fields of `iReadCardBas`, in its order; "" for what the card did not give."""

    #: 发卡地区行政区划代码, the first six digits of the card id.
    region: str
    #: 社会保障号码.
    number: str = field(repr=False)
    #: 卡号.
    card_no: str = field(repr=False)
    #: 卡识别码.
    card_id: str = field(repr=False)
    #: 姓名.
    name: str = field(repr=False)
    #: 卡复位信息, the historical bytes.
    reset_info: str = field(repr=False)
    #: 规范版本.
    version: str
    #: 发卡日期 and 卡有效期, YYYYMMDD.
    issued: str
    expires: str
    #: 终端机编号 and 终端设备号.
    terminal: str
    device: str


def basic_card(card: SocialCard, terminal: str, device: str) -> BasicCard:
    """A card as the ministry's driver would report it."""
    holder = card.holder
    return BasicCard(
        region=card.region,
        number=holder.number if holder else "",
        card_no=card.card_no,
        card_id=card.card_id,
        name=holder.name if holder else "",
        reset_info=card.reset_info,
        version=card.version,
        issued=_day(card.issued),
        expires=_day(card.expires),
        terminal=terminal,
        device=device,
    )


def _day(day: date | None) -> str:
    return f"{day:%Y%m%d}" if day else ""


def write_basic_card(card: BasicCard) -> bytes:
    """As `iReadCardBas` writes it. Raises `ValueError` for a field with "|" in it, or a character
    that GBK does not have."""
    values = [str(value) for value in vars(card).values()]
    if any("|" in value for value in values):
        raise ValueError("a field contains the separator")
    return "".join(f"{value}|" for value in values).encode(ENCODING)


def read_basic_card(out: bytes) -> BasicCard:
    """From what a driver wrote. Raises `ValueError`, without the data, if it is not that."""
    try:
        fields = out.rstrip(b"\0").decode(ENCODING).split("|")
    except UnicodeDecodeError:
        raise ValueError("not GBK") from None
    wanted = len(BasicCard.__dataclass_fields__)
    if len(fields) != wanted + 1 or fields[-1]:
        raise ValueError(f"{len(fields) - 1} fields instead of {wanted}")
    return BasicCard(*fields[:wanted])


#: Our codes -> the driver's. Where it has several for one of ours, the first is the one we write.
ERROR_CODES: dict[FaultCode, tuple[int, ...]] = {
    FaultCode.CARD_FOREIGN: (-1,),
    FaultCode.DEVICE_MISSING: (-2,),
    FaultCode.CARD_PULLED: (-3,),
    FaultCode.CARD_MUTE: (-4,),
    FaultCode.INTERNAL: (-5,),
    FaultCode.CARD_READER_OFFLINE: (-11, -12),
    FaultCode.CARD_SERVICE_DOWN: (-12,),
    FaultCode.CARD_SERVICE_FORBIDDEN: (-12,),
    FaultCode.CARD_READER_BUSY: (-11,),
    FaultCode.CARD_READER_STUCK: (-11,),
    FaultCode.CARD_DAMAGED: (-20, -22, -23),
    FaultCode.CARD_BLANK: (-20,),
    FaultCode.CARD_UNPROVEN: (-21,),
    FaultCode.CARD_INITIAL_PIN: (-35, -36),
    FaultCode.CARD_PIN_BLOCKED: (-52,),
    FaultCode.CARD_NOT_UNDERSTOOD: (-22,),
    # 63C0 to 63C2 after EXTERNAL AUTHENTICATE, and 6983: neither is about the PIN, which has -52.
    FaultCode.CARD_KEY_REFUSED: (-25536, -25537, -25538),
    FaultCode.CARD_KEY_BLOCKED: (-27011,),
    FaultCode.CARD_KEY_CLOSED: (-24,),
    FaultCode.CARD_BLOCKED: (-37635,),
    FaultCode.CARD_REFUSED: (-27013,),
    FaultCode.PSAM_ABSENT: (-2201,),
    FaultCode.PSAM_UNFIT: (-2202, -2203, -24),
    FaultCode.HSM_REFUSED: (-25,),
    FaultCode.HSM_UNREACHABLE: (-25,),
}

#: A wrong PIN; the text says how many tries are left.
WRONG_PIN = -51


def error_code(fault: FaultCode) -> int:
    """The driver's number for one of our faults; -5 (its own library) for what it does not know."""
    return ERROR_CODES.get(fault, (-5,))[0]


def status_word_code(status: int) -> int:
    """Minus the status word, e.g. -27010 for 6982."""
    return -status


def fault_of(code: int) -> FaultCode:
    """Our fault for a number of the driver. A status word that means nothing special, and a number
    that is not in its list, are a card that refused."""
    for fault, codes in ERROR_CODES.items():
        if code in codes:
            return fault
    return FaultCode.CARD_REFUSED
