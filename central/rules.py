"""Rules that every business shares."""

from __future__ import annotations

from functools import reduce
from operator import or_
from typing import TYPE_CHECKING

from django.db.models import Q

from central.cases import Case

if TYPE_CHECKING:
    from collections.abc import Iterable

    from central.business import Business

#: Why a case was refused -> the words for the operator; a business may have more.
REFUSED_WORDS = {
    "not_in_registry": "参保人员库没有此人",
    "name": "姓名与参保人员库不一致",
    "open_case": "已有未办结的同类办件",
}

#: Why a person must look -> the words for the operator; a business may have more.
REVIEW_WORDS = {
    "face_not_compared": "未与身份证相片比对",
    "face_declined": "本人不同意人脸比对",
    "face_unsure": "照片与身份证相片比对：不确定",
    "face_mismatch": "照片与身份证相片比对：不一致",
    "proof_stale": "核验本人到签名（提交）相隔过久",
    "liveness_not_seen": "未看到活体动作",
    "background_uneven": "照片背景不均匀",
    "frame_in_picture": "画面中有边框，可能是翻拍",
    "maybe_a_picture": "检测模型认为像翻拍，或模型未能运行",
    "head_covering": "申领人称因宗教或医学原因不能摘除头部遮盖物（R-D16）",
    "track_broken": "拍照过程中画面曾出现其他人或中断",
    "photo_unsure": "照片有必须项无法判断或仅在容差内符合，或额头、耳朵被遮住、看不出额头",
    "ears_unsure": "看不出双耳是否露出（头发半遮或光线不足等），须人工查看",
    "staff_rules": "肩、皱眉等本机测不出的项目，须人工查看",
    "asked_by_other": "本人说是别人让来办的：先打电话问本人，防诈骗、胁迫",
    "phone_shared": "同一手机号码被多人使用：请核对是不是本人在办",
    "receipt_reused": "回执号与另一办件相同：终端可能被复制",
}


def open_case(business: Business, person: str) -> Case | None:
    """What keeps this person from another of this business; the oldest, if there are several."""
    ones = [Q(kind=one.kind, state__in=one.open_states) for one in business.beside()]
    return Case.objects.filter(reduce(or_, ones), person=person).order_by("position").first()


def open_cases(persons: Iterable[str], asked: Iterable[Business]) -> dict[tuple[str, str], int]:
    """Likewise of several: (person, kind) -> position."""
    beside = {business.kind: business.beside() for business in asked}
    states = {one.kind: one.open_states for ones in beside.values() for one in ones}
    found = Case.objects.filter(person__in=persons, kind__in=states).order_by("-position")
    rows = found.values_list("person", "kind", "state", "position")
    oldest = {
        (person, kind): position for person, kind, state, position in rows if state in states[kind]
    }
    kept: dict[tuple[str, str], int] = {}
    for person in {person for person, _ in oldest}:
        for kind, ones in beside.items():
            if open_ones := [oldest[at] for one in ones if (at := (person, one.kind)) in oldest]:
                kept[person, kind] = min(open_ones)
    return kept
