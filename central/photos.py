"""The card photo without trust: the centre measures the bytes itself and compares.

A terminal sends its compliance report with the photo. What it claims is kept as it came; beside it
stands what `kiosk.photo` finds here in the same bytes. Where the two differ by more than two
measurements of one photo do, and wherever the terminal only hints, a person looks. Nothing is
refused for what is found here: the file rules are checked before (`central.pictures`), and what a
measuring program says about a face is not the last word.
"""

from __future__ import annotations

import io
import logging
import threading
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from kiosk.photo import faces
from kiosk.photo.liveness import Answer, Hint
from kiosk.photo.review import Reason, reasons
from kiosk.photo.standard import THIRD_GENERATION
from sync.wire.contents import FaceComparison
from sync.wire.photo import PhotoEvidence

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kiosk.photo import Photographer
    from kiosk.photo.detect import Picture
    from kiosk.photo.report import Report

log = logging.getLogger(__name__)

#: Why a person should look, beside what `kiosk.photo.review` knows -> the words for the operator.
REASONS = {
    "photo_broken": "中心复测：照片有必须项不符合标准",
    "photo_disagrees": "终端报告与中心复测不一致",
    "photo_unmeasured": "中心未能复测照片",
    "no_report": "终端未附照片核对报告",
    "comparison_disagrees": "终端与中心的人脸比对结果不一致",
}

#: Two measurements of the same bytes on two machines may differ by so much, in the rule's unit.
_MAY_DIFFER = {"px": 2.0, "byte": 0.0, "": 0.05, "degree": 3.0, "level": 3.0, "side": 3.0}

_UNITS = {"px": "像素", "byte": "字节", "degree": "度", "level": "级", "side": "侧"}

_HELD_UP = "person.held_up"

COLUMNS = ("规则", "内容", "标准", "终端测得", "终端结论", "中心测得", "中心结论", "")

_VERDICTS = {
    "met": "符合",
    "warning": "提醒",
    "broken": "不符合",
    "cannot_tell": "无法判断",
    "review": "人工审核",
}
_ANSWERS = {
    "seen": "看到",
    "not_seen": "未看到",
    "cannot_tell": "无法判断",
    "not_asked": "未要求",
}
#: What came of comparing two faces -> the word.
BANDS = {"match": "一致", "unsure": "不确定", "mismatch": "不一致", "cannot_tell": "无法判断"}
_WHYS = {
    "declined": "本人不同意比对",
    "no_portrait": "身份证相片不可读",
    "no_method": "终端不比对",
    "no_face": "没有找到一张人脸",
    "guardian": "未满14周岁，须监护人同意",
    "at_central": "由中心比对",
}


@dataclass
class Findings:
    """What is kept of a photo beside its bytes."""

    claimed: dict[str, Any] = field(default_factory=dict)
    measured: dict[str, dict[str, str]] = field(default_factory=dict)
    review: list[str] = field(default_factory=list)
    #: The centre's own comparison, where it had a portrait to compare with.
    compared: faces.Comparison | None = None


def examine(
    jpeg: bytes,
    evidence: Mapping[str, Any],
    comparison: Mapping[str, Any],
    portrait: bytes | None = None,
    frame: bytes = b"",
) -> Findings:
    """Measure a photo and hold it against what the terminal says of it. Raises nothing.

    `evidence`: `sync.wire.photo.PhotoEvidence`, `comparison`: `sync.wire.contents.FaceComparison`,
    both as plain JSON, empty where the terminal said nothing; `portrait`: of the ID card's chip,
    102 x 126 x 3 bytes, where it could be opened; `frame`: what the photo was cut from, a JPEG.
    """
    report = _measure(jpeg, bool(evidence.get("head_covering")), frame)
    measured = {} if report is None else _as_text(report)
    own = None if portrait is None else compare(jpeg, faces.portrait_picture(portrait))
    claimed: dict[str, Any] = {}
    if evidence:
        claimed = PhotoEvidence.model_validate(evidence).model_dump(mode="json")
        claimed["comparison"] = FaceComparison.model_validate(comparison).model_dump(mode="json")
    checks = [
        ("no_report", not claimed.get("rules")),
        ("photo_unmeasured", report is None),
        ("photo_broken", report is not None and bool(report.broken())),
        ("photo_disagrees", bool(disagreements(claimed, measured))),
        ("comparison_disagrees", own is not None and _contradicts(claimed, own)),
    ]
    found = [reason for reason, so in checks if so]
    return Findings(claimed, measured, [*found, *_reasons(claimed, report, own)], own)


def disagreements(claimed: Mapping[str, Any], measured: Mapping[str, Any]) -> list[str]:
    """Ids of the rules of which terminal and centre say something different about these bytes."""
    found = []
    for line in claimed.get("rules", ()):
        ours = measured.get(line["rule"])
        if ours is not None and _differ(line, ours):
            found.append(line["rule"])
    return found


def rows(claimed: Mapping[str, Any], measured: Mapping[str, Any]) -> list[tuple[str, ...]]:
    """One row for each rule, in the order of the standard, for `COLUMNS`."""
    said = {line["rule"]: line for line in claimed.get("rules", ())}
    differing = disagreements(claimed, measured)
    return [
        (
            rule.source,
            rule.chinese,
            _limits(rule.low, rule.high, rule.unit),
            said.get(rule.id, {}).get("value", "") or "–",
            _VERDICTS.get(said.get(rule.id, {}).get("verdict", ""), "–"),
            measured.get(rule.id, {}).get("value", "") or "–",
            _VERDICTS.get(measured.get(rule.id, {}).get("verdict", ""), "–"),
            "⚠ 不一致" if rule.id in differing else "",
        )
        for rule in THIRD_GENERATION.rules
        if rule.id in said or rule.id in measured
    ]


def hints(claimed: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What the terminal only hints at, in words."""
    if not claimed:
        return [("终端提示", "无")]
    live, compared = claimed["liveness"], claimed["comparison"]
    why = _WHYS.get(compared["why"], compared["why"])
    told = BANDS.get(compared["band"], compared["band"])
    return [
        ("拍照次数", str(claimed["tries"])),
        ("眨眼", _ANSWERS.get(live["blink"], live["blink"])),
        ("转头", _ANSWERS.get(live["turn"], live["turn"])),
        ("与身份证相片比对", f"{told}({why})" if why else told),
    ]


# -- how it is done ------------------------------------------------------------------------------


def _reasons(
    claimed: Mapping[str, Any], report: Report | None, own: faces.Comparison | None
) -> tuple[str, ...]:
    """What of a photo a person must look at, by the same rules as on the terminal.

    Where nobody compared, the terminal's own reasons say so already, unless staff vouched.
    """
    if not claimed:
        return ()
    live = claimed["liveness"]
    hint = Hint(_answer(live["blink"]), _answer(live["turn"]), live["unbroken"])
    band = claimed["comparison"]["band"]
    bands = {found.value for found in faces.Band}
    theirs = faces.Comparison(faces.Band(band) if band in bands else faces.Band.CANNOT_TELL)
    if report is not None:  # when a photo was taken its bytes do not show
        lines = tuple(line for line in report.lines if line.rule.id != "photo.age")
        report = replace(report, lines=lines)
    found = reasons(report, hint, own or theirs, claimed["head_covering"])
    return tuple(reason for reason in found if reason is not Reason.FACE_NOT_COMPARED)


def _answer(said: str) -> Answer:
    return Answer(said) if said in {answer.value for answer in Answer} else Answer.CANNOT_TELL


def _contradicts(claimed: Mapping[str, Any], own: faces.Comparison) -> bool:
    """Whether the terminal says that it is the same person and the centre does not."""
    return bool(claimed) and claimed["comparison"]["band"] == "match" and own.band != "match"


def _differ(theirs: Mapping[str, str], ours: Mapping[str, str]) -> bool:
    """Whether one says broken and the other does not, or the values are apart.

    What only one of them could measure is no contradiction.
    """
    if not theirs["value"] or not ours["value"]:
        return False
    if (theirs["verdict"] == "broken") is not (ours["verdict"] == "broken"):
        return True
    allowed = _MAY_DIFFER.get(ours["unit"], 0.0)
    return abs(float(theirs["value"]) - float(ours["value"])) > allowed


def _as_text(report: Report) -> dict[str, dict[str, str]]:
    return {
        line.rule.id: {
            "value": "" if line.value is None else f"{line.value:.2f}".rstrip("0").rstrip("."),
            "unit": line.rule.unit,
            "verdict": line.verdict.value,
        }
        for line in report.lines
    }


def _limits(low: float | None, high: float | None, unit: str) -> str:
    if low is None and high is None:
        return "人工判断"
    unit = _UNITS.get(unit, unit)
    if low == high:
        return f"{low:g} {unit}".strip()
    lowest = "" if low is None else f"{low:g}"
    highest = "" if high is None else f"{high:g}"
    return f"{lowest}~{highest} {unit}".strip()


#: One photographer for all of the server's threads, made when the first photo comes.
_lock = threading.Lock()
_photographer: list[Photographer] = []
#: Likewise what compares.
_comparer: list[faces.FaceComparer] = []


def _measure(jpeg: bytes, excused: bool, frame: bytes) -> Report | None:
    """The report on these bytes by the centre's own measuring; None if it cannot measure."""
    from kiosk.photo import Photographer
    from kiosk.photo.models import ModelsMissing

    with _lock:
        try:
            if not _photographer:
                _photographer.append(Photographer())
            return _report(_photographer[0], jpeg, excused, frame)
        except ModelsMissing as missing:
            log.warning("photos are not measured: %s", missing)
            return None


def _report(photographer: Photographer, data: bytes, excused: bool, frame: bytes) -> Report:
    """Every rule that finished bytes can show. When it was taken they do not show; whether it was
    held up shows the frame."""
    sight = photographer.measure(_pixels(data))
    whole = faces.jpeg_picture(frame) if frame else None
    if whole is not None and (seen := photographer.measure(whole).measures.get(_HELD_UP)):
        sight.measures[_HELD_UP] = seen
    return photographer.judge(data, sight, excused=excused)


def _pixels(data: bytes) -> Picture:
    import numpy as np
    from PIL import Image

    with Image.open(io.BytesIO(data)) as image:
        return np.asarray(image.convert("RGB"))


def compare(jpeg: bytes, reference: Picture | None) -> faces.Comparison:
    """The photo against a portrait (height x width x 3 bytes), by this machine. Raises nothing."""
    from kiosk.photo.models import ModelsMissing

    photo = faces.jpeg_picture(jpeg)
    if reference is None or photo is None:
        return faces.cannot_tell(faces.Why.NO_PORTRAIT if photo is not None else faces.Why.NO_FACE)
    with _lock:
        try:
            if not _comparer:
                _comparer.append(faces.FaceComparer())
        except ModelsMissing as missing:
            log.warning("faces are not compared: %s", missing)
            return faces.cannot_tell(faces.Why.NO_METHOD)
        return _comparer[0].compare(photo, reference)
