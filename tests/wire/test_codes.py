"""The code of the 电子社保卡: read from any picture, handed on once, shown to nobody."""

from __future__ import annotations

import copy
import logging
import pickle
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import qrcode
from hypothesis import given, settings
from hypothesis import strategies as st

from hardware import codes
from hardware.codes import CodeSpent, OneTimeCode, UsedCodes, read_text
from hardware.virtual.portrait import frame, phone
from tests.any_text import any_text

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Picture = NDArray[np.uint8]

TEXT = "130299-ESSC-7f3a9c"


def picture_of(data: str | bytes) -> Picture:
    """A QR code, four pixels to the module, height x width x 3."""
    code = qrcode.QRCode(border=4)
    code.add_data(data)
    modules = np.where(np.asarray(code.get_matrix()), 0, 255).astype(np.uint8)
    return np.ascontiguousarray(np.repeat(modules.repeat(4, 0).repeat(4, 1)[:, :, None], 3, 2))


def of_another_kind(name: str, text: str) -> Picture:
    import zxingcpp

    barcode = zxingcpp.create_barcode(text, getattr(zxingcpp.BarcodeFormat, name))
    grey = np.pad(np.array(barcode.to_image(scale=5)), 40, constant_values=255)
    return np.ascontiguousarray(np.repeat(grey[:, :, None], 3, 2))


# -- reading ------------------------------------------------------------------------------------


def test_a_phone_held_askew_is_read() -> None:
    assert read_text(phone(TEXT)) == TEXT


def test_a_phone_in_dark_mode_and_one_upside_down_are_read() -> None:
    assert read_text(255 - phone(TEXT)) == TEXT
    assert read_text(np.ascontiguousarray(np.rot90(phone(TEXT), 2))) == TEXT


def test_a_scene_without_a_code_has_none() -> None:
    assert read_text(frame("portrait")) is None
    assert read_text(np.zeros((720, 1280, 3), np.uint8)) is None


def test_two_codes_that_differ_are_none_but_the_same_twice_is_one() -> None:
    one, other = picture_of("ESSC-0001"), picture_of("ESSC-0002")
    assert read_text(np.hstack([one, other])) is None
    assert read_text(np.hstack([one, one])) == "ESSC-0001"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("MicroQRCode", "12345"),
        ("RMQRCode", "12345"),
        ("DataMatrix", "ESSC"),
        ("Aztec", "ESSC"),
        ("PDF417", "ESSC"),
        ("Code128", "ESSC"),
        ("EAN13", "6901234567892"),
    ],
)
def test_nothing_but_a_qr_code_is_read(name: str, text: str) -> None:
    import zxingcpp

    picture = of_another_kind(name, text)
    assert zxingcpp.read_barcodes(picture), "the picture is readable"
    assert read_text(picture) is None


@settings(max_examples=60, deadline=None)
@given(any_text(min_size=1, max_size=80))
def test_any_text_comes_out_as_it_went_in(text: str) -> None:
    assert read_text(picture_of(text)) == text


@settings(max_examples=60, deadline=None)
@given(st.binary(min_size=1, max_size=80))
def test_bytes_that_are_no_text_are_no_code(data: bytes) -> None:
    try:
        text: str | None = data.decode("utf-8")
    except UnicodeDecodeError:
        text = None
    assert read_text(picture_of(data)) == text


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 96), st.integers(1, 96), st.integers(0, 2**32 - 1), st.sampled_from([2, 256]))
def test_any_picture_is_read_without_harm(height: int, width: int, seed: int, levels: int) -> None:
    noise = np.random.default_rng(seed).integers(0, levels, (height, width, 3))
    assert read_text((noise * (255 // (levels - 1))).astype(np.uint8)) is None


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_a_damaged_code_is_read_right_or_not_at_all(data: st.DataObject) -> None:
    picture = picture_of(TEXT)
    for _ in range(data.draw(st.integers(1, 6))):
        top, left = (data.draw(st.integers(0, picture.shape[0] - 12)) for _ in range(2))
        picture[top : top + 12, left : left + 12] = data.draw(st.integers(0, 255))
    assert read_text(picture) in (TEXT, None)


# -- handing on ------------------------------------------------------------------------------------


def test_a_code_is_taken_once() -> None:
    code = OneTimeCode(TEXT)
    assert code.take() == TEXT
    with pytest.raises(CodeSpent):
        code.take()


def test_of_many_threads_one_gets_it() -> None:
    def take(code: OneTimeCode) -> str | None:
        try:
            return code.take()
        except CodeSpent:
            return None

    with ThreadPoolExecutor(8) as pool:
        for _ in range(50):
            code = OneTimeCode(TEXT)
            taken = list(pool.map(take, [code] * 8))
            assert (taken.count(TEXT), taken.count(None)) == (1, 7)


def test_a_code_ends_after_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr(codes.time, "monotonic", lambda: now)
    fresh, late = OneTimeCode(TEXT), OneTimeCode(TEXT)
    now += codes.LIFETIME_S - 0.1
    assert fresh.take() == TEXT
    now += 0.1
    with pytest.raises(CodeSpent):
        late.take()
    now -= 30.0  # nor does it come back
    with pytest.raises(CodeSpent):
        late.take()


def test_a_code_shows_nothing_but_its_length(caplog: pytest.LogCaptureFixture) -> None:
    code = OneTimeCode(TEXT)
    with caplog.at_level(logging.INFO):
        logging.getLogger("test").info("%s %r", code, code)
    shown = [repr(code), str(code), f"{code}", f"{[code]}", caplog.text]
    assert all(f"{len(TEXT)} characters" in text for text in shown)
    assert not any(TEXT in text for text in shown)
    code.take()
    try:
        code.take()
    except CodeSpent as spent:
        assert TEXT not in repr(spent)


@pytest.mark.parametrize("keep", [hash, copy.copy, copy.deepcopy, pickle.dumps, vars, set])
def test_a_code_cannot_be_kept(keep: Any) -> None:
    code = OneTimeCode(TEXT)
    with pytest.raises(TypeError):
        keep([code] if keep is set else code)
    assert code.take() == TEXT


def test_a_used_code_is_known_again_but_not_kept() -> None:
    used = UsedCodes()
    assert used.is_new(TEXT)
    assert not used.is_new(TEXT)
    assert used.is_new(TEXT + "1")
    assert TEXT not in repr(vars(used))
    assert vars(used)["_digests"] != vars(_after(TEXT))["_digests"], "another key each time"


def _after(text: str) -> UsedCodes:
    used = UsedCodes()
    used.is_new(text)
    return used
