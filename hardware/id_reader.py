"""居民身份证阅读器: waits for a card and reads it, whatever the way to the reader's module is.

That way is behind `hardware.sam`. A card is found, selected and read, in this order and afresh for
every reading. After a reading that failed the card must be lifted and put down again: until the
reader has reported "no card" once, nothing is read.

A card that lies there when a reading begins may be anybody's: the citizen before has forgotten it,
perhaps. So it is reported, and only one that is laid down while the reading waits is read. A card
that was read is not found any more as long as it lies there; but it goes on answering, and so it is
known to be there.

What the text says is in `hardware.id_documents`. Fingerprints that a reader sends are dropped here.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from enum import StrEnum

from hardware.faults import DeviceFault, FaultCode, NotWanted
from hardware.id_documents import IdCard, parse_address, parse_reading, parse_text
from hardware.sam import (
    FIND,
    READ_ADDRESS,
    READ_TEXT,
    SAM_ID,
    SAM_STATUS,
    SELECT,
    SW_FOUND,
    SW_NO_CARD,
    SW_NO_CONTENTS,
    SW_OK,
    Answer,
    Sam,
)
from hardware.supervision import Condition

#: Readers miss cards that are polled faster than this, seconds.
POLL_S = 0.3


class Then(StrEnum):
    """What happens after a status."""

    #: It is what was asked for.
    GO_ON = "go_on"
    #: Ask again after a while.
    WAIT = "wait"
    #: The card has to be lifted and put down again.
    LIFT = "lift"
    #: That is no identity document.
    WRONG_DOCUMENT = "wrong_document"
    #: The reader itself has a fault.
    FAULT = "fault"


#: SW3 -> what it means, what happens then, and the fault it is if it does not go away.
STATUSES: Mapping[int, tuple[str, Then, FaultCode]] = {
    0x90: ("done", Then.GO_ON, FaultCode.ID_READER_PROTOCOL),
    0x9F: ("found", Then.GO_ON, FaultCode.ID_READER_PROTOCOL),
    0x80: ("no card", Then.WAIT, FaultCode.ID_READER_PROTOCOL),
    0x10: ("checksum", Then.FAULT, FaultCode.ID_READER_PROTOCOL),
    0x11: ("length", Then.FAULT, FaultCode.ID_READER_PROTOCOL),
    0x21: ("command", Then.FAULT, FaultCode.ID_READER_PROTOCOL),
    0x23: ("forbidden", Then.FAULT, FaultCode.ID_READER_UNAUTHORISED),
    0x24: ("unknown command", Then.FAULT, FaultCode.ID_READER_PROTOCOL),
    0x31: ("the card rejected the terminal", Then.LIFT, FaultCode.ID_CARD_REJECTED),
    0x32: ("the terminal rejected the card", Then.LIFT, FaultCode.ID_CARD_REJECTED),
    0x33: ("data check", Then.LIFT, FaultCode.ID_CARD_UNREADABLE),
    0x34: ("not found before", Then.LIFT, FaultCode.ID_CARD_UNREADABLE),
    0x37: ("fingerprint check", Then.LIFT, FaultCode.ID_CARD_UNREADABLE),
    0x3F: ("length of the card's data", Then.LIFT, FaultCode.ID_CARD_UNREADABLE),
    0x40: ("wrong card", Then.WRONG_DOCUMENT, FaultCode.ID_CARD_UNREADABLE),
    0x41: ("reading failed", Then.LIFT, FaultCode.ID_CARD_UNREADABLE),
    0x47: ("random number", Then.LIFT, FaultCode.ID_CARD_UNREADABLE),
    0x60: ("self test", Then.FAULT, FaultCode.ID_READER_SELF_TEST),
    0x66: ("not authorised", Then.FAULT, FaultCode.ID_READER_UNAUTHORISED),
    0x81: ("selection failed", Then.LIFT, FaultCode.ID_CARD_UNREADABLE),
    0x91: ("no such contents", Then.GO_ON, FaultCode.ID_CARD_UNREADABLE),
}
_UNKNOWN = ("unknown status", Then.LIFT, FaultCode.ID_CARD_UNREADABLE)

#: These do not go away by themselves: a person has to come.
_LASTING = (FaultCode.ID_READER_UNAUTHORISED, FaultCode.ID_READER_SELF_TEST)

#: A card that could not be read so often in one visit is not asked for again.
MOST_TRIES = 3


class IdStep(StrEnum):
    """What the citizen should know while a card is waited for."""

    #: A card lies here from before: it is read only when it was taken away and laid down anew.
    REMOVE = "remove"
    WAITING = "waiting"
    SEEN = "seen"
    LIFT_AND_REPLACE = "lift_and_replace"
    WRONG_DOCUMENT = "wrong_document"


class IdReader:
    """The driver; runs in a `DeviceLoop`, so one thread uses it."""

    def __init__(self, sam: Sam, wlt_library: str = "") -> None:
        """`wlt_library`: see `hardware.wlt`; "" for cards without a portrait."""
        self._sam = sam
        self._wlt_library = wlt_library
        self._sam_id = ""
        self._reads = 0
        self._asked_at = 0.0
        #: Whether the card that was selected last may still lie there.
        self._selected = False
        #: Whether the card was lifted too early in this visit, and may be back by the next reading.
        self._lifted = False

    def open(self) -> None:
        self._sam.open()
        try:
            self._must_be_ok(self._sam.ask(SAM_STATUS))
            self._sam_id = self._must_be_ok(self._sam.ask(SAM_ID)).data.hex()
        except DeviceFault:
            self._sam.close()
            raise

    def close(self) -> None:
        self._sam.close()

    def poll(self) -> Condition:
        self._must_be_ok(self._sam.ask(SAM_STATUS))
        return Condition(serial=self._sam_id, counters={"reads": self._reads})

    def present(self) -> bool:
        """Whether a card lies on the reader, also one that was read. Raises `DeviceFault` if the
        reader does not answer. Takes up to `POLL_S`."""
        if self._selected:
            try:
                answer = self._sam.ask(READ_ADDRESS)
            except DeviceFault:
                # Some readers say nothing about a card that is gone. `_find` tells of the reader.
                answer = None
            if answer is not None and answer.status in (SW_OK, SW_NO_CONTENTS):
                return True
            self._selected = False
        return self._find().status == SW_FOUND

    def visit_over(self) -> None:
        """A card that lies here from now on is nobody's. Raises as `open`."""
        self._lifted = False
        self._sam.visit_over()

    def read(
        self,
        cancelled: Callable[[], bool],
        report: Callable[[IdStep], None],
        *,
        fresh: bool = True,
    ) -> IdCard:
        """Wait for a card and read it.

        `fresh`: a card that lies there already is reported (REMOVE) and waited for until it is
        gone. Raises `NotWanted` when cancelled, `DeviceFault`: ID_CARD_LIFTED for a card that was
        lifted too early, after which it may be tried again at once; ID_CARD_UNREADABLE or
        ID_CARD_REJECTED for a card that failed three times, the others when the reader fails.
        """
        if fresh and not self._lifted and self.present():
            report(IdStep.REMOVE)
            while self.present():
                if cancelled():
                    raise NotWanted
        self._lifted = False
        report(IdStep.WAITING)
        failed = 0
        while True:
            self._wait_for(lambda answer: answer.status == SW_FOUND, cancelled)
            report(IdStep.SEEN)
            found = self._read_found()
            if isinstance(found, IdCard):
                self._reads += 1
                return found
            meaning, then, fault = found
            if fault is FaultCode.ID_CARD_LIFTED:
                self._lifted = True
                raise DeviceFault(fault, meaning)
            wrong = then is Then.WRONG_DOCUMENT
            report(IdStep.WRONG_DOCUMENT if wrong else IdStep.LIFT_AND_REPLACE)
            # Another document has not failed.
            failed += then is Then.LIFT
            if failed == MOST_TRIES:
                raise DeviceFault(fault, meaning)
            self._wait_for(lambda answer: answer.status == SW_NO_CARD, cancelled)

    def _read_found(self) -> IdCard | tuple[str, Then, FaultCode]:
        """Select and read the card that was found; else what came instead."""
        try:
            answer = self._sam.ask(SELECT)
            self._selected = answer.status == SW_OK
            if self._selected:
                answer = self._sam.ask(READ_TEXT)
            reading = parse_reading(answer.data) if answer.status == SW_OK else None
        except DeviceFault:
            # A card lifted in the middle may cut the answer off anywhere. If it is the reader that
            # failed, the next question to it says so.
            if self.present():
                return "cut off", Then.LIFT, FaultCode.ID_CARD_UNREADABLE
            return "in the middle", Then.WAIT, FaultCode.ID_CARD_LIFTED
        if reading is None:
            meaning, then, fault = STATUSES.get(answer.status, _UNKNOWN)
            if then is Then.FAULT:
                raise _reader_fault(fault, answer.status)
            return meaning, then, fault
        try:
            card = parse_text(reading.text, self._newest_address())
        except DeviceFault as unreadable:
            return unreadable.detail, Then.LIFT, unreadable.code
        return replace(
            card, portrait=self._portrait(reading.photo), portrait_wlt=bytes(reading.photo)
        )

    def _portrait(self, wlt: bytes) -> bytes | None:
        if not self._wlt_library:
            return None
        from hardware.wlt import decode  # on the reader's thread, where there is a decoder

        return decode(wlt, self._wlt_library)

    def _newest_address(self) -> str:
        """After a move the new address is in the chip only. A reader that cannot tell of one, or
        will not, costs a question."""
        try:
            answer = self._sam.ask(READ_ADDRESS)
        except DeviceFault:
            return ""
        return parse_address(answer.data) if answer.status == SW_OK else ""

    def _wait_for(self, happened: Callable[[Answer], bool], cancelled: Callable[[], bool]) -> None:
        """Ask for a card every 300 ms until the answer is the wanted one."""
        while True:
            if cancelled():
                raise NotWanted
            if happened(self._find()):
                return

    def _find(self) -> Answer:
        """Ask for a card, never sooner after the last time than readers bear."""
        time.sleep(max(0.0, self._asked_at + POLL_S - time.monotonic()))
        self._asked_at = time.monotonic()
        answer = self._sam.ask(FIND)
        _, then, fault = STATUSES.get(answer.status, _UNKNOWN)
        if then is Then.FAULT:
            raise _reader_fault(fault, answer.status)
        return answer

    def _must_be_ok(self, answer: Answer) -> Answer:
        if answer.status != SW_OK:
            _, _, fault = STATUSES.get(answer.status, _UNKNOWN)
            raise _reader_fault(
                fault if fault in _LASTING else FaultCode.ID_READER_PROTOCOL, answer.status
            )
        return answer


def _reader_fault(fault: FaultCode, status: int) -> DeviceFault:
    return DeviceFault(fault, f"SW3 {status:02X}", temporary=fault not in _LASTING)
