"""kiosk.spec builds; the bundle starts without our sources, shows home, holds nothing virtual."""

from __future__ import annotations

import hashlib
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryFile

import pytest

from docs.make_licences import unread_libraries
from hardware.virtual.portrait import frame
from kiosk.darkroom.process import Patience
from kiosk.darkroom.room import Darkroom
from kiosk.demo.display import VirtualDisplay, open_virtual
from kiosk.demo.page import Look, NotThere, Page
from kiosk.photo import FindingCode, Photographer
from sync.bundle import pack
from sync.identity import Identity

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

ROOT = Path(__file__).resolve().parents[2]

#: The window of the test, pixels.
SIZE = (540, 960)
#: Longest start on a busy machine, seconds.
START_S = 60.0


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder PyInstaller worked in; the bundle is `dist/kiosk` in it."""
    return build(tmp_path_factory.mktemp("bundle"))


def build(folder: Path) -> Path:
    command = [sys.executable, "-m", "PyInstaller", "--log-level", "WARN", "--noconfirm"]
    command += ["--distpath", str(folder / "dist"), "--workpath", str(folder / "build")]
    done = subprocess.run(
        [*command, "kiosk.spec"],
        cwd=ROOT,
        env=os.environ | {"SOURCE_DATE_EPOCH": "1700000000", "PYTHONHASHSEED": "0"},
        capture_output=True,
        text=True,
        timeout=500,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    return folder


def packed(folder: Path) -> str:
    """SHA-256 of a bundle as it is released."""
    with TemporaryFile() as tar:
        pack(folder / "dist/kiosk", tar)
        tar.seek(0)
        return hashlib.file_digest(tar, "sha256").hexdigest()


@pytest.mark.optional
@pytest.mark.skipif("KIOSK_BUILD_TWICE" not in os.environ, reason="takes some minutes")
def test_two_builds_of_one_tree_are_one_release(built: Path, tmp_path: Path) -> None:
    assert packed(build(tmp_path)) == packed(built)


def test_nothing_in_the_bundle_tells_where_it_was_built(built: Path) -> None:
    here = str(ROOT).encode()
    files = [path for path in (built / "dist/kiosk").rglob("*") if path.is_file()]
    assert [path for path in files if here in path.read_bytes()] == []


@pytest.fixture
def display() -> Iterator[VirtualDisplay]:
    opened = open_virtual(SIZE)
    yield opened
    opened.close()


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """An enrolled terminal that has no devices and whose centre does not answer."""
    screen = f"width = {SIZE[0]}\nheight = {SIZE[1]}\nfullscreen = false\n"
    (tmp_path / "settings.toml").write_text(f'mode = "test"\n[screen]\n{screen}', encoding="utf-8")
    Identity(
        terminal="130299",
        central_url="http://127.0.0.1:9",
        device_key_id="0" * 16,
        central_public_key=bytes(1216),
        central_key_id="0" * 16,
        algorithm="none",
        central_key_number=1,
        central_signing_key=bytes(32),
    ).save(tmp_path)
    return tmp_path


def first_look(page: Page, program: subprocess.Popen[str]) -> Look:
    """What the screen shows once it answers."""
    until = time.monotonic() + START_S
    while time.monotonic() < until:
        if program.poll() is not None:
            pytest.fail(f"ended with {program.returncode}: {program.communicate()[0][-2000:]}")
        try:
            look = page.look()
        except NotThere:
            time.sleep(0.1)
            continue
        if look.settled:
            return look
    raise AssertionError("home was not shown in time")


def test_the_bundle_starts_and_shows_home(
    built: Path, state: Path, display: VirtualDisplay, tmp_path: Path
) -> None:
    # Nothing of the Python that runs this test may help.
    environment = {"PATH": os.defpath, "HOME": str(tmp_path), "DISPLAY": display.name}
    systemd = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    systemd.bind(environment.setdefault("NOTIFY_SOCKET", str(tmp_path / "notify")))
    systemd.settimeout(START_S)
    program = subprocess.Popen(
        [built / "dist/kiosk/kiosk", "run", "--state", str(state)],
        cwd=tmp_path,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        look = first_look(Page(state / "stage.sock"), program)
        assert look.screen == "home"
        assert look.says("首次申领")
        # Without these systemd would end it again and again.
        assert [systemd.recv(100) for _ in range(2)] == [b"READY=1", b"WATCHDOG=1"]
    finally:
        program.terminate()
        program.communicate(timeout=20)
        systemd.close()


def test_the_bundle_measures_and_makes_a_photo_in_a_process_of_its_own(
    built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rgb = frame("portrait")
    here = Photographer().make(rgb)
    for name in ("PYTHONPATH", "KIOSK_MODELS", "VIRTUAL_ENV"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    patience = Patience(START_S, START_S, START_S)
    with closing(Darkroom(patience, [str(built / "dist/kiosk/kiosk"), "darkroom"])) as darkroom:
        assert darkroom.look(rgb).finding.code is FindingCode.OK
        assert darkroom.make(rgb) == here


def test_the_technician_s_program_is_in_the_bundle(built: Path, state: Path) -> None:
    done = subprocess.run(
        [built / "dist/kiosk/kioskctl", "doctor", "--state", str(state), "--json"],
        env={"PATH": os.defpath, "HOME": str(state)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    rows = {row["check"]: row for row in json.loads(done.stdout)}
    assert rows["enrolment"]["state"] == "healthy"
    assert rows["screen"]["fault"] == "screen_stopped"
    assert done.returncode == 1


def test_nothing_in_the_bundle_can_pretend_to_be_a_device(built: Path) -> None:
    contents = (built / "build/kiosk/PYZ-00.toc").read_text(encoding="utf-8")
    assert "'hardware.card.reader'" in contents
    for module in ("hardware.virtual", "kiosk.demo", "screens.bench_window", "central"):
        assert f"'{module}" not in contents


def test_the_bundle_has_words_voice_models_dictionary_fonts_and_licences(built: Path) -> None:
    inside = built / "dist/kiosk/_internal"
    for file in (
        "kiosk/words/zh_CN/apply.toml",
        "kiosk/words/en/apply.toml",
        "kiosk/policy/tangshan.toml",
        "hardware/models/epson.toml",
        ".models/face_landmark.tflite",
        ".voice/zh_CN/manifest.json",
        "rime-data/pinyin_simp.dict.yaml",
        "pylopdf_fonts_zh_cn/NotoSansSC-Regular.otf",
        "fonticon_mdi7/fonts/materialdesignicons-webfont.ttf",
        "licences/licences.md",
        "licences/sbom.cdx.json",
        "licences/pyscard/LICENSE",
    ):
        assert (inside / file).is_file(), file


def test_no_library_in_the_bundle_has_a_licence_nobody_has_read(built: Path) -> None:
    assert unread_libraries(built / "dist/kiosk/_internal") == []
