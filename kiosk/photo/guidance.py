"""From looks at frames to what a citizen is told, and when the photo is taken.

Pure and deterministic: fed with (seconds, `Look`), it returns what to say now. One instruction at
a time; which one is decided by the order of `FindingCode`, and when it may change by `Pace`.

    PLACING ──nothing wrong──> HOLDING ──steady──> [ASKING: blink, turn] ──> COUNTING ──> CAPTURE
       ^                          │                                            │
       └──────── something is wrong for longer than a blink, or they moved ────┘

Nobody can be kept here for ever. What only spoils the photo a little (`Finding.stops` is False) is
let be after `Pace.advice_s`, and the report says so. What does stop it leads to staff after
`Pace.staff_s` (domain §4: face or camera are never the only way).

Who cannot move is not told to for ever: once staff are offered, it is said that they will help.

People differ in how open their eyes are and how they carry their head, so both are judged against
the first second in which the person was seen (`Usual`).
"""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, field
from enum import StrEnum
from statistics import median

from kiosk.photo.findings import FindingCode, Look
from kiosk.photo.liveness import Challenge, Liveness

Box = tuple[float, float, float, float]


class Phase(StrEnum):
    #: Something has to be put right first.
    PLACING = "placing"
    #: Nothing is wrong; the second of keeping still has begun.
    HOLDING = "holding"
    #: Asked to blink or to turn the head.
    ASKING = "asking"
    #: 3, 2, 1.
    COUNTING = "counting"
    #: The frame just seen is the one to take.
    CAPTURE = "capture"


@dataclass(frozen=True)
class Pace:
    """How long things take, seconds, and how much of a movement is one. Why it is so much:"""

    #: What is said is what most frames of so long a stretch ask for: one bad frame in ten is noise.
    vote_s: float = 0.4
    #: A sentence stays so long; half a dozen characters are read in about this time.
    shown_s: float = 0.8
    #: Nothing wrong for so long before it counts down: shorter, and people are still on the move.
    steady_s: float = 1.0
    #: Each of 3, 2, 1; spoken numbers need it.
    count_s: float = 0.9
    #: A blink lasts up to 0.4 s and does not end a count-down.
    blink_s: float = 0.45
    #: A longer gap between two frames is not steadiness: nobody knows what was in it.
    gap_s: float = 1.2
    #: Advice that does not stop the photo is repeated so long, then the photo is taken.
    advice_s: float = 8.0
    #: One instruction in vain for so long, and the way to staff is offered.
    staff_s: float = 20.0
    #: Any instructions in vain for so long, and it is offered too.
    patience_s: float = 45.0
    #: What a refused photo is told stays longer: it was not seen coming.
    refusal_s: float = 2.5
    #: Time for each of blink and turn; who does not do it is not asked again.
    challenge_s: float = 6.0
    #: The face has moved if its middle is so many face widths from where it was, or its width
    #: differs by that share. A detector's box trembles by a twentieth.
    moved: float = 0.2


#: Seconds of a person's first look from which their own measures are taken.
_USUAL_S = 1.0
#: Both eyes below this share of their usual opening are closed (facts of the measuring: § 6).
_CLOSED_SHARE = 0.6
#: From this share on they are as open as they ever are.
_USUAL_SHARE = 0.85
#: Degrees from a person's usual pitch that are still straight, and how far the usual may be from
#: what most people have: heads read up to 7 degrees apart, more is a bowed head.
_PITCH_FREE, _PITCH_USUAL = 10.0, 7.0

#: Middle of the face, shares of the frame, beyond which a direction is given.
_ASIDE, _ALOFT = 0.16, 0.12
_MIDDLE = (0.5, 0.45)

OK = f"photo.finding.{FindingCode.OK}"
COUNTING = "photo.screen.counting"
#: What 现在就拍 is answered where something is in the way; what it is, is said again after it.
NOT_YET = "photo.screen.not_yet"


#: Said instead of an instruction to move that was in vain until staff were offered.
STAFF = "photo.help.staff"
_MOVES = frozenset(
    {
        *(FindingCode.LEVEL_HEAD, FindingCode.LOOK_STRAIGHT),
        *(FindingCode.CHIN_UP, FindingCode.CHIN_DOWN),
        *(FindingCode.TOO_FAR, FindingCode.TOO_NEAR, FindingCode.OFF_CENTRE),
    }
)


@dataclass(frozen=True)
class Guidance:
    """What to show and say now."""

    phase: Phase
    #: Id of the words, the voice clip and the icon.
    say: str
    #: 3, 2 or 1 while it counts down, else 0.
    count: int = 0
    #: Whether the way to staff is offered in plain sight.
    offer_staff: bool = False
    #: The face, as in `Finding`.
    face: Box | None = None


class Usual:
    """How open one person's eyes are, and how they hold their head, when nobody asks for it."""

    def __init__(self) -> None:
        self._forget()

    def _forget(self) -> None:
        self._seen: deque[tuple[float, float | None, float | None]] = deque()
        self._eyes = 0.0
        self._pitch: float | None = None

    def see(self, at: float, look: Look) -> None:
        """One more frame. Who comes after a moment without a face may be somebody else."""
        if look.finding.face is None:
            if self._seen and at - self._seen[-1][0] > _USUAL_S:
                self._forget()
            return
        self._seen.append((at, value(look, "eyes.open"), value(look, "head.pitch")))
        if at - self._seen[0][0] < _USUAL_S:
            return
        eyes = [eyes for _, eyes, _ in self._seen if eyes is not None]
        pitches = [pitch for _, _, pitch in self._seen if pitch is not None]
        if eyes:  # the widest second: closing them for long must not become usual
            self._eyes = max(self._eyes, median(eyes))
        if pitches and self._pitch is None:
            self._pitch = min(max(median(pitches), -_PITCH_USUAL), _PITCH_USUAL)
        while at - self._seen[0][0] > _USUAL_S:
            self._seen.popleft()

    def eyes_closed(self, look: Look) -> bool:
        eyes = value(look, "eyes.open")
        return eyes is not None and eyes < _CLOSED_SHARE * self._eyes

    def eyes_usual(self, look: Look) -> bool:
        """Whether lids that lie low do so by nature; False while that is not known."""
        eyes = value(look, "eyes.open")
        return eyes is not None and self._eyes > 0.0 and eyes >= _USUAL_SHARE * self._eyes

    def head_straight(self, look: Look) -> bool:
        """Whether the pitch is usual for this person; False while that is not known."""
        pitch = value(look, "head.pitch")
        if pitch is None or self._pitch is None:
            return False
        return abs(pitch - self._pitch) <= _PITCH_FREE


def value(look: Look, name: str) -> float | None:
    """A measure that may decide something, else None."""
    measure = look.measures.get(name)
    return measure.value if measure is not None and measure.decides else None


@dataclass
class _Still:
    """Since when nothing was wrong, and where the face was then."""

    since: float
    face: Box | None
    fine_at: float = field(default=0.0)


class Guide:
    """Guides one citizen to one photo."""

    def __init__(self, pace: Pace | None = None, liveness: Liveness | None = None) -> None:
        """`liveness`: what to ask for before the count-down, and who watches; None: nothing."""
        self._pace = pace or Pace()
        self._liveness = liveness or Liveness(())
        self._usual = Usual()
        self._votes: deque[tuple[float, str]] = deque()
        self._said, self._said_at, self._stay_s = "", 0.0, 0.0
        self._tried_since: float | None = None
        self._let_be: set[FindingCode] = set()
        self._advised: tuple[FindingCode | None, float] = (None, 0.0)
        self._hurried = self._pressed = False
        self._still: _Still | None = None
        self._counting_since: float | None = None
        self._asked_at: float | None = None
        self._offer_staff = False
        self._at = float("-inf")

    # -- what the operation does -------------------------------------------------------------

    def see(self, at: float, look: Look) -> Guidance:
        """One more frame, `at` seconds of a monotonic clock."""
        at = max(at, self._at)
        if at - self._at > self._pace.gap_s:
            self._begin_again()
        self._at = at
        if self._tried_since is None:
            self._tried_since = at
        self._usual.see(at, look)
        self._liveness.see(at, look)
        code = self._hindrance(at, look)
        wanted = _words(code, look)
        if self._offer_staff and code in _MOVES:  # who could, would have
            wanted = STAFF
        phase = self._advance(at, code, look.finding.face)
        if self._pressed and phase is Phase.PLACING and code is not FindingCode.OK:
            self._set(at, NOT_YET, self._pace.refusal_s)
        self._pressed = False
        self._vote(at, wanted)
        self._speak(at, phase)
        return Guidance(
            phase,
            self._said,
            self._count(at) if phase is Phase.COUNTING else 0,
            self._needs_staff(at, phase),
            look.finding.face,
        )

    def hurry(self) -> None:
        """The citizen wants the photo as it is: advice is given no more. If none can be taken, the
        next frame says so, because a button that does nothing looks broken."""
        self._hurried = self._pressed = True

    def pause(self) -> None:
        """Somebody reads something else; begin again after it."""
        self._begin_again()
        self._tried_since = None

    def refused(self, at: float, code: FindingCode) -> None:
        """No photo could be made of the frame that was to be taken: say why, and begin again."""
        self._begin_again()
        self._votes.clear()
        self._set(at, f"photo.finding.{code}", self._pace.refusal_s)

    # -- what is in the way ------------------------------------------------------------------

    def _hindrance(self, at: float, look: Look) -> FindingCode:
        """The finding that counts: a person's own measures, and what is let be, considered."""
        code, stops = look.finding.code, look.finding.stops
        if code in (FindingCode.CHIN_UP, FindingCode.CHIN_DOWN) and self._usual.head_straight(look):
            code, stops = FindingCode.OK, False
        if code is FindingCode.EYES_CLOSED and not stops and self._usual.eyes_usual(look):
            code = FindingCode.OK
        if code is FindingCode.OK and self._usual.eyes_closed(look):
            code, stops = FindingCode.EYES_CLOSED, False
        if code is FindingCode.OK or stops:
            return code
        if self._hurried or code in self._let_be:
            return FindingCode.OK
        advised, since = self._advised
        if advised is not code:
            self._advised = (code, at)
        elif at - since >= self._pace.advice_s:
            self._let_be.add(code)
        return code

    # -- phases ------------------------------------------------------------------------------

    def _advance(self, at: float, code: FindingCode, face: Box | None) -> Phase:
        """The phase after this frame."""
        if self._asked_at is not None:
            return self._ask(at, self._asked_at)
        fine = code is FindingCode.OK
        still = self._keep_still(at, fine, face)
        if still is None:
            self._counting_since = None
            return Phase.PLACING
        if self._counting_since is None:
            if at - still.since < self._pace.steady_s:
                return Phase.HOLDING
            if self._liveness.next() is not None:
                return self._begin_asking(at)
            self._counting_since = at
        if at - self._counting_since < 3 * self._pace.count_s or not fine:
            return Phase.COUNTING
        self._begin_again()
        return Phase.CAPTURE

    def _keep_still(self, at: float, fine: bool, face: Box | None) -> _Still | None:
        """The stretch of stillness this frame belongs to; None if there is none."""
        still = self._still
        if fine and (still is None or self._moved(still.face, face)):
            still, self._counting_since = _Still(at, face), None
        if still is not None:
            if fine:
                still.fine_at = at
            elif at - still.fine_at > self._pace.blink_s:
                still = None
        self._still = still
        return still

    def _moved(self, before: Box | None, now: Box | None) -> bool:
        if before is None or now is None:
            return before is not now
        width = before[2]
        across = (now[0] + now[2] / 2) - (before[0] + before[2] / 2)
        down = (now[1] + now[3] / 2) - (before[1] + before[3] / 2)
        return max(abs(across), abs(down), abs(now[2] - width)) > self._pace.moved * width

    def _begin_asking(self, at: float) -> Phase:
        self._liveness.begin(at)
        self._asked_at = at
        return Phase.ASKING

    def _ask(self, at: float, asked_at: float) -> Phase:
        """Blink or turn, until it is done or the time for it is over."""
        if self._liveness.asked is not None and at - asked_at < self._pace.challenge_s:
            return Phase.ASKING
        self._liveness.end()
        self._asked_at = None
        self._begin_again()
        return Phase.HOLDING

    def _begin_again(self) -> None:
        self._still = None
        self._counting_since = None
        if self._asked_at is not None:
            self._liveness.end()
            self._asked_at = None

    def _count(self, at: float) -> int:
        since = self._counting_since
        assert since is not None
        return max(3 - int((at - since) / self._pace.count_s), 1)

    # -- words -------------------------------------------------------------------------------

    def _vote(self, at: float, wanted: str) -> None:
        self._votes.append((at, wanted))
        while at - self._votes[0][0] > self._pace.vote_s:
            self._votes.popleft()

    def _speak(self, at: float, phase: Phase) -> None:
        """Change what is said if it has stood long enough."""
        wish = self._wish(phase)
        if wish != self._said and at - self._said_at >= self._stay_s:
            self._set(at, wish, self._pace.shown_s)

    def _wish(self, phase: Phase) -> str:
        if phase is Phase.ASKING and self._liveness.asked is not None:
            return f"photo.live.{self._liveness.asked}"
        if phase in (Phase.COUNTING, Phase.CAPTURE):
            return COUNTING
        counted = Counter(words for _, words in self._votes)
        most = max(counted.values())
        for _, words in reversed(self._votes):  # of equals, the newest
            if counted[words] == most:
                return words
        raise AssertionError("no vote")

    def _set(self, at: float, words: str, stay_s: float) -> None:
        self._said, self._said_at, self._stay_s = words, at, stay_s

    def _needs_staff(self, at: float, phase: Phase) -> bool:
        """Once offered, it stays: what comes and goes is not found by who needs it."""
        assert self._tried_since is not None
        stuck = phase is Phase.PLACING and at - self._said_at >= self._pace.staff_s
        self._offer_staff |= stuck or at - self._tried_since >= self._pace.patience_s
        return self._offer_staff


def _words(code: FindingCode, look: Look) -> str:
    """The id of what to say for a finding. Who is beside the picture is told the way back.

    The citizen sees a mirror: the left of the frame is at the right of the glass, and leads left.
    """
    face = look.finding.face
    if code is not FindingCode.OFF_CENTRE or face is None:
        return f"photo.finding.{code}"
    aside = face[0] + face[2] / 2 - _MIDDLE[0]
    aloft = face[1] + face[3] / 2 - _MIDDLE[1]
    if abs(aside) > _ASIDE:
        return f"photo.move.{'left' if aside < 0 else 'right'}"
    if abs(aloft) > _ALOFT:
        return f"photo.move.{'down' if aloft < 0 else 'up'}"
    return f"photo.finding.{code}"


#: Every id that may be said, for words, icons and voice clips.
SAYINGS: tuple[str, ...] = (
    *(f"photo.finding.{code}" for code in FindingCode),
    *(f"photo.move.{way}" for way in ("left", "right", "up", "down")),
    *(f"photo.live.{challenge}" for challenge in Challenge),
    COUNTING,
    NOT_YET,
    STAFF,
)
