"""Where the files lie that other packages bring: typefaces and the table of the icons."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path


def resource(package: str, name: str) -> Path:
    """The path of a package's data file, in a checkout and in a PyInstaller bundle alike."""
    bundle = getattr(sys, "_MEIPASS", None)
    if bundle is not None:
        return Path(bundle) / package / name
    # find_spec does not run the package: its __init__ may import what nobody here needs.
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise FileNotFoundError(f"the package {package} with {name} is not installed")
    return Path(spec.origin).parent / name
