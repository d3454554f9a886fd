"""`python -m central fleet --state DIR …`: what terminals should be and do, and which they are.

Each of these is for all terminals, for those of one hall (`--hall`), or for one (`--terminal`).
"""

from __future__ import annotations

import sys
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from central.opening import By, State, group, open_centre, open_of, stop

if TYPE_CHECKING:
    from central.models import Terminal

app = group("fleet", "终端: settings, notices, people and commands.")

Hall = Annotated[str, typer.Option("--hall", help="Only terminals that stand there.")]
Number = Annotated[str, typer.Option("--terminal", help="Only this one, by its number.")]

# Django must be set up before any module that has models is imported, hence the imports inside.


def scope_of(hall: str, number: str) -> dict[str, Any]:
    """Whom something is for. Ends the command for a place or number that is nobody's: a mistyped
    one would do nothing."""
    from central.models import Terminal

    if hall and number:
        raise stop("--hall or --terminal, not both")
    terminal = Terminal.objects.filter(pk=number).first() if number else None
    if number and terminal is None:
        raise stop(f"no terminal {number}")
    if hall and not Terminal.objects.filter(hall=hall).exists():
        halls = Terminal.objects.order_by("hall").values_list("hall", flat=True).distinct()
        raise stop(f"no terminal stands in {hall}. There are: {', '.join(filter(None, halls))}")
    return {"hall": hall, "terminal": terminal}


def _want(kind: str, key: str, value: Any, hall: str, number: str, by: str) -> None:
    from central import desired

    try:
        desired.want(kind, key, value, by=by, **scope_of(hall, number))
    except desired.NotWanted as bad:
        raise stop(str(bad)) from None
    typer.echo(f"{key}: 终端下次心跳起生效 with the next heartbeat")


@app.command("set")
def set_(
    context: typer.Context,
    name: str,
    value: str,
    hall: Hall = "",
    terminal: Number = "",
    by: By = "",
) -> None:
    """A setting (sync/wire/settings.py lists them): terminals restart when nobody is served."""
    open_of(context)
    _want("setting", name, value, hall, terminal, by)


@app.command()
def announce(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Short, of your choice: to change or end it.")],
    chinese: str,
    english: Annotated[str, typer.Option("--en")] = "",
    until: Annotated[str, typer.Option(help="Last day, 2026-12-31.")] = "",
    hall: Hall = "",
    terminal: Number = "",
    by: By = "",
) -> None:
    """A notice (公告) on the home screen."""
    open_of(context)
    value = {"zh": chinese, "en": english, "until": until}
    _want("announcement", name, value, hall, terminal, by)


@app.command()
def person(
    context: typer.Context,
    person_id: Annotated[str, typer.Argument(help="t001: a technician; s012: staff")],
    role: Annotated[list[str] | None, typer.Option(help="technician, staff; none: nobody")] = None,
    hall: Hall = "",
    terminal: Number = "",
    by: By = "",
) -> None:
    """Admit a technician or staff, or, without a role, admit them no more. The PIN is read from
    standard input, without showing it."""
    open_of(context)
    from sync.pins import NotAPin, WeakPin, hash_pin, must_be_strong

    if unknown := set(role or ()) - {"technician", "staff"}:
        raise stop(f"no role {', '.join(unknown)}")
    hashed = ""
    if role:
        asks = sys.stdin.isatty()
        pin = typer.prompt("PIN", hide_input=True) if asks else sys.stdin.readline().strip()
        try:
            must_be_strong(pin)
        except (NotAPin, WeakPin) as bad:
            raise stop(f"PIN: {bad}") from None
        hashed = hash_pin(pin)
    _want("person", person_id, {"roles": role or [], "pin": hashed}, hall, terminal, by)


@app.command()
def unset(
    context: typer.Context, kind: str, name: str, hall: Hall = "", terminal: Number = ""
) -> None:
    """Take back a setting, announcement or person: what is said more widely counts again."""
    open_of(context)
    from central import desired

    if not desired.want_no_more(kind, name, **scope_of(hall, terminal)):
        raise stop(f"nothing is set: {kind} {name}")


@app.command("list")
def list_(context: typer.Context) -> None:
    """What is set, and for whom."""
    open_of(context)
    from central.fleet_models import Wanted

    for one in Wanted.objects.all():
        where = one.terminal_id or one.hall or "全部"
        shown = "(PIN)" if one.kind == Wanted.Kind.PERSON else one.value
        typer.echo(f"{one.kind}  {one.key}  {where}  {shown}")


@app.command()
def command(
    context: typer.Context,
    kind: Annotated[str, typer.Argument(help="restart, collect_logs, self_test, resend …")],
    argument: Annotated[list[str] | None, typer.Argument(help="what=screen")] = None,
    hall: Hall = "",
    terminal: Number = "",
    everywhere: Annotated[bool, typer.Option("--all", help="Every terminal.")] = False,
    hours: Annotated[float, typer.Option(min=0.1, max=720, help="Valid for so long.")] = 24.0,
    by: By = "",
) -> None:
    """Tell terminals to do something once, between two visits."""
    open_of(context)
    from central import commands

    given = dict(word.partition("=")[::2] for word in argument or ())
    if not (hall or terminal or everywhere):
        raise stop("for whom: --terminal, --hall or --all")
    try:
        made = commands.make(_terminals(hall, terminal), kind, given, by, timedelta(hours=hours))
    except commands.NoCommand as bad:
        raise stop(str(bad)) from None
    for one in made:
        typer.echo(f"{one.id}  {one.terminal_id}  {one.kind}")


@app.command()
def commands(context: typer.Context, terminal: Number = "") -> None:
    """The newest commands, and what became of them."""
    open_of(context)
    from central.fleet_models import Command

    found = Command.objects.defer("attachment")
    for one in (found.filter(terminal_id=terminal) if terminal else found)[:200]:
        outcome = one.outcome or ("seen" if one.seen_at else "waiting")
        typer.echo(f"{one.id}  {one.terminal_id}  {one.kind}  {outcome}  {one.detail}")


@app.command()
def log(context: typer.Context, command_id: str, file: Path) -> None:
    """Write what a collect_logs brought to FILE (gzip)."""
    open_of(context)
    from django.core.exceptions import ValidationError

    from central.fleet_models import Command

    try:
        found = Command.objects.filter(pk=command_id).exclude(attachment=None).first()
    except ValidationError:
        found = None
    if found is None:
        raise stop("no log came with such a command")
    file.write_bytes(bytes(found.attachment or b""))


@app.command()
def move(context: typer.Context, number: str, hall: str) -> None:
    """A terminal stands in another hall from now on; what is set for that hall is set for it."""
    open_of(context)
    terminal = scope_of("", number)["terminal"]
    terminal.hall = hall.strip()
    terminal.save(update_fields=["hall"])


@app.command()
def disable(
    context: typer.Context,
    number: str,
    again: Annotated[bool, typer.Option("--enable", help="Take it back.")] = False,
) -> None:
    """A terminal that was stolen: nothing more is taken from it or given to it, at once. One that
    is only put out of use is told so: `fleet command retire --terminal NUMBER`."""
    open_of(context)
    terminal = scope_of("", number)["terminal"]
    terminal.enabled = again
    terminal.save(update_fields=["enabled"])


# -- services, beside the other commands of `python -m central` -----------------------------------


def close_service(
    state: State,
    service_id: Annotated[str, typer.Argument(help="card_check …; all: the whole terminal")],
    reason: Annotated[str, typer.Option(help="Shown, in Chinese.")],
    hall: Hall = "",
    terminal: Number = "",
) -> None:
    """Close a service on every terminal, in one hall, or on one."""
    open_centre(state)
    from central import desired

    name, id_ = _service(service_id)
    if not 0 < len(reason.strip()) <= desired.REASON:
        raise stop(
            f"--reason: citizens are told why, in Chinese, up to {desired.REASON} characters"
        )
    scope = scope_of(hall, terminal)
    desired.close_service(id_, reason.strip(), **scope)
    where = terminal or hall or "every terminal"
    typer.echo(f"{name} ({id_}) 已暂停，终端下次心跳起生效。closed on {where}: {reason}")


def open_service(
    state: State,
    service_id: str,
    hall: Hall = "",
    terminal: Number = "",
) -> None:
    """Open a service again: wherever it was closed, or in one hall or on one terminal only."""
    open_centre(state)
    from central import desired

    name, id_ = _service(service_id)
    was_closed = desired.open_service(id_, **scope_of(hall, terminal))
    said = "已恢复，终端下次心跳起生效。open again" if was_closed else "没有暂停过。was not closed"
    typer.echo(f"{name} ({id_}) {said}")


def _service(service_id: str) -> tuple[str, str]:
    """Its Chinese name and its id. Ends the command where no terminal has such a service."""
    from central.services import UnknownService, checked
    from sync.marks import EVERYTHING

    if service_id in (EVERYTHING, "all"):
        return "全部业务", EVERYTHING
    try:
        return checked(service_id), service_id
    except UnknownService as unknown:
        raise stop(str(unknown)) from None


# -- enrolment -------------------------------------------------------------------------------------


def enrolment_code(
    state: State,
    count: Annotated[int, typer.Option(min=1, max=500, help="For as many terminals.")] = 1,
    replaces: Annotated[
        str, typer.Option(help="Number of the terminal that lost its key: the new one is it.")
    ] = "",
    url: Annotated[
        str, typer.Option(help="https://…: print sheets, with a square that is scanned.")
    ] = "",
) -> None:
    """Print new codes, one a line, or sheets; each enrols one terminal."""
    open_centre(state)
    from central import fleet
    from central.keys import keyring
    from central.models import Terminal
    from sync.sheet import typed

    before = Terminal.objects.filter(pk=replaces).first() if replaces else None
    if replaces and (before is None or count != 1):
        raise stop("--replaces: " + (f"no terminal {replaces}" if before is None else "one code"))
    if url and not url.startswith("https://"):
        raise stop("--url: terminals take an address that begins with https://")
    key = keyring().signing_key()
    for _ in range(count):
        code = fleet.new_code(before)
        typer.echo(_sheet(url, code, key) if url else typed(code, key))


def _sheet(url: str, code: str, signing_key: bytes) -> str:
    """A page to print: what is typed, and the square that is scanned."""
    import io

    import qrcode
    from django.utils import timezone

    from central.fleet import CODE_VALID
    from sync.sheet import square, typed

    drawn, until = qrcode.QRCode(border=2), timezone.localtime() + CODE_VALID
    drawn.add_data(square(url, code, signing_key))
    picture = io.StringIO()
    drawn.print_ascii(picture, invert=True)
    lines = (
        "终端登记单 enrolment sheet",
        f"中心地址 {url}",
        f"登记码 {typed(code, signing_key)}",
        f"有效期至 {until:%Y-%m-%d %H:%M}，只能登记一台终端",
        "kioskctl enrol --scan，或 kioskctl enrol --url 地址，再输入登记码",
    )
    return "\n".join(lines) + "\n" + picture.getvalue()


BESIDE = (close_service, open_service, enrolment_code)


def _terminals(hall: str, number: str) -> list[Terminal]:
    from central.models import Terminal

    scope = scope_of(hall, number)
    if scope["terminal"] is not None:
        return [scope["terminal"]]
    return list(Terminal.objects.filter(hall=hall) if hall else Terminal.objects.all())
