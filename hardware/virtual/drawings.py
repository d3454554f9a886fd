"""Composed heads are kept between programs: each takes seconds to compose, and every demo and test
needs the same few.

A file in `.drawings` beside the packages holds one head. Its name is a hash of the sitter and of
the code that draws, so a change of either draws anew; the folder may be deleted at any time.
"""

from __future__ import annotations

import os
import zipfile
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    #: RGB times alpha (height x width x 3), and alpha from 0 to 255 (height x width).
    Layers = tuple[NDArray[np.uint8], NDArray[np.uint8]]

FOLDER = Path(__file__).parents[2] / ".drawings"
_CODE = ("drawings.py", "easel.py", "head.py", "portrait.py")


def kept(name: str, draw: Callable[[], Layers], folder: Path = FOLDER) -> Layers:
    """The drawing of that name, drawn if nobody has yet. A file that is no drawing counts as none;
    where no file can be written the drawing is still returned."""
    file = folder / f"{sha256(f'{_code()} {name}'.encode()).hexdigest()[:32]}.npz"
    with (
        suppress(OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile),
        np.load(file) as layers,
    ):
        return layers["solid"], layers["alpha"]
    solid, alpha = draw()
    with suppress(OSError):
        folder.mkdir(exist_ok=True)
        part = file.with_suffix(f".{os.getpid()}.part")
        with part.open("wb") as out:
            np.savez_compressed(out, solid=solid, alpha=alpha)
        part.replace(file)
    return solid, alpha


@cache
def _code() -> str:
    """A hash of the modules that draw."""
    here = Path(__file__).parent
    return sha256(b"".join((here / name).read_bytes() for name in _CODE)).hexdigest()
