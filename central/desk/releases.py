"""版本发布: one page that says how the newest version stands, and what may be done about it.

Whoever may see it sees numbers; what changes something is for administrators, is asked once more,
and stands with a name in the list.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from django.contrib import admin, messages
from django.contrib.auth.decorators import permission_required
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from central.models import Terminal
from central.releases import evidence, rollout, watch
from central.releases.models import ReleasePin, Rollout
from central.releases.repository import NotReleased
from sync.updates.stages import Stage, Why

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpRequest, HttpResponse

    from central.models import TerminalReport

#: So many of a list are shown.
_SHOWN = 50

_MEASURES = {"crashes": "崩溃", "faults": "设备故障", "unfinished": "未办完"}
_PER = {"minutes": "分钟", "visits": "次办理"}
_STAGES = {
    Stage.IDLE: "—",
    Stage.FETCHING: "下载中",
    Stage.UNPACKING: "解包中",
    Stage.READY: "已就绪",
    Stage.CHOSEN: "等待切换",
    Stage.TRIAL: "试用中",
}
_WHY = {
    Why.NO_SLOTS: "不是正式安装",
    Why.NO_ROOT: "没有信任根",
    Why.UNREACHABLE: "连不上中心",
    Why.SLOW: "线路太慢",
    Why.EXPIRED: "签名过期",
    Why.UNTRUSTED: "签名或内容不可信",
    Why.NOT_OFFERED: "清单里没有这个版本",
    Why.DISK_FULL: "磁盘不够",
    Why.DISK: "磁盘读写失败",
    Why.CLOCK: "终端时钟不对",
    Why.BAD_BUNDLE: "安装包解不开",
    Why.GIVEN_UP: "试用失败，已退回",
    Why.HOURS: "等待允许的时段",
    Why.BUSY: "正在试用另一版本",
    Why.ERROR: "终端程序出错，位置在日志里",
}

#: Word in the form -> what it is called, what follows from it, and what does it.
_ACTS: dict[str, tuple[str, str, Callable[[str], Rollout]]] = {
    "pause": ("暂停", "不再给更多终端；已更新的保留。", rollout.pause),
    "resume": ("继续", "继续扩大下发，也包括已自动停止的版本。", rollout.resume),
    "roll_back": ("全部退回", "已更新的终端都退回上一版本。", rollout.roll_back),
}
_ABLE = {
    Rollout.State.RUNNING: ("pause", "roll_back"),
    Rollout.State.PAUSED: ("resume", "roll_back"),
    Rollout.State.HALTED: ("resume",),
    Rollout.State.DONE: ("roll_back",),
}


@require_GET
@permission_required("central.view_rollout", raise_exception=True)
def page(request: HttpRequest) -> HttpResponse:
    newest, reports = Rollout.objects.first(), watch.fresh()
    able = _ABLE[Rollout.State(newest.state)] if newest else ()
    under_way = newest is not None and newest.state in (
        Rollout.State.RUNNING,
        Rollout.State.PAUSED,
    )
    context = {
        **admin.site.each_context(request),
        "title": "版本发布",
        "rollouts": Rollout.objects.all()[:_SHOWN],
        "newest": newest,
        "share": f"{rollout.SHARES[newest.share]:.0%}" if newest else "",
        "running": Counter(report.release.get("version") or "—" for report in reports).items(),
        "standing": watch.standing(newest, reports) if newest else None,
        "measures": _measures(newest, reports) if newest else [],
        "waiting": [row for report in reports if (row := _waiting(report))][:_SHOWN],
        "pins": ReleasePin.objects.all()[:_SHOWN],
        "acts": [(word, _ACTS[word][0]) for word in able],
        "versions": [] if under_way else sorted(rollout.repository().released()),
    }
    return render(request, "releases/page.html", context)


def _measures(newest: Rollout, reports: list[TerminalReport]) -> list[tuple[str, str, str]]:
    found = watch.standing(newest, reports)
    rows = []
    for name, (counted, per, _) in evidence.MEASURES.items():
        new, old = watch.rates(found, counted, per)
        said = [f"{rate.events} / {rate.exposure} {_PER[per]}" for rate in (new, old)]
        rows.append((_MEASURES[name], *said))
    return rows  # type: ignore[return-value]


def _waiting(report: TerminalReport) -> tuple[str, str, str] | None:
    """A terminal that does not have what it should have: its number, how far it is, why."""
    said = report.release
    if not said.get("wanted") or said["wanted"] == said.get("version"):
        return None
    stage, why = said.get("stage", ""), said.get("why", "")
    far = _STAGES.get(stage, stage)
    if stage == Stage.FETCHING:
        far = f"{far} {said.get('progress', 0)}%"
    return report.terminal_id, f"{said['wanted']} {far}", _WHY.get(why, why)


@require_POST
@permission_required("central.change_rollout", raise_exception=True)
def decide(request: HttpRequest) -> HttpResponse:
    """Asked once more, on a page that says what follows."""
    word, version = request.POST.get("act", ""), request.POST.get("version", "")
    number = request.POST.get("terminal", "").strip()
    by = request.user.get_username()
    what, follows, act = _asked(word, version, number, by)
    if act is None:
        messages.error(request, "没有这样的操作、版本或终端")
    elif "confirmed" not in request.POST:
        context = {
            **admin.site.each_context(request),
            "title": "请再确认一次",
            "what": what,
            "follows": follows,
            "kept": {"act": word, "version": version, "terminal": number},
        }
        return render(request, "releases/confirm.html", context)
    else:
        try:
            act()
        except NotReleased:
            messages.error(request, "现在不能这样做，请刷新后再看")
        else:
            messages.success(request, "已生效，终端下次心跳起执行")
    return redirect("releases")


def _asked(
    word: str, version: str, number: str, by: str
) -> tuple[str, str, Callable[[], object] | None]:
    """What it is called, what follows, and what does it; None: there is no such thing."""
    if word in _ACTS:
        name, follows, act = _ACTS[word]
        return name, follows, lambda: act(by)
    if word == "start" and version:
        follows = "先给 1% 的终端，变差会自动停止并退回。"
        return f"开始下发 {version}", follows, lambda: rollout.start(version, by)
    terminal = Terminal.objects.filter(pk=number).first()
    if terminal is None or word not in ("pin", "unpin"):
        return "", "", None
    if word == "unpin":
        follows = "这台终端恢复与其他终端一样。"
        return f"取消指定 {number}", follows, lambda: rollout.unpin(terminal)
    follows = "这台终端一直用这个版本，直到取消。"
    return f"{number} 用 {version}", follows, lambda: rollout.pin(terminal, version, by)
