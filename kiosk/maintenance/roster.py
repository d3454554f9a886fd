"""名册: who works at this terminal, and how they prove it.

One list for all, each person with roles: a *technician* opens the maintenance page, *staff* vouch
for a citizen whose face was not matched (人工核验, domain §5.0). `kioskctl roster` writes it on the
spot, to `roster.json` of the state directory:

    {"version": 1, "people": [{"id": "s012", "roles": ["staff"], "pin": "salt$hash"}]}

Staff type their number, so they have only ids that can be typed (`sync.pins.can_be_typed`).

Wrong tries lock the pad, for everybody, and the number they were made for, both across restarts:

| wrong tries in a row | locked for |
|----------------------|------------|
| 1 … 4                | –          |
| 5                    | 30 s       |
| 6                    | 60 s       |
| n                    | 30 s x 2^(n-5), at most 1 h |

A right PIN clears the pad's count and the count of its own number, of no other.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import field
from enum import StrEnum
from pathlib import Path
from typing import Any

from kiosk.late import dataclass
from sync.identity import write_whole
from sync.pins import NOBODY_S, PERSON_ID, matches

log = logging.getLogger(__name__)

ROSTER_FILE, TRIES_FILE = "roster.json", "roster-tries.json"

FREE_TRIES = 4
FIRST_LOCK_S, LONGEST_LOCK_S = 30.0, 3600.0

#: The count of the pad, beside those of single numbers.
_PAD = ""


class Role(StrEnum):
    TECHNICIAN = "technician"
    STAFF = "staff"


class Refusal(StrEnum):
    """Why somebody is not let in. Each has words under `roster.refused.<value>`."""

    #: Number or PIN is wrong; nobody is told which.
    WRONG = "wrong"
    #: Too many wrong tries.
    LOCKED = "locked"
    #: The PIN is right, but not for this.
    NO_ROLE = "no_role"
    #: Nobody with this role is on the roster, or it cannot be read.
    NOBODY = "nobody"


class StaffRefused(Exception):
    """Somebody is not let in. `locked_s`: seconds until the next try, 0 where there is no lock."""

    def __init__(self, reason: Refusal, locked_s: float = 0.0) -> None:
        super().__init__(reason.value)
        self.reason = reason
        self.locked_s = locked_s


@dataclass(frozen=True)
class Person:
    """One of the roster."""

    id: str
    roles: frozenset[Role]
    pin: str = field(repr=False)


def valid_id(text: str) -> bool:
    return PERSON_ID.fullmatch(text) is not None


def lock_time(wrong: int) -> float:
    """Seconds that are locked after so many wrong tries in a row."""
    if wrong <= FREE_TRIES:
        return 0.0
    doublings = min(wrong - FREE_TRIES - 1, 20)
    return min(FIRST_LOCK_S * 2.0**doublings, LONGEST_LOCK_S)


# -- the files -------------------------------------------------------------------------------------


class BadRoster(ValueError):
    """A file is not a roster; the text says why and never quotes it."""


def read_roster(file: Path) -> dict[str, Person]:
    """The people of one file by id; {} if there is none. Raises `BadRoster`."""
    try:
        document = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise BadRoster(type(error).__name__) from None
    if not isinstance(document, dict) or document.get("version") != 1:
        raise BadRoster("version")
    people = document.get("people")
    if not isinstance(people, list):
        raise BadRoster("people")
    read = [_person(entry) for entry in people]
    return {person.id: person for person in read}


def _person(entry: Any) -> Person:
    if not isinstance(entry, dict):
        raise BadRoster("a person")
    name, pin = entry.get("id", ""), entry.get("pin", "")
    roles = entry.get("roles")
    if not isinstance(name, str) or not valid_id(name):
        raise BadRoster("id")
    if not isinstance(pin, str) or not isinstance(roles, list):
        raise BadRoster("pin or roles")
    # A role of a later release is none here.
    known = frozenset(Role(role) for role in roles if role in set(Role))
    return Person(name, known, pin)


def said_by_centre(state: Path) -> dict[str, Person]:
    """Whom the centre put on the roster, and, without roles, whom it struck off; {} where it says
    nothing that can be read."""
    try:
        roster = json.loads((state / "desired.json").read_bytes()).get("roster", {})
        entries = list(roster.items())
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, AttributeError) as error:
        log.error("the centre's roster cannot be read: %s", type(error).__name__)
        return {}
    people = []
    for id_, entry in entries:
        try:
            people.append(_person({**entry, "id": id_} if isinstance(entry, dict) else entry))
        except BadRoster as bad:  # one wrong entry lets nobody back in who was struck off
            log.error("somebody on the centre's roster cannot be read: %s", bad)
    return {person.id: person for person in people}


def write_roster(file: Path, people: Iterable[Person]) -> None:
    """Replace a file at once; for this user alone."""
    document = {
        "version": 1,
        "people": [
            {"id": person.id, "roles": sorted(person.roles), "pin": person.pin} for person in people
        ],
    }
    write_whole(file, json.dumps(document, indent=1).encode("ascii"), 0o600)


# -- proving ---------------------------------------------------------------------------------------


class Roster:
    """Checks PINs and counts wrong ones. Every check takes some 50 ms a person or more, so it is
    not for the screen's own thread. The file is read at each check: it may change."""

    def __init__(self, state: Path, clock: Callable[[], float] = time.time) -> None:
        self._state = state
        self._clock = clock

    def people(self) -> dict[str, Person]:
        """Everybody by id, as entered here and as the centre says over it. A file that cannot be
        read has nobody in it."""
        try:
            people = read_roster(self._state / ROSTER_FILE)
        except BadRoster as bad:
            log.error("%s cannot be read: %s", ROSTER_FILE, bad)
            people = {}
        people |= said_by_centre(self._state)
        return {id_: person for id_, person in people.items() if person.roles}

    def any_of(self, role: Role) -> bool:
        """Whether anybody has a role: without staff nobody is asked to vouch."""
        return any(role in person.roles for person in self.people().values())

    def check(self, person_id: str, pin: str, role: Role = Role.STAFF) -> Person:
        """Who proves to be this person, with this role. Raises `StaffRefused`."""
        people = self.people()
        self._must_be_open(people, role, person_id)
        person = people.get(person_id)
        right = matches(pin, person.pin if person else NOBODY_S)
        if person is None or not right:
            raise self._wrong(_PAD, *([person_id] if person else []))
        self._right(person_id)
        if role not in person.roles:
            raise StaffRefused(Refusal.NO_ROLE)
        return person

    def admit(self, pin: str, role: Role = Role.TECHNICIAN) -> Person:
        """Whoever of this role has this PIN. Raises `StaffRefused`."""
        people = self.people()
        self._must_be_open(people, role)
        for person in people.values():
            if role in person.roles and matches(pin, person.pin):
                self._right(person.id)
                return person
        raise self._wrong(_PAD)

    def _must_be_open(
        self, people: Mapping[str, Person], role: Role, person_id: str = _PAD
    ) -> None:
        locked_s = max(self._locked_s(_PAD), self._locked_s(person_id))
        if locked_s > 0:
            raise StaffRefused(Refusal.LOCKED, locked_s)
        if not any(role in person.roles for person in people.values()):
            raise StaffRefused(Refusal.NOBODY)

    def _locked_s(self, whose: str) -> float:
        wrong, last = self._counts().get(whose, (0, 0.0))
        left_s = last + lock_time(wrong) - self._clock()
        # A clock set back must not lock for longer than the table says.
        return max(0.0, min(left_s, lock_time(wrong)))

    def _right(self, person_id: str) -> None:
        counts = self._counts()
        if counts.pop(_PAD, None) or counts.pop(person_id, None):
            counts.pop(person_id, None)
            self._keep(counts)

    def _wrong(self, *whose: str) -> StaffRefused:
        """Count a wrong try; what to answer to it."""
        counts = self._counts()
        for name in whose:
            counts[name] = (counts.get(name, (0, 0.0))[0] + 1, self._clock())
        self._keep(counts)
        log.warning("roster: wrong PIN, %d in a row", counts[_PAD][0])
        locked_s = max(lock_time(counts[name][0]) for name in whose)
        return StaffRefused(Refusal.LOCKED if locked_s else Refusal.WRONG, locked_s)

    def _counts(self) -> dict[str, tuple[int, float]]:
        """Number -> wrong tries in a row, and when the last was made."""
        try:
            document = json.loads((self._state / TRIES_FILE).read_text(encoding="utf-8"))
            return {str(who): (int(wrong), float(last)) for who, (wrong, last) in document.items()}
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, TypeError, AttributeError):
            # Someone may have damaged the count to guess on: start it locked, not at zero.
            return {_PAD: (FREE_TRIES + 1, self._clock())}

    def _keep(self, counts: Mapping[str, tuple[int, float]]) -> None:
        write_whole(self._state / TRIES_FILE, json.dumps(counts).encode("ascii"), 0o600)
