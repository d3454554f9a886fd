"""Papers that the virtual camera sees: pages of a household register and of a birth certificate.

Nobody's: the names and numbers on them belong to people who do not exist. A page lies on a dark
table; the other scenes are what spoils it.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import cv2
import numpy as np

from hardware.fonts import receipt_font

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Scene = NDArray[np.float32]

_TABLE = (58.0, 50.0, 44.0)
_PAPER, _INK, _SEAL = (238, 236, 226), (48, 46, 52), (196, 62, 58)
_SIZE = (1140, 660)

#: Paper -> what is printed on it, line by line.
_PRINTED = {
    "household-first": (
        "居民户口簿",
        "户别  家庭户        户主姓名  演示甲",
        "户号  000000000     住址  唐山市路北区张北小区19楼1门401号",
        "省级公安机关户口专用章        户口登记机关户口专用章",
        "承办人签章  演示        签发日期  2019年3月1日",
    ),
    "household-head": (
        "常住人口登记卡",
        "姓名  演示甲        户主或与户主关系  户主",
        "曾用名            性别  女     民族  汉族",
        "出生地  河北省唐山市        籍贯  河北省唐山市",
        "公民身份号码  见登记        文化程度  大学",
        "何时由何地迁来本市  久居        登记日期  2019年3月1日",
    ),
    "household-own": (
        "常住人口登记卡",
        "姓名  演示乙        户主或与户主关系  之子",
        "曾用名            性别  男     民族  汉族",
        "出生地  河北省唐山市        籍贯  河北省唐山市",
        "公民身份号码  见登记        文化程度  初中",
        "何时由何地迁来本市  久居        登记日期  2019年3月1日",
    ),
    "birth-certificate": (
        "出生医学证明",
        "新生儿姓名  演示丙     性别  女",
        "出生地点  河北省唐山市路北区示例医院",
        "母亲姓名  演示丁        父亲姓名  演示戊",
        "出生证编号  X000000000        签发日期  2024年5月1日",
    ),
}


@cache
def _sheet(paper: str) -> NDArray[np.uint8]:
    from PIL import Image, ImageDraw

    image = Image.new("RGB", _SIZE, _PAPER)
    pen = ImageDraw.Draw(image)
    title, *lines = _PRINTED[paper]
    large, usual = (receipt_font(size) for size in (58, 34))
    pen.text((_SIZE[0] / 2, 70), title, _INK, large, anchor="mm")
    step = (_SIZE[1] - 160) / len(lines)
    for place, line in enumerate(lines):
        top = 140 + place * step
        pen.rectangle((40, top, _SIZE[0] - 40, top + step), outline=_INK, width=2)
        pen.text((64, top + step / 2), line, _INK, usual, anchor="lm")
    pen.ellipse((850, 420, 1030, 600), outline=_SEAL, width=7)
    return np.asarray(image, np.uint8)


def _laid(paper: str, corners: tuple[tuple[int, int], ...]) -> Callable[[Scene], None]:
    """On the table, its four corners there in the picture."""

    def paint(picture: Scene) -> None:
        picture[:] = _TABLE
        wide, high = _SIZE
        whole = np.array([[0, 0], [wide, 0], [wide, high], [0, high]], np.float32)
        bend = cv2.getPerspectiveTransform(whole, np.array(corners, np.float32))
        size = (picture.shape[1], picture.shape[0])
        sheet = _sheet(paper).astype(np.float32)
        cv2.warpPerspective(sheet, bend, size, picture, cv2.INTER_AREA, cv2.BORDER_TRANSPARENT)

    return paint


_NEAR = ((66, 34), (1216, 26), (1224, 690), (58, 696))
#: The left leaf of the open book: no page lies where the one before it lay.
_LEFT = ((44, 60), (1140, 30), (1158, 650), (40, 690))
_FAR = ((470, 250), (820, 246), (824, 452), (468, 456))


def _blurred(picture: Scene) -> None:
    _laid("household-own", _NEAR)(picture)
    picture[:] = cv2.GaussianBlur(picture, (0, 0), 5.0)


def _shining(picture: Scene) -> None:
    """A lamp is seen in the plastic cover."""
    _laid("household-own", _NEAR)(picture)
    y, x = np.mgrid[0 : picture.shape[0], 0 : picture.shape[1]].astype(np.float32)
    lamp = np.clip(2.6 - np.hypot((x - 700) / 210, (y - 330) / 130) * 1.7, 0.0, 1.0)
    picture += (255.0 - picture) * lamp[..., None]


def _in_the_dark(picture: Scene) -> None:
    _laid("household-own", _NEAR)(picture)
    picture *= 0.16


SCENES: dict[str, Callable[[Scene], None]] = {
    **{paper: _laid(paper, _NEAR) for paper in _PRINTED},
    "household-head": _laid("household-head", _LEFT),
    "page-far": _laid("household-own", _FAR),
    "page-blurred": _blurred,
    "page-glare": _shining,
    "page-dark": _in_the_dark,
}
