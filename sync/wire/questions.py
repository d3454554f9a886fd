"""Questions: what a terminal asks while a citizen waits.

A question is sealed like a transaction. What is asked and answered is a matter of its business
(`sync.kinds`). The answer may be personal, so it is sealed to a key that came inside the question
and is used once; who could not open the question does not know that key, so nobody else can answer.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from sync.header import SCHEMA_VERSION
from sync.values import Algorithm, Base64, ItemId
from sync.wire.base import Message

#: Largest question and largest reply, sealed, bytes.
QUESTION_LIMIT = 16 * 1024
REPLY_LIMIT = 256 * 1024


class ReplyKey(Message):
    """The public key that the answer is to be sealed to."""

    algorithm: Algorithm
    public_key: Annotated[Base64, Field(max_length=4096)]


class Asked(Message):
    """What the envelope of a question holds. Its header's kind is the question's id."""

    schema_version: int = SCHEMA_VERSION
    kind: Annotated[str, Field(max_length=80)]
    question: dict[str, Any]
    reply_key: ReplyKey


class Reply(Message):
    """The answer: it opens with the key of that question only (`sync.envelope.ReplyOpener`)."""

    id: ItemId
    sealed: Annotated[Base64, Field(max_length=REPLY_LIMIT)]
