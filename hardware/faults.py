"""Everything that can go wrong with a device or with the terminal itself, each with a code.

A driver raises `DeviceFault(code)`. What the citizen is told, what it means to a technician and
what to do about it are words under `fault.<code>` in `kiosk/words/*/faults.toml`; `docs/faults.md`
is made of both. The list follows what real terminals of this kind report (domain §2.5).
"""

from __future__ import annotations

import traceback
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path


class Device(StrEnum):
    """The devices of a terminal. The values are ids of words, log events and settings."""

    #: 居民身份证阅读器
    ID_READER = "id_reader"
    #: 社会保障卡读写器
    CARD_READER = "card_reader"
    #: 摄像头
    CAMERA = "camera"
    #: 高拍仪: looks down on paper. Without one, paper is held up to the camera.
    DOCUMENT_CAMERA = "document_camera"
    #: 凭条打印机
    PRINTER = "printer"
    #: A4打印机: whole pages. Without one, certificates are not printed.
    PAGE_PRINTER = "page_printer"
    #: 扫码器: reads the code of an electronic card (电子社保卡) from a telephone.
    SCANNER = "scanner"
    #: 密码键盘: without one the PIN is typed on the screen.
    PIN_PAD = "pin_pad"
    #: 不间断电源.
    UPS = "ups"
    #: 耳机插孔: where a plug is in it, the voice goes there.
    HEADSET = "headset"
    #: 门磁、人体感应、照明、看门狗: contacts and relays on one board.
    CONTACTS = "contacts"


#: A terminal without one of these is not said to lack it.
OPTIONAL = frozenset(
    {
        Device.DOCUMENT_CAMERA,
        Device.PAGE_PRINTER,
        Device.SCANNER,
        Device.PIN_PAD,
        Device.UPS,
        Device.HEADSET,
        Device.CONTACTS,
    }
)


class FaultCode(StrEnum):
    """The codes. Their values are ids of words, log events and the fleet's reports."""

    # 居民身份证阅读器 and the card on it
    ID_READER_OFFLINE = "id_reader_offline"
    ID_READER_BUSY = "id_reader_busy"
    ID_READER_PROTOCOL = "id_reader_protocol"
    ID_READER_UNAUTHORISED = "id_reader_unauthorised"
    ID_READER_SELF_TEST = "id_reader_self_test"
    ID_CARD_UNREADABLE = "id_card_unreadable"
    ID_CARD_REJECTED = "id_card_rejected"
    ID_CARD_LIFTED = "id_card_lifted"
    # 社会保障卡读写器 and the card in it
    CARD_SERVICE_DOWN = "card_service_down"
    CARD_SERVICE_FORBIDDEN = "card_service_forbidden"
    CARD_READER_OFFLINE = "card_reader_offline"
    CARD_READER_BUSY = "card_reader_busy"
    CARD_READER_STUCK = "card_reader_stuck"
    CARD_MUTE = "card_mute"
    CARD_PULLED = "card_pulled"
    CARD_FOREIGN = "card_foreign"
    CARD_DAMAGED = "card_damaged"
    CARD_BLANK = "card_blank"
    CARD_BLOCKED = "card_blocked"
    CARD_REFUSED = "card_refused"
    CARD_UNPROVEN = "card_unproven"
    CARD_INITIAL_PIN = "card_initial_pin"
    CARD_PIN_BLOCKED = "card_pin_blocked"
    CARD_NOT_UNDERSTOOD = "card_not_understood"
    CARD_KEY_REFUSED = "card_key_refused"
    CARD_KEY_BLOCKED = "card_key_blocked"
    CARD_KEY_CLOSED = "card_key_closed"
    # 安全存取模块 and 加密机
    PSAM_ABSENT = "psam_absent"
    PSAM_UNFIT = "psam_unfit"
    HSM_UNREACHABLE = "hsm_unreachable"
    HSM_REFUSED = "hsm_refused"
    # 凭条打印机
    PRINTER_OFFLINE = "printer_offline"
    PRINTER_BUSY = "printer_busy"
    PRINTER_PAPER_OUT = "printer_paper_out"
    PRINTER_PAPER_NEAR_END = "printer_paper_near_end"
    PRINTER_COVER_OPEN = "printer_cover_open"
    PRINTER_CUTTER = "printer_cutter"
    PRINTER_HOT = "printer_hot"
    PRINTER_ERROR = "printer_error"
    PRINTER_UNCONFIRMED = "printer_unconfirmed"
    PRINTER_UNCLEARED = "printer_uncleared"
    PRINTER_JAM = "printer_jam"
    # A4打印机, the gravest first
    PAGE_PRINTER_OFFLINE = "page_printer_offline"
    PAGE_PRINTER_BUSY = "page_printer_busy"
    PAGE_PRINTER_JAM = "page_printer_jam"
    PAGE_PRINTER_OPEN = "page_printer_open"
    PAGE_PRINTER_PAPER_OUT = "page_printer_paper_out"
    PAGE_PRINTER_TONER_OUT = "page_printer_toner_out"
    PAGE_PRINTER_TRAY_FULL = "page_printer_tray_full"
    PAGE_PRINTER_FILTER = "page_printer_filter"
    PAGE_PRINTER_STOPPED = "page_printer_stopped"
    PAGE_PRINTER_ERROR = "page_printer_error"
    PAGE_PRINTER_UNCONFIRMED = "page_printer_unconfirmed"
    PAGE_PRINTER_UNCLEARED = "page_printer_uncleared"
    PAGE_PRINTER_KEEPS = "page_printer_keeps"
    PAGE_PRINTER_LOW = "page_printer_low"
    # 摄像头
    CAMERA_ABSENT = "camera_absent"
    CAMERA_BUSY = "camera_busy"
    CAMERA_NO_FRAMES = "camera_no_frames"
    CAMERA_BLACK = "camera_black"
    CAMERA_FROZEN = "camera_frozen"
    CAMERA_UNFIT = "camera_unfit"
    # 扫码器
    SCANNER_OFFLINE = "scanner_offline"
    SCANNER_BUSY = "scanner_busy"
    # 密码键盘
    PIN_PAD_OFFLINE = "pin_pad_offline"
    PIN_PAD_BUSY = "pin_pad_busy"
    PIN_PAD_UNFIT = "pin_pad_unfit"
    # 不间断电源
    UPS_ON_BATTERY = "ups_on_battery"
    UPS_LOW = "ups_low"
    UPS_BATTERY_OLD = "ups_battery_old"
    UPS_OFFLINE = "ups_offline"
    # 耳机插孔
    HEADSET_OFFLINE = "headset_offline"
    HEADSET_LEFT = "headset_left"
    # 门磁 and the board that it is on
    DOOR_OPEN = "door_open"
    CONTACTS_OFFLINE = "contacts_offline"
    CONTACTS_BUSY = "contacts_busy"
    # 串口
    PORTS_EXCHANGED = "ports_exchanged"
    PORT_UNSTEADY = "port_unsteady"
    # 厂商接口库: the library that a reader or device needs
    LIBRARY_MISSING = "library_missing"
    LIBRARY_FAILED = "library_failed"
    # the terminal itself
    DEVICE_MISSING = "device_missing"
    OUTBOX_UNAVAILABLE = "outbox_unavailable"
    OUTBOX_DEAD_LETTERS = "outbox_dead_letters"
    JOURNAL_ALTERED = "journal_altered"
    JOURNAL_UNWRITABLE = "journal_unwritable"
    POLICY_REFUSED = "policy_refused"
    DISK_LOW = "disk_low"
    CLOCK_WRONG = "clock_wrong"
    NOT_ENROLLED = "not_enrolled"
    TPM_AWAY = "tpm_away"
    TPM_OTHER = "tpm_other"
    KEY_NOT_SEALED = "key_not_sealed"
    CENTRE_UNREACHABLE = "centre_unreachable"
    TERMINAL_TOO_OLD = "terminal_too_old"
    TERMINAL_TOO_NEW = "terminal_too_new"
    PHOTO_STOPPED = "photo_stopped"
    SCREEN_STOPPED = "screen_stopped"
    AGENT_STOPPED = "agent_stopped"
    ITEM_LEFT = "item_left"
    INTERNAL = "internal"


class Weight(StrEnum):
    """What a fault means for the work of the terminal."""

    #: The device cannot be used; services that need it are closed.
    BLOCKING = "blocking"
    #: It works, but somebody should come.
    WARNING = "warning"
    #: This card or document, not the device; the next citizen is served.
    OF_THE_CARD = "of_the_card"


_WARNINGS = (
    FaultCode.PRINTER_PAPER_NEAR_END,
    FaultCode.PAGE_PRINTER_KEEPS,
    FaultCode.PAGE_PRINTER_LOW,
    FaultCode.PORT_UNSTEADY,
    # The PIN is typed on the screen meanwhile.
    FaultCode.PIN_PAD_OFFLINE,
    FaultCode.PIN_PAD_BUSY,
    FaultCode.PIN_PAD_UNFIT,
    FaultCode.UPS_ON_BATTERY,
    FaultCode.UPS_BATTERY_OLD,
    FaultCode.UPS_OFFLINE,
    FaultCode.HEADSET_OFFLINE,
    FaultCode.HEADSET_LEFT,
    FaultCode.DOOR_OPEN,
    FaultCode.CONTACTS_OFFLINE,
    FaultCode.CONTACTS_BUSY,
    FaultCode.OUTBOX_DEAD_LETTERS,
    FaultCode.JOURNAL_ALTERED,
    FaultCode.JOURNAL_UNWRITABLE,
    FaultCode.POLICY_REFUSED,
    FaultCode.DISK_LOW,
    FaultCode.CLOCK_WRONG,
    # What is submitted waits here meanwhile, as without a network.
    FaultCode.TPM_AWAY,
    FaultCode.TPM_OTHER,
    FaultCode.KEY_NOT_SEALED,
    FaultCode.CENTRE_UNREACHABLE,
    FaultCode.TERMINAL_TOO_OLD,
    FaultCode.TERMINAL_TOO_NEW,
    FaultCode.ITEM_LEFT,
)
_OF_THE_CARD = (
    FaultCode.ID_CARD_UNREADABLE,
    FaultCode.ID_CARD_REJECTED,
    FaultCode.ID_CARD_LIFTED,
    FaultCode.CARD_MUTE,
    FaultCode.CARD_PULLED,
    FaultCode.CARD_FOREIGN,
    FaultCode.CARD_DAMAGED,
    FaultCode.CARD_BLANK,
    FaultCode.CARD_BLOCKED,
    FaultCode.CARD_REFUSED,
    FaultCode.CARD_UNPROVEN,
    FaultCode.CARD_INITIAL_PIN,
    FaultCode.CARD_PIN_BLOCKED,
    FaultCode.CARD_NOT_UNDERSTOOD,
    FaultCode.CARD_KEY_REFUSED,
    FaultCode.CARD_KEY_BLOCKED,
    FaultCode.CARD_KEY_CLOSED,
    # What opens the card's protected file fails without the reader failing.
    FaultCode.PSAM_ABSENT,
    FaultCode.PSAM_UNFIT,
    FaultCode.HSM_UNREACHABLE,
    FaultCode.HSM_REFUSED,
)

#: Code -> what it means for the work. The order is that of the codes.
WEIGHTS: Mapping[FaultCode, Weight] = {
    **dict.fromkeys(FaultCode, Weight.BLOCKING),
    **dict.fromkeys(_WARNINGS, Weight.WARNING),
    **dict.fromkeys(_OF_THE_CARD, Weight.OF_THE_CARD),
}


class DeviceFault(Exception):
    """A device could not do what it was asked.

    `detail` is technical (a status word, an errno) and never personal. A temporary fault is tried
    again by the device's loop after a while; a permanent one waits for a person.
    """

    def __init__(self, code: FaultCode, detail: str = "", *, temporary: bool = True) -> None:
        super().__init__(f"{code}: {detail}" if detail else str(code))
        self.code = code
        self.detail = detail
        self.temporary = temporary

    def bare(self) -> DeviceFault:
        """The same fault without traceback, cause and context.

        Those hold every variable of the functions that it went through, the citizen's data among
        them, for as long as somebody holds the fault.
        """
        return DeviceFault(self.code, self.detail, temporary=self.temporary)


def place_of(error: BaseException) -> str:
    """Where a bug is: its type, file and line. Its message may quote data, so that is left out."""
    place = traceback.extract_tb(error.__traceback__)[-1:]
    where = f" at {Path(place[0].filename).name}:{place[0].lineno}" if place else ""
    return type(error).__name__ + where


class NotWanted(Exception):
    """Nobody waits for the answer of this job any more; the device stays as it is."""
