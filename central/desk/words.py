"""What a case's codes are called on its page: a code without a word is shown as it is."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from central import photos
from central.business import Business, businesses
from central.cases import TO_REVIEW, Case
from central.packs import policy_of
from central.rules import REFUSED_WORDS, REVIEW_WORDS
from kiosk.words import Words
from sync.wire.contents import SIGNATURE

if TYPE_CHECKING:
    from collections.abc import Mapping

_WHAT = {
    "received": "收到",
    "moved": "状态变更",
    "opened": "查看",
    "noted": "新的核实原因",
    "printed": "打开登记表",
    "notified": "已发短信",
    "warned": "已发短信给原号码",
    "forgotten": "删除",
    "handed_over": "交制卡公司（批次）",
    "recall": "请制卡公司撤单",
    "recall_refused": "已制出，撤不了单",
    "card_word": "回盘与状态对不上",
}
_CHECKS = {"document": "内容哈希", "attachments": "照片与附件", "signature": "签名绑定"}
_LEVELS = {
    "P0": "没有核验",
    "P1": "有卡，未验密码；或身份证，未比对相貌",
    "P2": "卡和密码，或身份证和人脸比对",
    "P3": "身份证和本人（人脸比对一致，或工作人员核验）",
    "PG": "监护人",
}


def words_of(business: Business) -> dict[str, str]:
    """Reason -> word: why a person must look, or why it was refused."""
    return {**REVIEW_WORDS, **photos.REASONS, **REFUSED_WORDS, **business.words}


def said(words: Mapping[str, str], note: str) -> str:
    """A note of the centre's, which is codes, in words; what a person wrote as it is."""
    codes = note.split(",")
    return "、".join(words[code] for code in codes) if set(codes) <= words.keys() else note


def history(case: Case, business: Business) -> list[dict[str, Any]]:
    """The lines of a case's history."""
    words = words_of(business)
    return [
        {
            "at": event.at,
            "by": "中心" if event.by == "centre" else event.by,
            "what": _WHAT.get(event.what, event.what),
            "to": business.states.get(event.to_state, event.to_state),
            "note": said(words, event.note),
        }
        for event in case.events.all()
    ]


def is_undecided(case: Case) -> bool:
    """Whether the newest reason for a person to look came after what people last decided."""
    if case.state == TO_REVIEW:
        return True
    events = list(case.events.exclude(what__in=("opened", "printed")))
    since = max((one.pk for one in events if one.what in ("received", "noted")), default=0)
    return not any(one.what == "moved" and one.by != "centre" and one.pk > since for one in events)


def checks(case: Case, found: Mapping[str, bool]) -> list[tuple[str, bool]]:
    """The hash checks of what this case has: a loss report has neither photo nor signature."""
    there = {"signature": bool(case.contents["signature"])}
    pictures = case.attachments.exclude(name=SIGNATURE)
    hashed = any(key.endswith("_sha256") and value for key, value in _document(case).items())
    there["attachments"] = hashed or pictures.exists()
    return [(_CHECKS[name], right) for name, right in found.items() if there.get(name, True)]


def proof(case: Case) -> str:
    """How it is known who filed it."""
    given = case.contents["proof"]
    parts = [_LEVELS.get(given["level"], given["level"])]
    if given["comparison"]:
        band = given["comparison"]["band"]
        parts.append(f"人脸比对{photos.BANDS.get(band, band)}")
    if given["staff"]:
        why = given["staff"]["reason"]
        key = f"proof.staff.reason.{why}"
        parts.append(
            f"工作人员 {given['staff']['id']} {_words().text(key) if _words().has(key) else why}"
        )
    return " · ".join(parts)


def consents(case: Case) -> list[dict[str, str]]:
    """Each text that was agreed to, by its title in the pack."""
    titles = policy_of(case).words.get("zh_CN", {})
    return [
        {**one, "title": titles.get(f"{one['text_id']}.title", one["text_id"])}
        for one in case.contents["consents"]
    ]


def states() -> dict[str, list[tuple[str, str]]]:
    """Word -> (kind, state) of each business that calls a state so."""
    found: dict[str, list[tuple[str, str]]] = {}
    for kind, business in businesses().items():
        for state, word in business.states.items():
            if state != TO_REVIEW:
                found.setdefault(word, []).append((kind, state))
    return found


@cache
def _words() -> Words:
    return Words()


def _document(case: Case) -> dict[str, Any]:
    document: dict[str, Any] = case.contents["document"]
    return document
