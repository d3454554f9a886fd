"""The words of how far an update is, and of why it does not go on. Standard library only."""

from __future__ import annotations

from enum import StrEnum


class Stage(StrEnum):
    """How far a terminal is with the release that it should have."""

    #: Nothing is wanted, or what is wanted runs.
    IDLE = "idle"
    FETCHING = "fetching"
    UNPACKING = "unpacking"
    #: It lies in the idle slot and waits for the hours in which it may be tried.
    READY = "ready"
    #: The screen takes it at its next start.
    CHOSEN = "chosen"
    #: It runs and has not yet proved itself.
    TRIAL = "trial"


class Why(StrEnum):
    """What keeps a terminal from going on. It goes on by itself when that is over."""

    NOTHING = ""
    #: This installation has no slots: a checkout, or one that was not installed.
    NO_SLOTS = "no_slots"
    #: Neither shipped nor got from the centre: no root of trust.
    NO_ROOT = "no_root"
    UNREACHABLE = "unreachable"
    #: Too few bytes in too long a time.
    SLOW = "slow"
    #: Signatures have run out: the centre does not renew them, or somebody holds them back.
    EXPIRED = "expired"
    #: Not signed by whom it must be, older than what was seen, or not what was signed.
    UNTRUSTED = "untrusted"
    #: The signed list does not have this version for this machine.
    NOT_OFFERED = "not_offered"
    DISK_FULL = "disk_full"
    DISK = "disk"
    CLOCK = "clock_wrong"
    #: The bundle cannot be unpacked.
    BAD_BUNDLE = "bad_bundle"
    #: It was tried here and given up.
    GIVEN_UP = "given_up"
    #: Outside of the hours in which a version may be tried.
    HOURS = "hours"
    #: Another version is on trial.
    BUSY = "busy"
    #: A fault of the program, whose place is in the log.
    ERROR = "error"


class Stopped(Exception):
    """An update does not go on, and why."""

    def __init__(self, why: Why) -> None:
        super().__init__(why.value)
        self.why = why
