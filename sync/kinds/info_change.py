"""信息变更: another telephone number or address (domain §5.14). Name and ID number change at the
window only, with the papers that prove it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from sync.values import IdNumber, Name, Text
from sync.wire.base import Document, Message
from sync.wire.envelopes import KnownRejection
from sync.wire.kind import Kind, Question


class InfoChange(Document):
    """Who changes what."""

    name: Name
    id_number: IdNumber
    what: Literal["phone", "address"]
    #: "" where the address changes.
    phone: Annotated[str, Field(pattern=r"^(1[3-9][0-9]{9})?$")] = ""
    #: Of the address, GB/T 2260, and all of it; "" where the telephone number changes.
    area_code: Annotated[str, Field(pattern=r"^([0-9]{6})?$")] = ""
    address: Text = ""


KIND = Kind(id="info_change", document=InfoChange, signed=False)


class WhatIsKnown(Message):
    """What has the centre of the holder of this number and name?"""

    id_number: IdNumber
    name: Name


class Known(Message):
    """What it has, masked; "" for what it has not."""

    rejection: KnownRejection | None = None
    #: 139****0000
    phone: Annotated[str, Field(max_length=11)] = ""
    #: 唐山市路北区****
    address: Annotated[str, Field(max_length=40)] = ""


QUESTIONS = (Question("info_change.known", WhatIsKnown, Known),)
