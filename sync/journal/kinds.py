"""Every kind of entry and the fields it has, all of them and no others.

A text is a word of a closed alphabet, an id or a digest: an ID number, a telephone number, a card
number or a Chinese name fits none of these, so nothing personal can be written by accident.
Standard library only.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TypeAlias

#: What a field may hold.
Fact: TypeAlias = "str | int | bool"
Rule: TypeAlias = Callable[[object], bool]


def _text(pattern: str) -> Rule:
    whole = re.compile(pattern)
    return lambda value: isinstance(value, str) and whole.fullmatch(value) is not None


def _whole(value: object) -> bool:
    return type(value) is int and abs(value) < 10**12


def _yes_or_no(value: object) -> bool:
    return isinstance(value, bool)


#: A name out of our own code: a service, a device, a fault, a program.
CODE = _text(r"[a-z][a-z_.]{0,59}")
#: A technician as the settings name one, e.g. "t001"; not long enough for a telephone number.
STAFF = _text(r"[a-z][a-z_-]{0,15}[0-9]{0,6}")
ITEM = _text(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
DIGEST = _text(r"[0-9a-f]{64}")
VERSION = _text(r"[0-9]{1,4}(\.[0-9]{1,4}){1,3}([a-z+.-][a-z0-9.]{0,16})?")
NUMBER, FLAG = _whole, _yes_or_no

#: Kind -> field -> what it holds. A field in `MAY_BE_MISSING` may be missing.
KINDS: Mapping[str, Mapping[str, Rule]] = {
    # programs
    "started": {"version": VERSION},
    "stopped": {},
    "enrolled": {},
    "settings_loaded": {"digest": DIGEST},
    "desired_applied": {"digest": DIGEST, "closed": NUMBER},
    # a command of the centre, and out of use from now on
    "command_ended": {"id": ITEM, "command": CODE, "outcome": CODE},
    "retired": {},
    # policy packs of the centre: the SHA-256 of each
    "policy_installed": {"digest": DIGEST},
    "policy_refused": {"digest": DIGEST},
    "policy_withdrawn": {"digest": DIGEST},
    "clock_jumped": {"seconds": NUMBER},
    # citizens' visits
    "visit_begun": {"service": CODE},
    "visit_ended": {
        "service": CODE,
        "outcome": CODE,
        "fault": CODE,
        "committed": FLAG,
        "seconds": NUMBER,
    },
    "card_used": {"operation": CODE, "outcome": CODE},
    # transactions; `late`: written by whoever found that the entry was missing
    "submitted": {"id": ITEM, "late": FLAG},
    "acknowledged": {"id": ITEM, "late": FLAG},
    "put_to_review": {"id": ITEM, "late": FLAG},
    "refused": {"id": ITEM, "late": FLAG},
    "given_up": {"id": ITEM, "late": FLAG},
    "exported": {"files": NUMBER},
    # a copy of the state directory was declared the only one
    "adopted": {},
    # devices and technicians
    "fault_begun": {"device": CODE, "code": CODE},
    "fault_ended": {"device": CODE, "code": CODE, "seconds": NUMBER},
    "maintenance_entered": {"technician": STAFF},
    "maintenance_refused": {"locked": FLAG},
    "maintenance_left": {"technician": STAFF, "seconds": NUMBER},
    "technician_did": {"technician": STAFF, "what": CODE},
    # 人工核验: a member of staff vouched for a citizen, or was not let in
    "staff_vouched": {"staff": STAFF, "reason": CODE},
    "staff_refused": {"why": CODE, "reason": CODE},
    # with `kioskctl`, over SSH
    "roster_changed": {"person": STAFF, "what": CODE},
    "data_shown": {"what": CODE},
    # the journal itself
    "torn": {"bytes": NUMBER},
    "lost": {"entries": NUMBER},
    "unfit": {"about": CODE},
    "dropped": {"through": NUMBER, "hash": DIGEST},
    "contradicted": {},
}

MAY_BE_MISSING = {("visit_ended", "fault")} | {
    (kind, "late") for kind in ("submitted", "acknowledged", "put_to_review", "refused", "given_up")
}


def check(kind: str, facts: Mapping[str, Fact]) -> None:
    """Raises `ValueError`, which names the kind and the field but never what it held."""
    fields = KINDS.get(kind)
    if fields is None:
        raise ValueError("no such kind of entry")
    if unknown := facts.keys() - fields.keys():
        raise ValueError(f"{kind} has no field {', '.join(sorted(unknown))}")
    for name, fits in fields.items():
        if name not in facts:
            if (kind, name) not in MAY_BE_MISSING:
                raise ValueError(f"{kind} needs {name}")
        elif not fits(facts[name]):
            raise ValueError(f"{name} of {kind} does not fit")
