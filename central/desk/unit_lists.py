"""单位名册: how far each list is, and the list with its seal line for print (R-C9).

The paper goes to the 公司社会保险中心 beside the file, so names and numbers are whole on it. Who
printed it is written down, and kept longer than the list; of who has filed, also in the history of
the case.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.contrib.auth.decorators import permission_required
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET, require_POST

from central.business import business_of
from central.cases import Event
from central.models import UnitList, UnitListPrint
from central.unit_lists import applied, fields_of, filed_by, sound_unreadable

if TYPE_CHECKING:
    from central.cases import Case
    from central.models import UnitRow

_FIELDS = ("serial", "name", "id_number", "insurance_no", "user_type")
_UNREADABLE = "打不开，见告警"

#: So many lines of who printed what are shown.
_SHOWN = 50


@require_GET
@permission_required("central.view_case", raise_exception=True)
def page(request: HttpRequest) -> HttpResponse:
    lists = [(one, one.rows.count(), applied(one)) for one in UnitList.objects.all()]
    context = {
        **admin.site.each_context(request),
        "title": "单位名册",
        "lists": lists,
        "prints": UnitListPrint.objects.all()[:_SHOWN],
    }
    return render(request, "cases/unit_lists.html", context)


@require_POST
@permission_required("central.view_case", raise_exception=True)
def printed(request: HttpRequest, number: int) -> HttpResponse:
    one = UnitList.objects.filter(pk=number).first()
    if one is None:
        raise Http404
    who, found, all_of_it = (
        request.user.get_username(),
        filed_by(one),
        list(one.rows.order_by("pk")),
    )
    with transaction.atomic():
        UnitListPrint.objects.create(number=one.pk, unit=one.unit, people=len(all_of_it), by=who)
        Event.objects.bulk_create(
            Event(case=case, by=who, what="printed") for case in found.values()
        )
    rows = [_row(row, found.get(row.person)) for row in all_of_it]
    if any(_UNREADABLE in row["cells"] for row in rows):
        sound_unreadable(one)
    context = {"unit": one.unit, "number": one.pk, "rows": rows, "filed": len(found)}
    return render(request, "cases/unit_list_print.html", context)


def _row(row: UnitRow, case: Case | None) -> dict[str, Any]:
    fields = fields_of(row) or {"name": _UNREADABLE}
    state = "" if case is None else business_of(case.kind).states[case.state]
    return {"cells": [fields.get(name, "") for name in _FIELDS], "case": case, "state": state}
