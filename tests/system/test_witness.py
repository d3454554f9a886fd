"""The witness beside the outbox: the machine it names, and who may write it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sync import witness
from sync.witness import Witness, place


@pytest.fixture
def network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stands for /sys/class/net."""
    folder = tmp_path / "net"
    folder.mkdir()
    (tmp_path / "machine-id").write_text("0123456789abcdef\n")
    monkeypatch.setattr(witness, "_NETWORK", folder)
    monkeypatch.setattr(witness, "_MACHINE_ID", tmp_path / "machine-id")
    return folder


def card(network: Path, name: str, address: str, bus: str = "pci0000:00", own: str = "0") -> None:
    device = network.parent / "devices" / bus / name
    device.mkdir(parents=True)
    (network / name).mkdir()
    (network / name / "address").write_text(f"{address}\n")
    (network / name / "addr_assign_type").write_text(f"{own}\n")
    (network / name / "device").symlink_to(device)


def cards(tmp_path: Path) -> list[str]:
    with (tmp_path / "file").open("wb") as file:
        return place(file.fileno())[1]


def test_built_in_cards_name_the_machine_and_nothing_else_does(
    network: Path, tmp_path: Path
) -> None:
    card(network, "eth0", "02:00:00:00:00:01")
    (first,) = cards(tmp_path)
    assert len(first) == 8 and "02" not in first.split(":"), "a digest, no address"
    card(network, "usb0", "02:00:00:00:00:02", bus="pci0000:00/usb1")
    card(network, "docker0", "02:00:00:00:00:03", own="1")
    (network / "lo").mkdir()
    (network / "lo" / "address").write_text("00:00:00:00:00:00\n")
    (network / "lo" / "addr_assign_type").write_text("0\n")
    assert cards(tmp_path) == [first]
    card(network, "eth1", "02:00:00:00:00:04")
    assert len(cards(tmp_path)) == 2


def test_the_inode_and_the_system_are_named(network: Path, tmp_path: Path) -> None:
    with (tmp_path / "file").open("wb") as file:
        inode, _, system = place(file.fileno())
    assert inode == (tmp_path / "file").stat().st_ino
    assert len(system) == 8
    (tmp_path / "machine-id").unlink()
    with (tmp_path / "file").open("wb") as file:
        assert place(file.fileno())[2] == ""


def number_in(path: Path) -> int:
    return int(json.loads(path.read_text())["number"])


def test_it_is_its_owners_only(network: Path, tmp_path: Path) -> None:
    Witness(tmp_path / "witness", "020001").open(new=True)
    assert (tmp_path / "witness").stat().st_mode & 0o777 == 0o600


def test_a_number_is_never_written_over_by_a_lower_one(network: Path, tmp_path: Path) -> None:
    path = tmp_path / "witness"
    screen, other = Witness(path, "020001"), Witness(path, "020001")
    assert screen.open(new=True) is None
    assert other.open(new=False) == 0
    screen.reached(7)
    other.reached(5)
    assert number_in(path) == 7
    other.reached(9)
    screen.reached(8)
    assert number_in(path) == 9
    assert screen.open(new=False) == 9
    screen.close()
    other.close()


def test_a_copy_writes_nothing_into_its_witness(network: Path, tmp_path: Path) -> None:
    path, copy = tmp_path / "witness", tmp_path / "copy"
    original = Witness(path, "020001")
    original.open(new=True)
    original.reached(3)
    original.close()
    copy.write_bytes(path.read_bytes())
    witness_of_copy = Witness(copy, "020001")
    assert witness_of_copy.open(new=False) == 3
    assert witness_of_copy.copied
    witness_of_copy.reached(4)
    assert number_in(copy) == 3
    witness_of_copy.adopt(1003)
    assert (witness_of_copy.copied, number_in(copy)) == (False, 1003)
    witness_of_copy.close()
