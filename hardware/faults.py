"""Everything that can go wrong with a device or a service of the terminal, each with a code.

A driver raises `DeviceFault(code)`. What the citizen is told, what it means to a technician and
what to do about it are words under `fault.<code>` in `kiosk/locale/*/faults.toml`.
"""

from __future__ import annotations

from enum import StrEnum


class FaultCode(StrEnum):
    """The codes. Their values are ids of words, log events and the fleet's reports."""

    # 居民身份证阅读器
    ID_READER_OFFLINE = "id_reader_offline"
    ID_READER_PROTOCOL = "id_reader_protocol"
    ID_READER_UNAUTHORISED = "id_reader_unauthorised"
    ID_CARD_UNREADABLE = "id_card_unreadable"
    # 社会保障卡读写器 and the card in it
    CARD_READER_OFFLINE = "card_reader_offline"
    CARD_MUTE = "card_mute"
    CARD_PULLED = "card_pulled"
    CARD_FOREIGN = "card_foreign"
    CARD_DAMAGED = "card_damaged"
    # 凭条打印机
    PRINTER_OFFLINE = "printer_offline"
    PRINTER_PAPER_OUT = "printer_paper_out"
    PRINTER_PAPER_NEAR_END = "printer_paper_near_end"
    PRINTER_COVER_OPEN = "printer_cover_open"
    PRINTER_CUTTER = "printer_cutter"
    PRINTER_ERROR = "printer_error"
    # 摄像头
    CAMERA_ABSENT = "camera_absent"
    CAMERA_NO_FRAMES = "camera_no_frames"
    CAMERA_BLACK = "camera_black"
    # the terminal itself
    DEVICE_MISSING = "device_missing"
    OUTBOX_UNAVAILABLE = "outbox_unavailable"
    NOT_ENROLLED = "not_enrolled"
    INTERNAL = "internal"


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


class NotWanted(Exception):
    """Nobody waits for the answer of this job any more; the device stays as it is."""
