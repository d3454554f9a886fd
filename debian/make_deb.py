"""The Debian package of a terminal, from the folder that PyInstaller has made.

    .venv/bin/pyinstaller kiosk.spec
    .venv/bin/python -m debian.make_deb dist/kiosk dist [--root 1.root.json]

In the package: the bundle as one file (sync/bundle.py), the launcher and what puts the bundle into
a slot (four files, standard library), units, rules and settings (debian/files). Everything that
is done at installation is in debian/control. The same bundle gives the same package.

With the root of trust in it (docs/fleet.md, `--root`, or a file that lies ready as
debian/root.json) a terminal believes nobody else's releases, not even once.
"""

from __future__ import annotations

import argparse
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from kiosk.version import VERSION
from sync.bundle import pack
from sync.updates.trusted import NoRoot, checked_root

HERE = Path(__file__).parent

#: The root of trust, if one lies ready.
ROOT = HERE / "root.json"

NAME = "sscard-kiosk"
LIBRARY = Path("usr/lib/sscard-kiosk")
OURS = ("__init__.py", "alone.py", "bundle.py", "launcher.py", "slots.py")

#: Debian's name for a machine.
MACHINES = {"x86_64": "amd64", "aarch64": "arm64", "loongarch64": "loong64"}

#: The clock of everything in the package, unless the release says another.
EPOCH = "1700000000"

CONTROL = """\
Package: {name}
Version: {version}
Architecture: {machine}
Maintainer: sscard-kiosk <noreply@invalid>
Section: misc
Priority: optional
Depends: python3 (>= 3.11), systemd (>= 252), pcscd, polkitd, xserver-xorg-core,
 xserver-xorg-input-libinput, xserver-xorg-video-fbdev, xauth, libgl1, libgl1-mesa-dri,
 libegl1, libxrandr2, libxi6, libxcursor1, libxss1, libmtdev1, libasound2, zlib1g,
 libusb-1.0-0, systemd-timesyncd | time-daemon
Suggests: libtss2-esys-3.0.2-0, libtss2-mu0, libtss2-rc0
Description: social security card terminal (第三代社会保障卡自助服务终端)
 The program of one terminal, in two slots, with a launcher that goes back from a bad version.
"""


def lay_out(bundle: Path, version: str, root: Path, trusted: Path | None = None) -> None:
    """Everything as it will lie on the terminal, below `root`. `trusted`: the root of trust.

    Raises as `build`."""
    shutil.copytree(HERE / "files", root / "usr")
    library = root / LIBRARY
    ours = library / "sync"
    ours.mkdir()
    for name in OURS:
        shutil.copy(HERE.parent / "sync" / name, ours / name)
    # One file, which is run as such: nothing of it is looked for elsewhere.
    shutil.move(ours / "launcher.py", library / "launcher.py")
    (ours / "launcher.py").symlink_to("../launcher.py")
    shutil.copy(HERE / "settings.toml", library / "settings.toml")
    if trusted is not None:
        (library / "root.json").write_bytes(checked_root(trusted.read_bytes()))
    with (library / "bundle.tar").open("wb") as tar:
        pack(bundle, tar)
    control = root / "DEBIAN"
    control.mkdir()
    machine = MACHINES.get(platform.machine(), platform.machine())
    text = CONTROL.format(name=NAME, version=debian_version(version), machine=machine)
    (control / "control").write_text(text, encoding="utf-8")
    for script in sorted((HERE / "control").iterdir()):
        (control / script.name).write_text(script.read_text().replace("@VERSION@", version))
        (control / script.name).chmod(0o755)
    for path in [root, *root.rglob("*")]:
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)


def debian_version(version: str) -> str:
    """To Debian 1.2.0rc1 is newer than 1.2.0, which it then would not install; 1.2.0~rc1 is not."""
    return re.sub(r"(?<=\d)(?=(a|b|rc)\d)", "~", version.replace(".dev", "~~dev"))


def build(
    bundle: Path, version: str, into: Path, compress: str = "xz", trusted: Path | None = None
) -> Path:
    """Make the package; returns its file. Raises `sync.bundle.BadBundle`, `OSError`,
    `sync.updates.trusted.NoRoot` and `subprocess.CalledProcessError`."""
    into.mkdir(parents=True, exist_ok=True)
    file = into / f"{NAME}_{version}_{MACHINES.get(platform.machine(), platform.machine())}.deb"
    with tempfile.TemporaryDirectory(dir=into) as scratch:
        lay_out(bundle, version, Path(scratch) / "root", trusted)
        command = ["dpkg-deb", f"-Z{compress}", "--root-owner-group", "--build"]
        clock = {"SOURCE_DATE_EPOCH": os.environ.get("SOURCE_DATE_EPOCH", EPOCH)}
        subprocess.run(
            [*command, str(Path(scratch) / "root"), str(file)],
            env=os.environ | clock,
            check=True,
            stdout=subprocess.DEVNULL,
        )
    return file


def main() -> int:
    parser = argparse.ArgumentParser(description="the Debian package of a terminal")
    parser.add_argument("bundle", type=Path, help="the folder that PyInstaller has made")
    parser.add_argument("into", type=Path, help="the folder for the package")
    parser.add_argument("--version", default=VERSION)
    parser.add_argument("--compress", default="xz", help="gzip is quicker, and larger")
    ready = ROOT if ROOT.exists() else None
    parser.add_argument("--root", type=Path, default=ready, help="the root of trust, 1.root.json")
    options = parser.parse_args()
    try:
        made = build(
            *(options.bundle, options.version, options.into, options.compress, options.root)
        )
    except NoRoot as bad:
        parser.error(str(bad))
    print(made)
    return 0


if __name__ == "__main__":
    sys.exit(main())
