"""Releases of the terminal's program: which one a terminal should have, and how far it is.

What is in a release is said by signed metadata that the centre cannot forge (`sync.updates`); the
message here only names one of those that were released.
"""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from sync.values import Code, Short
from sync.wire.base import Message, Signed

Count = Annotated[int, Field(ge=0, le=10**9)]
NoneOrCode = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{0,40}$")]

#: Where its files are: GET `FILES`/metadata/… and `FILES`/targets/…, signed like every request, in
#: ranges (RFC 9110 §14) of at most `PART` bytes. They come as they are, not packed.
FILES = "release-files"

#: Longest range that is answered, bytes: one answer keeps no other terminal waiting.
PART = 256 * 1024


class DesiredRelease(Signed):
    """The release that one terminal should have, signed together with the terminal's own number.

    One is newer than another if (`epoch`, `number`) is greater; a terminal keeps to the newest that
    it has seen.
    """

    PURPOSE: ClassVar[str] = "kiosk-release-1"

    #: As in `sync.wire.envelopes.Standing`.
    epoch: Annotated[int, Field(ge=0)]
    #: Grows with everything that an operator or the centre decides about releases.
    number: Annotated[int, Field(ge=0)]
    #: "": none; what runs goes on, and nothing is fetched or tried.
    version: NoneOrCode
    #: SHA-256 of the first root metadata, for a terminal that has none.
    root: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class Tally(Message):
    """What happened at one terminal while it ran one version, since it first did."""

    minutes: Count = 0
    visits: Count = 0
    #: Visits that did not come to their end: left, timed out, or ended by a fault.
    unfinished: Count = 0
    #: Faults of devices that were not there before the program was started.
    faults: Count = 0
    #: The screen's program ended without saying so, or a visit ended in an error of ours.
    crashes: Count = 0


class ReleaseReport(Message):
    """How far a terminal is with what the centre wants it to run."""

    #: "" where no release runs: a checkout of the source.
    version: NoneOrCode = ""
    #: "a" or "b".
    slot: Short = ""
    #: E.g. "x86_64": bundles are made for one kind of processor.
    machine: NoneOrCode = ""
    #: Whether it runs on trial.
    trial: bool = False
    wanted: NoneOrCode = ""
    #: A word of `sync.updates.stages.Stage`.
    stage: Short = ""
    #: Of what is fetched, percent.
    progress: Annotated[int, Field(ge=0, le=100)] = 0
    #: Why it does not go on, a word of `sync.updates.stages.Why`; "" if nothing is wrong.
    why: Short = ""
    #: Versions that were tried here and given up.
    failed: Annotated[list[Code], Field(max_length=16)] = []
    #: Version -> what happened while it ran.
    tallies: Annotated[dict[Code, Tally], Field(max_length=8)] = {}
