"""The port that opens chip portraits at the centre: the contract of every implementation, and what
the centre finds with an opened portrait (`central.photos`), without a server."""

from __future__ import annotations

import io
import shlex
import sys
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from central import photos
from central.ports.portrait_decoder import (
    RGB_BYTES,
    DemoDecoder,
    NoDecoder,
    PortraitDecoder,
    ProgramDecoder,
    portrait_decoder,
)
from hardware.virtual.portrait import chip, frame
from kiosk.photo import Photographer
from kiosk.photo.capture import Capture, whole_frame
from kiosk.photo.faces import Band, Comparison, Why, cannot_tell
from kiosk.photo.liveness import Answer, Hint
from kiosk.records.evidence import PhotoEvidence
from kiosk.records.proof import Level, Proof
from tests.flows.counter import NOW

_PROGRAM = f"{shlex.quote(sys.executable)} -m hardware.virtual.demo_wlt"


@pytest.mark.parametrize("decoder", [DemoDecoder(), ProgramDecoder(_PROGRAM)])
def test_a_portrait_becomes_pixels_and_anything_else_none(decoder: PortraitDecoder) -> None:
    pixels = decoder.decode(chip("man"))
    assert pixels is not None and len(pixels) == RGB_BYTES
    for data in (b"", chip("none"), chip("man")[:-1], chip("man")[:12].ljust(1024, b"\xff")):
        assert decoder.decode(data) is None


@pytest.mark.parametrize("command", ["/nowhere/decoder", "false", "true", "sleep 60", "cat"])
def test_a_program_that_fails_costs_the_portrait_only(
    command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("central.ports.portrait_decoder.PATIENCE_S", 0.5)
    assert ProgramDecoder(command).decode(chip("man")) is None


@pytest.mark.parametrize(
    ("program", "demo", "expected"),
    [("", False, NoDecoder), ("", True, DemoDecoder), ("vendor", True, ProgramDecoder)],
)
def test_what_is_set_up_decides_who_opens(
    program: str, demo: bool, expected: type, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = SimpleNamespace(PORTRAIT_DECODER=program, DEMO=demo)
    monkeypatch.setattr("central.ports.portrait_decoder.settings", given)
    assert isinstance(portrait_decoder(), expected)
    assert NoDecoder().decode(chip("man")) is None


# -- what the centre finds -------------------------------------------------------------------------

_SEEN = Hint(Answer.SEEN, Answer.SEEN)


@pytest.fixture(scope="module")
def capture() -> Capture:
    rgb = frame("portrait")
    return Capture(Photographer().make(rgb), whole_frame(rgb), _SEEN)


def examined(
    capture: Capture, comparison: Comparison, portrait: str = "", covered: bool = False
) -> photos.Findings:
    claimed: Any = Proof(Level.P3, NOW, comparison).document()["comparison"]
    evidence: Any = PhotoEvidence(capture, 1, covered).document()
    opened = DemoDecoder().decode(chip(portrait)) if portrait else None
    return photos.examine(capture.photo.jpeg, evidence, claimed, opened, frame=capture.frame.jpeg)


def test_a_match_that_the_centre_finds_too_leaves_what_nothing_measures(
    capture: Capture,
) -> None:
    found = examined(capture, Comparison(Band.MATCH, 0.8, "x"), "man")
    assert found.review == ["staff_rules"]
    assert found.compared is not None and found.compared.band is Band.MATCH
    assert "data:" not in repr(found.claimed)


def test_a_terminal_that_claims_a_match_is_not_believed(capture: Capture) -> None:
    found = examined(capture, Comparison(Band.MATCH, 0.9, "x"), "stranger")
    assert found.review == ["comparison_disagrees", "face_mismatch", "staff_rules"]


@pytest.mark.parametrize(
    ("portrait", "reasons"), [("man", []), ("stranger", ["face_mismatch"]), ("", [])]
)
def test_what_the_terminal_left_to_the_centre_is_compared_there(
    capture: Capture, portrait: str, reasons: list[str]
) -> None:
    """Where nobody can open the portrait, the terminal's own reasons say so already."""
    found = examined(capture, cannot_tell(Why.AT_CENTRAL), portrait)
    assert found.review == [*reasons, "staff_rules"]


def test_a_picture_that_was_held_up_is_seen_in_the_frame_again() -> None:
    rgb = frame("print")
    held_up = Capture(Photographer().make(rgb), whole_frame(rgb), _SEEN)
    found = examined(held_up, Comparison(Band.MATCH, 0.8, "x"))
    assert found.review == ["frame_in_picture", "background_uneven", "staff_rules"]
    # Whatever the terminal says of it.
    report = held_up.photo.report
    lines = tuple(line for line in report.lines if line.rule.id != "person.held_up")
    quiet = replace(held_up, photo=replace(held_up.photo, report=replace(report, lines=lines)))
    assert "frame_in_picture" in examined(quiet, Comparison(Band.MATCH, 0.8, "x")).review


def test_a_head_covering_and_no_liveness_are_reasons(capture: Capture) -> None:
    still = replace(capture, liveness=Hint(Answer.NOT_SEEN, Answer.NOT_SEEN))
    found = examined(still, Comparison(Band.MATCH, 0.8, "x"), covered=True)
    assert found.review == ["liveness_not_seen", "head_covering", "staff_rules"]


def test_what_is_no_photo_is_measured_all_the_same() -> None:
    from PIL import Image

    grey = io.BytesIO()
    Image.new("RGB", (358, 441), (128, 128, 128)).save(grey, "JPEG")
    assert photos.examine(grey.getvalue(), {}, {}).review == ["no_report", "photo_broken"]
