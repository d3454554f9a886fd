"""The settings of a terminal that the centre may set, with what each may be.

Named as in `settings.toml` (`kiosk.settings`): "table.name". Where the devices are plugged in, the
address of the centre and the size of the window are not here: a wrong one could only be put right
by a visit. The centre refuses what does not fit before it is sent; a terminal passes over what does
not fit it, because it may be older than the centre. Standard library only.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

Value: TypeAlias = "bool | int | str"


class BadValue(ValueError):
    """A setting is not one of these, or a value does not fit. The text says what would."""


@dataclass(frozen=True)
class Flag:
    """Yes or no."""

    about: str

    def read(self, value: object) -> Value:
        if isinstance(value, bool):
            return value
        if value in ("true", "false"):
            return value == "true"
        raise BadValue("true or false")


@dataclass(frozen=True)
class Whole:
    """A whole number between two bounds, both allowed."""

    about: str
    least: int
    most: int

    def read(self, value: object) -> Value:
        try:
            number = int(value) if isinstance(value, str) else value
        except ValueError:
            number = None
        if type(number) is int and self.least <= number <= self.most:
            return number
        raise BadValue(f"a whole number from {self.least} to {self.most}")


@dataclass(frozen=True)
class Choice:
    """One of a few words."""

    about: str
    among: tuple[str, ...]

    def read(self, value: object) -> Value:
        if isinstance(value, str) and value in self.among:
            return value
        raise BadValue(f"one of {', '.join(self.among)}")


@dataclass(frozen=True)
class Words:
    """A short text that is shown; one line."""

    about: str
    most: int

    def read(self, value: object) -> Value:
        if isinstance(value, str) and 0 < len(value.strip()) <= self.most and value.isprintable():
            return value.strip()
        raise BadValue(f"a text of 1 to {self.most} characters")


@dataclass(frozen=True)
class Hours:
    """A part of the day in Beijing time, maybe over midnight; "" for the whole day."""

    about: str

    def read(self, value: object) -> Value:
        if isinstance(value, str) and (not value or _HOURS.fullmatch(value)):
            return value
        raise BadValue('like 23:00-05:30, or "" for the whole day')


_HOURS = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]-([01][0-9]|2[0-3]):[0-5][0-9]")

Rule: TypeAlias = "Flag | Whole | Choice | Words | Hours"

ADJUSTABLE: Mapping[str, Rule] = {
    "hall.name": Words("名称（首页与回执）", 30),
    "hall.window": Words("办不了时去的窗口", 30),
    "hall.window_english": Words("窗口的英文名", 60),
    "hall.unit_session": Flag("单位统一采集"),
    "central.heartbeat_s": Whole("心跳间隔（秒）", 10, 900),
    "central.patience_s": Whole("群众等中心答复的最长时间（秒）", 2, 15),
    "screen.shuffled_pin": Flag("密码键盘乱序"),
    "photo.comparison": Choice("人证比对的地方", ("none", "terminal", "central")),
    "photo.liveness": Flag("拍照时提示眨眼、转头"),
    "outbox.max_items": Whole("待上传件数上限", 100, 5000),
    "outbox.max_days": Whole("失联天数上限", 1, 60),
    "updates.hours": Hours("可试用新版本的时段，如 23:00-05:30"),
    "updates.rate_kb": Whole("下载新版本的最高速度（KB/秒，0 为不限）", 0, 100_000),
    "outbox.min_free_mb": Whole("磁盘最少剩余（MB）", 100, 5000),
}


def read(name: str, value: object) -> Value:
    """The value as it is sent and used. Raises `BadValue`."""
    rule = ADJUSTABLE.get(name)
    if rule is None:
        raise BadValue(f"no such setting: {name}. There are: {', '.join(ADJUSTABLE)}")
    try:
        return rule.read(value)
    except BadValue as bad:
        raise BadValue(f"{name}: {bad}") from None
