"""The centre changes its envelope key: terminals follow, what is queued still opens, and nobody on
the way can choose the key."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from central.keys import Keyring
from sync import rollover
from sync.courier import Courier
from sync.envelope import Opener
from sync.fleet import Fleet
from sync.identity import Identity, NotEnrolled, load_identity, newest
from sync.schemes import PROFILES
from sync.wire.enrolment import EnvelopeKey
from tests.system.people import FREE
from tests.system.test_agent import put

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.system.conftest import CentralServer, EnrolledTerminal

# -- the whole way -------------------------------------------------------------------------------


def test_terminals_follow_from_one_kind_of_key_to_the_other_and_lose_nothing_queued(
    central: CentralServer, terminal: EnrolledTerminal
) -> None:
    fleet = Fleet(terminal.state, terminal.identity, terminal.outbox, terminal.transport, {})
    fleet.beat()
    terminal.identity = newest(terminal.identity, terminal.state)
    stored, keys = [], []
    for person, profile in zip(FREE[15:18], ("national", "national", "hybrid"), strict=True):
        # Sealed to the key that is about to be the old one.
        stored.append(put(terminal, person))
        keys.append(terminal.identity.central_key_id)
        new = central.command("new-key", "--profile", profile).strip()
        fleet.beat()
        terminal.identity = newest(terminal.identity, terminal.state)
        assert terminal.identity.central_key_id == new
        assert terminal.identity.algorithm == PROFILES[profile]
    stored.append(put(terminal, FREE[18]))
    assert len({*keys, terminal.identity.central_key_id}) == 4

    Courier(terminal.outbox, terminal.transport, terminal.identity).deliver()
    verdicts = [terminal.outbox.verdict(one.id) for one in stored]
    assert [verdict and verdict.verdict for verdict in verdicts] == ["accepted"] * 4


# -- what is taken -------------------------------------------------------------------------------


@pytest.fixture
def ring(tmp_path: Path) -> Keyring:
    ring = Keyring(tmp_path / "keys")
    ring.ensure("hybrid", 1)
    return ring


def identity_of(ring: Keyring) -> Identity:
    current = ring.current()
    return Identity(
        terminal="020001",
        central_url="http://127.0.0.1:1",
        device_key_id="0" * 16,
        central_public_key=current.public_key,
        central_key_id=current.key_id,
        algorithm=current.algorithm,
        central_key_number=current.number,
        central_signing_key=ring.signing_key(),
    )


@pytest.mark.parametrize("profile", PROFILES)
def test_a_newer_key_that_the_centre_signed_is_taken_and_kept(
    ring: Keyring, tmp_path: Path, profile: str
) -> None:
    before = identity_of(ring)
    key_id, _ = ring.roll_over(profile, 1)
    assert ring.news_for(before.central_key_id) == ring.current()
    follows = rollover.take(ring.current(), before, tmp_path)
    assert (follows.central_key_id, follows.algorithm) == (key_id, PROFILES[profile])
    assert load_identity(tmp_path) == follows
    assert newest(before, tmp_path) == follows
    assert ring.news_for(key_id) is None, "it has it"


def resigned(ring: Keyring, **changes: object) -> EnvelopeKey:
    """The current key, changed, and signed as the centre would."""
    unsigned = ring.current().model_copy(update=changes)
    signature = ring._signing_key().sign(unsigned.signed_bytes())
    return unsigned.model_copy(update={"signature": signature})


WRONG: dict[str, Callable[[Keyring], EnvelopeKey]] = {
    "somebody else's": lambda ring: ring.current().model_copy(
        update={"public_key": (own := Opener.generate().sealer()).public_key, "key_id": own.key_id}
    ),
    "another number": lambda ring: ring.current().model_copy(update={"number": 9}),
    "no signature": lambda ring: ring.current().model_copy(update={"signature": b""}),
    "an algorithm of a later release": lambda ring: resigned(ring, algorithm="ROT13"),
    "the other algorithm": lambda ring: resigned(ring, algorithm=PROFILES["national"]),
    "another id": lambda ring: resigned(ring, key_id="0" * 16),
    "not newer": lambda ring: resigned(ring, number=1),
}


@pytest.mark.parametrize("what", WRONG)
def test_a_key_that_is_not_right_is_not_taken(ring: Keyring, tmp_path: Path, what: str) -> None:
    before = identity_of(ring)
    ring.roll_over(None, 1)
    assert rollover.take(WRONG[what](ring), before, tmp_path) == before
    assert not (tmp_path / "identity.json").exists()
    assert rollover.take(ring.current(), before, tmp_path) != before, "the right one is"


def test_a_number_is_never_given_twice_even_where_the_folder_came_back_from_a_backup(
    ring: Keyring, tmp_path: Path
) -> None:
    """The database knows the highest number; so does the folder. The higher one counts."""
    assert ring.roll_over(None, 1)[1] == 2
    shutil.copytree(ring.folder, tmp_path / "backup")
    assert ring.roll_over(None, 1)[1] == 3
    shutil.rmtree(ring.folder)
    shutil.copytree(tmp_path / "backup", ring.folder)
    assert ring.roll_over(None, 4)[1] == 4, "as `central.rollover` says from the database"
    assert ring.roll_over(None, 1)[1] == 5


# -- the identity on disk ------------------------------------------------------------------------


def test_an_identity_of_another_release_is_read(ring: Keyring, tmp_path: Path) -> None:
    identity = identity_of(ring)
    identity.save(tmp_path)
    file = tmp_path / "identity.json"
    found = json.loads(file.read_text())
    file.write_text(json.dumps(found | {"of_a_newer_release": 1}))
    assert load_identity(tmp_path) == identity
    del found["central_signing_key"]
    file.write_text(json.dumps(found))
    with pytest.raises(NotEnrolled):
        load_identity(tmp_path)


def test_an_identity_that_vanished_or_became_another_terminals_does_not_replace_the_one_in_use(
    ring: Keyring, tmp_path: Path
) -> None:
    identity = identity_of(ring)
    assert newest(identity, tmp_path) == identity
    (tmp_path / "identity.json").write_text("{half")
    assert newest(identity, tmp_path) == identity
    replace(identity, terminal="020002").save(tmp_path)
    assert newest(identity, tmp_path) == identity
