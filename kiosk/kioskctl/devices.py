"""Commands that use one device: what is plugged in, read a card, print a page, take a picture.

What they show of a person is masked, as everywhere; `--unmasked` is for a technician's own cards.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, BinaryIO

import typer
from rich.text import Text

from hardware.faults import Device, DeviceFault, FaultCode
from kiosk.clock import beijing_now
from kiosk.kioskctl.cards import CARD_COMMANDS
from kiosk.kioskctl.console import (
    Json,
    MaybeState,
    busy,
    faults_said,
    out,
    row,
    say_json,
    settings_of,
    stop,
    table,
    warn,
    words_of,
)
from kiosk.kioskctl.drivers import (
    LIFTED,
    Unmasked,
    Wait,
    driver_of,
    ignore,
    nobody_there,
    opened,
    show,
    shows_data,
    waited,
    with_given,
)

if TYPE_CHECKING:
    from hardware.id_documents import IdCard
    from hardware.paper import Receipt
    from kiosk.settings import Settings
    from kiosk.words import Words


def register(app: typer.Typer) -> None:
    app.command()(devices)
    for name, what, commands in _GROUPS:
        group = typer.Typer(no_args_is_help=True, help=what)
        for verb, command in commands.items():
            group.command(verb)(command)
        app.add_typer(group, name=name)


def devices(as_json: Json = False) -> None:
    """Show what is plugged in: serial ports, readers, printers at USB, cameras, keyboards."""
    from hardware.inventory import plugged_in

    found = list(plugged_in())
    if as_json:
        say_json([vars(thing) for thing in found])
        return
    listed = table("kind", "place", "detail")
    for thing in found:
        row(listed, thing.kind, thing.place, thing.detail)
    out(listed if found else "nothing is plugged in")


# -- the ID card -----------------------------------------------------------------------------------


def id_read(
    state: MaybeState = None,
    port: Annotated[str, typer.Option(help="serial port of the reader")] = "",
    wait: Wait = 30.0,
    as_json: Json = False,
    unmasked: Unmasked = False,
) -> None:
    """Read the ID card on the reader."""
    settings = with_given(settings_of(state), id_reader=port)
    driver = driver_of(settings, Device.ID_READER, state)
    if unmasked:
        shows_data(state, "id_read")
    nobody_there(state)
    with faults_said(words_of(settings)), opened(driver), busy("waiting for an ID card"):
        card = waited(wait, lambda cancelled: driver.read(cancelled, ignore, fresh=False), LIFTED)
    show(_id_rows(card, unmasked), as_json)


def _id_rows(card: IdCard, unmasked: bool) -> dict[str, Any]:
    from kiosk.records.masking import mask_id_number, mask_name

    return {
        "kind": card.kind,
        "name": card.name if unmasked else mask_name(card.name),
        "number": card.number if unmasked else mask_id_number(card.number),
        "sex": card.sex_code,
        "ethnic_code": card.ethnic_code,
        "birth": card.birth if unmasked else card.birth[:4],
        "address": card.address if unmasked else "*" * len(card.address),
        "issuer": card.issuer,
        "valid_from": card.valid_from,
        "valid_to": card.valid_to,
    }


# -- printer and camera ---------------------------------------------------------------------------


def print_test(
    state: MaybeState = None,
    port: Annotated[str, typer.Option(help="serial port of the printer")] = "",
    columns: Annotated[int, typer.Option(help="48 on 80 mm paper, 32 on 58 mm; 0: as set")] = 0,
) -> None:
    """Print a page that uses everything a receipt uses."""
    settings = with_given(settings_of(state), printer=port, printer_columns=columns)
    driver = driver_of(settings, Device.PRINTER, state)
    nobody_there(state)
    words = words_of(settings)
    page = _check_page(settings, words)
    with faults_said(words), opened(driver), busy("printing"):
        driver.print(page, f"kioskctl-{time.time_ns()}", by_staff=True)
        left = driver.poll().fault
    out("printed")
    if left is not None:
        warn(Text.assemble((f"{left} ", "yellow"), words.say(f"fault.{left}.fix")))


def print_a4(
    state: MaybeState = None,
    where: Annotated[str, typer.Option(help="NAME of the queue, or NAME@127.0.0.1:PORT")] = "",
) -> None:
    """Print the same page on the A4 printer."""
    from hardware.sheets import pdf_of

    settings = with_given(settings_of(state), page_printer=where)
    driver = driver_of(settings, Device.PAGE_PRINTER, state)
    nobody_there(state)
    words = words_of(settings)
    with faults_said(words), opened(driver), busy("printing"):
        driver.print(*pdf_of(_check_page(settings, words)), by_staff=True)
    out("printed")


def _check_page(settings: Settings, words: Words) -> Receipt:
    from kiosk.receipts import Letterhead
    from kiosk.receipts.layout import check_page

    head = Letterhead(hall=settings.hall.name, terminal="------", policy_version="", hotline="")
    return check_page(head, words, beijing_now())


def camera_snap(
    file: Annotated[Path, typer.Argument(help="where the picture goes: .jpg or .png")],
    state: MaybeState = None,
    source: Annotated[str, typer.Option(help="index, path under /dev, or address")] = "",
    seconds: Annotated[float, typer.Option("--after", help="let the exposure settle")] = 1.0,
) -> None:
    """Take one picture, for the technician to see what the camera sees. Delete it afterwards.

    It stands in the journal, because there may be a face on it.
    """
    from PIL import Image

    kind = _KINDS.get(file.suffix.lower())
    if kind is None:
        raise stop(f"{file}: the name ends in one of {', '.join(_KINDS)}")
    settings = with_given(settings_of(state), camera=source)
    driver = driver_of(settings, Device.CAMERA, state)
    with _for_this_user(file) as opened_file:
        shows_data(state, "camera_snap")
        settled = time.monotonic() + seconds
        with (
            faults_said(words_of(settings)),
            opened(driver),
            busy("taking a picture"),
            closing(driver.frames(lambda: False)) as frames,
        ):
            frame = next((frame for frame in frames if time.monotonic() >= settled), None)
            if frame is None:
                raise DeviceFault(FaultCode.CAMERA_NO_FRAMES, "the stream ended")
        Image.fromarray(frame.rgb).save(opened_file, kind)
    out(f"{file}: {frame.rgb.shape[1]}x{frame.rgb.shape[0]}")


#: How a picture's file ends -> its kind for Pillow.
_KINDS = {".jpg": "JPEG", ".jpeg": "JPEG", ".png": "PNG"}


@contextmanager
def _for_this_user(file: Path) -> Iterator[BinaryIO]:
    """A new file that nobody else may read: a face may be on it. It comes into being before the
    camera is used, and only whole. Ends the command if there can be none."""
    new = file.with_name(f".{file.name}.new")
    try:
        handle = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    except (OSError, ValueError) as error:
        raise stop(f"{file}: {getattr(error, 'strerror', None) or error}") from None
    try:
        with open(handle, "wb") as opened_file:
            yield opened_file
        os.replace(new, file)
    except OSError as error:
        raise stop(f"{file}: {error.strerror or error}") from None
    finally:
        new.unlink(missing_ok=True)


#: Device, what it is, its commands.
_GROUPS: tuple[tuple[str, str, dict[str, Callable[..., None]]], ...] = (
    ("card", "社会保障卡 in the reader", CARD_COMMANDS),
    ("id", "居民身份证 on the reader", {"read": id_read}),
    ("print", "the printers", {"test": print_test, "a4": print_a4}),
    ("camera", "the camera", {"snap": camera_snap}),
)
