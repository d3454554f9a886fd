"""TUF metadata and files of releases: what is signed where, by whom, and for how long.

    releases/metadata/   N.root.json, N.targets.json, N.snapshot.json, timestamp.json, as served
    releases/targets/    SHA256.NAME, as served
    releases/bundles/    SHA256.tar, the bundles themselves: deltas are made between them
    releases/draft/      root.json and targets.json that lack signatures
    envelope-keys/release.key   signs snapshot and timestamp; backed up with the other keys

| role                | where its keys are           | runs for | renewed by                |
|---------------------|------------------------------|----------|---------------------------|
| root, targets       | offline, several, a threshold| a year   | people (`central release`)|
| snapshot            | here                         | a week   | this centre, by itself    |
| timestamp           | here                         | a day    | this centre, by itself    |

A draft is signed on machines that are never online, with `central release sign`, which needs no
centre. Versions of snapshot and timestamp are seconds since 1970: a centre that came back from a
backup goes on above what terminals have seen.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tarfile
import time
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

import zstandard
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from securesystemslib.signer import CryptoSigner, SSlibKey
from tuf.api.exceptions import UnsignedMetadataError
from tuf.api.metadata import Metadata, MetaFile, Root, Snapshot, TargetFile, Targets, Timestamp
from tuf.api.serialization import DeserializationError

from central.boot import write_secret
from central.keys import FOLDER as KEYS
from sync.updates import delta
from sync.updates.names import BUNDLE_LIMIT, About, about, delta_name, whole_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

T = TypeVar("T", Root, Targets, Snapshot, Timestamp)

FOLDER, ONLINE = "releases", "release.key"
_METADATA, _TARGETS, _BUNDLES, _DRAFT = "metadata", "targets", "bundles", "draft"

OFFLINE_RUNS, SNAPSHOT_RUNS, TIMESTAMP_RUNS = (
    timedelta(days=365),
    timedelta(days=7),
    timedelta(days=1),
)

#: Deltas are made from at most so many bundles.
_BASES = 4

_LEVEL = 12
_CHUNK = 1 << 20

#: Where PyInstaller puts it (kiosk.spec).
_VERSION_FILE = "_internal/kiosk/VERSION"


class NotReleased(Exception):
    """Why something is not done; to be shown to the operator."""


def _own_version(bundle: Path) -> str:
    """What the program in a bundle says it is (`kiosk.version`), "" if nothing: under another name
    the agent of the version before would be taken for its own while it is on trial."""
    try:
        with tarfile.open(bundle, "r:") as tar:
            file = tar.extractfile(_VERSION_FILE)
            return file.read(100).decode("ascii", "replace").strip() if file else ""
    except (tarfile.TarError, KeyError):
        return ""


class Repository:
    """The releases of one centre. `central_dir`: DIR/central."""

    def __init__(self, central_dir: Path) -> None:
        self.folder = central_dir / FOLDER
        self._key_file = central_dir / KEYS / ONLINE

    # -- the ceremony ----------------------------------------------------------------------------

    def draft_root(
        self, keys: Mapping[str, Sequence[SSlibKey]], thresholds: Mapping[str, int]
    ) -> Path:
        """A draft of the next root; `keys` and `thresholds`: of "root" and "targets".

        Raises `NotReleased`.
        """
        before = self.root()
        root = Root(
            version=before.signed.version + 1 if before else 1,
            expires=_after(OFFLINE_RUNS),
            consistent_snapshot=True,
        )
        for role in (Root.type, Targets.type):
            ids = {key.keyid for key in keys[role]}
            if len(ids) != len(keys[role]) or not 1 <= thresholds[role] <= len(ids):
                raise NotReleased(f"{role}: {thresholds[role]} of {len(ids)} different keys")
            for key in keys[role]:
                root.add_key(key, role)
            root.roles[role].threshold = thresholds[role]
        for role in (Snapshot.type, Timestamp.type):
            root.add_key(self._online().public_key, role)
        return self._draft(Root.type, Metadata(root))

    def add(
        self, bundle: Path, version: str, machine: str, bases: Iterable[str] = ()
    ) -> list[tuple[str, int]]:
        """Put a bundle (a tar) and deltas to it into the draft of the targets; returns names and
        sizes. `bases`: versions that deltas are made from. Raises `NotReleased` and `OSError`."""
        size = bundle.stat().st_size
        if not 0 < size <= BUNDLE_LIMIT:
            raise NotReleased(f"a bundle of {size} bytes")
        if (own := _own_version(bundle)) != version:
            raise NotReleased(f"the program in it says it is {own or 'none'}, not {version}")
        draft = self.draft_or_current()
        name = whole_name(version, machine)
        if name in draft.signed.targets:
            raise NotReleased(f"{version} for {machine} is there already; give it another version")
        sha256 = self._keep_bundle(bundle)
        said: dict[str, Any] = {"version": version, "sha256": sha256, "size": size}
        work = self._folder(_DRAFT) / "file"
        with bundle.open("rb") as tar, work.open("wb") as packed:
            zstandard.ZstdCompressor(level=_LEVEL, threads=-1).copy_stream(tar, packed, size=size)
        made = [self._target(draft.signed, work, name, said)]
        for base in bases:
            old = about_of(draft.signed, whole_name(base, machine))
            before = self._bundle(old.sha256) if old else None
            if old is None or before is None or base == version:
                continue
            with work.open("wb") as packed:
                delta.make(before, bundle, packed)
            if work.stat().st_size >= made[0][1]:
                continue
            name = delta_name(version, base, machine)
            made.append(self._target(draft.signed, work, name, {**said, "base": old.sha256}))
        work.unlink(missing_ok=True)
        self._draft(Targets.type, draft)
        self._forget_bundles(draft.signed)
        return made

    def withdraw(self, version: str) -> list[str]:
        """Take every file of a version out of the draft of the targets: once that is signed, no
        terminal can install it any more, whoever asks for it. Returns the names."""
        draft = self.draft_or_current()
        gone = [
            name
            for name, target in draft.signed.targets.items()
            if (said := about(target.custom)) is not None and said.version == version
        ]
        if not gone:
            raise NotReleased(f"no release {version}")
        for name in gone:
            del draft.signed.targets[name]
        self._draft(Targets.type, draft)
        return gone

    def publish(self) -> list[str]:
        """Put every draft that has its signatures into force; returns their names. All are looked
        at before any is written, so that a root whose targets nobody believes never stands alone.
        What a power cut left half published is published by the next call.

        Raises `NotReleased` where one lacks signatures, or does not follow what is in force.
        """
        drafts = self._folder(_DRAFT)
        root = _draft_of(drafts / "root.json", Root)
        targets = _draft_of(drafts / "targets.json", Targets)
        if root is None and targets is None:
            raise NotReleased("nothing to publish")
        if root is not None:
            _must_follow(root, self.root())
            _must_be_signed(root, [one for one in (self.root(), root) if one is not None])
        if targets is not None:
            _must_follow(targets, self.targets())
        trusted = root or self.root()
        if trusted is None:
            raise NotReleased("publish the root first")
        if (listed := targets or self.targets()) is not None:
            _must_be_signed(listed, [trusted])
        done = [self._put(new) for new in (root, targets) if new is not None]
        self.renew(force=True)
        for draft in ("root.json", "targets.json"):
            (drafts / draft).unlink(missing_ok=True)
        return done

    def _put(self, new: Metadata[Any]) -> str:
        name = f"{new.signed.version}.{new.signed.type}.json"
        _write(self.metadata / name, new.to_bytes())
        return name

    # -- what is signed here ---------------------------------------------------------------------

    def renew(self, *, force: bool = False) -> bool:
        """Sign snapshot and timestamp again if half of their time is over, or something is new.
        Returns whether anything was signed."""
        with (self._folder(_METADATA) / ".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # a command and the server at once
            return self._renewed(force)

    def _renewed(self, force: bool) -> bool:
        root, targets = self.root(), self.targets()
        if root is None or targets is None:
            return False
        timestamp = _newest(self.metadata, "timestamp.json", Timestamp)
        now = datetime.now(UTC)
        if not force and timestamp and timestamp.signed.expires - now > TIMESTAMP_RUNS / 2:
            return False
        signer = self._online()
        seen = timestamp.signed.version if timestamp else 0
        version = max(seen + 1, int(time.time()))
        snapshot = Metadata(Snapshot(version=version, expires=_after(SNAPSHOT_RUNS)))
        snapshot.signed.meta["targets.json"] = MetaFile(targets.signed.version)
        snapshot.sign(signer)
        data = snapshot.to_bytes()
        _write(self.metadata / f"{version}.snapshot.json", data)
        new = Metadata(Timestamp(version=version, expires=_after(TIMESTAMP_RUNS)))
        new.signed.snapshot_meta = MetaFile.from_data(version, data, ["sha256"])
        new.sign(signer)
        _write(self.metadata / "timestamp.json", new.to_bytes())
        for old in sorted(self.metadata.glob("*.snapshot.json"), key=_number)[:-3]:
            old.unlink()
        return True

    # -- what there is ---------------------------------------------------------------------------

    @property
    def metadata(self) -> Path:
        return self._folder(_METADATA)

    def root(self) -> Metadata[Root] | None:
        return _newest(self.metadata, "*.root.json", Root)

    def targets(self) -> Metadata[Targets] | None:
        return _newest(self.metadata, "*.targets.json", Targets)

    def first_root(self) -> str:
        """SHA-256 of the first root, by which a terminal without one knows it; "" if none."""
        return _digest(self.metadata / "1.root.json")

    def released(self) -> dict[str, set[str]]:
        """Version -> machines, of what is in force."""
        targets = self.targets()
        found: dict[str, set[str]] = {}
        for name, target in (targets.signed.targets if targets else {}).items():
            said = about(target.custom)
            if said is not None and not said.base:
                machine = name.removeprefix(f"kiosk-{said.version}-").removesuffix(".tar.zst")
                found.setdefault(said.version, set()).add(machine)
        return found

    def runs_out(self) -> datetime | None:
        """When the first of what people have to sign runs out."""
        signed = [found.signed.expires for found in (self.root(), self.targets()) if found]
        return min(signed, default=None)

    def draft_or_current(self) -> Metadata[Targets]:
        """The draft of the targets; without one, what is in force as the beginning of one."""
        file = self._folder(_DRAFT) / "targets.json"
        if file.exists():
            return _load(file, Targets)
        before = self.targets()
        new = Targets(
            version=before.signed.version + 1 if before else 1,
            expires=_after(OFFLINE_RUNS),
            targets=before.signed.targets if before else None,
        )
        return Metadata(new)

    def draft_again(self) -> Path:
        """A draft of the same targets, to be signed because the signatures run out."""
        return self._draft(Targets.type, self.draft_or_current())

    # -- files -----------------------------------------------------------------------------------

    def _folder(self, name: str) -> Path:
        folder = self.folder / name
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return folder

    def _draft(self, name: str, metadata: Metadata[Any]) -> Path:
        """Without signatures: they would be over what it was before."""
        metadata.signatures.clear()
        file = self._folder(_DRAFT) / f"{name}.json"
        _write(file, metadata.to_bytes())
        return file

    def _target(
        self, targets: Targets, file: Path, name: str, said: dict[str, Any]
    ) -> tuple[str, int]:
        target = TargetFile.from_file(name, str(file), ["sha256"])
        target.unrecognized_fields["custom"] = said
        targets.targets[name] = target
        file.replace(self._folder(_TARGETS) / f"{target.hashes['sha256']}.{name}")
        return name, target.length

    def _keep_bundle(self, bundle: Path) -> str:
        sha256 = delta.digest(bundle)
        kept = self._folder(_BUNDLES) / f"{sha256}.tar"
        if not kept.exists():
            beside = kept.with_suffix(".new")
            shutil.copyfile(bundle, beside)
            beside.replace(kept)
        return sha256

    def _bundle(self, sha256: str) -> Path | None:
        kept = self._folder(_BUNDLES) / f"{sha256}.tar"
        return kept if kept.exists() else None

    def _forget_bundles(self, targets: Targets) -> None:
        """Of each machine's releases the newest are bases of deltas."""
        whole = [said for said in map(_said, targets.targets.values()) if said and not said.base]
        wanted = {said.sha256 for said in whole[-2 * _BASES :]}
        for kept in self._folder(_BUNDLES).glob("*.tar"):
            if kept.stem not in wanted:
                kept.unlink()

    def _online(self) -> CryptoSigner:
        if not self._key_file.exists():
            self._key_file.parent.mkdir(mode=0o700, exist_ok=True)
            write_secret(self._key_file, Ed25519PrivateKey.generate().private_bytes_raw())
        return CryptoSigner(Ed25519PrivateKey.from_private_bytes(self._key_file.read_bytes()))


def about_of(targets: Targets, name: str) -> About | None:
    """What a target says of itself; None if there is none of this name."""
    target = targets.targets.get(name)
    return _said(target) if target else None


def _said(target: TargetFile) -> About | None:
    return about(target.custom)


def _after(time_: timedelta) -> datetime:
    return datetime.now(UTC).replace(microsecond=0) + time_


def _load(file: Path, kind: type[T]) -> Metadata[T]:
    """Raises `NotReleased`."""
    try:
        found = Metadata[T].from_bytes(file.read_bytes())
    except (DeserializationError, OSError) as error:
        raise NotReleased(f"{file.name}: {type(error).__name__}") from None
    if not isinstance(found.signed, kind):
        raise NotReleased(f"{file.name} is no {kind.type}")
    return found


def _draft_of(file: Path, kind: type[T]) -> Metadata[T] | None:
    """Raises `NotReleased`."""
    return _load(file, kind) if file.exists() else None


def _must_follow(new: Metadata[Any], before: Metadata[Any] | None) -> None:
    """The next version, or the one in force itself. Raises `NotReleased`."""
    if before is not None and new.to_bytes() == before.to_bytes():
        return
    if new.signed.version != (before.signed.version + 1 if before else 1):
        raise NotReleased(f"{new.signed.type} {new.signed.version} is not the next one")


def _must_be_signed(new: Metadata[Any], roots: Iterable[Metadata[Root]]) -> None:
    """By enough keys of each root. Raises `NotReleased`."""
    try:
        for root in roots:
            root.verify_delegate(new.signed.type, new)
    except UnsignedMetadataError as error:
        raise NotReleased(f"{new.signed.type} lacks signatures: {error}") from None


def _newest(folder: Path, pattern: str, kind: type[T]) -> Metadata[T] | None:
    file = max(folder.glob(pattern), key=_number, default=None)
    return _load(file, kind) if file else None


def _number(file: Path) -> int:
    number = file.name.partition(".")[0]
    return int(number) if number.isdecimal() else 0


@lru_cache(maxsize=4)
def _cached_digest(file: Path) -> str:
    return delta.digest(file)


def _digest(file: Path) -> str:
    return _cached_digest(file) if file.exists() else ""


def _write(file: Path, data: bytes) -> None:
    """Whole or not at all."""
    beside = file.with_name(f"{file.name}.new")
    with beside.open("wb") as out:
        out.write(data)
        out.flush()
        os.fsync(out.fileno())
    beside.replace(file)


# -- offline ---------------------------------------------------------------------------------------


def sign(file: Path, signer: CryptoSigner) -> None:
    """Put one signature under a draft. Raises `NotReleased`."""
    metadata = _draft_in(file)
    metadata.sign(signer, append=True)
    _write(file, metadata.to_bytes())


def contents(file: Path) -> list[str]:
    """What is in a draft, for the eyes of whoever signs it. Raises `NotReleased`."""
    metadata = _draft_in(file)
    signed = ", ".join(key[:16] for key in metadata.signatures) or "nobody yet"
    return [*_told(metadata.signed), f"  signed by {signed}"]


def _draft_in(file: Path) -> Metadata[Any]:
    try:
        metadata = Metadata[Any].from_bytes(file.read_bytes())
    except (DeserializationError, OSError) as error:
        raise NotReleased(f"{file.name}: {type(error).__name__}") from None
    if not isinstance(metadata.signed, Root | Targets):
        raise NotReleased(f"{file.name} is neither a root nor a list of targets")
    return metadata


def _told(signed: Root | Targets) -> Iterator[str]:
    yield f"{signed.type} {signed.version}, runs out {signed.expires:%Y-%m-%d}"
    if isinstance(signed, Root):
        for name, role in signed.roles.items():
            yield f"  {name}: {role.threshold} of {', '.join(k[:16] for k in role.keyids)}"
    else:
        for name, target in signed.targets.items():
            yield f"  {name}  {target.length}  {target.hashes['sha256'][:16]}…"


def public_key(pem: bytes) -> SSlibKey:
    """Raises `NotReleased`."""
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    try:
        return SSlibKey.from_crypto(cast(Any, load_pem_public_key(pem)))
    except ValueError:
        raise NotReleased("this is no public key in PEM") from None
