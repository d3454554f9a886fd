"""What the commands of single devices share: a driver, opened, waited for, and what it gave."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

from hardware.faults import Device, NotWanted
from kiosk.kioskctl.console import WRONG, out, row, say_json, stop, table, warn
from kiosk.kioskctl.journal import must_record

if TYPE_CHECKING:
    from pathlib import Path

    from hardware.supervision import Driver
    from kiosk.settings import Settings

Wait = Annotated[float, typer.Option("--wait", help="longest wait for a card, seconds")]
Unmasked = Annotated[
    bool, typer.Option("--unmasked", help="show numbers and names in full; needs --state")
]


#: Devices that the settings call otherwise.
_SETTING = {Device.CARD_READER: "card"}


def driver_of(settings: Settings, device: Device, state: Path | None) -> Any:
    """The driver of a device as the settings have it. Ends the command if there is none: `state` is
    the terminal whose settings they are, or None."""
    from hardware.devices import make_drivers

    try:
        driver = make_drivers(settings.devices)[device]
    except ValueError as wrong:
        raise stop(str(wrong)) from None
    if driver is not None:
        return driver
    name = _SETTING.get(device, device.value)
    if state is None:
        raise stop(f"no such device: name the {name}'s port, or a terminal with --state")
    raise stop(
        f"no such device: {state / 'settings.toml'} names no {name} under [devices];"
        " `kioskctl devices` shows what is plugged in"
    )


def with_given(settings: Settings, **given: Any) -> Settings:
    """The settings with what was given on the command line."""
    said = {name: value for name, value in given.items() if value}
    return replace(settings, devices=replace(settings.devices, **said))


def nobody_there(state: Path | None) -> None:
    """Ends the command while a visit runs: its cards and its camera are the citizen's."""
    from kiosk.upkeep.visit_lock import visit_runs

    if state is not None and visit_runs(state):
        raise stop("a citizen is being served: wait until the visit is over")


def shows_data(state: Path | None, what: str) -> None:
    """Before anything personal is shown or taken: it stands in the journal, by its name. Ends the
    command without the terminal whose journal that is, and while a visit runs."""
    if state is None:
        raise stop("this shows personal data, which stands in the journal: say whose with --state")
    nobody_there(state)
    must_record(state, "data_shown", what=what)


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
        warn(Text.assemble((f"nothing was there within {seconds:g} s", "red"), hint))
        raise typer.Exit(WRONG) from None


def ignore(step: object) -> None:
    """The steps of a reading are for citizens."""


def show(rows: dict[str, Any], as_json: bool) -> None:
    if as_json:
        say_json(rows)
        return
    shown = table("name", "value", header=False)
    for name, value in rows.items():
        row(shown, name, str(value))
    out(shown)
