"""Power cuts after every call that changes a file: what was not flushed is lost, torn, mixed up."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.attack.harness import TALLY, Budget, Told, Victims, assert_kept, damage_the_indexes
from tests.attack.power import Call, Disk, recorded

pytestmark = pytest.mark.timeout(900)

#: Ways in which each cut is played, besides the one that loses all that was not flushed.
CHANCES = 1


def cut_everywhere(
    victims: Victims,
    scenario: str,
    folder: Path,
    seed: int,
    before: Told,
    damaged: range,
    **how: object,
) -> None:
    """Record one life that begins with what is in `folder`, then cut the power after each call."""
    disk = Disk(str(folder))
    for file in folder.iterdir():
        disk.call(Call("c", str(file), 0, b""))
        disk.call(Call("w", str(file), 0, file.read_bytes()))
        disk.call(Call("s", str(file), 0, b""))
    disk.call(Call("s", str(folder), 0, b""))
    record = folder.with_suffix(".record")
    assert victims.run(scenario, folder, seed, mode="count", record=str(record), **how).status == 0
    told = Told(put=dict(before.put))
    scratch = folder.with_suffix(".cut")
    for number, call in enumerate(recorded(record)):
        if call.operation == "n":
            told.hear(call.name)
        else:
            disk.call(call)
        ways = [None, *(random.Random(f"{seed} {number} {way}") for way in range(CHANCES))]
        for chance in ways:
            lay_out(scratch, disk.after_power_cut(chance))
            assert_kept(scratch, told, damaged=damaged)
            TALLY[f"power cut: {scenario}"] += 1
    assert len(told.put) > len(before.put)


def lay_out(folder: Path, files: dict[str, bytes]) -> None:
    folder.mkdir(exist_ok=True)
    for old in folder.iterdir():
        old.unlink()
    for name, contents in files.items():
        if not name.endswith("-shm"):  # memory that two processes share
            (folder / name).write_bytes(contents)


def test_power_cut_after_every_call_of_a_life(
    victims: Victims, tmp_path: Path, seed: int, budget: Budget
) -> None:
    for one in budget.rounds(seed):
        folder = tmp_path / str(one)
        folder.mkdir()
        cut_everywhere(victims, "life", folder, one, Told(), range(1))


def test_power_cut_after_every_call_of_setting_aside_and_rescuing(
    victims: Victims, tmp_path: Path, seed: int
) -> None:
    folder = tmp_path / "damaged"
    folder.mkdir()
    before = victims.run("life", folder, seed)
    damage_the_indexes(folder / "outbox.db")
    cut_everywhere(victims, "opening", folder, seed, before, range(1, 4))


def test_an_outbox_that_does_not_flush_is_caught(
    victims: Victims, tmp_path: Path, seed: int
) -> None:
    """Else the cuts would prove nothing."""
    folder = tmp_path / "careless"
    folder.mkdir()
    with pytest.raises(AssertionError):
        cut_everywhere(victims, "life", folder, seed, Told(), range(1), flushed=False)


def test_a_record_that_was_broken_off_is_read_to_its_last_whole_call(tmp_path: Path) -> None:
    """✗ A kill within a record made a call without a name."""

    def eight(number: int) -> bytes:
        return number.to_bytes(8, "little")

    call = b"w" + eight(3) + b"/ab" + eight(7) + eight(4) + b"data"
    for length in range(len(call)):
        (tmp_path / "record").write_bytes(call + call[:length])
        assert recorded(tmp_path / "record") == [Call("w", "/ab", 7, b"data")], length
