"""`python -m central unit-list --state DIR add | list | remove`: see `central.unit_lists`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from central.opening import By, group, open_of, say_all, stop

if TYPE_CHECKING:
    from central.unit_lists import Fault

app = group("unit-list", "单位名册: check, take in, list and remove lists.")

# Django must be set up before any module that has models is imported, hence the imports inside.


@app.command()
def add(
    context: typer.Context,
    file: Path,
    unit: Annotated[str, typer.Option(help="Name of the unit, as its people read it.")],
    by: By = "",
    good_rows: Annotated[
        bool, typer.Option("--good-rows", help="Take the rows without a fault; else all or none.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only check.")] = False,
) -> None:
    """Check FILE (附件2: csv or xlsx) and take it in. Ends with 1 where a row is wrong."""
    open_of(context)
    from django.db import IntegrityError

    from central.ports import NotNow
    from central.unit_files import BadList
    from central.unit_lists import check, take_in

    if not 0 < len(unit.strip()) <= 100:
        raise stop("--unit: 1 to 100 characters")
    try:
        checked = check(file.read_bytes(), file.name)
    except (BadList, OSError) as error:
        raise stop(f"{file.name}: {error}") from None
    except NotNow as error:
        raise stop(f"参保人员库不可用（{error}）", 1) from None
    for fault in checked.faults:
        typer.echo(_line(fault))
    good, everyone = checked.good, len(checked.entries)
    wrong = everyone - len(good)
    typer.echo(f"共 {everyone} 人，{len(good)} 人可以收，{wrong} 人有错")
    if not dry_run and good and (good_rows or not wrong):
        try:
            made = take_in(good, unit.strip(), by)
        except IntegrityError:
            raise stop("刚刚有别的名册收了其中的人，请再来一遍", 1) from None
        typer.echo(f"已收 {len(good)} 人：名册 {made.pk}，保留到 {made.until}")
    elif not dry_run:
        hint = "，或加 --good-rows 只收没有错的" if good else ""
        typer.echo(f"一个人也没有收：请改正后重新交{hint}")
    raise typer.Exit(int(bool(wrong)))


@app.command("list")
def list_(context: typer.Context) -> None:
    """Print every list: number, unit, people on it, how many of them have applied, kept until."""
    open_of(context)
    from central.models import UnitList
    from central.unit_lists import applied

    say_all(
        (
            f"{one.pk}  {one.unit}  {one.rows.count()} 人  已申请 {applied(one)} 人"
            f"  保留到 {one.until}"
            for one in UnitList.objects.all()
        ),
        none="没有名册 no lists",
    )


@app.command()
def remove(context: typer.Context, number: int) -> None:
    """Delete a list: its people are on none any more. What they filed stays."""
    open_of(context)
    from central.models import UnitList

    if not UnitList.objects.filter(pk=number).delete()[0]:
        raise stop(f"没有名册 {number}")
    typer.echo(f"名册 {number} 已删除")


def _line(fault: Fault) -> str:
    kind = "请核对" if fault.warning else "有错"
    serial = f"（序号 {fault.serial}）" if fault.serial else ""
    return f"第 {fault.line} 行{serial}  {fault.column}  {kind}  {fault.rule}  {fault.advice}"
