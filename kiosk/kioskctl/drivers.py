"""What the commands of single devices share: a driver, opened, waited for, and what it gave."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from hardware.faults import Device, NotWanted
from kiosk.kioskctl.console import WRONG, stop

if TYPE_CHECKING:
    from hardware.supervision import Driver
    from kiosk.settings import Settings

Wait = Annotated[float, typer.Option("--wait", help="longest wait for a card, seconds")]
Unmasked = Annotated[bool, typer.Option("--unmasked", help="show numbers and names in full")]


def driver_of(settings: Settings, device: Device, source: str = "") -> Any:
    """The driver of a device as the settings have it, or at `source`. Ends the command if there is
    none."""
    return must(drivers_of(with_given(settings, **{device: source}))[device])


def with_given(settings: Settings, **given: Any) -> Settings:
    """The settings with what was given on the command line."""
    said = {name: value for name, value in given.items() if value}
    return replace(settings, devices=replace(settings.devices, **said))


def drivers_of(settings: Settings) -> dict[Device, Any]:
    from hardware.devices import make_drivers

    try:
        return make_drivers(settings.devices)
    except ValueError as wrong:
        raise stop(str(wrong)) from None


def must(driver: Any) -> Any:
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
LIFTED = " (one that was read before has to be lifted first)"


def waited(seconds: float, read: Callable[[Callable[[], bool]], Any], hint: str = "") -> Any:
    """What a reading gives; says so and ends the command if nothing comes in time."""
    until = time.monotonic() + seconds
    try:
        return read(lambda: time.monotonic() > until)
    except NotWanted:
        said = f"[red]nothing was there within {seconds:g} s[/red]{hint}"
        Console(stderr=True, highlight=False).print(said)
        raise typer.Exit(WRONG) from None


def ignore(step: object) -> None:
    """The steps of a reading are for citizens."""


def show(rows: dict[str, Any], as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(rows, ensure_ascii=False))
        return
    table = Table(show_header=False)
    for name, value in rows.items():
        table.add_row(name, str(value))
    Console().print(table)
