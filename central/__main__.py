"""`python -m central …`: serve and manage the reference central server."""

from __future__ import annotations

import json
import os
from collections import Counter
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from central.boot import DEMO_VARIABLE, HSM_VARIABLE, boot

app = typer.Typer(help="社会保障卡自助服务 · 参考中心服务器", no_args_is_help=True)


class Profile(StrEnum):
    """How terminals seal: `sync.schemes.PROFILES`."""

    HYBRID = "hybrid"
    NATIONAL = "national"


class Purpose(StrEnum):
    """What may be done to a card's PIN: `sync.messages.ScriptPurpose`."""

    RESET = "reset"
    UNBLOCK = "unblock"


State = Annotated[Path, typer.Option("--state", help="Folder that holds central/.")]


# Django must be set up before any module that has models is imported, hence the imports inside.


@app.command()
def serve(
    state: State,
    host: str = "127.0.0.1",
    port: int = 8700,
    demo: Annotated[bool, typer.Option(help="Make an enrolment code and an operator.")] = False,
    registry: Annotated[Path | None, typer.Option(help="JSON list of persons to load.")] = None,
    profile: Annotated[Profile, typer.Option(help="Of the first envelope key.")] = Profile.HYBRID,
    hsm: Annotated[str, typer.Option(envvar=HSM_VARIABLE, help="HOST:PORT of the 加密机.")] = "",
) -> None:
    """Serve terminals and operators. --port 0 takes a free port; see DIR/central/url."""
    os.environ[HSM_VARIABLE], os.environ[DEMO_VARIABLE] = hsm, str(int(demo))
    folder = boot(state)
    from central import demo as demonstration
    from central import server
    from central.keys import Keyring

    Keyring.of(folder).ensure(profile)
    if registry is not None:
        demonstration.load_registry(registry)
    if demo:
        demonstration.prepare(folder)
    server.serve(folder, host, port)


@app.command()
def adduser(state: State, name: str) -> None:
    """Make an operator, or give one a new password, which is printed."""
    boot(state)
    from central.demo import add_operator

    typer.echo(add_operator(name))


@app.command()
def enrolment_code(
    state: State,
    count: Annotated[int, typer.Option(min=1, max=500, help="For as many terminals.")] = 1,
) -> None:
    """Print new codes, one a line; each enrols one terminal."""
    boot(state)
    from central import fleet

    for _ in range(count):
        typer.echo(fleet.new_code())


@app.command()
def authorise_card(
    state: State,
    card_id: Annotated[str, typer.Argument(help="卡识别码, 32 hexadecimal digits.")],
    purpose: Purpose,
    operator: Annotated[str, typer.Option("--by", help="Who allows it.")],
) -> None:
    """Allow one reset or unblocking of one card's PIN; prints the code for the terminal."""
    boot(state)
    from central.card_scripts import BadCard, authorise, read_card_id
    from central.models import CardAuthorisation

    try:
        card_id = read_card_id(card_id)
    except BadCard as bad:
        typer.echo(str(bad), err=True)
        raise typer.Exit(2) from None
    typer.echo(authorise(CardAuthorisation(purpose=purpose, made_by=operator), card_id))


@app.command()
def close_service(
    state: State, service_id: str, reason: Annotated[str, typer.Option(help="Shown, in Chinese.")]
) -> None:
    """Close a service on every terminal."""
    boot(state)
    from central import fleet

    fleet.close_service(service_id, reason)


@app.command()
def open_service(state: State, service_id: str) -> None:
    """Open a service again."""
    boot(state)
    from central import fleet

    fleet.open_service(service_id)


@app.command()
def new_key(
    state: State,
    profile: Annotated[
        Profile | None, typer.Option(help="How to seal from now on; as before if not named.")
    ] = None,
) -> None:
    """Make a new envelope key current; terminals follow with their next heartbeat, and the old
    keys go on opening what is on its way."""
    folder = boot(state)
    from central.keys import Keyring

    ring = Keyring.of(folder)
    ring.ensure()
    typer.echo(ring.roll_over(profile))


@app.command("import")
def import_(state: State, files: list[Path]) -> None:
    """Take in what terminals exported to removable media."""
    boot(state)
    from central.removable import NotTaken, take_in

    refused = False
    for file in files:
        try:
            verdicts = Counter(str(answer.verdict) for answer in take_in(file))
        except (NotTaken, OSError) as error:
            typer.echo(f"{file.name}: {error}", err=True)
            refused = True
            continue
        typer.echo(f"{file.name}: {', '.join(f'{n} {what}' for what, n in verdicts.items())}")
    raise typer.Exit(int(refused))


@app.command()
def show(state: State, as_json: Annotated[bool, typer.Option("--json")] = False) -> None:
    """What the centre holds, masked."""
    boot(state)
    from central.show import overview

    found = overview()
    if as_json:
        typer.echo(json.dumps(found, ensure_ascii=False, indent=2))
        return
    for item in found["applications"]:
        typer.echo(f"{item['receipt_no']}  {item['state_zh']}  {item['name']}")
    typer.echo(f"{len(found['applications'])} 份申请, {found['envelopes']} 个信封")


if __name__ == "__main__":
    app()
