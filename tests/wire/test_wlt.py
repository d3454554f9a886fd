"""Portraits by a vendor's library: whatever it does, only the portrait is missing.

The libraries here are made by this test, with the symbols of real ones; none decodes anything.
"""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from hardware import wlt
from hardware.id_reader import IdReader
from hardware.sam import SerialSam
from hardware.virtual.id_reader import VirtualIdReader
from hardware.virtual.personas import ID_PERSONAS
from tests.id_cards import said_by

#: Name -> C. Pixels are blue first, the bottom row first: the first byte is the bottom left's blue.
SOURCES = {
    "unpack": "int unpack(const char *w, unsigned char *p, int m)"
    "{ for (int i = 0; i < 102*126*3; i++) p[i] = 0; p[0] = w[0]; p[102*125*3 + 2] = 99;"
    " return 1; }",
    "refuses": "int unpack(const char *w, char *p, int m) { return -1; }",
    "crashes": "int unpack(const char *w, char *p, int m) { return *(volatile int *)0; }",
    "hangs": "#include <unistd.h>\n"
    "int unpack(const char *w, char *p, int m) { sleep(60); return 1; }",
    "getbmp": "#include <stdio.h>\n#include <string.h>\n"
    "int GetBmp(const char *f, int m) { char out[512]; strcpy(out, f);"
    ' strcpy(strrchr(out, \'.\'), ".bmp"); FILE *b = fopen(out, "w");'
    " for (int i = 0; i < 54 + 308*126; i++) fputc(i == 54 ? 77 : 0, b); fclose(b); return 1; }",
    "neither": "int other(void) { return 0; }",
}
WLT = bytes([200]) + bytes(wlt.WLT_BYTES - 1)


@pytest.fixture
def library(tmp_path: Path) -> Callable[[str], str]:
    compiler = shutil.which("gcc")
    if compiler is None:
        pytest.skip("no C compiler")

    def build(name: str) -> str:
        source, made = tmp_path / f"{name}.c", tmp_path / f"lib{name}.so"
        source.write_text(SOURCES[name])
        subprocess.run([compiler, "-shared", "-fPIC", "-o", made, source], check=True)
        return str(made)

    return build


def pixel(portrait: bytes, x: int, y: int) -> tuple[int, ...]:
    place = (y * wlt.WIDTH + x) * 3
    return tuple(portrait[place : place + 3])


def test_a_portrait_is_turned_upright_and_red_first(library: Callable[[str], str]) -> None:
    portrait = wlt.decode(WLT, library("unpack"))
    assert portrait is not None and len(portrait) == wlt.RGB_BYTES
    assert pixel(portrait, 0, wlt.HEIGHT - 1) == (0, 0, 200)
    assert pixel(portrait, 0, 0) == (99, 0, 0)


def test_a_library_that_writes_a_bitmap_is_understood_too(library: Callable[[str], str]) -> None:
    portrait = wlt.decode(WLT, library("getbmp"))
    assert portrait is not None
    assert pixel(portrait, 0, wlt.HEIGHT - 1) == (0, 0, 77)


@pytest.mark.parametrize("name", ["refuses", "crashes", "neither"])
def test_a_library_that_fails_costs_the_portrait_only(
    library: Callable[[str], str], name: str
) -> None:
    assert wlt.decode(WLT, library(name)) is None


def test_a_library_that_hangs_is_not_waited_for(
    library: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wlt, "PATIENCE_S", 1.0)
    began = time.monotonic()
    assert wlt.decode(WLT, library("hangs")) is None
    assert time.monotonic() - began < 60, "as long as it sleeps"


@pytest.mark.parametrize("path", ["", "/nowhere/libwlt.so", "/etc/passwd"])
def test_without_a_library_there_is_no_portrait(path: str) -> None:
    assert wlt.decode(WLT, path) is None


def test_an_empty_photo_is_no_portrait(library: Callable[[str], str]) -> None:
    assert wlt.decode(bytes(wlt.WLT_BYTES), library("unpack")) is None


@pytest.mark.parametrize("name", ["unpack", "crashes"])
def test_a_card_is_read_with_or_without_its_portrait(
    library: Callable[[str], str], name: str
) -> None:
    far_end = VirtualIdReader()
    far_end.photo = WLT
    far_end.put(ID_PERSONAS["zhang"])
    reader = IdReader(SerialSam(far_end.port), wlt_library=library(name))
    reader.open()
    until = time.monotonic() + 10
    card = reader.read(lambda: time.monotonic() > until, lambda step: None, fresh=False)
    assert card == said_by(ID_PERSONAS["zhang"])
    assert (card.portrait is not None) is (name == "unpack")
    reader.close()
    far_end.close()
