"""The photographer in a process of its own: the same photos, and what happens when it dies."""

from __future__ import annotations

import io
import logging
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from hardware.camera import Frame
from hardware.faults import DeviceFault, FaultCode, NotWanted
from hardware.virtual.portrait import frame
from kiosk.darkroom.memory import FrameMemory, FrameWindow
from kiosk.darkroom.process import DarkroomBug, Patience, ourselves
from kiosk.darkroom.room import Darkroom
from kiosk.operations.camera import Session
from kiosk.photo import CardPhoto, FindingCode, Photographer, PhotoRefused
from kiosk.photo.faces import Band, Why
from kiosk.photo.guidance import Phase
from kiosk.photo.liveness import Liveness
from kiosk.photo.models import MEDIAPIPE, ModelsMissing, models_dir

#: Longest wait for something that takes a moment, seconds.
_LONG_S = 30.0
#: A machine that does other things as well must not be taken for a process that hangs.
_PATIENT = Patience(start=_LONG_S, look=_LONG_S, make=_LONG_S, compare=_LONG_S)
_HASTY = Patience(start=_LONG_S, look=2.5, make=1.0)


@pytest.fixture
def darkroom() -> Iterator[Darkroom]:
    with closing(Darkroom(_PATIENT)) as opened:
        yield opened


@pytest.fixture(scope="module")
def shared() -> Iterator[Darkroom]:
    """One process for all who do it no harm; starting one costs a second of a core."""
    with closing(Darkroom(_PATIENT)) as opened:
        yield opened


def pid_of(darkroom: Darkroom) -> int:
    assert darkroom.pid is not None
    return darkroom.pid


def exists(pid: int) -> bool:
    """Also as a zombie."""
    return Path(f"/proc/{pid}").exists()


def wait_until_gone(pid: int) -> None:
    until = time.monotonic() + _LONG_S
    while exists(pid):
        assert time.monotonic() < until, "it lives on"
        time.sleep(0.01)


@contextmanager
def killed_meanwhile(pid: int) -> Iterator[None]:
    """The process gets no further with what is asked in the block, and then is killed."""
    os.kill(pid, signal.SIGSTOP)
    killer = threading.Timer(0.2, os.kill, (pid, signal.SIGKILL))
    killer.start()
    yield
    killer.join()


def look_again(darkroom: Darkroom) -> FindingCode:
    """What is found once a new process is ready."""
    rgb, until = frame("portrait"), time.monotonic() + _LONG_S
    while (code := darkroom.look(rgb).finding.code) is FindingCode.FROZEN:
        assert time.monotonic() < until
    return code


# -- the same as here ------------------------------------------------------------------------------


def test_looks_and_photos_are_those_of_a_photographer_here(
    shared: Darkroom, card_photo: CardPhoto
) -> None:
    rgb = frame("portrait")
    shared.look(frame("nobody"))  # neither of the two follows a face that it saw before
    assert shared.look(rgb) == Photographer().look(rgb)
    photo = shared.make(rgb)
    assert photo == card_photo
    assert photo.jpeg == card_photo.jpeg


def test_a_refused_photo_carries_its_finding(shared: Darkroom, photographer: Photographer) -> None:
    with pytest.raises(PhotoRefused) as here:
        photographer.make(frame("far"))
    with pytest.raises(PhotoRefused) as there:
        shared.make(frame("far"))
    assert there.value.finding == here.value.finding
    assert there.value.finding.code is FindingCode.TOO_FAR


def test_an_excuse_reaches_the_photographer(shared: Darkroom, photographer: Photographer) -> None:
    rgb = frame("portrait")
    assert shared.make(rgb, True).report == photographer.make(rgb, True).report


def test_a_larger_frame_after_a_smaller_one_and_back(shared: Darkroom) -> None:
    import cv2

    for width, height in ((640, 480), (3840, 2160), (1280, 720)):
        rgb = np.asarray(cv2.resize(frame("portrait"), (width, height)), np.uint8)
        # A photographer of its own: none of the two follows a face from another picture.
        assert shared.look(rgb).measures.keys() == Photographer().look(rgb).measures.keys()
        assert shared.look(rgb).finding.face is not None


def test_a_part_of_a_larger_array_is_a_frame_too(shared: Darkroom) -> None:
    whole = np.zeros((720, 1400, 3), np.uint8)
    whole[:, :1280] = frame("portrait")
    assert shared.look(whole[:, :1280]).finding.code is FindingCode.OK


# -- it dies ---------------------------------------------------------------------------------------


def test_killed_before_the_first_look_it_is_started_again(darkroom: Darkroom) -> None:
    darkroom.open()
    first = pid_of(darkroom)
    os.kill(first, signal.SIGKILL)
    assert darkroom.look(frame("portrait")).finding.code is FindingCode.FROZEN
    assert look_again(darkroom) is FindingCode.OK
    assert pid_of(darkroom) != first
    assert not exists(first)


def test_killed_during_a_look_it_is_started_again(darkroom: Darkroom) -> None:
    assert look_again(darkroom) is FindingCode.OK
    first = pid_of(darkroom)
    with killed_meanwhile(first):
        assert darkroom.look(frame("portrait")).finding.code is FindingCode.FROZEN
    assert look_again(darkroom) is FindingCode.OK
    assert not exists(first)


def test_killed_while_it_makes_a_photo_the_photo_is_made_all_the_same(
    darkroom: Darkroom, card_photo: CardPhoto
) -> None:
    assert look_again(darkroom) is FindingCode.OK
    with killed_meanwhile(pid_of(darkroom)):
        assert darkroom.make(frame("portrait")) == card_photo


def portrait_of(photo: CardPhoto) -> bytes:
    """As the chip's decoder would give it."""
    with Image.open(io.BytesIO(photo.jpeg)) as image:
        return image.convert("RGB").resize((102, 126), Image.Resampling.LANCZOS).tobytes()


def test_faces_are_compared_there_and_its_memory_is_given_back(
    shared: Darkroom, card_photo: CardPhoto
) -> None:
    shared.look(frame("portrait"))
    before = resident(pid_of(shared))
    assert shared.compare(card_photo.jpeg, portrait_of(card_photo)).band is Band.MATCH
    assert resident(pid_of(shared)) < before + 40_000_000
    for photo, portrait, why in (
        (b"broken", portrait_of(card_photo), Why.NO_FACE),
        (card_photo.jpeg, b"short", Why.NO_PORTRAIT),
        (card_photo.jpeg, bytes(102 * 126 * 3), Why.NO_FACE),
    ):
        found = shared.compare(photo, portrait)
        assert (found.band, found.why) == (Band.CANNOT_TELL, why)


def test_killed_while_it_compares_it_is_started_again_and_the_second_time_it_cannot_tell(
    card_photo: CardPhoto,
) -> None:
    """A comparison is a hint, so whatever fails ends no visit."""
    with closing(Darkroom(_PATIENT)) as darkroom:
        for expected in (Band.MATCH, Band.CANNOT_TELL):
            darkroom.open()
            os.kill(pid_of(darkroom), signal.SIGKILL)
            found = darkroom.compare(card_photo.jpeg, portrait_of(card_photo))
            assert found.band is expected
        assert found.why is Why.NO_METHOD


def test_without_the_network_it_cannot_tell(
    card_photo: CardPhoto, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for model in MEDIAPIPE.models:
        shutil.copy(models_dir() / model.file, tmp_path)
    monkeypatch.setenv("KIOSK_MODELS", str(tmp_path))
    with closing(Darkroom(_PATIENT)) as darkroom:
        found = darkroom.compare(card_photo.jpeg, portrait_of(card_photo))
    assert (found.band, found.why) == (Band.CANNOT_TELL, Why.NO_METHOD)


def resident(pid: int) -> int:
    """Memory of a process, bytes."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def test_killed_twice_it_is_a_fault_with_a_name(darkroom: Darkroom) -> None:
    for _ in range(2):
        look_again(darkroom)
        os.kill(pid_of(darkroom), signal.SIGKILL)
        assert darkroom.look(frame("portrait")).finding.code is FindingCode.FROZEN
    for act in (darkroom.look, darkroom.make):
        with pytest.raises(DeviceFault) as caught:
            act(frame("portrait"))
        assert caught.value.code is FaultCode.PHOTO_STOPPED
        assert caught.value.detail == "ended with -9"
    assert darkroom.pid is None


def test_one_that_hangs_is_given_up_and_started_again(card_photo: CardPhoto) -> None:
    with closing(Darkroom(_HASTY)) as darkroom:
        darkroom.look(frame("portrait"))
        first = pid_of(darkroom)
        os.kill(first, signal.SIGSTOP)
        assert darkroom.look(frame("portrait")).finding.code is FindingCode.FROZEN
        assert not exists(first)
        while darkroom.look(frame("portrait")).finding.code is FindingCode.FROZEN:
            pass
        os.kill(pid_of(darkroom), signal.SIGSTOP)
        with pytest.raises(DeviceFault) as caught:
            darkroom.make(frame("portrait"))
        assert caught.value.detail.startswith("no make within")


def test_one_that_never_gets_ready_is_given_up() -> None:
    command = [sys.executable, "-c", "import time; time.sleep(100)"]
    with closing(Darkroom(Patience(start=0.3), command)) as darkroom:
        with pytest.raises(DeviceFault) as caught:
            darkroom.make(frame("portrait"))
        assert caught.value.detail.startswith("not ready within")


@pytest.mark.parametrize(
    ("command", "detail"),
    [
        (["/nowhere/kiosk"], "does not start: No such file or directory"),
        ([sys.executable, "-c", "raise SystemExit(3)"], "ended with 3"),
    ],
)
def test_one_that_cannot_start_is_a_fault_with_a_name(command: list[str], detail: str) -> None:
    with closing(Darkroom(_PATIENT, command)) as darkroom:
        darkroom.open()
        with pytest.raises(DeviceFault) as caught:
            for _ in range(100):
                darkroom.look(frame("portrait"))
        assert (caught.value.code, caught.value.detail) == (FaultCode.PHOTO_STOPPED, detail)


def test_without_models_it_says_what_a_photographer_here_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, darkroom: Darkroom
) -> None:
    monkeypatch.setenv("KIOSK_MODELS", str(tmp_path))
    with pytest.raises(ModelsMissing) as here:
        Photographer()
    with pytest.raises(ModelsMissing) as there:
        darkroom.look(frame("portrait"))
    assert str(there.value) == str(here.value)


def test_a_bug_comes_back_as_type_and_place_and_it_goes_on(
    shared: Darkroom, caplog: pytest.LogCaptureFixture
) -> None:
    no_frame = np.full((3, 1, 1, 3), 7, np.uint8)
    with caplog.at_level(logging.ERROR), pytest.raises(DarkroomBug) as caught:
        shared.look(no_frame)
    assert str(caught.value) == caplog.messages[0].removeprefix("darkroom: ")
    kind, _, place = str(caught.value).partition(" at ")
    assert kind.isidentifier()
    assert place.split(":")[0].endswith(".py")
    assert shared.look(frame("portrait")).finding.code is FindingCode.OK


def test_a_citizen_whose_darkroom_dies_reads_one_moment_please_and_is_photographed(
    tmp_path: Path,
) -> None:
    # The second one takes two seconds more, so that it is long enough to be said.
    slow = f'[ -e {tmp_path}/first ] && sleep 2; touch {tmp_path}/first; exec "$@"'
    with closing(Darkroom(_PATIENT, ["sh", "-c", slow, "sh", *ourselves()])) as darkroom:
        _photographed_although_it_dies(darkroom)


def _photographed_although_it_dies(darkroom: Darkroom) -> None:
    session = Session(darkroom, Liveness(()), list)
    noise, said, taken = np.random.default_rng(1), [], None
    deaths, until = 0, time.monotonic() + _LONG_S
    for number in range(10_000):
        assert time.monotonic() < until
        grain = noise.integers(0, 3, (720, 1280, 3), np.uint8)
        shot = Frame(np.clip(frame("portrait"), 0, 252) + grain, number, time.monotonic())
        view = session.see(shot)
        said.append(view.guidance.say)
        if view.guidance.phase is Phase.COUNTING and not deaths:
            deaths += 1
            os.kill(pid_of(darkroom), signal.SIGKILL)
        if view.guidance.phase is Phase.CAPTURE and (taken := session.take(shot)) is not None:
            break
    assert deaths == 1
    assert taken is not None
    assert taken.photo.report.met
    moment = said.index("photo.finding.frozen")
    # It counts down anew: nobody knows what was in between.
    assert "photo.screen.counting" in said[:moment]
    assert said[-1] == "photo.screen.counting"


# -- it ends with the visit ------------------------------------------------------------------------


def test_closed_it_is_gone_and_stays_so(darkroom: Darkroom) -> None:
    darkroom.look(frame("portrait"))
    pid = pid_of(darkroom)
    darkroom.close()
    assert not exists(pid)
    darkroom.open()
    for act in (darkroom.look, darkroom.make):
        with pytest.raises(NotWanted):
            act(frame("portrait"))
    assert darkroom.pid is None


def test_a_visit_that_ends_before_it_is_ready_leaves_nothing_behind(darkroom: Darkroom) -> None:
    darkroom.open()
    pid = pid_of(darkroom)
    ended: list[bool] = []

    def look() -> None:
        with pytest.raises(NotWanted):
            while True:
                darkroom.look(frame("portrait"))
        ended.append(True)

    looking = threading.Thread(target=look)
    looking.start()
    time.sleep(0.1)
    darkroom.close()
    assert not exists(pid)
    looking.join(_LONG_S)
    assert ended


_PARENT = """
import sys, time
from hardware.virtual.portrait import frame
from kiosk.darkroom.room import Darkroom
darkroom = Darkroom()
darkroom.look(frame("portrait"))
print(darkroom.pid, flush=True)
time.sleep(100)
"""


@pytest.mark.parametrize("stuck", [False, True])
def test_when_the_screen_is_killed_it_ends_even_if_it_hangs(stuck: bool) -> None:
    parent = subprocess.Popen([sys.executable, "-c", _PARENT], stdout=subprocess.PIPE, text=True)
    try:
        assert parent.stdout is not None
        with parent.stdout as answer:
            pid = int(answer.readline())
        if stuck:  # then it cannot see that the other end is gone
            os.kill(pid, signal.SIGSTOP)
    finally:
        parent.kill()
        parent.wait()
    wait_until_gone(pid)


# -- and nothing of a face stays -------------------------------------------------------------------


def test_a_frame_lies_in_no_file_system_and_is_overwritten_at_the_end() -> None:
    maps = Path("/proc/self/maps")
    before, mapped = set(os.listdir("/dev/shm")), maps.read_text().count("memfd:frame")
    memory = FrameMemory()
    memory.put(np.full((480, 640, 3), 200, np.uint8))
    memory.put(np.full((40, 60, 3), 90, np.uint8))
    assert set(os.listdir("/dev/shm")) == before
    name = os.readlink(f"/proc/self/fd/{memory.fd}")
    assert name == "/memfd:frame (deleted)"
    kept = os.dup(memory.fd)
    assert (FrameWindow(kept).frame((40, 60, 3)) == 90).all()
    size = 480 * 640 * 3
    assert os.pread(kept, size, 0).count(200) == size - 40 * 60 * 3
    memory.close()
    assert set(os.pread(kept, size, 0)) == {7}
    os.close(kept)
    memory.close()
    assert maps.read_text().count("memfd:frame") == mapped


def test_the_darkroom_reads_what_it_cannot_write() -> None:
    memory = FrameMemory()
    memory.put(np.full((40, 60, 3), 90, np.uint8))
    seen = FrameWindow(memory.fd).frame((40, 60, 3))
    with pytest.raises(ValueError, match="read-only"):
        seen[0, 0, 0] = 1
    memory.close()


def test_the_process_has_nothing_open_and_leaves_no_core(shared: Darkroom) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root may look into a process that forbids it")
    shared.look(frame("portrait"))
    folder = Path(f"/proc/{pid_of(shared)}")
    names = {os.readlink(link).partition(":[")[0] for link in (folder / "fd").iterdir()}
    assert names == {"/dev/null", "/memfd:frame (deleted)", "socket"}
    limits = (folder / "limits").read_text()
    (line,) = [line for line in limits.splitlines() if line.startswith("Max core file size")]
    assert line.split()[4:6] == ["0", "0"]
