"""`kioskctl card`: read a card, watch the readers, reset or unblock a card's PIN.

A PIN is reset or unblocked by a script of the centre, for which an operator there has given a code
(授权码). The citizen has been identified by that operator, not by this command.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hardware.faults import Device, DeviceFault
from kiosk.clock import beijing_now
from kiosk.kioskctl.console import (
    Json,
    MaybeState,
    State,
    busy,
    faults_said,
    line,
    out,
    settings_of,
    stop,
    styled,
    warn,
    words_of,
)
from kiosk.kioskctl.drivers import (
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
from kiosk.kioskctl.journal import record

if TYPE_CHECKING:
    from hardware.card.contents import SocialCard
    from hardware.card.monitor import Seen
    from hardware.card.session import CardSession
    from sync.central import CentralClient


def card_read(
    state: MaybeState = None,
    reader: Annotated[str, typer.Option(help="part of the reader's name")] = "",
    wait: Wait = 30.0,
    as_json: Json = False,
    unmasked: Unmasked = False,
    ministry: Annotated[bool, typer.Option(help="the fields of iReadCardBas, unmasked")] = False,
) -> None:
    """Read the card in the reader; its holder too, where the settings say how."""
    from hardware.card.authenticator import make_authenticator
    from hardware.card.files import read_social_card
    from hardware.card.ministry import basic_card, write_basic_card
    from kiosk.operations.card_centre import CentralHsm

    settings = with_given(settings_of(state), card_contact=reader)
    if not settings.devices.card:
        if state is not None:
            note = "the settings name no card reader (`card` under [devices]): PC/SC is taken"
            warn(styled(note, "yellow"))
        settings = with_given(settings, card="pcsc")
    driver = driver_of(settings, Device.CARD_READER, state)
    way = settings.devices.card_authenticator
    central = _centre_of(state) if way == "hsm" else None
    if way == "hsm" and central is None:
        note = "not enrolled, so no HSM: the holder of a third-generation card is not read"
        warn(styled(note, "yellow"))
        way = "none"
    if unmasked or ministry:
        shows_data(state, "card_read")
    nobody_there(state)
    authenticator = make_authenticator(
        way, CentralHsm(central) if central else None, gate=driver.gate
    )

    def read(card: CardSession) -> SocialCard:
        return read_social_card(card, authenticator)

    with faults_said(words_of(settings)), opened(driver), busy("waiting for a card"):
        card = waited(wait, lambda cancelled: driver.use(cancelled, ignore, read, fresh=False))
    if not ministry:
        show(_card_rows(card, unmasked), as_json)
        return
    try:
        line(write_basic_card(basic_card(card, "0" * 12, "")).decode("gbk"))
    except UnicodeEncodeError:
        raise stop("the holder's name has a character that the ministry's GBK lacks") from None
    except ValueError as separator:
        raise stop(f"not in the ministry's order: {separator}") from None


def card_watch(
    seconds: Annotated[float, typer.Option("--for", help="0: until interrupted")] = 0.0,
) -> None:
    """Say when the PC/SC service, a reader or a card comes or goes."""
    from hardware.card.monitor import Seen
    from hardware.card.pcsc import watch_service

    said = Seen(service=True)

    def tell(seen: Seen) -> None:
        nonlocal said
        for change in changes(said, seen):
            line(f"{beijing_now():%H:%M:%S} {change}")
        said = seen

    warn("watching service, readers and cards; Ctrl-C ends it")
    monitor = watch_service(tell)
    try:
        threading.Event().wait(seconds or None)
    except KeyboardInterrupt:
        pass
    finally:
        monitor.stop()


def changes(before: Seen, now: Seen) -> Iterator[str]:
    """What has changed between two looks at the readers, in words."""
    if before.forbidden is not now.forbidden:
        yield "the service refuses this program (polkit)" if now.forbidden else "no longer refused"
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


# -- scripts of the centre ------------------------------------------------------------------------

Authorisation = Annotated[str, typer.Argument(metavar="CODE", help="授权码, from an operator")]


def card_pin_reset(state: State, code: Authorisation, wait: Wait = 30.0) -> None:
    """Reset the PIN of the card in the reader, by a script of the centre."""
    _run_script(state, "reset", code, wait)
    out("done: the PIN is the initial one, and has to be changed before use")


def card_unblock(state: State, code: Authorisation, wait: Wait = 30.0) -> None:
    """Unblock the PIN of the card in the reader, by a script of the centre."""
    _run_script(state, "unblock", code, wait)
    out("done: the card takes its PIN again")


def _run_script(state: Path, purpose: str, code: str, wait: float) -> None:
    from hardware.card.script import relay
    from kiosk.operations.card_centre import CentralScripts

    settings = settings_of(state)
    nobody_there(state)
    driver, central = driver_of(settings, Device.CARD_READER, state), _centre_of(state)
    if central is None:
        raise stop("this terminal is not enrolled: no centre gives it scripts")
    source = CentralScripts(central, purpose, code)
    with faults_said(words_of(settings)), opened(driver), busy("waiting for a card"):
        try:
            waited(
                wait,
                lambda cancelled: driver.use(
                    cancelled, ignore, lambda card: relay(card, source), fresh=False
                ),
            )
        except DeviceFault as fault:
            record(state, "card_used", operation=f"script_{purpose}", outcome=str(fault.code))
            raise
        finally:
            central.close()
    record(state, "card_used", operation=f"script_{purpose}", outcome="done")


def _centre_of(state: Path | None) -> CentralClient | None:
    """A way to the centre where this terminal is enrolled."""
    from sync.central import CentralClient
    from sync.identity import NotEnrolled, load_identity

    try:
        return CentralClient(load_identity(state), state) if state else None
    except NotEnrolled:
        return None


CARD_COMMANDS: dict[str, Callable[..., None]] = {
    "read": card_read,
    "watch": card_watch,
    "pin-reset": card_pin_reset,
    "unblock": card_unblock,
}
