"""Commands that the centre sends for one card: reset of a PIN, unblocking.

They need keys of the issuer, which no terminal holds: the centre computes them for this card, and
the terminal carries them to it. What it carries is checked for shape, and for what may never come
from outside: a citizen's PIN. It stops at the first answer that was not expected. A script is made
over a challenge of this card, so it is of no use later or for another.

    {"id": "…", "steps": [{"command": "8424000004…", "expect": ["9000", "61xx"]}, …]}
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from hardware.card.apdu import exchange_whole
from hardware.card.authenticator import challenge
from hardware.card.contents import SocialCard
from hardware.card.files import CardFiles, read_social_card
from hardware.card.session import CardSession
from hardware.faults import DeviceFault, FaultCode

MOST_STEPS = 64
SHORTEST_COMMAND, LONGEST_COMMAND = 4, 261

#: CLA INS P1 of commands that carry a PIN a person has entered: VERIFY and CHANGE PIN.
_OF_THE_CITIZEN = (re.compile(r"..20.*"), re.compile(r"805E01.*"))


class BadScript(Exception):
    """The document is not a script that may be run; the text says why, without its commands."""


@dataclass(frozen=True)
class Step:
    """One command, and the status words with which the script goes on; `x` is any digit."""

    command: bytes = field(repr=False)
    expect: tuple[str, ...] = ("9000",)

    def expects(self, status: int) -> bool:
        word = f"{status:04X}"
        return any(re.fullmatch(pattern.replace("x", "."), word) for pattern in self.expect)


@dataclass(frozen=True)
class Script:
    """A checked script."""

    id: str
    steps: tuple[Step, ...]


def parse_script(document: object) -> Script:
    """From JSON, decoded. Raises `BadScript`, nothing else."""
    if not isinstance(document, Mapping):
        raise BadScript("not an object")
    name, steps = document.get("id"), document.get("steps")
    if not isinstance(name, str) or not re.fullmatch(r"[A-Za-z0-9-]{1,64}", name):
        raise BadScript("id")
    if not isinstance(steps, list) or not 1 <= len(steps) <= MOST_STEPS:
        raise BadScript("number of steps")
    return Script(name, tuple(_step(place, step) for place, step in enumerate(steps)))


def _step(place: int, step: Any) -> Step:
    if not isinstance(step, Mapping):
        raise BadScript(f"step {place} is not an object")
    command, expect = step.get("command"), step.get("expect", ["9000"])
    if not isinstance(command, str) or not re.fullmatch(r"([0-9A-Fa-f]{2})+", command):
        raise BadScript(f"step {place}: command")
    if not SHORTEST_COMMAND <= len(command) // 2 <= LONGEST_COMMAND:
        raise BadScript(f"step {place}: length of the command")
    if any(pattern.fullmatch(command.upper()) for pattern in _OF_THE_CITIZEN):
        raise BadScript(f"step {place}: only the citizen sends a PIN")
    if not isinstance(expect, list) or not expect:
        raise BadScript(f"step {place}: expect")
    if not all(isinstance(word, str) and re.fullmatch(r"[0-9A-Fx]{4}", word) for word in expect):
        raise BadScript(f"step {place}: expect")
    return Step(bytes.fromhex(command), tuple(expect))


class ScriptSource(Protocol):
    """Where scripts come from: the centre."""

    def script(self, card: SocialCard, challenge: bytes, patience_s: float) -> object:
        """The document for this card and its challenge of eight bytes. Raises `DeviceFault`:
        HSM_UNREACHABLE within the seconds given, HSM_REFUSED."""


def relay(card: CardSession, source: ScriptSource, patience_s: float = 8.0) -> Script:
    """Get the script for the card that is in, and carry it out; returns it.

    Raises as `run_script`, and what `source` raises; `DeviceFault(HSM_REFUSED)` for what is no
    script, before anything is sent to the card.
    """
    about = read_social_card(card)
    CardFiles(card.transmit).enter()
    try:
        script = parse_script(source.script(about, challenge(card.transmit), patience_s))
    except BadScript as bad:
        raise DeviceFault(FaultCode.HSM_REFUSED, f"script: {bad}") from None
    run_script(card, script)
    return script


def run_script(card: CardSession, script: Script) -> list[bytes]:
    """Carry out the steps; returns each answer with its status word, for the centre.

    Raises `DeviceFault(CARD_REFUSED)` at the first unexpected answer, and what the card raises.
    """
    answers = []
    for place, step in enumerate(script.steps):
        answer = exchange_whole(card.transmit, step.command)
        answers.append(answer.data + answer.status.to_bytes(2, "big"))
        if not step.expects(answer.status):
            detail = f"script {script.id} step {place} {answer.status:04X}"
            raise DeviceFault(FaultCode.CARD_REFUSED, detail)
    return answers
