"""Which rules a photo meets: the compliance report that goes into the transaction.

The centre reads it beside the photo; a rule that nothing here can judge says so instead of
guessing.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TypedDict

from kiosk.photo.measures import Measure, unknown
from kiosk.photo.standard import Rule, Severity, Standard

#: What was not even tried.
NOT_MEASURED = "not measured"


class Verdict(StrEnum):
    MET = "met"
    #: Not met, but the rule is a "should", or by no more than its tolerance.
    WARNING = "warning"
    #: Not met.
    BROKEN = "broken"
    #: Not measured, not surely enough, or for a person to judge.
    CANNOT_TELL = "cannot_tell"
    #: Not met, and the citizen says that something cannot be taken off: staff decide.
    REVIEW = "review"


@dataclass(frozen=True)
class RuleResult:
    """One rule and what was measured, in the rule's unit; None where nothing could be."""

    rule: Rule
    value: float | None
    verdict: Verdict
    #: Why there is no value; see `kiosk.photo.measures.Measure`.
    cannot_tell: str = ""


class RuleDocument(TypedDict):
    """A `RuleResult` as it is written into JSON."""

    rule: str
    chinese: str
    severity: str
    value: float | None
    unit: str
    low: float | None
    high: float | None
    verdict: str
    cannot_tell: str


@dataclass(frozen=True)
class Report:
    """One line for each rule, in the order of the standard."""

    standard: str = ""
    lines: tuple[RuleResult, ...] = ()

    @property
    def met(self) -> bool:
        """Whether no "must" is broken. An empty report meets nothing."""
        return bool(self.lines) and all(line.verdict != Verdict.BROKEN for line in self.lines)

    def line(self, rule_id: str) -> RuleResult:
        """Raises `KeyError` if the report has no such rule."""
        for line in self.lines:
            if line.rule.id == rule_id:
                return line
        raise KeyError(rule_id)

    def broken(self) -> tuple[str, ...]:
        """Ids of the rules that had to be met and are not."""
        return tuple(line.rule.id for line in self.lines if line.verdict == Verdict.BROKEN)

    def document(self) -> list[RuleDocument]:
        """For JSON. Values are rounded to a thousandth; verdicts were made before rounding."""
        return [
            RuleDocument(
                rule=line.rule.id,
                chinese=line.rule.chinese,
                severity=line.rule.severity.value,
                value=None if line.value is None else round(line.value, 3),
                unit=line.rule.unit,
                low=line.rule.low,
                high=line.rule.high,
                verdict=line.verdict.value,
                cannot_tell=line.cannot_tell,
            )
            for line in self.lines
        ]


def judge(
    standard: Standard, values: Mapping[str, float | Measure], excused: bool = False
) -> Report:
    """Hold what was measured (rule id -> value) against a standard.

    `excused`: the citizen wears something that cannot be taken off (因宗教原因或医学因素不能摘除),
    so the rules about it are left to staff. Raises `KeyError` for a value whose rule is not in the
    standard.
    """
    for rule_id in values:
        standard.rule(rule_id)
    return Report(
        standard.id,
        tuple(_line(rule, _measure(values.get(rule.id)), excused) for rule in standard.rules),
    )


def verdict(rule: Rule, measure: Measure, excused: bool = False) -> Verdict:
    """What a measure means for its rule. `excused` as in `judge`."""
    if rule.severity == Severity.STAFF or measure.value is None or not measure.decides:
        return Verdict.CANNOT_TELL
    if rule.allows(measure.value):
        return Verdict.MET
    if excused and rule.excusable:
        return Verdict.REVIEW
    if rule.severity == Severity.SHOULD or rule.tolerates(measure.value):
        return Verdict.WARNING
    return Verdict.BROKEN


def _line(rule: Rule, measure: Measure, excused: bool) -> RuleResult:
    return RuleResult(rule, measure.value, verdict(rule, measure, excused), measure.cannot_tell)


#: Of most rules where only a file is looked at.
_NOT_MEASURED = unknown("", NOT_MEASURED)


def _measure(value: float | Measure | None) -> Measure:
    measure = Measure(value) if isinstance(value, (int, float)) else value
    if measure is None:
        return _NOT_MEASURED
    if measure.value is not None and not math.isfinite(measure.value):  # it compares with nothing
        return unknown(measure.unit, "no number")
    return measure
