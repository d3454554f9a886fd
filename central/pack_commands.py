"""`python -m central policy-pack --state DIR add | list | withdraw`: see `central.packs`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from central.opening import By, group, open_of, say_all, stop

if TYPE_CHECKING:
    from central.models import PolicyPack

app = group("policy-pack", "政策包: issue, list and withdraw policy packs.")

# Django must be set up before any module that has models is imported, hence the imports inside.


@app.command()
def add(
    context: typer.Context,
    file: Path,
    region: Annotated[str, typer.Option(help="Six digits: the pack must be for it.")] = "",
    by: By = "",
) -> None:
    """Check FILE, sign it and issue it to the terminals of its region."""
    open_of(context)
    from central import packs

    try:
        pack = packs.issue(file.read_bytes(), region, by)
    except (packs.BadPack, OSError) as error:
        raise stop(f"{file.name}: {error}") from None
    typer.echo(_line(pack))
    if pack.demo:
        typer.echo("note: the pack says demo = true, so it counts as an example")
    for key in packs.lacking(pack):
        typer.echo(f"warning: {key} is missing, which a service of this release asks for")


@app.command("list")
def list_(context: typer.Context) -> None:
    """Print every pack: region, version, in force from, state, SHA-256."""
    open_of(context)
    from central.models import PolicyPack

    none = "没有政策包，终端按程序自带的演示数据办理 no packs: terminals go by their example"
    say_all(map(_line, PolicyPack.objects.all()), none)


@app.command()
def withdraw(context: typer.Context, region: str, version: str, by: By = "") -> None:
    """Take a pack back: terminals put it away, and the one before it rules again."""
    open_of(context)
    from central import packs

    try:
        rules = packs.withdraw(region, version, by)
    except packs.BadPack as error:
        raise stop(str(error)) from None
    if rules is None:
        typer.echo("none is in force: terminals go by the example of their program 程序自带")
    else:
        typer.echo(_line(rules))


def _line(pack: PolicyPack) -> str:
    from central import packs

    state = packs.STATES[packs.state_of(pack)]
    return f"{pack.region}  {pack.version}  {pack.effective}  {state}  {pack.sha256}"
