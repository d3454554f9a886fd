"""社会保障卡制证用数字相片技术要求: the rules of the card photo, as data.

The numbers and the Chinese sentences are those of the standard for the third-generation card
(domain R-D1 … R-D17); the definitions of face width, crown and eye line are R-D20. Measuring code
names a rule by its id and never carries a limit of its own. A city with other sizes is another
`Standard` (`PROFILES`).

Where the sentence gives no number, the limit was set on one half of public pictures and tried on
the other (`python -m tests.bench.photo_accuracy`); such a rule has a tolerance, within which it
warns, because a method that is right nineteen times in twenty must not send anybody home.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cached_property


class Severity(StrEnum):
    """What follows when a rule is not met."""

    #: 必须: the photo is not made, or not accepted.
    MUST = "must"
    #: 一般, 左右: a warning in the report.
    SHOULD = "should"
    #: Decided by a person who looks at the photo; nothing here claims to know.
    STAFF = "staff"


class Background(StrEnum):
    """What may be done to what is behind the person."""

    #: Nothing.
    AS_IS = "as_is"
    #: The light of the wall is evened out, as if the lamps were better; pixels keep their detail.
    FLAT_FIELD = "flat_field"
    #: The wall is replaced by white.
    WHITE = "white"


@dataclass(frozen=True)
class Rule:
    """One sentence of the standard. A limit of None is open; both limits are allowed values."""

    id: str
    #: Requirement in the client's collected documents.
    source: str
    chinese: str
    unit: str
    severity: Severity
    low: float | None = None
    high: float | None = None
    #: A "must" missed by no more than this is a warning.
    tolerance: float = 0.0
    #: Left to staff for somebody who wears what cannot be taken off (R-D16).
    excusable: bool = False

    def allows(self, value: float) -> bool:
        return (self.low is None or value >= self.low) and (self.high is None or value <= self.high)

    def tolerates(self, value: float) -> bool:
        """Whether a value is within the limits widened by the tolerance."""
        return (self.low is None or value >= self.low - self.tolerance) and (
            self.high is None or value <= self.high + self.tolerance
        )


@dataclass(frozen=True)
class Standard:
    """One profile: the rules for the photos of one region and card."""

    id: str
    #: Size of the picture, pixels.
    width: int
    height: int
    #: Pixels per inch, written into the JFIF header.
    density: int
    #: 压缩品质因子, 0 to 100.
    quality: int
    rules: tuple[Rule, ...]
    background: Background = Background.AS_IS

    @cached_property
    def _by_id(self) -> dict[str, Rule]:
        return {rule.id: rule for rule in self.rules}

    def find(self, rule_id: str) -> Rule | None:
        return self._by_id.get(rule_id)

    def rule(self, rule_id: str) -> Rule:
        """Raises `KeyError` for an id that is not in this standard."""
        if (rule := self.find(rule_id)) is None:
            raise KeyError(rule_id)
        return rule


_MUST, _SHOULD, _STAFF = Severity.MUST, Severity.SHOULD, Severity.STAFF

_FILE_AND_PLACE = (
    Rule("file.width", "R-D1", "规格358像素（宽）", "px", _MUST, 358, 358),
    Rule("file.height", "R-D1", "规格441像素（高）", "px", _MUST, 441, 441),
    Rule("file.density", "R-D1", "分辨率350DPI", "dpi", _MUST, 350, 350),
    Rule("file.colour_bits", "R-D2", "24位RGB真彩色", "bit", _MUST, 24, 24),
    Rule("file.quality", "R-D3", "压缩品质因子70", "", _MUST, 70, 70),
    # 1 K is 1000 bytes here, the stricter reading at the lower end; a warning in any case.
    Rule("file.size", "R-D4", "一般相片的文件大小为14K~40K", "byte", _SHOULD, 14_000, 40_960),
    Rule("face.width", "R-D5", "脸部宽度179~255像素", "px", _MUST, 179, 255),
    Rule("face.crown", "R-D6", "头顶发迹距相片上边缘7~21像素", "px", _MUST, 7, 21),
    Rule("face.eyes_x", "R-D7", "双眼连线中点距离图像左边缘为162~196像素", "px", _MUST, 162, 196),
    Rule(
        "face.eyes_above_bottom",
        "R-D8",
        "双眼连线距相片下边缘的最短距离不小于207像素",
        "px",
        _MUST,
        207,
    ),
    Rule("face.height_share", "R-D11", "头部占图像尺寸的2/3左右", "", _SHOULD, 0.58, 0.78),
)

_LIGHT_TEXT = "在脸部或背景上无阴影、亮点或反光"
_EYES_TEXT = "双眼睁开正视前方并保证瞳孔清楚可见"
_POSE_TEXT = "坐姿端正，双肩等高平行，眼睛平视看镜头"
_GLASSES_TEXT = "必须将双眼清楚显现出来；眼镜不能反光或为有色镜片"
_WHITE_TEXT = "白色背景"
_HAIR_TEXT = "不允许有遮盖面部的头发、头饰"

#: What is seen in the face itself, the same for every size of photo.
_APPEARANCE = (
    Rule("person.count", "R-D10", "申请人……正面免冠彩色头像", "", _MUST, 1, 1),
    Rule("person.beside", "R-D14", "白色背景", "", _SHOULD, None, 0.10),
    Rule("frame.upright", "R-D17", _POSE_TEXT, "", _MUST, 0.0, tolerance=0.05),
    Rule("photo.age", "R-D10", "申请人在六个月内拍摄", "month", _MUST, 0, 6),
    Rule("frame.colour", "R-D2", "24位RGB真彩色", "level", _MUST, 1.0),
    Rule("head.yaw", "R-D17", _POSE_TEXT, "degree", _MUST, -9, 9, tolerance=6),
    Rule("head.pitch", "R-D17", _POSE_TEXT, "degree", _MUST, -12, 12, tolerance=8),
    Rule("head.roll", "R-D17", _POSE_TEXT, "degree", _MUST, -7, 7, tolerance=5),
    Rule("eyes.open", "R-D13", _EYES_TEXT, "", _MUST, 0.15, tolerance=0.05),
    Rule("eyes.wink", "R-D13", _EYES_TEXT, "", _MUST, None, 0.10, excusable=True),
    Rule("eyes.gaze", "R-D13", _EYES_TEXT, "", _SHOULD, None, 0.12),
    Rule("mouth.open", "R-D13", "中性表情", "", _SHOULD, None, 0.10),
    Rule("mouth.smile", "R-D13", "中性表情", "", _SHOULD, None, 1.2),
    Rule("light.face", "R-D14", _LIGHT_TEXT, "level", _MUST, 75, 245, tolerance=10),
    Rule("light.burnt", "R-D14", _LIGHT_TEXT, "", _MUST, None, 0.02, tolerance=0.18),
    Rule("light.sides", "R-D14", _LIGHT_TEXT, "level", _SHOULD, None, 45),
    Rule("light.hue", "R-D14", "24位RGB真彩色", "degree", _SHOULD, 28, 68),
    Rule("light.sharpness", "R-D13", "瞳孔清楚可见", "", _SHOULD, 25),
    # 0.2 % of 3,000 faces are below it, 94 % of them when a haze leaves 35 % of their contrast.
    Rule("light.contrast", "R-D22", "对比度和亮度适当", "", _SHOULD, 0.36),
    Rule(
        "face.covered",
        "R-D16",
        "应保证人像面部特征可见",
        "",
        _MUST,
        None,
        0.3,
        tolerance=0.5,
        excusable=True,
    ),
    Rule("person.held_up", "R-D10", "申请人……正面免冠彩色头像", "side", _SHOULD, None, 1),
    # Only where the operator has switched a network on for it (`kiosk.photo.antispoof`).
    Rule("person.live", "R-D10", "申请人……正面免冠彩色头像", "", _SHOULD, 0.5),
    # Of 2,758 faces without hat or fringe 0.6 % are above it, of 194 with one 77 %.
    Rule("face.forehead", "R-D23", _HAIR_TEXT, "", _SHOULD, None, 0.65, excusable=True),
    Rule("person.ears", "R-D12", "人像露双肩和双耳", "", _SHOULD, None, 0.6, excusable=True),
    Rule("face.hand", "R-D16", "应保证人像面部特征可见", "", _SHOULD, None, 0.79),
    # Between .50 and .72 lie dark glasses in bright light and deep eyes under lamps from above.
    Rule("glasses.clear", "R-D15", _GLASSES_TEXT, "", _MUST, 0.72, tolerance=0.22, excusable=True),
    Rule("glasses.glare", "R-D15", _GLASSES_TEXT, "", _SHOULD, None, 0.05),
    Rule("background.light", "R-D14", _WHITE_TEXT, "level", _SHOULD, 200),
    Rule("background.even", "R-D14", _LIGHT_TEXT, "level", _SHOULD, None, 15),
    Rule("background.tint", "R-D14", _WHITE_TEXT, "level", _SHOULD, None, 12),
    Rule("clothes.apart", "R-D14", _WHITE_TEXT, "level", _SHOULD, 15),
    # No method that ships tells these reliably; a person looks.
    Rule("person.bare_head", "R-D16", "正面免冠", "", _STAFF, excusable=True),
    Rule("person.shoulders", "R-D12", "人像露双肩和双耳", "", _STAFF),
    Rule("person.shoulders_level", "R-D17", "双肩等高平行", "", _STAFF),
    Rule("person.frown", "R-D17", "不允许斜视、闭眼及皱眉", "", _STAFF),
    Rule("person.ornaments", "R-D23", "不允许有遮盖面部的脸部饰物（如耳环，头巾等）", "", _STAFF),
    Rule("person.distortion", "R-D21", "无明显畸变", "", _STAFF),
    Rule("person.frames", "R-D15", "不能为色彩过深的宽边镜框", "", _STAFF),
)

THIRD_GENERATION = Standard(
    id="ssc3-358x441",
    width=358,
    height=441,
    density=350,
    quality=70,
    rules=_FILE_AND_PLACE + _APPEARANCE,
)


def _resized(
    name: str, width: int, height: int, density: int, file_size: tuple[int, int]
) -> Standard:
    """A smaller photo of the same composition: lengths shrink with the height.

    For cities that publish other sizes (facts: 236x295 at 300 DPI, 9 to 20 K). Limits that such a
    notice states itself take the place of the shrunk ones.
    """
    share = height / THIRD_GENERATION.height
    fixed = {
        "file.width": (width, width),
        "file.height": (height, height),
        "file.density": (density, density),
        "file.size": file_size,
    }

    def fitted(rule: Rule) -> Rule:
        low, high = fixed.get(rule.id, (rule.low, rule.high))
        if rule.unit == "px" and rule.id not in fixed:
            low = None if low is None else round(low * share, 1)
            high = None if high is None else round(high * share, 1)
            if rule.id == "face.eyes_x":  # about the middle of the picture
                half = (rule.high or 0) - THIRD_GENERATION.width / 2
                low, high = width / 2 - half * share, width / 2 + half * share
        return replace(rule, low=low, high=high)

    return Standard(
        name, width, height, density, 70, tuple(fitted(rule) for rule in THIRD_GENERATION.rules)
    )


#: Id -> profile. A region's settings name one.
PROFILES = {
    standard.id: standard
    for standard in (
        THIRD_GENERATION,
        replace(THIRD_GENERATION, id="ssc3-358x441-flat", background=Background.FLAT_FIELD),
        replace(THIRD_GENERATION, id="ssc3-358x441-white", background=Background.WHITE),
        _resized("ssc-236x295", 236, 295, 300, (9_000, 20_480)),
    )
}
