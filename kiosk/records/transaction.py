"""A transaction of any business: what is reviewed, signed, sealed and sent.

`document` is exactly what the citizen reviewed. Its SHA-256 is what they sign: the signature page
is given the hash, and document, hash and signature travel together, so that a field altered
afterwards no longer matches (domain R-B9). Which fields a document has is the contract of its
business, `sync/kinds/<kind>.py`; `tests/flows` holds the two together.

`contents` is the one shape in which every business travels (`sync.wire.envelopes`). It is plain
data built by hand, so that the terminal needs no model library while a citizen waits.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import field
from datetime import datetime
from typing import TYPE_CHECKING

from kiosk.late import dataclass
from kiosk.records.signature import Strokes, signature_png
from sync.canonical import Json, canonical, sha256_hex
from sync.header import SCHEMA_VERSION

if TYPE_CHECKING:
    from kiosk.records.proof import Proof
    from sync.header import EnvelopeHeader


@dataclass(frozen=True)
class Consent:
    """A text that was agreed to: its id, version and hash in the policy pack, and when."""

    text_id: str
    text_version: str
    #: Hex, see `kiosk.policy.consents`.
    text_sha256: str
    agreed_at: datetime


@dataclass(frozen=True)
class Transaction:
    """One thing filed. `person`: the ID number it is about, for a keyed hash that finds it again;
    `attachments`: name -> bytes, of which the document holds hashes or which are claims beside it;
    `evidence`: the business's own claims about how it came about, not signed."""

    kind: str
    policy_version: str
    document: Mapping[str, Json] = field(repr=False)
    proof: Proof
    person: str = field(default="", repr=False)
    attachments: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    consents: tuple[Consent, ...] = ()
    signature: Strokes | None = field(default=None, repr=False)
    evidence: Mapping[str, Json] = field(default_factory=dict, repr=False)

    @property
    def sha256(self) -> str:
        """Hash of the document in canonical JSON, hex."""
        return sha256_hex(canonical(dict(self.document)))


@dataclass(frozen=True)
class Prepared:
    """A transaction whose slow parts are done, waiting for its header."""

    transaction: Transaction
    png: bytes = field(repr=False)

    @classmethod
    def of(cls, transaction: Transaction) -> Prepared:
        signature = transaction.signature
        return cls(transaction, b"" if signature is None else signature_png(signature))

    def contents(self, header: EnvelopeHeader) -> dict[str, Json]:
        """The contents of the envelope with this header."""
        transaction = self.transaction
        attachments = dict(transaction.attachments)
        if self.png:
            attachments["signature"] = self.png
        return {
            "schema_version": SCHEMA_VERSION,
            "kind": transaction.kind,
            "request_id": header.id,
            "receipt_no": header.receipt_no,
            "policy_version": transaction.policy_version,
            "document": dict(transaction.document),
            "document_sha256": transaction.sha256,
            "attachments": {name: _base64(data) for name, data in attachments.items()},
            "signature": self._signature(),
            "consents": [
                {
                    "text_id": consent.text_id,
                    "text_version": consent.text_version,
                    "text_sha256": consent.text_sha256,
                    "agreed_at": _moment(consent.agreed_at),
                }
                for consent in transaction.consents
            ],
            "proof": transaction.proof.document(),
            "evidence": dict(transaction.evidence),
        }

    def _signature(self) -> dict[str, Json] | None:
        """The signature and what it is bound to."""
        strokes = self.transaction.signature
        if strokes is None:
            return None
        bound = {
            "document": self.transaction.sha256,
            "signature": sha256_hex(self.png),
            "signed_at": _moment(strokes.signed_at),
        }
        return {
            "png_sha256": bound["signature"],
            "document_sha256": bound["document"],
            "signed_at": bound["signed_at"],
            "binding_sha256": sha256_hex(canonical(dict(bound))),
        }


def _moment(when: datetime) -> str:
    return when.isoformat(timespec="milliseconds")


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
