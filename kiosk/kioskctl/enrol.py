"""`kioskctl enrol`, `kioskctl trust`, `kioskctl retire`: a terminal comes to its centre, is told
whose releases it believes, and goes out of use."""

from __future__ import annotations

import time
from contextlib import closing
from typing import TYPE_CHECKING, Annotated

import typer

from hardware.faults import Device
from kiosk.kioskctl.console import (
    IMPOSSIBLE,
    NewState,
    State,
    busy,
    faults_said,
    no_outbox,
    out,
    secret,
    settings_of,
    stop,
    warn,
    words_of,
)
from kiosk.kioskctl.drivers import driver_of, nobody_there, opened
from kiosk.kioskctl.journal import record

if TYPE_CHECKING:
    from pathlib import Path

    from kiosk.settings import Settings

#: So long a sheet is waited for, seconds.
_SCAN_S = 60.0


def register(app: typer.Typer) -> None:
    app.command()(enrol)
    app.command()(trust)
    app.command()(retire)


def enrol(
    state: NewState,
    url: Annotated[str, typer.Option(help="address of the centre; the square has it")] = "",
    code: Annotated[str, typer.Option(help="from the sheet; asked for if not given")] = "",
    scan: Annotated[
        bool, typer.Option("--scan", help="hold the sheet's square to the camera")
    ] = False,
    hall: Annotated[str, typer.Option(help="where the terminal stands")] = "",
    new_key: Annotated[
        bool, typer.Option("--new-key", help="the key of before is lost, or no longer trusted")
    ] = False,
) -> None:
    """Make this terminal known to the centre; keys and identity are kept in the state directory."""
    from sync.address import trouble_with
    from sync.enrolment import enrol as enrol_terminal
    from sync.enrolment import why_not
    from sync.faults import CentralUnreachable
    from sync.identity import NotEnrolled
    from sync.sheet import NotASheet

    try:
        state.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise stop(f"{state}: {error.strerror}") from None
    nobody_there(state)
    settings = settings_of(state)
    words = words_of(settings)
    if url and (trouble := trouble_with(url)):  # before anything is asked for
        raise stop(words.say(f"enrol.{trouble}", detail=url))
    if scan:
        code = _scanned(settings, state)
    code = code or secret("code")
    nobody_there(state)  # somebody may have come while it was typed
    try:
        identity = enrol_terminal(
            *(url or settings.central.url, code, state),
            hall=hall,
            tpm=settings.central.sealed_to,
            new_key=new_key,
        )
    except NotASheet as wrong:
        raise stop(str(wrong)) from None
    except ValueError:
        if not hall:
            raise
        # Address and code were looked at before; its text would repeat the code.
        raise stop("--hall: the name is too long, or holds characters that are no text") from None
    except (CentralUnreachable, NotEnrolled) as error:
        detail = getattr(error, "detail", "") or str(error)
        warn(words.say(f"enrol.{why_not(error)}", detail=detail))
        raise typer.Exit(IMPOSSIBLE) from None
    except OSError as error:
        raise stop(str(error)) from None
    record(state, "enrolled")
    out(f"enrolled as terminal {identity.terminal}")


def _scanned(settings: Settings, state: Path) -> str:
    """What the square of a sheet says that is held to the camera. Ends the command without one."""
    from hardware.codes import read_text
    from sync.sheet import NotASheet, read

    device = Device.DOCUMENT_CAMERA if settings.devices.document_camera else Device.CAMERA
    driver, until = driver_of(settings, device, state), time.monotonic() + _SCAN_S
    with (
        faults_said(words_of(settings)),
        opened(driver),
        busy("hold the sheet to the camera"),
        closing(driver.frames(lambda: time.monotonic() > until)) as frames,
    ):
        for frame in frames:
            text = read_text(frame.rgb)
            try:
                if text and read(text).url:
                    return text
            except NotASheet:
                continue
    raise stop("no square of an enrolment sheet was seen")


def trust(
    state: State,
    root: Annotated[typer.FileBinaryRead, typer.Argument(help="1.root.json, or - for the input")],
) -> None:
    """From now on believe the releases that the holders of this root's keys sign, and no others."""
    from sync.updates.trusted import NoRoot, believe
    from sync.updates.worker import FOLDER

    try:
        believe(state / FOLDER, root.read())
    except (NoRoot, OSError) as error:
        raise stop(f"{error} 不是信任根文件" if isinstance(error, NoRoot) else str(error)) from None
    out("releases signed by the keys of this root are believed from now on, and no others")


def retire(
    state: State,
    yes: Annotated[bool, typer.Option("--yes", help="do not ask")] = False,
) -> None:
    """Put this terminal out of use: it serves nobody, sends and takes nothing any more. What waits
    for the centre stays, for `kioskctl outbox export`. It is used again after `kioskctl enrol`."""
    from sync.effects import retire_terminal
    from sync.identity import NotEnrolled, load_identity
    from sync.outbox import Outbox, OutboxUnavailable

    nobody_there(state)
    try:
        with closing(Outbox(state / "outbox.db", load_identity(state).terminal)) as outbox:
            counts = outbox.counts_and_ages()
    except (NotEnrolled, OutboxUnavailable) as error:
        raise no_outbox(state, error) from None
    waiting = counts.queued + counts.sending + counts.dead
    if not yes:
        typer.confirm(
            f"{waiting} wait for the centre and would have to be exported. Retire?", abort=True
        )
    try:
        retire_terminal(state)
    except OSError as error:
        raise stop(str(error)) from None
    record(state, "retired")
    out(f"retired; {waiting} to export with kioskctl outbox export")
