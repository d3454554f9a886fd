"""`kioskctl photo …`: check picture files against the photo standard, make a card photo, look live.

A file of the standard's size is judged as a finished photo, rule by rule. Any other picture is
judged as a frame of the camera: what would have to change before a photo can be made of it.
"""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

from hardware.faults import Device
from kiosk.kioskctl.console import (
    WRONG,
    Json,
    MaybeState,
    faults_said,
    out,
    plain,
    row,
    say_json,
    settings_of,
    stop,
    styled,
    table,
    warn,
    words_of,
)

if TYPE_CHECKING:
    from kiosk.photo import Photographer
    from kiosk.photo.files import PictureFile
    from kiosk.photo.gauge import Sight
    from kiosk.photo.report import Report, RuleDocument
    from kiosk.words import Words

Profile = Annotated[str, typer.Option("--profile", help="region's standard; see kiosk/photo")]
Excused = Annotated[
    bool, typer.Option("--excused", help="wears what cannot be taken off: left to staff")
]
AntiSpoof = Annotated[
    Path | None, typer.Option("--antispoof", help="description of a network; see docs/photo.md")
]
_DEFAULT = "ssc3-358x441"


def register(app: typer.Typer) -> None:
    group = typer.Typer(no_args_is_help=True, help="the card photo and its standard")
    group.command("check")(check)
    group.command("make")(make)
    group.command("live")(live)
    app.add_typer(group, name="photo")


def check(
    files: Annotated[list[Path], typer.Argument(help="pictures")],
    as_json: Json = False,
    profile: Profile = _DEFAULT,
    excused: Excused = False,
) -> None:
    """Say of each picture what is wrong with it. Exit code 1 if anything is."""
    photographer = _photographer(profile)
    results = [_settled(photographer, file, excused) for file in files]
    if as_json:
        say_json(results, indent=1)
    else:
        words = words_of(settings_of(None))
        for result in results:
            _show(result, words)
    raise typer.Exit(0 if all(result["ok"] for result in results) else WRONG)


def make(
    source: Annotated[Path, typer.Argument(help="a picture of one person")],
    target: Annotated[Path, typer.Argument(help="the card photo, .jpg")],
    report: Annotated[Path | None, typer.Option(help="where the report goes, .json")] = None,
    profile: Profile = _DEFAULT,
    excused: Excused = False,
    antispoof: AntiSpoof = None,
) -> None:
    """Make a card photo of a picture, or say why there is none."""
    from kiosk.photo import PhotoRefused

    photographer = _photographer(profile, antispoof)
    try:
        _, picture = _picture(source)
    except FileNotFoundError as error:
        raise stop(f"{source}: {error.strerror}") from None
    words = words_of(settings_of(None))
    if picture.rgb is None:
        warn(styled(str(picture.findings[0]), "red"))
        raise typer.Exit(WRONG)
    try:
        photo = photographer.make(picture.rgb, excused)
    except PhotoRefused as refused:
        code = refused.finding.code
        warn(Text.assemble((f"{code} ", "red"), words.say(f"photo.finding.{code}")))
        raise typer.Exit(WRONG) from None
    _write(target, photo.jpeg)
    if report is not None:
        document = {"sha256": photo.sha256, "report": photo.report.document()}
        _write(report, json.dumps(document, ensure_ascii=False, indent=1).encode())
    _show_report(photo.report.document())
    out(f"{target}: {photo.width}x{photo.height}, {len(photo.jpeg)} bytes")


def live(
    state: MaybeState = None,
    camera: Annotated[str, typer.Option(help="index, path under /dev, or address")] = "",
    profile: Profile = _DEFAULT,
    frames: Annotated[int, typer.Option(help="stop after so many; 0: until q is pressed")] = 0,
) -> None:
    """Show the camera with everything that is measured written over it. Ends with q."""
    from kiosk.kioskctl import photo_window
    from kiosk.kioskctl.drivers import driver_of, opened, shows_data, with_given

    try:
        photo_window.must_have_display()
    except photo_window.NoWindow as missing:
        raise stop(str(missing)) from None
    photographer = _photographer(profile)
    settings = with_given(settings_of(state), camera=camera)
    driver = driver_of(settings, Device.CAMERA, state)
    shows_data(state, "photo_live")
    number = 0
    with (
        faults_said(words_of(settings)),
        opened(driver),
        closing(photo_window.Window()) as window,
        closing(driver.frames(lambda: False)) as pictures,
    ):
        for number, frame in enumerate(pictures, 1):
            try:
                goes_on = window.show(frame.rgb, photographer.look(frame.rgb))
            except photo_window.NoWindow as missing:
                raise stop(str(missing)) from None
            if not goes_on or number == frames:
                break
    out(f"{number} frames were measured")


# -- checking -------------------------------------------------------------------------------------


def _settled(photographer: Photographer, file: Path, excused: bool) -> dict[str, Any]:
    """What was found, whatever happens: a list of a thousand files does not end at one of them."""
    try:
        return _checked(photographer, file, excused)
    except FileNotFoundError:
        return _result(file, ["missing"])
    except Exception as bug:  # noqa: BLE001 - said with the file; the others are still checked
        return _result(file, [f"failed: {type(bug).__name__}"])


def _result(file: Path, findings: list[str]) -> dict[str, Any]:
    return {
        "file": str(file),
        "file_findings": findings,
        "finding": "",
        "ok": False,
        "measures": {},
        "report": [],
    }


def _checked(photographer: Photographer, file: Path, excused: bool) -> dict[str, Any]:
    """Raises `FileNotFoundError`."""
    from kiosk.photo import inspect_jpeg

    data, picture = _picture(file)
    result = _result(file, [finding.value for finding in picture.findings])
    if picture.rgb is None:
        return result
    standard = photographer.standard
    if picture.rgb.shape[:2] == (standard.height, standard.width):
        sight = photographer.measure(picture.rgb)
        report = photographer.judge(data, sight, excused=excused)
        wrong = inspect_jpeg(data, standard).findings
        result["file_findings"] += [finding.value for finding in wrong]
        result["finding"] = _first(report, sight)
        result["report"] = report.document()
        result["ok"] = report.met and not wrong and sight.head is not None
        measures = sight.measures
    else:
        look = photographer.look_once(picture.rgb, excused)
        result["finding"] = look.finding.code.value
        result["ok"] = not look.finding.stops
        measures = dict(look.measures)
    result["measures"] = {name: _measure(measure) for name, measure in measures.items()}
    return result


def _first(report: Report, sight: Sight) -> str:
    """The first rule that a finished photo breaks, "no_face" or "ok"."""
    if sight.head is None:
        return "no_face"
    return next(iter(report.broken()), "ok")


def _measure(measure: Any) -> dict[str, Any]:
    value = None if measure.value is None else round(measure.value, 4)
    return {
        "value": value,
        "unit": measure.unit,
        "confidence": round(measure.confidence, 2),
        "cannot_tell": measure.cannot_tell,
    }


def _picture(file: Path) -> tuple[bytes, PictureFile]:
    """What is in a file, read once, and its pixels. Raises `FileNotFoundError`."""
    from kiosk.photo.files import UNREADABLE, file_bytes, read_picture

    data = file_bytes(file)
    return (b"", UNREADABLE) if data is None else (data, read_picture(data))


def _photographer(profile: str, antispoof: Path | None = None) -> Photographer:
    from kiosk.photo import Photographer
    from kiosk.photo.models import ModelsMissing
    from kiosk.photo.standard import PROFILES

    if antispoof is not None:
        _say_whose(antispoof)
    if profile not in PROFILES:
        raise stop(f"no profile {profile}; there is: {', '.join(PROFILES)}")
    try:
        return Photographer(standard=PROFILES[profile], antispoof=antispoof)
    except ModelsMissing as missing:
        raise stop(str(missing)) from None


def _say_whose(antispoof: Path) -> None:
    """What the operator answers for who switches that network on. Raises `typer.Exit`."""
    from kiosk.photo.antispoof import AntiSpoof, BadDescription

    try:
        network = AntiSpoof(antispoof).described
    except BadDescription as bad:
        raise stop(str(bad)) from None
    out(f"{network.file}: {network.licence}; {network.trained_on}")


# -- showing --------------------------------------------------------------------------------------

_COLOURS = {"met": "green", "warning": "yellow", "broken": "red", "review": "yellow"}


def _show(result: dict[str, Any], words: Words) -> None:
    colour = "green" if result["ok"] else "red"
    said = f"photo.finding.{result['finding']}"
    advice = words.say(said) if words.has(said) else ""
    found = ", ".join(filter(None, [*result["file_findings"], result["finding"]]))
    out(Text.assemble((plain(result["file"]), colour), plain(f": {found} {advice}")))
    if result["report"]:
        _show_report(result["report"])
    elif result["measures"]:
        listed = table("measure", "value", "unit", "confidence", "cannot tell")
        for name, found in result["measures"].items():
            row(listed, name, *("" if value is None else str(value) for value in found.values()))
        out(listed)


def _show_report(lines: list[RuleDocument]) -> None:
    listed = table("rule", "standard", "value", "limits", "verdict")
    for line in lines:
        limits = f"{_number(line['low'])} … {_number(line['high'])} {line['unit']}"
        colour = _COLOURS.get(line["verdict"], "dim")
        verdict = styled(line["verdict"], colour)
        row(listed, line["rule"], line["chinese"], _number(line["value"]), limits, verdict)
    out(listed)


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:g}"


def _write(file: Path, data: bytes) -> None:
    try:
        # A face is on it: for this user alone.
        file.touch(mode=0o600)
        file.write_bytes(data)
    except OSError as error:
        raise stop(f"{file}: {error.strerror}") from None
