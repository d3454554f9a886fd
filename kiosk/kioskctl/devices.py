"""Commands that use one device: what is plugged in, read a card, print a page, take a picture.

What they show of a person is masked, as everywhere; `--unmasked` is for a technician's own cards.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from hardware.faults import NotWanted
from kiosk.clock import beijing_now
from kiosk.kioskctl.console import (
    WRONG,
    Json,
    MaybeState,
    busy,
    faults_said,
    settings_of,
    stop,
    words_of,
)

if TYPE_CHECKING:
    from hardware.card.files import SocialCard
    from hardware.card.monitor import Seen
    from hardware.card.session import CardSession
    from hardware.id_documents import IdCard
    from hardware.supervision import Driver
    from kiosk.settings import Settings


Wait = Annotated[float, typer.Option("--wait", help="longest wait for a card, seconds")]
Unmasked = Annotated[bool, typer.Option("--unmasked", help="show numbers and names in full")]


def register(app: typer.Typer) -> None:
    app.command()(devices)
    for name, what, commands in _GROUPS:
        group = typer.Typer(no_args_is_help=True, help=what)
        for verb, command in commands.items():
            group.command(verb)(command)
        app.add_typer(group, name=name)


def devices(as_json: Json = False) -> None:
    """Show the serial ports, card readers and cameras that are plugged in."""
    from hardware.inventory import plugged_in

    found = list(plugged_in())
    if as_json:
        typer.echo(json.dumps([vars(thing) for thing in found], ensure_ascii=False))
        return
    table = Table("kind", "place", "detail")
    for thing in found:
        table.add_row(thing.kind, thing.place, thing.detail)
    Console().print(table)


# -- cards ----------------------------------------------------------------------------------------


def card_read(
    state: MaybeState = None,
    reader: Annotated[str, typer.Option(help="part of the reader's name")] = "",
    wait: Wait = 30.0,
    as_json: Json = False,
    unmasked: Unmasked = False,
    ministry: Annotated[bool, typer.Option(help="the fields of iReadCardBas, unmasked")] = False,
) -> None:
    """Read the card in the reader; its holder too, where the settings name a PSAM or need none."""
    from hardware.card.authenticator import make_authenticator
    from hardware.card.files import read_social_card
    from hardware.card.ministry import basic_card, write_basic_card

    settings = _with(settings_of(state), card_contact=reader)
    if not settings.devices.card:
        settings = _with(settings, card="pcsc")
    driver = _must(_drivers(settings)["card_reader"])
    way = settings.devices.card_authenticator
    if way == "hsm":
        note = "the HSM answers kiosk run alone: the holder of a third-generation card is not read"
        Console(stderr=True).print(f"[yellow]{note}[/yellow]")
        way = "none"
    authenticator = make_authenticator(way, "", None)

    def read(card: CardSession) -> SocialCard:
        return read_social_card(card, authenticator)

    with faults_said(words_of(settings)), opened(driver), busy("waiting for a card"):
        card = _waited(wait, lambda cancelled: driver.use(cancelled, _ignore, read))
    if not ministry:
        _show(_card_rows(card, unmasked), as_json)
        return
    try:
        typer.echo(write_basic_card(basic_card(card, "0" * 12, "")).decode("gbk"))
    except UnicodeEncodeError:
        raise stop("the holder's name has a character that the ministry's GBK lacks") from None


def card_watch(
    seconds: Annotated[float, typer.Option("--for", help="0: until interrupted")] = 0.0,
) -> None:
    """Say when the PC/SC service, a reader or a card comes or goes."""
    from hardware.card.monitor import Seen
    from hardware.card.pcsc import watch_service

    said = Seen(service=True)

    def tell(seen: Seen) -> None:
        nonlocal said
        for line in changes(said, seen):
            typer.echo(f"{beijing_now():%H:%M:%S} {line}")
        said = seen

    monitor = watch_service(tell)
    try:
        threading.Event().wait(seconds or None)
    except KeyboardInterrupt:
        pass
    finally:
        monitor.stop()


def changes(before: Seen, now: Seen) -> Iterator[str]:
    """What has changed between two looks at the readers, in words."""
    if before.service is not now.service:
        yield "service is back" if now.service else "service is gone"
    for name in sorted(before.readers.keys() - now.readers.keys()):
        yield f"reader out: {name}"
    for name, state in sorted(now.readers.items()):
        was = before.readers.get(name)
        if was is None:
            yield f"reader in: {name}"
        if state.card and not (was and was.card):
            yield f"card in: {name}" + (" (mute)" if state.mute else f" {state.atr[:4].hex()}…")
        elif was and was.card and not state.card:
            yield f"card out: {name}"


def _card_rows(card: SocialCard, unmasked: bool) -> dict[str, Any]:
    from kiosk.records.masking import mask_id_number, mask_name, mask_phone

    rows: dict[str, Any] = {
        "generation": card.generation,
        "interface": str(card.interface),
        "region": card.region,
        "algorithm": card.algorithm,
        "version": card.version,
        "card_id": card.card_id if unmasked else mask_phone(card.card_id),
        "card_no": card.card_no if unmasked else mask_phone(card.card_no),
        "issued": str(card.issued or ""),
        "expires": str(card.expires or ""),
        "holder": card.holder is not None,
    }
    if card.holder is not None:
        name, number = card.holder.name, card.holder.number
        rows["name"] = name if unmasked else mask_name(name)
        rows["number"] = number if unmasked else mask_id_number(number)
    return rows


def id_read(
    state: MaybeState = None,
    port: Annotated[str, typer.Option(help="serial port of the reader")] = "",
    wait: Wait = 30.0,
    as_json: Json = False,
    unmasked: Unmasked = False,
) -> None:
    """Read the ID card on the reader."""
    settings = _with(settings_of(state), id_reader=port)
    driver = _must(_drivers(settings)["id_reader"])
    with faults_said(words_of(settings)), opened(driver), busy("waiting for an ID card"):
        card = _waited(wait, lambda cancelled: driver.read(cancelled, _ignore), _LIFTED)
    _show(_id_rows(card, unmasked), as_json)


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
    from kiosk.receipts import Letterhead, check_page

    settings = _with(settings_of(state), printer=port, printer_columns=columns)
    driver = _must(_drivers(settings)["printer"])
    words = words_of(settings)
    head = Letterhead(hall=settings.hall.name, terminal="------", policy_version="", hotline="")
    page = check_page(head, words, beijing_now())
    with faults_said(words), opened(driver), busy("printing"):
        driver.print(page, f"kioskctl-{time.time_ns()}")
        left = driver.poll().fault
    Console().print("printed")
    if left is not None:
        Console(stderr=True).print(f"[yellow]{left}[/yellow] {words.say(f'fault.{left}.fix')}")


def camera_snap(
    file: Annotated[Path, typer.Argument(help="where the picture goes: .jpg or .png")],
    state: MaybeState = None,
    source: Annotated[str, typer.Option(help="index, path under /dev, or address")] = "",
    seconds: Annotated[float, typer.Option("--after", help="let the exposure settle")] = 1.0,
) -> None:
    """Take one picture, for the technician to see what the camera sees. Delete it afterwards."""
    from PIL import Image

    settings = settings_of(state)
    driver = driver_of(settings, "camera", source)
    settled = time.monotonic() + seconds
    with (
        faults_said(words_of(settings)),
        opened(driver),
        busy("taking a picture"),
        closing(driver.frames(lambda: False)) as frames,
    ):
        frame = next(frame for frame in frames if time.monotonic() >= settled)
    # A face may be on it: for this user alone.
    file.touch(mode=0o600)
    try:
        Image.fromarray(frame.rgb).save(file)
    except (OSError, ValueError) as error:
        raise stop(f"{file}: {error}") from None
    Console().print(f"{file}: {frame.rgb.shape[1]}x{frame.rgb.shape[0]}")


# -- helpers --------------------------------------------------------------------------------------


def driver_of(settings: Settings, device: str, source: str = "") -> Any:
    """The driver of a device as the settings have it, or at `source`. Ends the command if there is
    none."""
    return _must(_drivers(_with(settings, **{device: source}))[device])


def _with(settings: Settings, **given: Any) -> Settings:
    """The settings with what was given on the command line."""
    said = {name: value for name, value in given.items() if value}
    return replace(settings, devices=replace(settings.devices, **said))


def _drivers(settings: Settings) -> dict[str, Any]:
    from hardware.devices import make_drivers

    try:
        return make_drivers(settings.devices)
    except ValueError as wrong:
        raise stop(str(wrong)) from None


def _must(driver: Any) -> Any:
    if driver is None:
        raise stop("no such device: name its port, or a terminal with --state")
    return driver


@contextmanager
def opened(driver: Driver) -> Iterator[None]:
    driver.open()
    try:
        yield
    finally:
        driver.close()


#: An ID card answers once for each time it is laid down.
_LIFTED = " (one that was read before has to be lifted first)"


def _waited(seconds: float, read: Callable[[Callable[[], bool]], Any], hint: str = "") -> Any:
    """What a reading gives; says so and ends the command if nothing comes in time."""
    until = time.monotonic() + seconds
    try:
        return read(lambda: time.monotonic() > until)
    except NotWanted:
        said = f"[red]nothing was there within {seconds:g} s[/red]{hint}"
        Console(stderr=True, highlight=False).print(said)
        raise typer.Exit(WRONG) from None


def _ignore(step: object) -> None:
    """The steps of a reading are for citizens."""


def _show(rows: dict[str, Any], as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(rows, ensure_ascii=False))
        return
    table = Table(show_header=False)
    for name, value in rows.items():
        table.add_row(name, str(value))
    Console().print(table)


#: Device, what it is, its commands.
_GROUPS: tuple[tuple[str, str, dict[str, Callable[..., None]]], ...] = (
    ("card", "社会保障卡 in the reader", {"read": card_read, "watch": card_watch}),
    ("id", "居民身份证 on the reader", {"read": id_read}),
    ("print", "the receipt printer", {"test": print_test}),
    ("camera", "the camera", {"snap": camera_snap}),
)
