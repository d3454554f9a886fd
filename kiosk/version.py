"""The version of this program, as fleet, journal and crash reports are told: the file VERSION.

setup.cfg takes it from there too, and a bundle is released under no other name. Asking what is
installed would bring the mail parser, and home would wait for it.
"""

from __future__ import annotations

from pathlib import Path

VERSION = Path(__file__).with_name("VERSION").read_text(encoding="ascii").strip()
