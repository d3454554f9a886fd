"""Is there somebody before the camera, or a picture of somebody? A hint, and never more.

A blink and a turn of the head are asked for. A bent print "blinks" too, so a blink counts only
while the head is still (pose-gated): of 5,640 frames of held-up prints none passed, of people who
were not asked to about half blinked so. That stops paper. It does not stop a film on a phone or a
mask, and some people cannot turn or close their eyes at will: so the result is recorded for whoever
decides, and nothing is refused because of it.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from statistics import median

from kiosk.photo.findings import FindingCode, Look


class Challenge(StrEnum):
    """What may be asked for. Left and right are the citizen's own."""

    BLINK = "blink"
    TURN_LEFT = "turn_left"
    TURN_RIGHT = "turn_right"


class Answer(StrEnum):
    """What became of a challenge."""

    SEEN = "seen"
    #: Not in the time there was; that means nothing by itself.
    NOT_SEEN = "not_seen"
    #: What it takes could not be measured (dark glasses, hair, a turned head).
    CANNOT_TELL = "cannot_tell"
    NOT_ASKED = "not_asked"


@dataclass(frozen=True)
class Hint:
    """What was seen, for whoever decides."""

    blink: Answer = Answer.NOT_ASKED
    turn: Answer = Answer.NOT_ASKED
    #: Whether one face was there all the time from the first challenge to the photo.
    unbroken: bool = True


@dataclass(frozen=True)
class _Moment:
    """What one frame says; None where it could not be measured."""

    at: float
    left: float | None
    right: float | None
    yaw: float | None
    pitch: float | None
    width: float | None

    def closed(self, left: float, right: float) -> bool:
        """Whether both eyes are closed, for somebody whose eyes are usually so open."""
        if self.left is None or self.right is None:
            return False
        return self.left < _DIP * left and self.right < _DIP * right


#: Both eyes below this share of what they were is a closing.
_DIP = 0.65
#: Seconds of looks before and after a blink in which the head must be still, and the longest one.
_AROUND_S, _LONGEST_S, _MEMORY_S = 0.15, 0.5, 2.0
#: How still: degrees of yaw and pitch, and share of the face's width.
_YAW_RANGE, _PITCH_RANGE, _WIDTH_RANGE = 5.0, 6.0, 0.05
#: A head beyond the first is turned, within the second it is back; degrees.
_TURNED, _BACK = 15.0, 8.0
#: A face may be missing in the frames for so long, seconds: a hand through the hair. Without any
#: frame nobody knows; a slow terminal gives one in half a second, a camera that stopped none.
_LOST_S, _BLIND_S = 0.4, 3.0

#: Towards which sign of the yaw a challenge leads: the citizen's left is the picture's right.
_SIGNS = {Challenge.TURN_LEFT: 1.0, Challenge.TURN_RIGHT: -1.0}


class Liveness:
    """Watches for the challenges, one after the other."""

    def __init__(self, challenges: Iterable[Challenge]) -> None:
        """In the order in which they are asked; whoever makes this draws it anew each time."""
        self._left = list(challenges)
        self.asked: Challenge | None = None
        self._answers: dict[Challenge, Answer] = {}
        self._moments: deque[_Moment] = deque()
        self._measured = False
        self._turned = False
        self._watching = False
        self._seen_at = self._face_at = 0.0
        self._unbroken = True

    # -- asking ------------------------------------------------------------------------------

    def next(self) -> Challenge | None:
        """What would be asked next."""
        return self._left[0] if self._left else None

    def begin(self, at: float) -> None:
        """Ask for the next one. Raises `IndexError` if there is none."""
        self.asked = self._left.pop(0)
        self._measured = self._turned = False
        self._moments.clear()
        if not self._watching:
            self._watching, self._seen_at, self._face_at = True, at, at

    def end(self) -> None:
        """The time for it is over."""
        if self.asked is not None:
            missed = Answer.NOT_SEEN if self._measured else Answer.CANNOT_TELL
            self._answers[self.asked] = missed
            self.asked = None

    @property
    def hint(self) -> Hint:
        turns = [self._answers[way] for way in _SIGNS if way in self._answers]
        return Hint(
            blink=self._answers.get(Challenge.BLINK, Answer.NOT_ASKED),
            turn=turns[0] if turns else Answer.NOT_ASKED,
            unbroken=self._unbroken,
        )

    # -- watching ----------------------------------------------------------------------------

    def see(self, at: float, look: Look) -> None:
        """One more frame."""
        self._track(at, look)
        if self.asked is None:
            return
        moment = _moment(at, look)
        self._moments.append(moment)
        while at - self._moments[0].at > _MEMORY_S:
            self._moments.popleft()
        done = self._blinked() if self.asked is Challenge.BLINK else self._has_turned(moment)
        if done:
            self._answers[self.asked] = Answer.SEEN
            self.asked = None

    def _track(self, at: float, look: Look) -> None:
        """Whether the face was there without a break since the first challenge."""
        if not self._watching:
            return
        blind, self._seen_at = at - self._seen_at, at
        if look.finding.face is not None:
            self._face_at = at
        elif self._face_at < at - blind - _LOST_S:  # also missing in the frame before
            self._unbroken = False
        if look.finding.code is FindingCode.MANY_FACES or blind > _BLIND_S:
            self._unbroken = False

    def _has_turned(self, moment: _Moment) -> bool:
        """Beyond `_TURNED` to the side that was asked for, and back."""
        assert self.asked is not None
        if moment.yaw is None:
            return False
        self._measured = True
        yaw = moment.yaw * _SIGNS[self.asked]
        self._turned |= yaw >= _TURNED
        return self._turned and abs(yaw) <= _BACK

    def _blinked(self) -> bool:
        """Whether a blink that is over for `_AROUND_S` lies in the moments kept."""
        moments = list(self._moments)
        lefts = [m.left for m in moments if m.left is not None]
        rights = [m.right for m in moments if m.right is not None]
        if not lefts or not rights:
            return False
        self._measured = True
        left, right = median(lefts), median(rights)
        closed = [m.closed(left, right) for m in moments]
        return any(_is_blink(moments, first, after) for first, after in _stretches(closed))


def _stretches(closed: list[bool]) -> Iterable[tuple[int, int]]:
    """(first, one after the last) of each run of True that has begun and ended."""
    edges = [place for place, (a, b) in enumerate(pairwise(closed), 1) if a != b]
    if closed and closed[0]:
        edges = edges[1:]
    return zip(edges[::2], edges[1::2], strict=False)


def _is_blink(moments: list[_Moment], first: int, after: int) -> bool:
    """Short, over, and with the head still around it."""
    began, ended = moments[first].at, moments[after].at
    if ended - began > _LONGEST_S or moments[-1].at - ended < _AROUND_S:
        return False
    around = [m for m in moments if began - _AROUND_S <= m.at <= ended + _AROUND_S]
    widths = [m.width for m in around if m.width is not None]
    return (
        len(widths) == len(around)
        and _range(m.yaw for m in around) < _YAW_RANGE
        and _range(m.pitch for m in around) < _PITCH_RANGE
        and max(widths) - min(widths) < _WIDTH_RANGE * max(widths)
    )


def _range(values: Iterable[float | None]) -> float:
    """Infinite if one of them is not known: a head that was not seen may have moved."""
    known = [math.inf if value is None else value for value in values]
    return math.inf if math.inf in known else max(known) - min(known)


def _moment(at: float, look: Look) -> _Moment:
    """What challenges are judged by, of one frame."""

    def of(name: str) -> float | None:
        measure = look.measures.get(name)
        return None if measure is None else measure.value

    names = ("eye.left_open", "eye.right_open", "head.yaw", "head.pitch", "face.pixels")
    left, right, yaw, pitch, width = map(of, names)
    return _Moment(at, left, right, yaw, pitch, width)
