"""The policy packs that the centre wants on this terminal: fetched, checked and put on the shelf.

With the answer to each heartbeat comes a signed list (`sync.wire.policy`). The agent fetches at
most one pack a heartbeat. Who checks a pack and keeps it is the `Shelf` that it was given
(`kiosk.policy.shelf`); which pack rules on a day is decided there as well, at the start of a visit.
What cannot be used changes nothing: it is reported in `agent.json`, from which it reaches the
health report and the centre.

In the state directory, `policy.json` is the newest list that was seen, so that no older one counts:

    {"centre": hash of its signing key, "epoch": …, "number": …}
"""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Protocol

from sync.canonical import sha256_hex
from sync.faults import CentralRefused, CentralUnreachable
from sync.identity import write_whole
from sync.signing import centre_signed
from sync.wire.policy import PACK_LIMIT, Pack, PackQuestion

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from pathlib import Path

    from sync.identity import Identity
    from sync.journal import Recorder
    from sync.transport import Transport
    from sync.wire.policy import DesiredPacks, Issued

log = logging.getLogger(__name__)

SEEN_FILE = "policy.json"

#: For one pack, seconds: the courier waits meanwhile.
_TIMEOUT_S = 20.0


class Shelf(Protocol):
    """Checks packs and keeps them."""

    @property
    def region(self) -> str:
        """Six digits: whose packs are taken here."""

    def held(self) -> Mapping[str, str]:
        """Version -> SHA-256 of every pack that lies there and can be used. Raises `OSError`."""

    def install(self, data: bytes, signature: bytes) -> object:
        """Raises `ValueError` with the reason for a pack that may not be used, and `OSError`."""

    def remove(self, version: str) -> None:
        """Put away a pack that is held. Raises `OSError`."""

    def tidy(self, desired: Collection[str]) -> list[str]:
        """Put away what can rule no more beside those that are desired; returns the versions.
        Raises `OSError`."""


class Packs:
    """The agent's part in the packs of one terminal. Never raises."""

    def __init__(
        self,
        state_dir: Path,
        identity: Identity,
        transport: Transport,
        shelf: Shelf,
        recorder: Recorder,
    ) -> None:
        self._file = state_dir / SEEN_FILE
        self._key = identity.central_signing_key
        self._centre = sha256_hex(self._key)[:16]
        self._transport, self._shelf, self._recorder = transport, shelf, recorder
        self._seen = self._load_seen()
        #: SHA-256 of what was fetched and may not be used -> why. It is not fetched again.
        self._refused: dict[str, str] = {}
        #: What is wrong, for a technician; "" if nothing is.
        self.trouble = ""

    @property
    def region(self) -> str:
        return self._shelf.region

    def follow(self, said: DesiredPacks | None) -> None:
        """Do what a list says, which came with a heartbeat; None: the centre has said nothing."""
        if said is None:
            return
        try:
            trouble = self._why_not(said) or self._followed(said)
        except OSError as error:
            trouble = error.strerror or type(error).__name__
        if trouble and trouble != self.trouble:
            log.error("policy: %s", trouble)
        self.trouble = trouble

    def _why_not(self, said: DesiredPacks) -> str:
        """Why a list does not count; "" if it does."""
        if not centre_signed(said, self._key):
            return "the list of packs is not signed by the centre"
        if said.region != self.region:
            return f"the list of packs is for region {said.region}, not {self.region}"
        if (said.epoch, said.number) < self._seen:
            return "the list of packs is older than one that was seen"
        return ""

    def _followed(self, said: DesiredPacks) -> str:
        """What is wrong with one of the packs. Raises `OSError`."""
        self._remember((said.epoch, said.number))
        held = self._shelf.held()
        for gone in said.withdrawn:
            if held.get(gone.version) == gone.sha256:
                self._shelf.remove(gone.version)
                self._recorder.record("policy_withdrawn", digest=gone.sha256)
                log.info("policy %s was withdrawn by the centre", gone.version)
        if superseded := self._shelf.tidy({issued.version for issued in said.packs}):
            log.info("superseded policies put away: %s", ", ".join(superseded))
        missing = [issued for issued in said.packs if held.get(issued.version) != issued.sha256]
        trouble = ""
        for issued in missing:
            if issued.sha256 not in self._refused:
                trouble = self._fetch(issued)
                break
        known = (self._refused[one.sha256] for one in missing if one.sha256 in self._refused)
        return trouble or next(known, "")

    def _fetch(self, issued: Issued) -> str:
        """Fetch one and put it on the shelf; returns why that failed. Raises `OSError`."""
        question = PackQuestion(sha256=issued.sha256)
        try:
            if issued.size > PACK_LIMIT:
                raise ValueError(f"is larger than {PACK_LIMIT} bytes")
            pack = self._transport.post("policy-pack", question, Pack, _TIMEOUT_S)
            if sha256_hex(pack.data) != issued.sha256:
                raise ValueError("is not the one that was asked for")
            self._shelf.install(pack.data, pack.signature)
        except CentralRefused as refused:
            return f"{issued.version}: the centre does not give it: {refused.reason}"
        except CentralUnreachable as away:
            # It is asked for again with the next heartbeat, and the centre's own row tells of it.
            log.info("policy %s not fetched: %s", issued.version, away.reason)
            return ""
        except ValueError as bad:
            self._refused[issued.sha256] = f"{issued.version}: {bad}"
            self._recorder.record("policy_refused", digest=issued.sha256)
            return ""
        self._recorder.record("policy_installed", digest=issued.sha256)
        return ""

    # -- the newest list -------------------------------------------------------------------------

    def _load_seen(self) -> tuple[int, int]:
        """(0, 0): none of this centre."""
        try:
            found = json.loads(self._file.read_bytes())
            if found["centre"] == self._centre:
                return int(found["epoch"]), int(found["number"])
        except FileNotFoundError:
            pass
        except (OSError, ValueError, LookupError, TypeError) as error:
            log.warning("%s unreadable: %s", SEEN_FILE, type(error).__name__)
        return 0, 0

    def _remember(self, seen: tuple[int, int]) -> None:
        if seen == self._seen:
            return
        document = {"centre": self._centre, "epoch": seen[0], "number": seen[1]}
        write_whole(self._file, json.dumps(document).encode("ascii"))
        self._seen = seen
