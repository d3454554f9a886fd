"""The packs that lie ready on this terminal, and which of them rules on a day.

The centre signs a pack (Ed25519, the key that was learned at enrolment); the agent fetches it
(`sync.packs`) and calls `Shelf.install`; the screen process asks `Shelf.on(day)` at the start of
each visit. Several versions lie side by side: a rule that begins on the first of next month is
there in time, and rules from that day on, whether or not there is a network.

On disk, in `<state>/policy`: `<version>.toml`, as issued, and `<version>.sig` (64 bytes). Every
pack is checked again when it is read, so that nothing on the disk is believed because it is there.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from kiosk.policy import load_policy
from kiosk.policy.pack import Policy, read_pack
from kiosk.policy.table import BadPolicy
from sync.canonical import Json, sha256_hex
from sync.identity import write_whole

log = logging.getLogger(__name__)

#: Folder of the packs in the state directory.
FOLDER = "policy"

#: What the centre signs is this and the bytes of the pack, so that no other signature fits.
PURPOSE = b"kiosk-policy-v1\n"

#: A pack is a few pages of text; what is larger is not read, bytes. As in `sync.wire.policy`.
LARGEST = 256 * 1024


class NotGenuine(BadPolicy):
    """The centre has not signed this pack."""


def install_pack(
    data: bytes, signature: bytes, key: bytes, folder: Path, region: str = ""
) -> Policy:
    """Check a pack and put it on the shelf; the one that was there before stays there.

    `key` is the centre's signing key (32 bytes), `region` the six digits that the pack must be
    for ("" takes any). The same pack may be installed again. Raises `NotGenuine`, `BadPolicy` for
    one that breaks a rule, is of another region, or has the version of another pack; `OSError`.
    """
    policy = _checked(data, signature, key, region, "the pack")
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{policy.version}.toml"
    if file.exists() and file.read_bytes() != data and _readable(file, key, region):
        raise BadPolicy(f"version {policy.version} was issued before, with other contents")
    # The signature first: a pack without its own is no pack.
    write_whole(file.with_suffix(".sig"), signature)
    write_whole(file, data)
    log.info("policy %s lies ready, in force from %s", policy.version, policy.effective)
    return policy


@dataclass(frozen=True)
class RulesToday:
    """Which pack rules today, for the health report and the maintenance page."""

    version: str
    effective: date
    source: str
    #: "centre": signed by it; "built in": the program's own example.
    origin: str
    demo: bool
    #: The version that rules next, and from when; "" and None if none lies ready.
    next_version: str = ""
    next_effective: date | None = None
    #: Files on the shelf that cannot be used -> why.
    unusable: Mapping[str, str] | None = None

    def line(self) -> str:
        """In one line, for `kioskctl`."""
        whose = "centre" if self.origin == "centre" and not self.demo else "demo"
        line = f"{self.version} ({whose}) since {self.effective}: {self.source}"
        if self.next_version:
            line += f"; next {self.next_version} from {self.next_effective}"
        return line

    def document(self) -> dict[str, Json]:
        """Plain JSON, for the heartbeat and `kioskctl health`."""
        return {
            "version": self.version,
            "effective": self.effective.isoformat(),
            "source": self.source,
            "origin": self.origin,
            "demo": self.demo,
            "next_version": self.next_version,
            "next_effective": self.next_effective.isoformat() if self.next_effective else "",
            "unusable": dict(self.unusable or {}),
        }


class Shelf:
    """All packs of one terminal. Reads the folder again when something in it has changed.

    May be asked on several threads."""

    def __init__(self, folder: Path, key: bytes, region: str = "") -> None:
        """`key` as for `install_pack`; b"" takes no pack but the built-in one."""
        self.region = region
        self._folder = folder
        self._key = key
        self._reading = threading.Lock()
        self._seen: tuple[tuple[str, int, int], ...] | None = None
        #: Each with the SHA-256 of its file.
        self._packs: tuple[tuple[Policy, str], ...] = ()
        self._unusable: dict[str, str] = {}

    def on(self, day: date) -> Policy:
        """The pack that rules on a day: of those in force the newest, else the built-in one."""
        in_force = [pack for pack, _ in self._fresh() if pack.effective <= day]
        return max(in_force, key=lambda pack: pack.order, default=load_policy())

    def rules_on(self, day: date) -> RulesToday:
        """What to show of it."""
        rules = self.on(day)
        packs = [pack for pack, _ in self._fresh()]
        coming = [pack for pack in packs if pack.effective > day]
        follows = min(coming, key=lambda pack: pack.order, default=None)
        return RulesToday(
            version=rules.version,
            effective=rules.effective,
            source=rules.source,
            origin="centre" if rules in packs else "built in",
            demo=rules.demo,
            next_version=follows.version if follows else "",
            next_effective=follows.effective if follows else None,
            unusable=dict(self._unusable),
        )

    # -- the agent's side (`sync.packs.Shelf`) ---------------------------------------------------

    def held(self) -> dict[str, str]:
        """Version -> SHA-256 (hex) of every pack that can be used."""
        return {pack.version: digest for pack, digest in self._fresh()}

    def install(self, data: bytes, signature: bytes) -> Policy:
        """As `install_pack`."""
        return install_pack(data, signature, self._key, self._folder, self.region)

    def tidy(self, desired: Collection[str]) -> list[str]:
        """Put away what can rule no more; returns the versions. `desired`: what the centre wants.

        Kept are those that are desired, all that are newer than the oldest of these, and one
        before it, which rules again where that one is withdrawn while the centre cannot be
        reached for another. No clock of this machine is asked. Raises `OSError`.
        """
        packs = sorted((pack for pack, _ in self._fresh()), key=lambda pack: pack.order)
        first = next((place for place, pack in enumerate(packs) if pack.version in desired), 0)
        gone = [pack.version for pack in packs[: max(0, first - 1)]]
        for version in gone:
            self.remove(version)
        return gone

    def remove(self, version: str) -> None:
        """Put away one that is held: the centre has withdrawn it. Raises `OSError`."""
        if version in self.held():
            # The signature last: a pack without its own would be told of as forged.
            for suffix in (".toml", ".sig"):
                (self._folder / (version + suffix)).unlink(missing_ok=True)

    def _fresh(self) -> tuple[tuple[Policy, str], ...]:
        """The packs as they lie there now."""
        with self._reading:
            files = sorted(self._folder.glob("*.toml")) if self._key else []
            seen = tuple(_state_of(file) for file in files)
            if seen != self._seen:
                self._read_all(files)
                self._seen = seen
            return self._packs

    def _read_all(self, files: list[Path]) -> None:
        packs, unusable = [], {}
        for file in files:
            try:
                packs.append(_read(file, self._key, self.region))
            except BadPolicy as bad:
                unusable[file.name] = str(bad)
            except OSError as error:
                unusable[file.name] = f"{file.name}: {error.strerror}"
            if file.name in unusable:
                log.error("policy not used: %s", unusable[file.name])
        self._packs, self._unusable = tuple(packs), unusable


def _state_of(file: Path) -> tuple[str, int, int]:
    try:
        state = file.stat()
    except OSError:
        return file.name, 0, 0
    return file.name, state.st_mtime_ns, state.st_size


def _read(file: Path, key: bytes, region: str) -> tuple[Policy, str]:
    """The pack and the SHA-256 of its file. Raises `BadPolicy` and `OSError`."""
    with file.open("rb") as pack:
        data = pack.read(LARGEST + 1)
    policy = _checked(data, file.with_suffix(".sig").read_bytes(), key, region, file.name)
    if policy.version != file.stem:
        raise BadPolicy(f"{file.name}: is version {policy.version}")
    return policy, sha256_hex(data)


def _readable(file: Path, key: bytes, region: str) -> bool:
    """Whether what stands on the shelf is a pack; half of one, or a forged one, is replaced."""
    try:
        _read(file, key, region)
    except (BadPolicy, OSError):
        return False
    return True


def _checked(data: bytes, signature: bytes, key: bytes, region: str, name: str) -> Policy:
    """In this order: size, signature, contents, region. Nothing unsigned is parsed."""
    # Loads a library of several megabytes, which a terminal without packs never needs.
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    if len(data) > LARGEST:
        raise BadPolicy(f"{name}: is larger than {LARGEST} bytes")
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, PURPOSE + data)
    except (InvalidSignature, ValueError):
        raise NotGenuine(f"{name}: the centre has not signed it") from None
    policy = read_pack(data, name)
    if region and policy.region.code != region:
        raise BadPolicy(f"{name}: is for region {policy.region.code}, not {region}")
    return policy
