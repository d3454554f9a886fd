"""What an agent does with the list of packs it is given, and what it does not believe."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from kiosk.policy.shelf import LARGEST
from sync.faults import CentralRefused, CentralUnreachable
from sync.identity import Identity
from sync.packs import Packs
from sync.wire.policy import PACK_LIMIT, DesiredPacks, Pack

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

CENTRE = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
ONE, TWO, THREE = b"pack one", b"pack two", b"pack three"


class Line:
    """To a centre that gives the packs it has, or does what `trouble` says."""

    def __init__(self) -> None:
        self.packs = {hashlib.sha256(data).hexdigest(): data for data in (ONE, TWO, THREE)}
        self.trouble: Exception | None = None
        self.asked: list[str] = []

    def post(self, path: str, message: Any, answer: Any, timeout_s: float) -> Any:
        self.asked.append(message.sha256)
        if self.trouble is not None:
            raise self.trouble
        return Pack(data=self.packs[message.sha256], signature=bytes(64))


class Shelf:
    """Takes everything but what `refuses` says."""

    region = "130200"

    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}
        self.refuses: Exception | None = None
        self.wanted: list[str] = []

    def held(self) -> dict[str, str]:
        return {version: hashlib.sha256(data).hexdigest() for version, data in self.kept.items()}

    def install(self, data: bytes, signature: bytes) -> None:
        if self.refuses is not None:
            raise self.refuses
        self.kept[VERSIONS[data]] = data

    def remove(self, version: str) -> None:
        del self.kept[version]

    def tidy(self, desired: Collection[str]) -> list[str]:
        self.wanted = sorted(desired)
        return []


VERSIONS = {ONE: "2027-01-01", TWO: "2027-01-02", THREE: "2027-01-03"}


class Recorder:
    def __init__(self) -> None:
        self.written: list[str] = []

    def record(self, kind: str, **facts: Any) -> None:
        assert facts.keys() == {"digest"}
        self.written.append(kind)


class Terminal:
    def __init__(self, state: Path, key: Ed25519PrivateKey = CENTRE) -> None:
        self.line, self.shelf, self.recorder = Line(), Shelf(), Recorder()
        self.state, self._key = state, key.public_key().public_bytes_raw()
        self.start()

    def start(self) -> None:
        """Its agent was started anew."""
        nothing = b"\0" * 32
        identity = Identity("130299", "", "0" * 16, nothing, "0" * 16, "", 1, self._key)
        stubs: Any = self.line, self.shelf, self.recorder
        self.packs = Packs(self.state, identity, *stubs)

    def told(self, *packs: bytes, **more: Any) -> str:
        """A heartbeat brought a list; returns what is wrong."""
        self.packs.follow(a_list(*packs, **more))
        return self.packs.trouble


def named(data: bytes) -> dict[str, Any]:
    return {
        "version": VERSIONS[data],
        "sha256": hashlib.sha256(data).hexdigest(),
        "size": len(data),
    }


def a_list(
    *packs: bytes,
    number: int = 5,
    epoch: int = 1,
    region: str = "130200",
    withdrawn: tuple[bytes, ...] = (),
    key: Ed25519PrivateKey = CENTRE,
    **also: Any,
) -> DesiredPacks:
    """As the centre says it; what is signed is written out."""
    document = {
        "epoch": epoch,
        "number": number,
        "region": region,
        "packs": [named(data) for data in packs],
        "withdrawn": [named(data) for data in withdrawn],
        **also,
    }
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    signature = key.sign(b"kiosk-policy-packs-1\n" + text.encode("utf-8"))
    return DesiredPacks.model_validate(document).signed_with(signature)


@pytest.fixture
def terminal(tmp_path: Path) -> Terminal:
    return Terminal(tmp_path)


def test_one_pack_is_fetched_with_each_heartbeat(terminal: Terminal) -> None:
    assert terminal.told(ONE, TWO) == ""
    assert terminal.shelf.kept == {"2027-01-01": ONE}
    terminal.told(ONE, TWO)
    assert terminal.shelf.kept == {"2027-01-01": ONE, "2027-01-02": TWO}
    terminal.told(ONE, TWO)
    assert len(terminal.line.asked) == 2
    assert terminal.recorder.written == ["policy_installed"] * 2


def test_a_centre_that_says_nothing_changes_nothing(terminal: Terminal) -> None:
    terminal.told(ONE)
    terminal.packs.follow(None)
    assert terminal.shelf.kept == {"2027-01-01": ONE}


def test_a_list_that_does_not_name_a_pack_any_more_does_not_put_it_away(
    terminal: Terminal,
) -> None:
    terminal.told(ONE)
    terminal.told(TWO)
    assert terminal.shelf.kept.keys() == {"2027-01-01", "2027-01-02"}


def test_the_shelf_is_tidied_by_what_the_centre_wants(terminal: Terminal) -> None:
    terminal.told(ONE, TWO)
    assert terminal.shelf.wanted == ["2027-01-01", "2027-01-02"]
    terminal.told(THREE, number=4)
    assert terminal.shelf.wanted == ["2027-01-01", "2027-01-02"], "by no list that does not count"


def test_what_was_withdrawn_is_put_away_by_its_contents(terminal: Terminal) -> None:
    terminal.told(ONE)
    terminal.shelf.kept["2027-01-02"] = b"another pack of that version"
    assert terminal.told(number=6, withdrawn=(ONE, TWO, THREE)) == ""
    assert terminal.shelf.kept == {"2027-01-02": b"another pack of that version"}
    assert terminal.recorder.written == ["policy_installed", "policy_withdrawn"]


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (a_list(ONE, key=Ed25519PrivateKey.generate()), "is not signed by the centre"),
        (a_list(ONE).model_copy(update={"number": 6}), "is not signed by the centre"),
        (a_list(ONE).model_copy(update={"signature": b""}), "is not signed by the centre"),
        (a_list(ONE, region="130100"), "is for region 130100, not 130200"),
    ],
)
def test_a_list_that_is_not_the_centres_for_here_is_not_followed(
    terminal: Terminal, said: DesiredPacks, why: str
) -> None:
    terminal.packs.follow(said)
    assert terminal.packs.trouble == f"the list of packs {why}"
    assert terminal.line.asked == []
    assert terminal.told(ONE) == "", "and the next true one is"


def test_what_a_newer_centre_says_as_well_is_part_of_what_it_signed(terminal: Terminal) -> None:
    assert terminal.told(ONE, mood="good") == ""
    assert terminal.shelf.kept


def test_an_old_list_brings_nothing_back_also_after_a_restart(terminal: Terminal) -> None:
    terminal.told(ONE, number=5)
    terminal.told(number=6, withdrawn=(ONE,))
    for _ in range(2):
        assert "older" in terminal.told(ONE, number=5)
        assert terminal.shelf.kept == {}
        terminal.start()
    assert terminal.told(ONE, number=1, epoch=2) == "", "of a centre that was restored since"
    assert terminal.shelf.kept


def test_a_terminal_that_was_enrolled_at_another_centre_begins_anew(
    terminal: Terminal, tmp_path: Path
) -> None:
    terminal.told(ONE, number=50)
    other = Ed25519PrivateKey.generate()
    moved = Terminal(tmp_path, other)
    assert moved.told(TWO, number=1, key=other) == ""
    assert moved.shelf.kept


@pytest.mark.parametrize("written", [b"", b"[]", b"{", b'{"centre": 1}', b"\xff"])
def test_a_damaged_note_of_the_newest_list_is_no_trouble(tmp_path: Path, written: bytes) -> None:
    (tmp_path / "policy.json").write_bytes(written)
    assert Terminal(tmp_path).told(ONE) == ""


def test_a_pack_that_may_not_be_used_is_told_of_and_not_fetched_again(terminal: Terminal) -> None:
    terminal.shelf.refuses = ValueError("the pack: the centre has not signed it")
    for _ in range(3):
        assert terminal.told(ONE) == "2027-01-01: the pack: the centre has not signed it"
    assert len(terminal.line.asked) == 1
    assert terminal.recorder.written == ["policy_refused"]
    terminal.shelf.refuses = None
    assert "signed" in terminal.told(ONE, TWO), "it is wrong still"
    assert terminal.shelf.kept.keys() == {"2027-01-02"}, "others come all the same"
    assert terminal.told(TWO) == ""
    terminal.start()
    assert terminal.told(ONE) == "", "another release of the program may use it"


def test_other_bytes_than_were_asked_for_never_reach_the_shelf(terminal: Terminal) -> None:
    terminal.line.packs[hashlib.sha256(ONE).hexdigest()] = TWO
    assert "not the one that was asked for" in terminal.told(ONE)
    assert terminal.shelf.kept == {}


def test_what_is_too_large_is_not_fetched(terminal: Terminal) -> None:
    entry = {**named(ONE), "size": PACK_LIMIT + 1}
    assert "larger than" in terminal.told(packs=[entry])
    assert terminal.line.asked == []
    assert LARGEST == PACK_LIMIT


@pytest.mark.parametrize(
    ("away", "told"),
    [
        (CentralUnreachable("timeout"), ""),
        (CentralRefused("unknown_pack"), "2027-01-01: the centre does not give it: unknown_pack"),
    ],
)
def test_what_did_not_come_is_asked_for_again(
    terminal: Terminal, away: Exception, told: str
) -> None:
    terminal.line.trouble = away
    assert terminal.told(ONE) == told
    terminal.line.trouble = None
    assert terminal.told(ONE) == ""
    assert terminal.shelf.kept


def test_a_full_disk_is_told_of_and_tried_again(terminal: Terminal) -> None:
    terminal.shelf.refuses = OSError(28, "No space left on device")
    assert terminal.told(ONE) == "No space left on device"
    terminal.shelf.refuses = None
    assert terminal.told(ONE) == ""
    assert terminal.shelf.kept
