"""The Debian package: what is in it, that it installs a slot by itself, that its units hold.

Made of a small program instead of the bundle, which takes minutes to build; that one is built and
started in tests/system/test_bundle.py.
"""

from __future__ import annotations

import itertools
import json
import os
import re
import subprocess
from pathlib import Path

import pytest
from typer.testing import CliRunner

from debian.make_deb import build, debian_version
from docs.make_licences import packages
from docs.make_sbom import bill
from kiosk.kioskctl import app
from sync.updates.trusted import NoRoot
from tests.fleet.office import Office, signer
from tests.fleet.office import bundle as office_bundle

ROOT = Path(__file__).resolve().parents[2]
UNITS = ("sscard-display", "sscard-screen", "sscard-agent")

#: Highest exposure of a unit that systemd-analyze may find, in tenths.
EXPOSURE = "30"


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("package")
    return made(folder, folder / "one")


def made(folder: Path, into: Path, trusted: Path | None = None) -> Path:
    bundle = folder / "bundle"
    bundle.mkdir(exist_ok=True)
    for name in ("kiosk", "kioskctl"):
        (bundle / name).write_text(f'#!/bin/sh\necho {name} "$KIOSK_SLOT" "$@"\n')
        (bundle / name).chmod(0o755)
    return build(bundle, "1.2.3", into, compress="none", trusted=trusted)


@pytest.fixture(scope="module")
def unpacked(package: Path) -> Path:
    """The package's files below a folder, and its scripts in DEBIAN."""
    root = package.parent / "root"
    subprocess.run(["dpkg-deb", "--raw-extract", package, root], check=True)
    return root


def told(*command: str | Path, **more: object) -> str:
    done = subprocess.run(command, capture_output=True, text=True, **more)  # type: ignore[call-overload]
    assert done.returncode == 0, done.stdout + done.stderr
    return str(done.stdout)


def test_the_same_bundle_gives_the_same_package(package: Path) -> None:
    again = made(package.parents[1], package.parents[1] / "two")
    assert again.read_bytes() == package.read_bytes()


def test_it_installs_a_slot_and_starts_it_with_nothing_of_ours_around(
    unpacked: Path, tmp_path: Path
) -> None:
    library = unpacked / "usr/lib/sscard-kiosk"
    line = re.search(r"-m sync\.slots (\S+) (\S+) (\S+)\n", _script(unpacked, "postinst"))
    assert line is not None and line[3] == "1.2.3"
    slots = tmp_path / "slots"
    slots.mkdir()
    clean = {"PATH": os.defpath, "PYTHONPATH": str(library), "PYTHONDONTWRITEBYTECODE": "1"}
    install = ["/usr/bin/python3", "-m", "sync.slots", str(slots), library / "bundle.tar", line[3]]
    told(*install, env=clean, cwd="/")
    launch = ["/usr/bin/python3", "-I", library / "launcher.py", slots]
    assert told(*launch, "run", "--state", "s", env={}) == "kiosk b run --state s\n"
    assert told(*launch, "ctl", "doctor", env={}) == "kioskctl b doctor\n"
    told(*install, env=clean, cwd="/")  # the next version of the package: on trial
    assert told(*launch, "run", env={}) == "kiosk a run\n"


def _script(unpacked: Path, name: str) -> str:
    return (unpacked / "DEBIAN" / name).read_text(encoding="utf-8")


def test_the_package_brings_the_root_of_trust_once(tmp_path: Path) -> None:
    trusted = Office(tmp_path / "office").site / "metadata/1.root.json"
    root = tmp_path / "root"
    told("dpkg-deb", "--raw-extract", made(tmp_path, tmp_path / "one", trusted), root)
    (block,) = re.findall(r"\nif \[ -e \$lib/root.json .*?\nfi\n", _script(root, "postinst"), re.S)
    # No user of that name here.
    does = 'install() { if [ "$1" = -d ]; then mkdir -p "$8"; else cp "$7" "$8"; fi; }\n'
    library, state = root / "usr/lib/sscard-kiosk", tmp_path / "state"
    script = f"set -eu\nlib={library} state={state}\n{does}{block}"
    kept = state / "updates/root.json"
    cut = script.replace('cp "$7" "$8"', 'head -c 100 "$7" >"$8"; exit 1')
    assert cut != script and subprocess.run(["sh", "-c", cut]).returncode == 1
    assert not kept.exists(), "half of one after a power cut would stay for ever"
    told("sh", "-c", script)
    assert kept.read_bytes() == trusted.read_bytes()
    kept.write_bytes(b"another")
    told("sh", "-c", script)
    assert kept.read_bytes() == b"another"


def test_debian_installs_a_release_after_its_candidates() -> None:
    ascending = ["1.2.0.dev1", "1.2.0a1", "1.2.0rc1.dev1", "1.2.0rc1", "1.2.0rc10", "1.2.0"]
    ascending += ["1.2.0.post1", "1.10.0"]
    for older, newer in itertools.pairwise(map(debian_version, ascending)):
        told("dpkg", "--compare-versions", older, "lt", newer)


@pytest.mark.parametrize("what", ["unsigned", "targets", "nothing", "half"])
def test_what_is_no_signed_root_makes_no_package_and_is_not_believed(
    tmp_path: Path, what: str
) -> None:
    office = Office(tmp_path / "office")
    office.release(office_bundle(tmp_path, "1.0.0"), "1.0.0")
    file, root = tmp_path / "root.json", (office.site / "metadata/1.root.json").read_bytes()
    if what == "unsigned":  # by one holder, where two are needed
        file.write_bytes(office.altered("1.root.json", lambda root: None, signer("r1")))
    elif what == "targets":
        file.write_bytes((office.site / "metadata/1.targets.json").read_bytes())
    else:
        file.write_bytes(b"{}" if what == "nothing" else root[: len(root) // 2])
    with pytest.raises(NoRoot):
        made(tmp_path, tmp_path / "one", file)
    trust, kept = ["trust", "--state", str(tmp_path)], tmp_path / "updates/root.json"
    assert CliRunner().invoke(app, [*trust, "-"], input=root).exit_code == 0
    found = kept.stat()
    assert (kept.read_bytes(), found.st_mode & 0o777) == (root, 0o600)
    refused = CliRunner().invoke(app, [*trust, str(file)])
    assert (refused.exit_code, "信任根" in refused.output) == (2, True)
    assert kept.read_bytes() == root and kept.stat().st_ino == found.st_ino


def test_the_installer_takes_a_root_and_nothing_else_for_one(package: Path, tmp_path: Path) -> None:
    trusted = Office(tmp_path / "office").site / "metadata/1.root.json"
    said = told("../install", "--dry-run", "--root", trusted, package, cwd=ROOT / "docs")
    assert "+ kioskctl trust --state /var/lib/sscard-kiosk/state -\n" in said
    words = [ROOT / "install", "--dry-run", "--root", package, package]
    done = subprocess.run(words, capture_output=True, text=True)
    assert (done.returncode, "信任根" in done.stderr) == (1, True)


def test_every_script_can_be_read_by_a_shell(unpacked: Path) -> None:
    scripts = [*(unpacked / "DEBIAN").glob("p*"), *(unpacked / "usr/bin").iterdir()]
    scripts += [
        unpacked / "usr/lib/sscard-kiosk" / name for name in ("wait-for", "make-xauthority")
    ]
    for script in scripts:
        assert os.access(script, os.X_OK), script
        told("sh", "-n", script)


def test_what_units_and_scripts_name_is_in_the_package(unpacked: Path) -> None:
    texts = [_script(unpacked, name) for name in ("postinst", "prerm", "postrm")]
    texts += [path.read_text() for path in (unpacked / "usr").rglob("*") if _is_text(path)]
    named = {path for text in texts for path in re.findall(r"/usr/(?:lib|share)/[\w./-]+", text)}
    named.discard("/usr/lib/sscard-kiosk")
    assert len(named) > 3
    for path in named:
        assert (unpacked / path.lstrip("/")).exists(), path
    for unit in UNITS:
        assert f"{unit}.service" in texts[0], unit
        assert f"{unit}.service" in texts[1], unit


def _is_text(path: Path) -> bool:
    return path.is_file() and path.suffix not in (".tar", ".py")


def test_systemd_finds_nothing_wrong_with_the_units(unpacked: Path) -> None:
    system = unpacked / "usr/lib/systemd/system"
    for program in ("Xorg", "python3"):
        stub = unpacked / "usr/bin" / program
        stub.touch()
        stub.chmod(0o755)
    for target in ("basic", "sysinit", "shutdown", "multi-user", "network-online", "time-sync"):
        (system / f"{target}.target").write_text("[Unit]\n")
    (system / "pcscd.socket").write_text("[Socket]\nListenStream=/run/pcscd/pcscd.comm\n")
    (system / "sscard-screen.service.d").mkdir()
    drop_in = unpacked / "usr/lib/sscard-kiosk/reader-library.conf"
    (system / "sscard-screen.service.d" / drop_in.name).write_text(drop_in.read_text())
    units = [f"/usr/lib/systemd/system/{unit}.service" for unit in UNITS]
    done = subprocess.run(
        ["systemd-analyze", "verify", f"--root={unpacked}", "--man=no", *units],
        capture_output=True,
        text=True,
    )
    lines = [line for line in done.stderr.splitlines() if "sscard" in line]
    assert (done.returncode, lines) == (0, []), done.stderr


@pytest.mark.parametrize("unit", UNITS)
def test_a_unit_may_do_little(unit: str) -> None:
    file = ROOT / "debian/files/lib/systemd/system" / f"{unit}.service"
    told("systemd-analyze", "security", "--offline=yes", f"--threshold={EXPOSURE}", file)


def test_the_units_wait_for_the_program_and_end_one_that_hangs() -> None:
    for unit in UNITS[1:]:
        text = (ROOT / "debian/files/lib/systemd/system" / f"{unit}.service").read_text()
        for line in ("Type=notify", "Restart=always", "StartLimitIntervalSec=0"):
            assert f"\n{line}\n" in text
        assert re.search(r"\nWatchdogSec=\d+\n", text)


def test_a_dry_run_says_what_it_would_do_and_does_nothing(package: Path) -> None:
    said = told(ROOT / "install", "--dry-run", package)
    assert f"+ apt-get install -y --no-install-recommends {package}" in said
    assert "systemctl mask" in said
    said = told(ROOT / "install", "--uninstall", "--dry-run")
    assert said == "+ apt-get remove -y sscard-kiosk\n"
    assert subprocess.run([ROOT / "install", "--wrong"], capture_output=True).returncode == 1


def test_the_bill_of_materials_names_all_that_ships_with_its_licence() -> None:
    listed = json.loads(bill())["components"]
    assert bill() == bill()
    pypi = {(one["name"], one["version"]) for one in listed if one["group"] == "pypi"}
    assert pypi == {(one.name, one.version) for one in packages()}
    assert {"Qt 5", "CPython", "SQLite"} <= {one["name"] for one in listed}
    assert all(one["licenses"] for one in listed)


@pytest.mark.parametrize("purge", ["remove", "purge"])
def test_taking_it_off_keeps_the_queue(unpacked: Path, purge: str, tmp_path: Path) -> None:
    """The script as it is, on a terminal below another folder."""
    var = tmp_path / "var/lib/sscard-kiosk"
    (var / "slots/a").mkdir(parents=True)
    (var / "state").mkdir()
    (var / "state/outbox.db").write_bytes(b"what a citizen has submitted")
    script = _script(unpacked, "postrm").replace("/var/lib", str(tmp_path / "var/lib"))
    assert "kept" in told("sh", "-c", script, "postrm", purge)
    assert (var / "state/outbox.db").exists()
    assert not (var / "slots").exists()
