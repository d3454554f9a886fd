"""Who makes releases: keys in memory, bundles of a few files, the real repository of the centre."""

from __future__ import annotations

import io
import os
from functools import cache
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from securesystemslib.signer import CryptoSigner
from tuf.api.metadata import Metadata

from central.releases.repository import Repository, sign
from sync.bundle import pack

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from pathlib import Path

MACHINE = "x86_64"


@cache
def signer(name: str) -> CryptoSigner:
    """An offline key; the same for the same name."""
    return CryptoSigner(Ed25519PrivateKey.generate())


def bundle(folder: Path, version: str, *, library: bytes = b"", line: str = "") -> Path:
    """A bundle of a program with a library that stays the same."""
    tree = folder / f"tree-{version}"
    (tree / "lib").mkdir(parents=True)
    (tree / "kiosk").write_text(f"#!/bin/sh\necho {version}\n{line}")
    (tree / "kiosk").chmod(0o755)
    (tree / "_internal/kiosk").mkdir(parents=True)
    (tree / "_internal/kiosk/VERSION").write_text(f"{version}\n")
    (tree / "lib" / "library.so").write_bytes(library or os.urandom(3000))
    (tree / "lib" / "words.txt").write_text("".join(f"{n} {version}\n" for n in range(50)))
    tar = folder / f"{version}.tar"
    with tar.open("wb") as out:
        pack(tree, out)
    return tar


def packed(tree: Path) -> bytes:
    out = io.BytesIO()
    pack(tree, out)
    return out.getvalue()


class Office:
    """The holders of the offline keys, beside one centre."""

    def __init__(self, folder: Path, roots: str = "r1 r2 r3", targets: str = "t1 t2") -> None:
        self.folder, self.roots, self.targets = folder, roots.split(), targets.split()
        folder.mkdir(parents=True, exist_ok=True)
        self.repository = Repository(folder / "central")
        self.new_root()

    @property
    def site(self) -> Path:
        """What is served."""
        return self.repository.folder

    @property
    def first_root(self) -> bytes:
        return (self.site / "metadata" / "1.root.json").read_bytes()

    def new_root(self, roots: str = "", targets: str = "", *, signed_by: str = "") -> None:
        """Rotate: the next root names these keys; signed by those before and by these."""
        before, self.roots = self.roots, roots.split() or self.roots
        self.targets = targets.split() or self.targets
        keys = {
            "root": [signer(name).public_key for name in self.roots],
            "targets": [signer(name).public_key for name in self.targets],
        }
        draft = self.repository.draft_root(keys, {"root": 2, "targets": len(self.targets)})
        for name in signed_by.split() or dict.fromkeys([*before, *self.roots]):
            sign(draft, signer(name))
        self.repository.publish()

    def release(self, tar: Path, version: str, *bases: str) -> list[tuple[str, int]]:
        made = self.repository.add(tar, version, MACHINE, bases)
        self.sign_targets()
        return made

    def sign_targets(self, *names: str) -> None:
        for name in names or self.targets:
            sign(self.repository.folder / "draft" / "targets.json", signer(name))
        self.repository.publish()

    def online(self) -> CryptoSigner:
        return self.repository._online()

    def altered(self, file: str, change: Callable[[Any], None], *signers: CryptoSigner) -> bytes:
        """A file of metadata as it would be if somebody with these keys had changed it."""
        found = Metadata[Any].from_bytes((self.site / "metadata" / file).read_bytes())
        change(found.signed)
        found.signatures.clear()
        for one in signers:
            found.sign(one, append=True)
        return found.to_bytes()


def expire(at: datetime) -> Callable[[Any], None]:
    def change(signed: Any) -> None:
        signed.expires = at

    return change
