"""The virtual ID cards bring portraits that a demo can open: a match, a mismatch, "cannot tell"."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from PIL import Image

from hardware import wlt
from hardware.id_reader import IdReader, IdStep
from hardware.sam import SerialSam
from hardware.virtual import demo_wlt
from hardware.virtual.id_reader import VirtualIdReader
from hardware.virtual.personas import ID_PERSONAS
from hardware.virtual.portrait import CHIPS, chip, frame
from kiosk.photo import Photographer
from kiosk.photo.faces import Band, Comparison, FaceComparer, jpeg_picture, portrait_picture
from kiosk.settings import BadSettings, load_settings


@pytest.fixture(scope="module")
def comparer() -> FaceComparer:
    return FaceComparer()


def compared(
    comparer: FaceComparer, photographer: Photographer, scene: str, name: str
) -> Comparison:
    photo = jpeg_picture(photographer.make(frame(scene)).jpeg)
    pixels = wlt.decode(chip(name), wlt.DEMO)
    assert photo is not None and pixels is not None
    portrait = portrait_picture(pixels)
    assert portrait is not None
    return comparer.compare(photo, portrait)


@pytest.mark.parametrize(
    ("scene", "name", "band"),
    [
        ("portrait", "man", Band.MATCH),
        ("portrait-woman", "woman", Band.MATCH),
        ("portrait", "stranger", Band.MISMATCH),
        ("portrait-woman", "stranger", Band.MISMATCH),
    ],
)
def test_who_sits_there_is_the_one_on_the_card_or_a_stranger(
    comparer: FaceComparer, photographer: Photographer, scene: str, name: str, band: Band
) -> None:
    found = compared(comparer, photographer, scene, name)
    assert found.band is band
    assert found.score is not None
    assert found.score > 0.7 if band is Band.MATCH else found.score < 0.2


def test_every_portrait_has_the_bytes_of_a_chip_and_says_what_it_is() -> None:
    for name in CHIPS:
        assert len(chip(name)) == wlt.WLT_BYTES
        assert chip(name).startswith(b"NOT-WLT1") is (name != "none")
    assert wlt.decode(chip("none"), wlt.DEMO) is None


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"NOT-WLT1",
        b"NOT-WLT1".ljust(1024, b"\xff"),
        b"WLf\x7e" + bytes(range(256)) * 4,
        chip("man")[:-1],
        chip("man") + b"\0",
        b"\0" + chip("man")[:-1],
    ],
)
def test_the_demo_opens_nothing_else(data: bytes) -> None:
    assert demo_wlt.decode(data) is None
    assert wlt.decode(data, wlt.DEMO) is None


def test_a_portrait_has_one_size() -> None:
    with pytest.raises(ValueError, match="102 x 126"):
        demo_wlt.packed(Image.new("RGB", (126, 102)))


def read(far_end: VirtualIdReader, persona: str, library: str) -> tuple[bytes, bytes | None]:
    """The raw portrait and the decoded one, as the driver gives them."""
    reader = IdReader(SerialSam(far_end.port), wlt_library=library)
    reader.open()

    def put(step: IdStep) -> None:
        """A card is read that is put down while it is waited for."""
        if step is IdStep.WAITING:
            far_end.put(ID_PERSONAS[persona])

    try:
        card = reader.read(threading.Event().is_set, put)
    finally:
        reader.close()
        far_end.lift()
    return card.portrait_wlt, card.portrait


def test_a_card_brings_its_portrait_as_it_is_and_opened(tmp_path: Path) -> None:
    far_end = VirtualIdReader(tmp_path, portraits=True)
    try:
        raw, opened = read(far_end, "zhang", wlt.DEMO)
        assert raw == chip("man")
        assert opened is not None and len(opened) == wlt.RGB_BYTES
        assert read(far_end, "wang", "") == (chip("woman"), None)
        assert read(far_end, "he", wlt.DEMO) == (bytes(1024), None)
        far_end.show_portrait("stranger")
        assert read(far_end, "zhang", "")[0] == chip("stranger")
        far_end.show_portrait("")
        assert read(far_end, "zhang", "")[0] == chip("man")
    finally:
        far_end.close()


def test_production_refuses_the_demos_decoder(tmp_path: Path) -> None:
    file = tmp_path / "settings.toml"
    file.write_text('[devices]\nwlt_library = "demo"\n', encoding="utf-8")
    with pytest.raises(BadSettings, match="wlt_library"):
        load_settings(file, {})
    assert load_settings(file, {"KIOSK_MODE": "demo"}).devices.wlt_library == "demo"
