"""One typed tree of settings: a file, what the centre wants over it, then the environment.

`settings.toml` in the state directory has one table per class below. The centre may set some of
them (`sync.wire.settings`, from `desired.json`); what does not fit this release is passed over. An
environment variable `KIOSK_<TABLE>_<NAME>` overrides one value (`KIOSK_SCREEN_WIDTH=720`),
`KIOSK_MODE` the mode. A program reads them once, at its start: it is started anew when the centre
wants others. What changes while it runs is in `kiosk.upkeep.desired`.
"""

from __future__ import annotations

import json
import logging
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, TypeVar

from hardware.vendor import CARD_FAMILIES, ID_FAMILIES
from kiosk.photo.faces import Place
from sync.sealing import TPM, is_tpm
from sync.wire.settings import BadValue, read

log = logging.getLogger(__name__)

#: "demo" and "test" allow virtual devices and the inspector; "production" refuses both.
MODES = ("production", "demo", "test")


class BadSettings(ValueError):
    """Names the file or variable, the setting and what is wrong with it."""


@dataclass(frozen=True)
class Hall:
    """Where the terminal stands."""

    name: str = "唐山市社会保障卡自助服务"
    #: Where a citizen is sent for what the terminal cannot do.
    window: str = "社会保障卡业务窗口"
    window_english: str = "social security card window"
    #: Whose rules are in force here, six digits of GB/T 2260; no pack of another region is taken.
    region: str = "130200"
    #: Whether a unit's people apply here from its list (单位采集模式, domain R-C10).
    unit_session: bool = False


@dataclass(frozen=True)
class Devices:
    """Where the devices are. An empty port means that the terminal has no such device."""

    #: A serial port; "sdt:PORT" for a reader that its maker's library speaks to, which has its own
    #: name for it (1001 is the first at USB).
    id_reader: str = ""
    #: Path of that library (.so).
    id_reader_library: str = ""
    #: The reader's own speed; 115200 unless it was set to another.
    id_reader_baud: int = 115200
    #: How the reader is built, for the words that say how to put the card (domain R-K11): "flat"
    #: to lay it on, "upright" to hold it against, "slot" to put it in.
    id_reader_place: str = "flat"
    #: Path of the vendor's library that decodes the card's portrait (WLT); "": no portrait;
    #: "demo": the portraits of virtual cards.
    wlt_library: str = ""
    printer: str = ""
    printer_baud: int = 115200
    #: One of `hardware/models`; "" for one that is not there, "ask" to ask the printer itself.
    printer_model: str = ""
    #: Columns of the printer's line: 32 on 58 mm paper, 48 on 80 mm; 0: as its model has.
    printer_columns: int = 0
    #: Queue of an A4 printer at CUPS (A4打印机), NAME or NAME@127.0.0.1:PORT; "" for none.
    page_printer: str = ""
    #: Index of a camera, its path under /dev, or the address of a stream.
    camera: str = ""
    #: The same of a camera that looks down on paper (高拍仪), "" where there is none.
    document_camera: str = ""
    #: What is asked of the camera, pixels and pictures a second.
    camera_width: int = 1920
    camera_height: int = 1080
    camera_rate: int = 30
    #: In the camera's own units; 0: the camera decides.
    camera_exposure: float = 0.0
    camera_white_balance: int = 0
    camera_focus: int = 0
    #: Hz of the mains, whose lamps flicker in the pictures: 50, 60, or 0 to leave it as it is.
    camera_power_line: int = 50
    #: How far the camera is turned, degrees clockwise: 0, 90, 180 or 270.
    camera_rotation: int = 0
    #: Serial port and speed of a 2D scanner (扫码器), or the input device (/dev/input/…) of one
    #: that types as a keyboard; "" where there is none.
    scanner: str = ""
    scanner_baud: int = 9600
    #: Serial port of a PIN pad (密码键盘), "" where PINs are typed on the screen.
    pin_pad: str = ""
    #: NAME@HOST:PORT of a UPS at NUT's upsd; "" where there is none.
    ups: str = ""
    #: Run once its battery is nearly empty and nobody is served any more: "systemctl poweroff".
    ups_shutdown: str = ""
    #: Input device (/dev/input/…) of a headset jack, "" where there is none; "IN,OUT", the codes of
    #: the keys of one that types; and what ALSA calls the headset ("plughw:CARD=…"), "" where the
    #: plug itself takes the sound from the loudspeaker.
    headset: str = ""
    headset_keys: str = ""
    headset_sound: str = ""
    #: Serial port, speed and address of a board of contacts and relays (Modbus RTU), "" where there
    #: is none; and what is on its lines (`hardware.contacts`), e.g. {door = "in0", lamp = "out0"}.
    contacts: str = ""
    contacts_baud: int = 9600
    contacts_address: int = 255
    contacts_lines: Mapping[str, str] = field(default_factory=dict)
    #: "pcsc": through the PC/SC service; "icc:PORT" (华大, 明华), "dc:PORT" (德卡): by the maker's
    #: library, which has its own name for the reader (AUTO, USB1; 100); "direct:PORT": a virtual
    #: card without a reader.
    card: str = ""
    #: Path of that library (.so).
    card_library: str = ""
    #: Parts of PC/SC reader names. "" for `card_contact`: the first reader that is neither of the
    #: other two; "" for the others: there is none. With a library: anything in `card_contactless`
    #: for a reader to hold cards near, and the number of the PSAM's slot, from 1.
    card_contact: str = ""
    card_contactless: str = ""
    psam: str = ""
    #: Where a citizen puts a social security card: "slot", "tap" (an antenna), or "both", which
    #: says tap first (domain R-E4).
    card_place: str = "slot"
    #: How cards of the third generation are opened: "none", "pin", "psam", or "hsm".
    card_authenticator: str = "none"
    #: The PIN that the centre's 加密机 gives a card whose PIN it resets.
    card_initial_pin: str = "123456"


@dataclass(frozen=True)
class Central:
    """The central server."""

    url: str = ""
    #: Longest wait for an answer that a citizen is waiting for, seconds.
    patience_s: float = 4.0
    #: Seconds between heartbeats of the agent.
    heartbeat_s: float = 60.0
    #: Where a new key of this terminal is kept: "file", for its owner only; "tpm", sealed to the
    #: TPM 2.0 of this machine, without which no key is made.
    key_holder: str = "file"
    tpm: str = TPM

    @property
    def sealed_to(self) -> str:
        """The TPM that a new key is sealed to; "" if to none."""
        return self.tpm if self.key_holder == "tpm" else ""


@dataclass(frozen=True)
class Screen:
    """The window. The layout is made for 1080x1920 and scales."""

    width: int = 1080
    height: int = 1920
    fullscreen: bool = True
    language: str = "zh_CN"
    #: Whether the keys of a PIN stand in another order each time, against whoever looks on.
    shuffled_pin: bool = False


@dataclass(frozen=True)
class Photo:
    """How the card photo is taken."""

    #: Where the face is compared with the ID card's portrait: "none", "terminal" or "central". It
    #: needs the decoder of the portrait as well (`devices.wlt_library`).
    comparison: str = "terminal"
    #: Whether a blink and a turn of the head are asked for, as a hint.
    liveness: bool = True
    #: Path of the description of a network that tells people from pictures of them, which the
    #: operator brings and answers for (`kiosk.photo.antispoof`, docs/photo.md); "": none.
    antispoof: str = ""


@dataclass(frozen=True)
class Outbox:
    """Above any of these nothing more is captured (`sync.outbox.Limits`)."""

    #: Items that wait for the centre.
    max_items: int = 2000
    #: Days without any answer of the centre while something waits.
    max_days: int = 30
    #: Least room on the disk with the state directory, megabytes.
    min_free_mb: int = 200


@dataclass(frozen=True)
class Updates:
    """How releases of this program are taken (docs/fleet.md)."""

    #: Beijing time in which a new version may be tried, between two visits: "23:00-05:30"; "" at
    #: any time.
    hours: str = ""
    #: Fetched at so many kilobytes a second at most; 0: as fast as it goes.
    rate_kb: int = 200
    #: Address of a terminal in the same hall that is asked first, "http://10.1.2.3:8790"; "": none.
    neighbour: str = ""
    #: "10.1.2.3:8790", an address of this terminal: there others of the hall are given what it
    #: fetched; "": they are not.
    share: str = ""


@dataclass(frozen=True)
class Settings:
    """Everything that is decided when a terminal is installed."""

    mode: str = "production"
    hall: Hall = field(default_factory=Hall)
    devices: Devices = field(default_factory=Devices)
    central: Central = field(default_factory=Central)
    screen: Screen = field(default_factory=Screen)
    photo: Photo = field(default_factory=Photo)
    outbox: Outbox = field(default_factory=Outbox)
    updates: Updates = field(default_factory=Updates)
    #: What the centre wanted when these were read, and is in them; None: it was not asked.
    wanted: Mapping[str, Any] | None = field(default=None, compare=False)

    @property
    def virtual(self) -> bool:
        """Whether virtual devices and the inspector are allowed."""
        return self.mode != "production"


_TABLES: dict[str, type[Any]] = {
    "hall": Hall,
    "devices": Devices,
    "central": Central,
    "screen": Screen,
    "photo": Photo,
    "outbox": Outbox,
    "updates": Updates,
}
T = TypeVar("T")

#: Settings that name one of a few ways.
CHOICES: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("central", "key_holder"): ("file", "tpm"),
    ("photo", "comparison"): tuple(Place),
    ("devices", "card_authenticator"): ("none", "pin", "psam", "hsm"),
    ("devices", "id_reader_place"): ("flat", "upright", "slot"),
    ("devices", "card_place"): ("slot", "tap", "both"),
}


def settings_in(state: Path) -> Settings:
    """Of the terminal with this state directory. Raises `BadSettings`."""
    file = state / "settings.toml"
    return load_settings(file if file.exists() else None, wanted=wanted_settings(state))


def wanted_settings(state: Path, *, tell: bool = True) -> dict[str, Any]:
    """Those that the centre wants, by "table.name", as far as they are ones of this release.
    `tell`: of the others, in the log."""
    try:
        document = json.loads((state / "desired.json").read_bytes())
        wanted = dict(document.get("settings", {}))
    except (OSError, ValueError, TypeError, AttributeError):
        return {}
    found = {}
    for name, value in wanted.items():
        try:
            found[name] = read(name, value)
        except BadValue as bad:
            if tell:
                log.warning("a setting of the centre is passed over: %s", bad)
    return found


def load_settings(
    file: Path | None,
    environment: Mapping[str, str] = os.environ,
    wanted: Mapping[str, Any] | None = None,
) -> Settings:
    """Read the settings. `wanted`: of the centre. Raises `BadSettings` for an unknown name or a
    value of the wrong type."""
    document: dict[str, Any] = {}
    if file is not None:
        try:
            document = tomllib.loads(file.read_text(encoding="utf-8"))
        except (OSError, tomllib.TOMLDecodeError) as error:
            raise BadSettings(f"{file}: {error}") from None
    mode = environment.get("KIOSK_MODE", document.pop("mode", "production"))
    if mode not in MODES:
        raise BadSettings(f"mode is {mode!r}, not one of {', '.join(MODES)}")
    if unknown := set(document) - set(_TABLES):
        raise BadSettings(f"unknown settings: {', '.join(sorted(unknown))}")
    document = _with(wanted or {}, document)
    tables = {
        name: _table(kind, name, document.get(name, {}), environment)
        for name, kind in _TABLES.items()
    }
    for (table, name), choices in CHOICES.items():
        if (value := getattr(tables[table], name)) not in choices:
            raise BadSettings(f"{table}.{name} is {value!r}, not one of {', '.join(choices)}")
    settings = Settings(mode=mode, **tables, wanted=wanted)
    try:
        read("updates.hours", settings.updates.hours)
    except BadValue as bad:
        raise BadSettings(str(bad)) from None
    _must_make_sense(settings.devices)
    if settings.devices.card.startswith("direct:") and not settings.virtual:
        raise BadSettings("devices.card is a virtual card, which production has none of")
    _check_libraries(settings.devices)
    _check_tpm(settings)
    if settings.devices.wlt_library == "demo" and not settings.virtual:
        raise BadSettings("devices.wlt_library opens virtual cards only, which production has not")
    return settings


def _check_tpm(settings: Settings) -> None:
    """Raises `BadSettings`."""
    if not is_tpm(settings.central.tpm):
        raise BadSettings("central.tpm names no TPM")
    if not settings.virtual and not settings.central.tpm.startswith("device:"):
        raise BadSettings("central.tpm is a program, which production has none of")


def _check_libraries(devices: Devices) -> None:
    """Readers that need their maker's library. Raises `BadSettings`."""
    card, id_reader = devices.card.partition(":")[0], devices.id_reader.partition(":")[0]
    if card in CARD_FAMILIES:
        if not devices.card_library:
            raise BadSettings("devices.card_library is missing: the path of the maker's library")
        if not (devices.psam or "0").isdigit():
            raise BadSettings("devices.psam is not the number of a slot")
    if id_reader in ID_FAMILIES and not devices.id_reader_library:
        raise BadSettings("devices.id_reader_library is missing: the path of the maker's library")


def _with(wanted: Mapping[str, Any], document: dict[str, Any]) -> dict[str, Any]:
    """The document with what the centre wants over it."""
    for where, value in wanted.items():
        table, _, setting = where.partition(".")
        document = {**document, table: {**document.get(table, {}), setting: value}}
    return document


def _must_make_sense(devices: Devices) -> None:
    """What a driver could only find out when its loop makes it, and again and again."""
    try:
        if devices.contacts_lines:
            from hardware.contacts import parse_lines

            parse_lines(devices.contacts_lines)
        if devices.ups:
            from hardware.ups import Ups

            Ups(devices.ups)
        if devices.page_printer:
            from hardware.ipp import parse_place

            parse_place(devices.page_printer)
        if devices.headset:
            from hardware.headset import HeadsetJack

            HeadsetJack(devices.headset, devices.headset_keys)
    except ValueError as wrong:
        raise BadSettings(f"devices: {wrong}") from None


def _table(kind: type[T], name: str, given: Mapping[str, Any], env: Mapping[str, str]) -> T:
    known = {item.name: item for item in fields(kind)}  # type: ignore[arg-type]
    if unknown := set(given) - set(known):
        raise BadSettings(f"[{name}] has unknown settings: {', '.join(sorted(unknown))}")
    values = {}
    for key in known:
        default = getattr(kind(), key)
        value = env.get(f"KIOSK_{name}_{key}".upper(), given.get(key, default))
        values[key] = _typed(value, default, f"{name}.{key}")
    return kind(**values)


def _typed(value: Any, default: Any, where: str) -> Any:
    """A value as the type of its default; text from the environment is converted."""
    wanted = type(default)
    if isinstance(default, Mapping):
        if isinstance(value, Mapping):
            return value
    elif wanted is bool and isinstance(value, str):
        if value.lower() in ("1", "true", "yes", "0", "false", "no"):
            return value.lower() in ("1", "true", "yes")
    elif isinstance(value, wanted):
        return value
    elif wanted in (int, float) and isinstance(value, int | float | str):
        try:
            return wanted(value)
        except ValueError:
            pass
    raise BadSettings(f"{where} is {value!r}, not a value like {default!r}")
