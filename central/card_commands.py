"""`python -m central card-batch --state DIR make | list`: see `central.card_batches`."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Annotated

import typer

from central.opening import By, group, open_of, say_all

if TYPE_CHECKING:
    from central.models import CardBatch

app = group("card-batch", "制卡批次: have approved cards made, and list.")

# Django must be set up before any module that has models is imported, hence the imports inside.


@app.command()
def make(
    context: typer.Context,
    by: By = "",
    limit: Annotated[int, typer.Option(min=1, max=1000, help="Cards at most.")] = 200,
) -> None:
    """Hand the approved applications over to the card maker. Ends with 1 where one was left out or
    the maker cannot be reached now; what is handed over late is so by itself."""
    open_of(context)
    from central import card_batches

    batch, left = card_batches.make(limit, by)
    for line in left:
        typer.echo(f"没有交: {line}")
    card_batches.look()
    if batch is None:
        typer.echo("没有可以交去制卡的办件")
        raise typer.Exit(int(bool(left)))
    batch.refresh_from_db()
    typer.echo(_line(batch))
    raise typer.Exit(int(bool(left) or batch.handed_at is None))


@app.command("list")
def list_(context: typer.Context) -> None:
    """Print every batch: its id, when and by whom it was made, cards, when handed over, states."""
    open_of(context)
    from central.models import CardBatch

    say_all(map(_line, CardBatch.objects.all()), none="没有批次 no batches")


def _line(batch: CardBatch) -> str:
    from django.utils import timezone

    from central.card_batches import states

    stands = Counter(states(batch))
    handed = "还没有交出去，会自动再交"
    if batch.handed_at is not None:
        handed = f"已交 {timezone.localtime(batch.handed_at):%Y-%m-%d %H:%M}"
    counts = "，".join(f"{state} {count}" for state, count in stands.items())
    made = f"{timezone.localtime(batch.made_at):%Y-%m-%d %H:%M} {batch.made_by}".strip()
    return f"{batch.id}  {made}  {stands.total()} 张  {handed}  {counts}"
