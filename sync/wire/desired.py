"""What a terminal should be, as the centre signs it, and what became of a command.

With each heartbeat comes a `Desired`: the version that is wanted now, and the state itself where
the terminal holds another. It is signed over the terminal's number and carries its time, so that a
terminal keeps to the newest that it has seen: an old one that somebody kept brings nothing back.

A command has one effect, whatever breaks:

1. The answer to a heartbeat names it. The terminal notes its id on disk.
2. The next heartbeat lists the id (`Heartbeat.commands`); the centre notes that it was seen.
3. Only a command that was listed, and is named by the answer to that, is carried out, between two
   visits and before it expires; its signed result is on disk before it is sent, and is sent until
   the centre names the command no more.

A terminal that is put back to an older state lists no id of which the centre knows that it was
seen: then the centre asks for it no more and says that the outcome is not known (`LOST`).
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import Field

from sync.values import Base64, Code, ItemId, KeyId, Moment, Sha256, Short
from sync.wire.base import Document, Signed

#: Largest file that a command brings to the centre, bytes: a minute and a half at 64 kbit/s.
ATTACHMENT_LIMIT = 512 * 1024

#: Kind of command -> its arguments, and what each may be. `about` is for operators.
KINDS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "restart": {"what": ("screen", "agent")},
    "collect_logs": {},
    "self_test": {},
    "resend": {},
    "rotate_key": {},
    "retire": {},
}
ABOUT: Mapping[str, str] = {
    "restart": "重启程序（空闲时）",
    "collect_logs": "收集日志",
    "self_test": "自检",
    "resend": "重发无法上传的办件",
    "rotate_key": "更换终端密钥",
    "retire": "退役（停止收发，待上传的留待导出）",
}


class Outcome(StrEnum):
    """What became of a command."""

    DONE = "done"
    FAILED = "failed"
    #: Its time was over before it could be carried out.
    EXPIRED = "expired"
    #: This terminal has no such command, or not with these arguments.
    REFUSED = "refused"
    #: Said by the centre: the terminal was put back to an older state meanwhile.
    LOST = "lost"


class Command(Document):
    """Something to be done once."""

    id: ItemId
    kind: Code
    arguments: dict[str, str] = {}
    expires: Moment


class CommandResult(Signed):
    """What became of a command, signed with the terminal's key together with its number."""

    PURPOSE: ClassVar[str] = "kiosk-command-result-1"

    id: ItemId
    outcome: Outcome
    at: Moment
    #: Technical: a fault's code, a number; never what somebody entered.
    detail: Short = ""
    #: Of what was sent in pieces under the command's id.
    attachment_sha256: Annotated[str, Field(pattern=r"^([0-9a-f]{64})?$")] = ""
    #: The key that is used from now on, and its own signature over the terminal and the command.
    new_public_key: Annotated[Base64, Field(max_length=32)] = b""
    new_key_signature: Annotated[Base64, Field(max_length=64)] = b""


class NewKey(Signed):
    """What a new device key signs, to show that the terminal holds it."""

    PURPOSE: ClassVar[str] = "kiosk-new-device-key-1"

    command: ItemId
    public_key_sha256: Sha256


class Announcement(Document):
    """A notice (公告) that home shows."""

    id: Code
    zh: Annotated[str, Field(max_length=50)]
    en: Annotated[str, Field(max_length=100)] = ""
    #: The last day; "" has no end.
    until: Annotated[str, Field(pattern=r"^(\d{4}-\d{2}-\d{2})?$")] = ""


class RosterEntry(Document):
    """A technician or a member of staff. Nobody any more: without roles."""

    roles: list[Code] = []
    #: `sync.pins.hash_pin`
    pin: Annotated[str, Field(max_length=200)] = Field(default="", repr=False)


class DesiredState(Document):
    """What a terminal should be."""

    #: Changes with the contents; two states with the same version are the same.
    version: Annotated[str, Field(max_length=40)]
    #: Service id -> reason in Chinese, as it is shown on the home screen; `sync.marks.EVERYTHING`
    #: stands for all.
    closed_services: dict[str, str] = {}
    #: Whether citizens are told by 短信 how it goes on. Where not, nothing promises it.
    notices: bool = False
    #: Whether the code of an electronic card (电子社保卡) can be asked about.
    electronic_cards: bool = False
    #: Over those of `settings.toml`; see `sync.wire.settings`.
    settings: dict[str, bool | int | str] = {}
    announcements: list[Announcement] = []
    #: Over those who were entered at the terminal.
    roster: dict[str, RosterEntry] = {}
    commands: list[Command] = []


class Desired(Signed):
    """The answer of the centre about the desired state, signed together with the terminal's
    number."""

    PURPOSE: ClassVar[str] = "kiosk-desired-1"

    version: Annotated[str, Field(max_length=40)]
    issued: Moment
    #: The terminal's key as the centre has it.
    device_key_id: KeyId
    #: None: what the terminal holds is of this version.
    state: DesiredState | None = None
