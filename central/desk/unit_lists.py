"""单位名册: how far each list is, and the list with its seal line for print (R-C9).

The paper goes to the 公司社会保险中心 beside the file, so names and numbers are whole on it. That a
matter of it was printed stands in the matter's history.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.contrib.auth.decorators import permission_required
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from central.business import business_of
from central.cases import record
from central.models import UnitList
from central.sealed import opened
from central.unit_lists import applied, filed_by

if TYPE_CHECKING:
    from collections.abc import Iterator

    from central.cases import Case

_FIELDS = ("serial", "name", "id_number", "insurance_no", "user_type")
_UNREADABLE = "打不开,见告警"


@require_GET
@permission_required("central.view_case", raise_exception=True)
def page(request: HttpRequest) -> HttpResponse:
    lists = [(one, one.rows.count(), applied(one)) for one in UnitList.objects.all()]
    context = {**admin.site.each_context(request), "title": "单位名册", "lists": lists}
    return render(request, "cases/unit_lists.html", context)


@require_GET
@permission_required("central.view_case", raise_exception=True)
def printed(request: HttpRequest, number: int) -> HttpResponse:
    one = UnitList.objects.filter(pk=number).first()
    if one is None:
        raise Http404
    found = filed_by(one)
    with transaction.atomic():
        for case in found.values():
            record(case, request.user.get_username(), "printed")
    rows = list(_rows(one, found))
    context = {"unit": one.unit, "number": one.pk, "rows": rows, "filed": len(found)}
    return render(request, "cases/unit_list_print.html", context)


def _rows(one: UnitList, found: dict[str, Case]) -> Iterator[dict[str, Any]]:
    for row in one.rows.order_by("pk"):
        fields = opened(row.header, bytes(row.sealed)) or {"name": _UNREADABLE}
        case = found.get(row.person)
        state = "" if case is None else business_of(case.kind).states[case.state]
        cells = [fields.get(name, "") for name in _FIELDS]
        yield {"cells": cells, "case": case, "state": state}
