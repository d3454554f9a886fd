"""社会保障卡制证用数字相片技术要求: the rules of the card photo, as data.

The numbers and the Chinese sentences are those of the standard for the third-generation card
(domain R-D1 … R-D17); the definitions of face width, crown and eye line are R-D20. Measuring code
names a rule by its id and never carries a limit of its own. A city with other sizes is another
`Standard`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """What follows when a rule is not met."""

    #: 必须: the photo is not made, or not accepted.
    MUST = "must"
    #: 一般, 左右: a warning in the report.
    SHOULD = "should"
    #: Decided by a person who looks at the photo; nothing here claims to know.
    STAFF = "staff"


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

    def allows(self, value: float) -> bool:
        return (self.low is None or value >= self.low) and (self.high is None or value <= self.high)


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

    def rule(self, rule_id: str) -> Rule:
        """Raises `KeyError` for an id that is not in this standard."""
        for rule in self.rules:
            if rule.id == rule_id:
                return rule
        raise KeyError(rule_id)


_MUST, _SHOULD, _STAFF = Severity.MUST, Severity.SHOULD, Severity.STAFF

THIRD_GENERATION = Standard(
    id="ssc3-358x441",
    width=358,
    height=441,
    density=350,
    quality=70,
    rules=(
        Rule("file.width", "R-D1", "规格358像素(宽)", "px", _MUST, 358, 358),
        Rule("file.height", "R-D1", "规格441像素(高)", "px", _MUST, 441, 441),
        Rule("file.density", "R-D1", "分辨率350DPI", "dpi", _MUST, 350, 350),
        Rule("file.colour_bits", "R-D2", "24位RGB真彩色", "bit", _MUST, 24, 24),
        Rule("file.quality", "R-D3", "压缩品质因子70", "", _MUST, 70, 70),
        # 1 K is 1000 bytes here, the stricter reading at the lower end; a warning in any case.
        Rule("file.size", "R-D4", "一般相片的文件大小为14K~40K", "byte", _SHOULD, 14_000, 40_960),
        Rule("face.width", "R-D5", "脸部宽度179~255像素", "px", _MUST, 179, 255),
        Rule("face.crown", "R-D6", "头顶发迹距相片上边缘7~21像素", "px", _MUST, 7, 21),
        Rule(
            "face.eyes_x",
            "R-D7",
            "双眼连线中点距离图像左边缘为162~196像素",
            "px",
            _MUST,
            162,
            196,
        ),
        Rule(
            "face.eyes_above_bottom",
            "R-D8",
            "双眼连线距相片下边缘的最短距离不小于207像素",
            "px",
            _MUST,
            207,
        ),
        Rule("face.height_share", "R-D11", "头部占图像尺寸的2/3左右", "", _SHOULD, 0.58, 0.78),
        Rule("person.count", "R-D10", "申请人……正面免冠彩色头像", "", _MUST, 1, 1),
        Rule("photo.age", "R-D10", "申请人在六个月内拍摄", "month", _MUST, 0, 6),
        Rule("person.shoulders_ears", "R-D12", "人像露双肩和双耳", "", _STAFF),
        Rule("person.eyes", "R-D13", "双眼睁开正视前方并保证瞳孔清楚可见", "", _STAFF),
        Rule("person.light", "R-D14", "在脸部或背景上无阴影、亮点或反光", "", _STAFF),
        Rule("person.glasses", "R-D15", "眼镜不能反光或为有色镜片", "", _STAFF),
        Rule("person.bare_head", "R-D16", "正面免冠", "", _STAFF),
    ),
)
