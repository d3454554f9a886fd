"""1:1: the bands, who is never compared, and the default method where its extra is installed."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from hardware.virtual.portrait import frame
from kiosk.photo import CardPhoto, Photographer
from kiosk.photo.verify import (
    MATCH_BELOW,
    MISMATCH_ABOVE,
    PORTRAIT,
    Band,
    Nowhere,
    Place,
    band,
    can_compare_here,
    effective_place,
    portrait_bytes,
    portrait_png,
    verifier,
)

BLANK = bytes([128]) * (PORTRAIT[0] * PORTRAIT[1] * 3)


@pytest.mark.parametrize(
    ("distance", "expected"),
    [
        (0.0, Band.MATCH),
        (MATCH_BELOW - 0.001, Band.MATCH),
        (MATCH_BELOW, Band.UNSURE),
        (MISMATCH_ABOVE, Band.UNSURE),
        (MISMATCH_ABOVE + 0.001, Band.MISMATCH),
        (0.6, Band.MISMATCH),  # what the network's authors call the same person
    ],
)
def test_three_bands_that_fit_chinese_faces(distance: float, expected: Band) -> None:
    assert band(distance) is expected


@pytest.mark.parametrize(
    ("place", "why"), [(Place.NONE, "no_method"), (Place.CENTRAL, "at_central")]
)
def test_where_nobody_compares_it_is_said(place: Place, why: str) -> None:
    found = Nowhere(place).compare(b"", BLANK)
    assert (found.band, found.distance, found.why) == (Band.CANNOT_TELL, None, why)


def test_without_the_extra_a_terminal_does_not_pretend(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kiosk.photo.verify.can_compare_here", lambda: False)
    assert effective_place(Place.TERMINAL) is Place.NONE
    assert effective_place(Place.CENTRAL) is Place.CENTRAL
    assert verifier(Place.TERMINAL).compare(b"", BLANK).why == "no_method"


def test_a_portrait_goes_to_the_centre_unchanged() -> None:
    noise = np.random.default_rng(2).integers(0, 255, len(BLANK), np.uint8).tobytes()
    assert portrait_bytes(portrait_png(noise)) == noise
    with pytest.raises(ValueError, match="not enough"):
        portrait_png(noise[:-1])


@pytest.mark.parametrize("data", [b"", b"not a picture", portrait_png(BLANK)[:40]])
def test_what_is_no_portrait_is_none(data: bytes) -> None:
    assert portrait_bytes(data) is None
    out = io.BytesIO()
    Image.new("RGB", (10, 10)).save(out, "PNG")
    assert portrait_bytes(out.getvalue()) is None


# -- the default method --------------------------------------------------------------------------

needs_extra = [
    pytest.mark.optional,
    pytest.mark.skipif(not can_compare_here(), reason="the extra `verify` is not installed"),
]


def chip_of(photo: CardPhoto) -> bytes:
    """The photo as a chip would hold it: 102 x 126 pixels."""
    with Image.open(io.BytesIO(photo.jpeg)) as image:
        return image.convert("RGB").resize(PORTRAIT, Image.Resampling.LANCZOS).tobytes()


@pytest.mark.parametrize("_extra", [pytest.param(None, marks=needs_extra)])
def test_the_same_invented_person_is_nearer_than_another(
    photographer: Photographer, card_photo: CardPhoto, _extra: None
) -> None:
    """Drawn heads are no evidence for the bands; that order comes out right is."""
    compare = verifier(Place.TERMINAL).compare
    woman = photographer.make(frame("portrait-woman"))
    same = compare(card_photo.jpeg, chip_of(card_photo))
    other = compare(card_photo.jpeg, chip_of(woman))
    assert same.distance is not None
    assert other.distance is not None
    assert same.distance < other.distance
    assert same.band is Band.MATCH
    assert same.method == "dlib-resnet-v1"


@pytest.mark.parametrize("_extra", [pytest.param(None, marks=needs_extra)])
def test_what_holds_no_face_is_not_compared(card_photo: CardPhoto, _extra: None) -> None:
    compare = verifier(Place.TERMINAL).compare
    for photo, portrait in (
        (card_photo.jpeg, BLANK),
        (b"broken", chip_of(card_photo)),
        (card_photo.jpeg, b"short"),
    ):
        found = compare(photo, portrait)
        assert (found.band, found.why) == (Band.CANNOT_TELL, "no_face")
