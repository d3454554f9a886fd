"""The policy pack: rules with a source, checked when they are read."""

from __future__ import annotations

from pathlib import Path

import pytest

from kiosk.policy import FOLDER, load_policy

PACK = (FOLDER / "tangshan.toml").read_text(encoding="utf-8")


def pack(tmp_path: Path, old: str, new: str) -> Path:
    assert old in PACK
    file = tmp_path / "pack.toml"
    file.write_text(PACK.replace(old, new, 1), encoding="utf-8")
    return file


def test_the_first_card_is_free() -> None:
    assert load_policy().first_card_fee == 0


def test_a_fee_without_its_approval_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="approval"):
        load_policy(pack(tmp_path, "first_card = 0", "first_card = 20"))


def test_a_fee_with_its_approval_is_taken(tmp_path: Path) -> None:
    file = pack(tmp_path, "first_card = 0", 'first_card = 20\napproval = "示例批文"')
    assert load_policy(file).first_card_fee == 20


def test_an_outlet_of_an_unknown_bank_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="unknown banks: nobank"):
        load_policy(pack(tmp_path, 'bank = "boc"', 'bank = "nobank"'))


def test_a_bank_without_an_outlet_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="without an outlet: boc"):
        load_policy(pack(tmp_path, 'bank = "boc"', 'bank = "abc"'))
