"""What is on the screen, as the screen process tells it (`screens.inspector`).

This side only looks; whoever wants something pressed must use a hand.
"""

from __future__ import annotations

import json
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_TIMEOUT_S = 10.0


class NotThere(Exception):
    """The screen process does not answer: not started yet, gone, or stuck."""


@dataclass(frozen=True)
class Target:
    """Something that can be touched: `x`, `y` its middle, pixels from the window's top left."""

    tag: str
    x: int
    y: int
    width: int
    height: int
    text: str
    enabled: bool


@dataclass(frozen=True)
class Look:
    """One look at the screen. `screen` is the id of the prompt shown, or "home", "maintenance" …"""

    screen: str
    #: Whether touches count yet.
    settled: bool
    #: Whether 您还在吗 covers it.
    warned: bool
    targets: tuple[Target, ...]
    texts: tuple[str, ...]

    def target(self, tag: str) -> Target | None:
        """The target with this tag; None if it is not there."""
        return next((target for target in self.targets if target.tag == tag), None)

    def says(self, words: str) -> bool:
        """Whether the words stand on the screen, in one text or across the texts of one target."""
        return any(words in text for text in (*self.texts, *(t.text for t in self.targets)))


class Page:
    """Asks the inspector at `path`."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def look(self) -> Look:
        """Raises `NotThere`."""
        answer = self._ask("screen")
        return Look(
            screen=answer["screen"],
            settled=answer["settled"],
            warned=answer["warned"],
            targets=tuple(_target(target) for target in answer["targets"]),
            texts=tuple(answer["texts"]),
        )

    def is_home(self) -> bool:
        """Whether home is shown and can be used."""
        try:
            look = self.look()
            return look.screen == "home" and look.settled and self.first_frame_s() is not None
        except NotThere:
            return False

    def first_frame_s(self) -> float | None:
        """Seconds from the start of the screen process to its first picture; None before that."""
        seconds: float | None = self._ask("stats")["first_frame_s"]
        return seconds

    def resident_kb(self) -> int:
        """Resident memory of the screen process, kilobytes."""
        kilobytes: int = self._ask("stats")["rss_kb"]
        return kilobytes

    def _ask(self, verb: str) -> dict[str, Any]:
        try:
            with socket.socket(socket.AF_UNIX) as line:
                line.settimeout(_TIMEOUT_S)
                line.connect(str(self._path))
                line.sendall(json.dumps({"verb": verb}).encode() + b"\n")
                with line.makefile(encoding="utf-8") as answers:
                    answer: dict[str, Any] = json.loads(answers.readline())
        except (OSError, ValueError) as error:
            raise NotThere(f"the screen does not answer: {type(error).__name__}") from None
        if not answer.get("ok"):
            raise NotThere(f"the screen does not answer: {answer.get('error')}")
        return answer


def _target(told: dict[str, Any]) -> Target:
    return Target(
        tag=told["tag"],
        x=told["x"] + told["w"] // 2,
        y=told["y"] + told["h"] // 2,
        width=told["w"],
        height=told["h"],
        text=told["text"],
        enabled=told["enabled"],
    )
