"""How a card photo came about: claims of the terminal, for the centre to check.

Part of the evidence of every business that takes a photo. The frame itself is an attachment.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from sync.values import Code, Decimal, Short
from sync.wire.base import Message


class RuleResult(Message):
    """One rule of the photo standard, as the terminal measured it. Numbers are decimal text."""

    rule: Code
    value: Decimal = ""
    low: Decimal = ""
    high: Decimal = ""
    #: "met", "warning", "broken" or "cannot_tell".
    verdict: Short


class CameraFrame(Message):
    """The frame that the photo was cut from, all of it: the attachment "frame"."""

    width: int = 0
    height: int = 0
    #: Width in pixels that the camera gave, where the frame had to be made smaller.
    camera_width: int = 0
    quality: int = 0


class LivenessHint(Message):
    """ "seen", "not_seen", "cannot_tell" or "not_asked". Nothing is refused because of it."""

    blink: Short = "not_asked"
    turn: Short = "not_asked"
    unbroken: bool = True


class PhotoEvidence(Message):
    """What the terminal measured and saw."""

    standard: Short = ""
    rules: Annotated[list[RuleResult], Field(max_length=100)] = []
    frame: CameraFrame = CameraFrame()
    tries: int = 1
    #: The citizen said that a head covering cannot be taken off: a person must look.
    head_covering: bool = False
    liveness: LivenessHint = LivenessHint()
