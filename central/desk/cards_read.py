"""读卡统计: which cards the terminals could not read, by generation and maker of the chip (R-G17).

The terminals count (`hardware.card.tally`) and tell the sums with every heartbeat; nothing of one
card or person is in them. A card that gave nothing is of no known generation. The age of a card is
not counted: one that cannot be read does not say it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from central.models import TerminalReport

#: Generation as the terminals write it -> its word.
_GENERATIONS = {"1": "第一代", "2": "第二代", "3": "第三代", "0": "不明"}

_MAKERS = {
    "huada": "华大",
    "huahong": "华虹",
    "datang": "大唐",
    "fudan": "复旦微",
    "near": "非接触读取",
    "mute": "没有应答（芯片损坏、脏污或插反）",
    "other": "其他",
}


@require_GET
@permission_required("central.view_terminalreport", raise_exception=True)
def page(request: HttpRequest) -> HttpResponse:
    reports = TerminalReport.objects.select_related("terminal").order_by("terminal_id")
    by_terminal = {report.terminal: _counted(report.health) for report in reports}
    kinds: Counter[tuple[str, str, str]] = sum(by_terminal.values(), Counter())
    context = {
        "title": "读卡统计",
        "kinds": list(_by_kind(kinds)),
        "terminals": sorted(_by_terminal(by_terminal), key=lambda row: -row["share"]),
    }
    return render(request, "cases/cards_read.html", context)


def _counted(health: Iterable[Mapping[str, Any]]) -> Counter[tuple[str, str, str]]:
    """(read or unreadable, generation, maker) -> how many, of one terminal. What a newer terminal
    counts besides is left out."""
    found: Counter[tuple[str, str, str]] = Counter()
    for row in health:
        for name, count in row.get("counters", {}).items():
            what, _, kind = name.partition("_")
            generation, _, maker = kind.partition("_")
            known = what in ("read", "unreadable") and generation in _GENERATIONS
            if row["device"] == "card_reader" and known and maker in _MAKERS:
                found[what, generation, maker] += count
    return found


def _by_kind(kinds: Counter[tuple[str, str, str]]) -> Iterator[dict[str, Any]]:
    for generation, word in _GENERATIONS.items():
        for maker, name in _MAKERS.items():
            read, not_read = (kinds[what, generation, maker] for what in ("read", "unreadable"))
            if read + not_read:
                yield {"generation": word, "maker": name, **_share(read, not_read)}


def _by_terminal(
    counted: Mapping[Any, Counter[tuple[str, str, str]]],
) -> Iterator[dict[str, Any]]:
    for terminal, kinds in counted.items():
        sums = {"read": 0, "unreadable": 0}
        for (what, _, _), count in kinds.items():
            sums[what] += count
        if any(sums.values()):
            yield {"terminal": terminal, **_share(sums["read"], sums["unreadable"])}


def _share(read: int, not_read: int) -> dict[str, Any]:
    """`share`: percent of all cards that could not be read."""
    return {"read": read, "not_read": not_read, "share": 100 * not_read / (read + not_read)}
