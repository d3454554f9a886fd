"""This program once more, beside itself: what may hang or crash does so in a process of its own."""

from __future__ import annotations

import sys
from pathlib import Path


def ourselves(name: str, module: str) -> list[str]:
    """The command. `name`: what `kiosk` calls it; `module`: where it stands. The bundle has no
    Python to call: `kiosk` is called, which stands beside `kioskctl`."""
    if getattr(sys, "frozen", False):
        return [str(Path(sys.executable).with_name("kiosk")), name]
    return [sys.executable, "-m", module]
