"""`python -m central …`: serve and manage the reference central server."""

from __future__ import annotations

import json
import os
import sys
from collections import Counter
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from central import card_commands, fleet_commands, pack_commands, unit_commands
from central.boot import DEMO_VARIABLE, HSM_VARIABLE, MESSAGES_VARIABLE, boot
from central.opening import State, free_port, note, open_centre, say_all, stop
from central.releases import commands as release_commands

app = typer.Typer(help="社会保障卡自助服务 · 参考中心服务器", no_args_is_help=True)


class Profile(StrEnum):
    """How terminals seal: `sync.schemes.PROFILES`."""

    HYBRID = "hybrid"
    NATIONAL = "national"


class Purpose(StrEnum):
    """What may be done to a card's PIN: `sync.wire.cards.ScriptPurpose`."""

    RESET = "reset"
    UNBLOCK = "unblock"


app.add_typer(pack_commands.app, name="policy-pack")
app.add_typer(unit_commands.app, name="unit-list")
app.add_typer(card_commands.app, name="card-batch")
app.add_typer(release_commands.app, name="release")
app.add_typer(fleet_commands.app, name="fleet")
for of_the_fleet in fleet_commands.BESIDE:
    app.command()(of_the_fleet)


# Django must be set up before any module that has models is imported, hence the imports inside.


@app.command()
def serve(
    state: State,
    host: str = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0: a free one.")] = 8700,
    demo: Annotated[bool, typer.Option(help="Make an enrolment code and an operator.")] = False,
    registry: Annotated[Path | None, typer.Option(help="JSON list of persons to load.")] = None,
    profile: Annotated[Profile, typer.Option(help="Of the first envelope key.")] = Profile.HYBRID,
    hsm: Annotated[str, typer.Option(envvar=HSM_VARIABLE, help="HOST:PORT of the 加密机.")] = "",
    workers: Annotated[int, typer.Option(min=1, max=64, help="Processes that answer.")] = 1,
) -> None:
    """Serve terminals and operators. --port 0 takes a free port; see DIR/central/url."""
    port = free_port(host, port)
    os.environ[HSM_VARIABLE], os.environ[DEMO_VARIABLE] = hsm, str(int(demo))
    if demo:
        os.environ.setdefault(MESSAGES_VARIABLE, "demo")
    folder = boot(state)
    from central import demo as demonstration
    from central import rollover, server

    try:
        rollover.ensure_keys(profile)
    except rollover.KeysMissing as missing:
        raise stop(str(missing)) from None
    if registry is not None:
        try:
            demonstration.load_registry(registry)
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise stop(f"--registry {registry}: {type(error).__name__}: {error}") from None
    if demo:
        demonstration.prepare(folder)
    typer.echo(
        f"启动 begins on http://{host}:{port}/, Ctrl-C 停止 ends it; 状态文件 {folder / 'url'}"
    )
    server.serve(folder, host, port, workers)


@app.command()
def adduser(
    state: State,
    name: str,
    role: Annotated[
        str | None, typer.Option(help="viewer, decider or admin; a new account is a viewer.")
    ] = None,
    reset: Annotated[bool, typer.Option("--reset-password", help="Of one who is there.")] = False,
) -> None:
    """Make an operator, whose password is printed."""
    open_centre(state)
    from central.roles import NAME_RULE, Role, add_operator, is_operator, may_be_called

    if not may_be_called(name):
        raise stop(f"NAME 用户名不能是 {name!r}: {NAME_RULE}")
    if role is not None and role not in list(Role):
        raise stop("--role: viewer, decider or admin")
    if is_operator(name) != reset:
        raise stop(f"{name} {'has no account' if reset else 'is there: add --reset-password'}")
    typer.echo(add_operator(name, Role(role) if role else None))
    note(f"{name}: 密码见上，只显示这一次 the password is shown this once")


@app.command()
def authorise_card(
    state: State,
    card_id: Annotated[str, typer.Argument(help="卡识别码, 32 hexadecimal digits.")],
    purpose: Purpose,
    operator: Annotated[str, typer.Option("--by", help="Who allows it.")],
) -> None:
    """Allow one reset or unblocking of one card's PIN; prints the code for the terminal."""
    open_centre(state)
    from central.card_scripts import BadCard, authorise, read_card_id
    from central.models import CardAuthorisation

    try:
        card_id = read_card_id(card_id)
    except BadCard as bad:
        raise stop(str(bad)) from None
    typer.echo(authorise(CardAuthorisation(purpose=purpose, made_by=operator), card_id))
    note(f"授权码见上，一小时内用一次 the code is good for one {purpose} within an hour")


@app.command()
def new_key(
    state: State,
    profile: Annotated[
        Profile | None, typer.Option(help="How to seal from now on; as before if not named.")
    ] = None,
) -> None:
    """Make a new envelope key current; terminals follow with their next heartbeat, and the old
    keys go on opening what is on its way."""
    open_centre(state)
    from central import rollover

    try:
        rollover.ensure_keys(profile or Profile.HYBRID)
    except rollover.KeysMissing as missing:
        raise stop(str(missing)) from None
    typer.echo(rollover.new_key(profile))
    note("新密钥见上，终端下次心跳起使用 terminals seal to this key from their next heartbeat on")


@app.command()
def position(state: State) -> None:
    """Print how far a backup that begins now will reach; for `backed-up` after it."""
    open_centre(state)
    from central import standing

    typer.echo(standing.safe_position())


@app.command()
def backed_up(state: State, position: int) -> None:
    """Say that everything up to this position is kept elsewhere: terminals may forget it."""
    open_centre(state)
    from central import standing

    try:
        standing.backed_up(position)
    except ValueError as error:
        raise stop(f"{error}: the highest is {standing.safe_position()}") from None
    typer.echo(f"已备份到位置 {position}，终端可以不再保留 backed up to position {position}")


@app.command()
def backup(state: State, folder: Path) -> None:
    """Write database, files and keys to a new FOLDER, and say that they are kept there."""
    central_dir = open_centre(state)
    from central.backup import NotWritten, write

    try:
        position = write(central_dir, folder)
    except (NotWritten, OSError) as error:
        raise stop(f"no backup: {error}", 1) from None
    written = ", ".join(sorted(item.name for item in folder.iterdir()))
    typer.echo(f"{folder}: {written}\n已备份。everything up to position {position} is in it")


@app.command()
def restored(state: State) -> None:
    """Say that this centre was restored from a backup: terminals send again what they keep."""
    open_centre(state)
    from central import standing

    epoch = standing.restored()
    typer.echo(f"已登记恢复，终端会重送备份之后的办件 epoch {epoch}: terminals send again")


@app.command()
def alarms(
    state: State,
    look: Annotated[bool, typer.Option(help="Look for what nobody reports first.")] = False,
) -> None:
    """Print the open alarms, one a line."""
    open_centre(state)
    from django.utils import timezone

    from central.alarms import WORDS
    from central.models import Alarm
    from central.sweep import sweep

    if look:
        sweep()

    say_all(
        (
            f"{timezone.localtime(alarm.since):%Y-%m-%d %H:%M}  {alarm.terminal_id or '-'}"
            f"  {WORDS.get(alarm.kind, alarm.kind)}  {alarm.about}"
            for alarm in Alarm.objects.filter(resolved_at=None)
        ),
        none="没有未处理的告警 no open alarms",
    )


@app.command("import")
def import_(state: State, files: list[Path]) -> None:
    """Take in what terminals exported to removable media."""
    open_centre(state)
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
def show(
    state: State,
    as_json: Annotated[bool, typer.Option("--json")] = False,
    wait: Annotated[float, typer.Option(help="Seconds that work after commits may take.")] = 0.0,
) -> None:
    """What the centre holds, masked."""
    open_centre(state)
    from central.show import overview, settled

    settled(wait)
    found = overview()
    if as_json:
        typer.echo(json.dumps(found, ensure_ascii=False, indent=2))
        return
    for item in found["cases"]:
        typer.echo(f"{item['receipt_no']}  {item['kind']}  {item['state_zh']}  {item['name']}")
    typer.echo(f"{len(found['cases'])} 份办件, {len(found['alarms'])} 条告警")


def main() -> None:
    """As `app`. What the machine or the database refuses is said in a line, not in a traceback."""
    from django.core.exceptions import ImproperlyConfigured
    from django.db import OperationalError

    try:
        app()
    except (ImproperlyConfigured, OperationalError, OSError) as refused:
        note(f"central: {type(refused).__name__}: {str(refused).partition(chr(10))[0]}")
        sys.exit(1)


if __name__ == "__main__":
    main()
