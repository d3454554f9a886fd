"""Where a program of a terminal broke: the kind of exception and lines of code, never a value.

The patterns hold it to that: no message of an exception, no argument, no path of a machine fits.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from sync.crashes import DEEPEST, ERROR, LINE
from sync.values import ItemId, Moment, Short
from sync.wire.base import Message

#: So many reports go with one heartbeat.
AT_ONCE = 5


class CrashReport(Message):
    """One crash."""

    id: ItemId
    program: Annotated[str, Field(pattern=r"^[a-z-]{1,20}$")]
    version: Short
    error: Annotated[str, Field(pattern=ERROR)]
    #: The outermost first.
    stack: Annotated[list[Annotated[str, Field(pattern=LINE)]], Field(max_length=DEEPEST)]
    at: Moment
