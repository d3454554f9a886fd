"""Which rules a photo meets: the compliance report that goes into the transaction.

The centre reads it beside the photo; a rule that nothing here can judge says so instead of
guessing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TypedDict

from kiosk.photo.standard import Rule, Severity, Standard


class Verdict(StrEnum):
    MET = "met"
    #: Not met, but the rule is a "should".
    WARNING = "warning"
    #: Not met.
    BROKEN = "broken"
    #: Not measured, or for a person to judge.
    CANNOT_TELL = "cannot_tell"


@dataclass(frozen=True)
class Line:
    """One rule and what was measured, in the rule's unit; None where nothing could be."""

    rule: Rule
    value: float | None
    verdict: Verdict


class LineDocument(TypedDict):
    """A line as it is written into JSON."""

    rule: str
    value: float | None
    unit: str
    low: float | None
    high: float | None
    verdict: str


@dataclass(frozen=True)
class Report:
    """One line for each rule, in the order of the standard."""

    standard: str = ""
    lines: tuple[Line, ...] = ()

    @property
    def met(self) -> bool:
        """Whether no "must" is broken. An empty report meets nothing."""
        return bool(self.lines) and all(line.verdict != Verdict.BROKEN for line in self.lines)

    def line(self, rule_id: str) -> Line:
        """Raises `KeyError` if the report has no such rule."""
        for line in self.lines:
            if line.rule.id == rule_id:
                return line
        raise KeyError(rule_id)

    def broken(self) -> tuple[str, ...]:
        """Ids of the rules that had to be met and are not."""
        return tuple(line.rule.id for line in self.lines if line.verdict == Verdict.BROKEN)

    def document(self) -> list[LineDocument]:
        """For JSON. Values are rounded to a hundredth; verdicts were made before rounding."""
        return [
            LineDocument(
                rule=line.rule.id,
                value=None if line.value is None else round(line.value, 2),
                unit=line.rule.unit,
                low=line.rule.low,
                high=line.rule.high,
                verdict=line.verdict.value,
            )
            for line in self.lines
        ]


def judge(standard: Standard, values: Mapping[str, float]) -> Report:
    """Hold measured values (rule id -> value) against a standard.

    Raises `KeyError` for a value whose rule is not in the standard.
    """
    for rule_id in values:
        standard.rule(rule_id)
    return Report(
        standard.id,
        tuple(
            Line(rule, values.get(rule.id), _verdict(rule, values.get(rule.id)))
            for rule in standard.rules
        ),
    )


def _verdict(rule: Rule, value: float | None) -> Verdict:
    if value is None or rule.severity == Severity.STAFF:
        return Verdict.CANNOT_TELL
    if rule.allows(value):
        return Verdict.MET
    return Verdict.BROKEN if rule.severity == Severity.MUST else Verdict.WARNING
