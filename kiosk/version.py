"""The version of this program, as the fleet and the journal are told. setup.cfg takes it from here:
to ask what is installed would bring the mail parser, and home would wait for it."""

from __future__ import annotations

VERSION = "0.1.0"
