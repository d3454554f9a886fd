"""What every message has in common, and what the signature of a request covers.

A field that one side does not know is passed over, except in what was signed or sealed, where it is
kept. A missing field has the default that says what its absence means.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from sync.canonical import Json, canonical
from sync.contract import CONTRACT
from sync.values import Base64

if TYPE_CHECKING:
    from enum import StrEnum

#: Where the contract lives on the server.
API = f"/api/v{CONTRACT.major}"

#: What a request signature covers; Content-Digest covers the body. Not the scheme: a proxy may
#: end TLS. A request that has a Content-Encoding covers that, too.
SIGNED_COMPONENTS = ("@method", "@authority", "@path", "@query", "content-type")
ENCODING_COMPONENT = "content-encoding"

#: Keeps these signatures apart from any other use of the key.
SIGNATURE_TAG = "kiosk-terminal"


class Message(BaseModel):
    """One message, or a part of one."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Document(BaseModel):
    """Part of what was hashed or signed: every field is kept, also those that this version does
    not know, so that the hash over it can be computed again."""

    model_config = ConfigDict(frozen=True, extra="allow")


class Signed(BaseModel):
    """Carries a signature over all else in it, as it was sent.

    `PURPOSE` keeps the signature apart from every other use of the key.
    """

    model_config = ConfigDict(frozen=True, extra="allow")

    PURPOSE: ClassVar[str] = ""

    signature: Annotated[Base64, Field(max_length=64)] = b""

    @classmethod
    def unsigned(cls, **fields: object) -> Self:
        """To be signed: every field is said, also those that are as always."""
        return cls.model_validate(cls.model_validate(fields).model_dump(mode="json"))

    def signed_bytes(self, **also: Json) -> bytes:
        """What the signature is over, with its purpose; `also`: what both sides know unsaid."""
        said = self.model_dump(mode="json", exclude={"signature"}, exclude_unset=True)
        return self.PURPOSE.encode("ascii") + b"\n" + canonical({**said, **also})

    def signed_with(self, signature: bytes) -> Self:
        return self.model_copy(update={"signature": signature})


def known(kind: type[StrEnum], instead: StrEnum) -> BeforeValidator:
    """Reads a word of a newer centre as one that this terminal knows."""
    return BeforeValidator(
        lambda word: instead if isinstance(word, str) and word not in set(kind) else word
    )


class Refusal(Message):
    """Body of an HTTP error: a request that is refused as a whole.

    | `error`                                     | what is wrong                                |
    |---------------------------------------------|----------------------------------------------|
    | unknown_key, terminal_disabled              | who asks                                     |
    | bad_signature, expired, replayed            | the signature                                |
    | clock_skew                                  | the terminal's clock                         |
    | code_unknown, code_used, code_expired       | the enrolment code                           |
    | no_numbers                                  | it has no terminal number left to give       |
    | too_large, bad_request, unreadable          | the body                                     |
    | terminal_too_old, terminal_too_new          | the version (`sync.contract`)                |
    | too_many_questions                          | how often it asks                            |
    | unknown_pack                                | it has no such policy pack, or withdrew it   |
    | no_such_file, range_needed                  | a file of a release (`sync.wire.release`)    |
    | no_registry, unknown_key_of_centre, …       | the centre cannot judge now                  |
    | hsm_unreachable, hsm_refused, card_unproven, | a card's exchange (`sync.wire.cards`)       |
    | exchange_unknown, not_authorised            |                                              |
    """

    error: Annotated[str, Field(max_length=60)]
    server_time: str = ""
