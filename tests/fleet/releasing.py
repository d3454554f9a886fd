"""Who makes releases for `tests.fleet.whole`: versions of the real bundle, the real centre as a
process, and the holders of the offline keys."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from hardware.virtual.personas import registry
from kiosk.version import VERSION
from tests.system import commands
from tests.system.conftest import CentralServer

V1, V2, V3, V4 = "0.9.1", "0.9.2", "0.9.3", "0.9.4"

_PASSPHRASE = "for this run only"
#: Making the files of a release takes minutes, more on a busy machine, seconds.
_PATIENCE_S = 1800.0


# -- versions --------------------------------------------------------------------------------------


def versions_of(bundle: Path, folder: Path) -> dict[str, Path]:
    """The four versions as folders, which share all files that are the same."""
    made = {}
    for version in (V1, V2, V3, V4):
        made[version] = folder / version
        shutil.copytree(bundle, made[version], symlinks=True, copy_function=_link)
    inside = {version: tree / "_internal" for version, tree in made.items()}
    for version, files in inside.items():
        _change(files / "kiosk/VERSION", VERSION, version)
    _change(inside[V2] / "kiosk/words/zh_CN/screens.toml", "您好，请选择", "您好，请您选择")
    _change(inside[V3] / "screens/style.kv", "pos: self.pos\n", "pos: self.pos)\n")
    _change(inside[V4] / "fonticon_mdi7/mdi7.py", "\n    timer_sand = ", "\n    timer_gone = ")
    return made


def _link(source: str, to: str) -> None:
    try:
        os.link(source, to)
    except OSError:  # another disk
        shutil.copy2(source, to)


def _change(file: Path, old: str, new: str) -> None:
    text = file.read_text(encoding="utf-8")
    if old not in text:
        raise LookupError(f"{file.name} has no {old!r}")
    file.unlink()  # it is a link to the bundle's own
    file.write_text(text.replace(old, new, 1), encoding="utf-8")


# -- the centre ------------------------------------------------------------------------------------


class Centre:
    """The server, and the holders of the offline keys."""

    def __init__(self, folder: Path) -> None:
        self._keys = folder / "keys"
        self._keys.mkdir()
        (folder / "centre").mkdir()
        self.server = CentralServer(folder / "centre", registry=registry())
        self.server.start()

    def release(self, *words: str) -> str:
        line = ["release", "--state", str(self.server.state), *words]
        return commands.run(line, _PATIENCE_S, {"KIOSK_CENTRAL_DATABASE": ""})

    def _offline(self, *words: str) -> None:
        commands.run(["release", *words], 120.0, {"KIOSK_RELEASE_PASSPHRASE": _PASSPHRASE})

    def ceremony(self) -> Path:
        """Two of three root keys, two targets keys. The root is signed; the first release will be
        published with it. Returns the root."""
        words = []
        for name in ("r1", "r2", "r3", "t1", "t2"):
            self._offline("key", str(self._keys / name))
            role = "root" if name[0] == "r" else "targets"
            words += [f"--{role}-key", str(self._keys / f"{name}.pub")]
        draft = self.release("root", *words).strip()
        for name in ("r1", "r2"):
            self._offline("sign", draft, "--key", str(self._keys / name))
        return Path(draft)

    def publish(self, version: str, tar: Path, base: str = "") -> dict[str, int]:
        """Add, sign, publish; returns names and sizes."""
        bases = ["--base", base] if base else []
        *lines, draft = self.release("add", version, str(tar), *bases).splitlines()
        for name in ("t1", "t2"):
            self._offline("sign", draft, "--key", str(self._keys / name))
        self.release("publish")
        sizes = (line.split() for line in lines)
        return {name: int(size.replace(",", "")) for size, name in sizes}

    def start(self, version: str, visits: int) -> None:
        """No hours at each share: the visits have to be there all the same."""
        least = ["--soak-hours", "0", "--least-visits", str(visits)]
        self.release("start", version, "--by", "whole", *least)

    def stands(self) -> tuple[str, str, int, str]:
        """The newest version, its state, share and why."""
        rows = "SELECT version, state, share, reason FROM central_rollout ORDER BY id DESC LIMIT 1"
        ((version, state, share, reason),) = self.server.sql(rows)
        return version, state, share, reason
