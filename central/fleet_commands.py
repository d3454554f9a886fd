"""`python -m central fleet --state DIR …`: what terminals should be and do, and which they are.

Each of these is for all terminals, for those of one hall (`--hall`), or for one (`--terminal`).
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from central.opening import By, State, group, note, open_centre, open_of, say_all, secret, stop

if TYPE_CHECKING:
    from central.fleet_models import Command, Wanted
    from central.models import Terminal

app = group("fleet", "终端: settings, notices, people and commands.")

Hall = Annotated[str, typer.Option("--hall", help="Only terminals that stand there.")]
#: Characters of a hall's name at most.
_HALL = 100

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


def _want(kind: str, key: str, value: Any, hall: str, number: str, by: str, said: str) -> None:
    from central import desired

    try:
        desired.want(kind, key, value, by=by, **scope_of(hall, number))
    except desired.NotWanted as bad:
        raise stop(str(bad)) from None
    where = number or hall or "全部终端 every terminal"
    typer.echo(f"{key}: {said}，{where}，下次心跳起生效 with the next heartbeat")


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
    _want("setting", name, value, hall, terminal, by, value)


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
    said = f"公告显示到 {until} shown until then" if until else "公告不限期 without an end"
    _want("announcement", name, value, hall, terminal, by, said)


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
    from central import desired
    from sync.pins import NotAPin, WeakPin, hash_pin, must_be_strong

    if unknown := set(role or ()) - {"technician", "staff"}:
        raise stop(f"no role {', '.join(unknown)}; there is: technician, staff")
    scope_of(hall, terminal)  # nobody types a PIN for nothing
    try:
        desired.checked("person", person_id, {"roles": role or []})
    except desired.NotWanted as bad:
        raise stop(str(bad)) from None
    hashed = ""
    if role:
        pin = secret("PIN")
        try:
            must_be_strong(pin)
        except (NotAPin, WeakPin) as bad:
            raise stop(f"PIN: {bad}") from None
        hashed = hash_pin(pin)
    said = ", ".join(role) if role else "不再准入 admitted no more"
    _want("person", person_id, {"roles": role or [], "pin": hashed}, hall, terminal, by, said)


@app.command()
def unset(
    context: typer.Context, kind: str, name: str, hall: Hall = "", terminal: Number = ""
) -> None:
    """Take back a setting, announcement or person: what is said more widely counts again."""
    open_of(context)
    from central import desired
    from central.fleet_models import Wanted

    if kind not in Wanted.Kind.values:
        raise stop(f"no kind {kind}; there is: {', '.join(Wanted.Kind.values)}")
    if not desired.want_no_more(kind, name, **scope_of(hall, terminal)):
        where = terminal or hall or "every terminal"
        raise stop(
            f"nothing is set for {where}: {kind} {name}; `fleet list` shows what is, and where"
        )
    typer.echo(f"{kind} {name}: 已撤回，终端下次心跳起生效 taken back with the next heartbeat")


@app.command("list")
def list_(context: typer.Context) -> None:
    """What is set, and for whom."""
    open_of(context)
    from central.fleet_models import Wanted

    say_all(map(_wanted, Wanted.objects.all()), none="没有下发过配置 nothing is set")


def _wanted(one: Wanted) -> str:
    where = one.terminal_id or one.hall or "全部"
    shown = "(PIN)" if one.kind == one.Kind.PERSON else one.value
    return f"{one.kind}  {one.key}  {where}  {shown}"


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
    none = "没有在用的终端，没有下达 no terminal there is in use: nothing was ordered"
    say_all((f"{one.id}  {one.terminal_id}  {one.kind}" for one in made), none)


@app.command()
def commands(context: typer.Context, terminal: Number = "") -> None:
    """The newest commands, and what became of them."""
    open_of(context)
    from central.fleet_models import Command

    found = Command.objects.defer("attachment")
    if (only := scope_of("", terminal)["terminal"]) is not None:
        found = found.filter(terminal=only)
    say_all(map(_command, found[:200]), none="没有下达过命令 no commands")


def _command(one: Command) -> str:
    outcome = one.outcome or ("seen" if one.seen_at else "waiting")
    return f"{one.id}  {one.terminal_id}  {one.kind}  {outcome}  {one.detail}"


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
    data = bytes(found.attachment or b"")
    try:
        file.write_bytes(data)
    except OSError as error:
        raise stop(f"{file}: {error.strerror}") from None
    typer.echo(f"{file}: {len(data):,} bytes, gzip")


@app.command()
def move(context: typer.Context, number: str, hall: str) -> None:
    """A terminal stands in another hall from now on; what is set for that hall is set for it."""
    open_of(context)
    terminal = scope_of("", number)["terminal"]
    before, terminal.hall = terminal.hall, hall.strip()
    if not 0 < len(terminal.hall) <= _HALL:
        raise stop(f"the name of a hall has 1 to {_HALL} characters")
    terminal.save(update_fields=["hall"])
    typer.echo(
        f"{number}: {before or '-'} -> {terminal.hall}，终端下次心跳起生效 with the next heartbeat"
    )


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
    typer.echo(f"{number}: {'已恢复 is in use again' if again else '已停用 is disabled, at once'}")


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
    from sync.address import trouble_with
    from sync.sheet import typed

    before = Terminal.objects.filter(pk=replaces).first() if replaces else None
    if replaces and (before is None or count != 1):
        raise stop("--replaces: " + (f"no terminal {replaces}" if before is None else "one code"))
    url = url.rstrip("/")
    if url and (trouble := trouble_with(url)):
        raise stop(f"--url {url}: {_WRONG[trouble]}")
    key = keyring().signing_key()
    for _ in range(count):
        code = fleet.new_code(before)
        typer.echo(_sheet(url, code, key) if url else typed(code, key))
    note(f"{count} 张登记单，一张登记一台，7 天内有效 each enrols one terminal within seven days")


#: What terminals would say of an address (`sync.address`).
_WRONG = {
    "not_encrypted": "terminals take an address that begins with https:// 地址以 https:// 开头",
    "bad_address": "the form is https://name or https://name:port, and nothing after it"
    " 后面什么也不加",
}


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
