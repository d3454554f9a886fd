"""The device key is changed so that a power cut at any moment leaves one that is good."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from sync.signing import DeviceKey, use_next_key


def two_keys(state: Path) -> tuple[DeviceKey, DeviceKey]:
    return DeviceKey.load_or_create(state), DeviceKey.load_or_create(state, "device.key.next")


def test_the_new_key_is_on_the_disk_before_it_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, following = two_keys(tmp_path)
    done: list[str] = []
    flush, replace = os.fsync, Path.replace

    def flushed(descriptor: int) -> None:
        done.append(f"flush {Path(os.readlink(f'/proc/self/fd/{descriptor}')).name}")
        flush(descriptor)

    def replaced(file: Path, other: Any) -> Path:
        done.append(f"to {Path(other).name}")
        return replace(file, other)

    monkeypatch.setattr(os, "fsync", flushed)
    monkeypatch.setattr(Path, "replace", replaced)
    assert use_next_key(tmp_path, following.id)
    place = done.index("to device.key")
    assert f"flush {tmp_path.name}" in done[place:]
    assert (tmp_path / "device.key").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("damage", [b"\xff\xfe", b"no hexadecimal\n", b"abc\n"])
def test_damaged_former_keys_keep_no_terminal_from_its_work(
    tmp_path: Path, damage: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    key = DeviceKey.load_or_create(tmp_path)
    (tmp_path / "device.key.former").write_bytes(damage)
    assert DeviceKey.load(tmp_path).publics == (key.public,)
    assert "device.key.former: " in caplog.text
