"""One list and one page for the cases of every business.

A list is read by position, newest first, so the last page costs as much as the first. Nobody is
looked for by an address that holds an ID number or a receipt number: what is typed is sent in the
body, and the page that follows names a position or a keyed hash. Who opens a case is written into
its history, once a day, and only who opened it may decide it out of 待核实 (`central.machine`).
"""

from __future__ import annotations

import base64
import re
from functools import reduce
from operator import or_
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from django.contrib import admin, messages
from django.contrib.auth.decorators import permission_required
from django.db import transaction
from django.db.models import Max, Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from central import card_orders, machine, photos, pictures, storage
from central.business import business_of, businesses
from central.cases import TO_REVIEW, Case, record
from central.database import planned_for_its_values
from central.desk import words
from central.keys import person_hash
from central.masking import masked_name
from central.packs import policy_of
from central.ports import NotNow
from central.ports.portrait_decoder import HEIGHT, WIDTH, portrait_decoder
from central.whole import checks_of
from sync.wire.contents import SIGNATURE

if TYPE_CHECKING:
    from django.db.models import QuerySet

PAGE = 50


@require_GET
@permission_required("central.view_case", raise_exception=True)
def case_list(request: HttpRequest) -> HttpResponse:
    """Filters in the query: kind, state, terminal, person (keyed hash), same (position of a case
    with the same receipt number), before. A state is `to_review`, or the word that businesses have
    for one of theirs."""
    asked = {
        name: request.GET.get(name, "") for name in ("kind", "state", "terminal", "person", "same")
    }
    before = request.GET.get("before", "")
    with planned_for_its_values():
        found = list(_filtered(asked, before)[: PAGE + 1])
    more = len(found) > PAGE
    rows = [_row(case) for case in found[:PAGE]]
    older = urlencode({**_given(asked), "before": found[PAGE - 1].position}) if more else ""
    context = {
        **admin.site.each_context(request),
        "title": "业务办件",
        "rows": rows,
        "older": older,
        "asked": asked,
        "kinds": {kind: business.title for kind, business in businesses().items()},
        "states": words.states(),
    }
    return render(request, "cases/list.html", context)


def _filtered(asked: dict[str, str], before: str) -> QuerySet[Case]:
    cases = Case.objects.order_by("-position").select_related("terminal")
    names = {
        "kind": "kind",
        "terminal": "terminal_id",
        "person": "person",
    }
    if asked["state"] == TO_REVIEW:
        cases = cases.filter(state=TO_REVIEW)
    elif asked["state"]:
        called = [Q(kind=k, state=s) for k, s in words.states().get(asked["state"], ())]
        cases = cases.filter(reduce(or_, called, Q(pk=None)))
    if asked["same"].isdecimal():
        same = Case.objects.filter(position=int(asked["same"]))
        cases = cases.filter(receipt_no__in=same.values("receipt_no"))
    given = _given(asked)
    cases = cases.filter(**{names[name]: given[name] for name in names if name in given})
    return cases.filter(position__lt=int(before)) if before.isdecimal() else cases


def _given(asked: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in asked.items() if value}


def _row(case: Case) -> dict[str, Any]:
    business = business_of(case.kind)
    return {
        "case": case,
        "title": business.title,
        "state": business.states.get(case.state, case.state),
        "name": masked_name(business.name(case.contents["document"])),
    }


@require_POST
@permission_required("central.view_case", raise_exception=True)
def find(request: HttpRequest) -> HttpResponse:
    """By receipt number or ID number, which is sent in the body and goes no further."""
    said = re.sub(r"\s", "", request.POST.get("what", "")).upper()
    if re.fullmatch(r"[0-9]{17}[0-9X]", said):
        return _listed(person=person_hash(said))
    if re.fullmatch(r"[0-9]{17}", said):
        # Two only where a terminal was copied.
        match list(Case.objects.filter(receipt_no=said).values_list("position", flat=True)[:2]):
            case [position]:
                return redirect("case", position=position)
            case [position, _]:
                return _listed(same=position)
        messages.error(request, "没有这个回执号的办件")
    else:
        messages.error(request, "请输入17位回执号或18位身份证号")
    return redirect("cases")


def _listed(**query: object) -> HttpResponse:
    return redirect(f"{reverse('cases')}?{urlencode(query)}")


@require_GET
@permission_required("central.view_case", raise_exception=True)
def case_page(request: HttpRequest, position: int) -> HttpResponse:
    """Everything about one case. That it was opened is part of its history."""
    with transaction.atomic():
        # Locked: nothing may come between what is shown and the line that says it was seen.
        case = _case(position)
        _looked_at(case, request.user.get_username())
    business = business_of(case.kind)
    try:
        files = storage.pictures_of(case)
    except OSError:
        files = {}
        messages.error(request, "附件无法读取，请联系管理员")
    reasons, states = words.words_of(business), business.states
    context = {
        **admin.site.each_context(request),
        "title": f"{business.title} {case.receipt_no}",
        "case": case,
        "state": states.get(case.state, case.state),
        "refused": words.said(reasons, case.reason),
        "review": [reasons.get(reason, reason) for reason in case.review],
        "undecided": words.is_undecided(case),
        "rows": business.rows(case.contents["document"], policy_of(case)),
        "pictures": [(name, url) for name, data in files.items() if (url := _shown(name, data))],
        "checks": words.checks(case, checks_of(case.contents, files)),
        "consents": words.consents(case),
        "proof": words.proof(case),
        "photo": _photo(case),
        "columns": photos.COLUMNS,
        "events": words.history(case, business),
        "form": business.form,
        "moves": [(to, business.called(case.state, to)) for to in business.choices(case.state)],
    }
    return render(request, "cases/page.html", context)


@require_GET
@permission_required("central.view_case", raise_exception=True)
def case_form(request: HttpRequest, position: int) -> HttpResponse:
    """The form of a case, for print: whole, as it was signed, with photo and signature. That it was
    opened is part of its history."""
    with transaction.atomic():
        case = _case(position)
        business = business_of(case.kind)
        if not business.form:
            raise Http404
        record(case, request.user.get_username(), "printed")
    try:
        files = storage.pictures_of(case)
    except OSError:
        raise Http404 from None
    context = {
        "title": business.form,
        "case": case,
        "rows": business.form_rows(case.contents["document"], policy_of(case)),
        "signature": case.contents["signature"],
        **{name: _as_url(files.get(name, b"")) for name in ("photo", SIGNATURE)},
    }
    context["signed"] = context.pop(SIGNATURE)
    return render(request, "cases/form.html", context)


def _looked_at(case: Case, who: str) -> None:
    """Once a day for each operator, and again after whatever they must see before they decide."""
    changed = case.events.filter(what__in=("moved", "noted")).aggregate(id=Max("id"))["id"] or 0
    today = timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)
    looks = case.events.filter(what="opened", by=who, at__gte=max(today, case.since))
    if not looks.filter(id__gt=changed).exists():
        record(case, who, "opened")


def _photo(case: Case) -> dict[str, Any]:
    found = case.findings.get("photo")
    if not found:
        return {}
    claimed, measured = found["claimed"], found["measured"]
    return {"rows": photos.rows(claimed, measured), "hints": photos.hints(claimed)}


def _shown(name: str, data: bytes) -> str:
    """The chip's portrait is for who compares by eye, where the centre can open it."""
    if name != storage.PORTRAIT:
        return _as_url(data)
    pixels = portrait_decoder().decode(data)
    return "" if pixels is None else _as_url(pictures.png(pixels, WIDTH, HEIGHT))


def _as_url(data: bytes) -> str:
    """A picture inside the page; "" for what no browser shows."""
    heads = {b"\xff\xd8\xff": "jpeg", b"\x89PNG": "png"}
    kind = next((kind for head, kind in heads.items() if data.startswith(head)), "")
    return f"data:image/{kind};base64,{base64.b64encode(data).decode('ascii')}" if kind else ""


@require_POST
@permission_required("central.decide_case", raise_exception=True)
def move_case(request: HttpRequest, position: int) -> HttpResponse:
    """An operator decides; what is grave they are asked once more, on a page that says what
    follows."""
    user, note = request.user.get_username(), request.POST.get("note", "").strip()
    to = request.POST.get("to", "")
    if note and "confirmed" not in request.POST and (page := _once_more(request, position, to)):
        return page
    try:
        machine.move(position, to, by=user, note=note, operator=True)
    except (machine.NotPossible, NotNow) as error:
        if str(error) == card_orders.KEPT and to == "returned":
            return _recalled(request, position, note)
        messages.error(request, _WHY_NOT.get(str(error), "现在不能这样处理，请刷新后再看"))
    except Case.DoesNotExist:
        raise Http404 from None
    else:
        messages.success(request, "已处理")
    return redirect("case", position=position)


def _recalled(request: HttpRequest, position: int, note: str) -> HttpResponse:
    """What the 制卡公司 may have comes back when it says so."""
    with transaction.atomic():
        asked = card_orders.recall(position, request.user.get_username(), note)
    if asked:
        messages.warning(request, "制卡单已在制卡公司：已请它撤单，它确认不做才退回，结果见经过")
    else:
        messages.error(request, _WHY_NOT[card_orders.KEPT])
    return redirect("case", position=position)


def _once_more(request: HttpRequest, position: int, to: str) -> HttpResponse | None:
    """The page that asks; None for what takes no second thought, or may not be at all."""
    with transaction.atomic():
        case = _case(position)
    business = business_of(case.kind)
    follows = business.follows(case.state, to)
    if not follows or to not in business.choices(case.state):
        return None
    context = {
        **admin.site.each_context(request),
        **_row(case),
        "title": "请再确认一次",
        "business": business.title,
        "to": to,
        "then": business.called(case.state, to),
        "follows": follows,
        "note": request.POST["note"].strip(),
    }
    return render(request, "cases/confirm.html", context)


_WHY_NOT = {
    "no reason": "必须填写理由：待核实的办件，以及退回、补件、生效",
    "not opened": "请先打开办件查看，看过最新的核实原因",
    "open_case": "此人已有另一件未办结的同类办件，请先处理那一件",
    card_orders.KEPT: "制卡单已在制卡公司：等它回盘，或选退回请它撤单",
    card_orders.NOT_MADE: "制卡公司还没有说这张卡已制好：等它回盘说已寄出或已到网点，再重新制卡",
    "no_registry": "参保人员库暂时没有回应，请稍后再试",
}


def _case(position: int) -> Case:
    try:
        cases = Case.objects.select_related("terminal").select_for_update(of=("self",))
        return cases.get(pk=position)
    except Case.DoesNotExist:
        raise Http404 from None
