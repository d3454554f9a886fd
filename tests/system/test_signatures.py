"""Who sent this request: what a signature must cover, for how long it is good, and that it is once.

The requests are signed here with the library, and the parts of the contract stand here literally.
"""

from __future__ import annotations

import gzip
import os
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
import time_machine
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from http_message_signatures import HTTPMessageSigner, HTTPSignatureKeyResolver, algorithms

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from django.http import HttpRequest

    from central.models import Terminal
    from tests.system.in_process import Centre

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
ADDRESS = "http://localhost/api/v1/heartbeat?since=7"
COVERED = ("@method", "@authority", "@path", "@query", "content-type")
BODY = b'{"dead":0}'


@dataclass
class Signer(HTTPSignatureKeyResolver):
    """A terminal's key, and everything it says in a signature."""

    key: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)
    id: str = field(default_factory=lambda: os.urandom(8).hex())

    @property
    def public(self) -> bytes:
        return self.key.public_key().public_bytes_raw()

    def resolve_private_key(self, key_id: str) -> Any:
        return self.key

    def resolve_public_key(self, key_id: str) -> Any:
        raise NotImplementedError


@dataclass
class Message:
    """A request on its way, which somebody may change."""

    method: str = "POST"
    url: str = ADDRESS
    headers: dict[str, str] = field(default_factory=lambda: {"Content-Type": "application/json"})
    body: bytes = BODY

    def signed(self, by: Signer, **said: Any) -> Message:
        signer = HTTPMessageSigner(signature_algorithm=algorithms.ED25519, key_resolver=by)
        usual: dict[str, Any] = {
            "key_id": by.id,
            "created": NOW,
            "nonce": os.urandom(16).hex(),
            "tag": "kiosk-terminal",
            "covered_component_ids": COVERED,
            "body": self.body,
        }
        signer.sign(self, **(usual | said))
        return self

    def request(self) -> HttpRequest:
        """As Django gets it."""
        from django.test import RequestFactory

        address, _, query = self.url.removeprefix("http://").partition("?")
        host, _, path = address.partition("/")
        return RequestFactory().generic(
            self.method,
            f"/{path}",
            self.body,
            headers={**self.headers, "Host": host},
            content_type=self.headers["Content-Type"],
            QUERY_STRING=query,
        )


@dataclass
class Known:
    """A terminal with its key."""

    terminal: Terminal
    signer: Signer

    def signed(self, **said: Any) -> Message:
        return Message().signed(self.signer, **said)


def enrolled(signer: Signer) -> Known:
    from central import fleet
    from central.models import Terminal

    made = fleet.enrol(fleet.new_code(), signer.id, signer.public, "大厅")
    return Known(Terminal.objects.get(number=made.terminal), signer)


@pytest.fixture
def known(centre: Centre) -> Iterator[Known]:
    from django.conf import settings

    with pytest.MonkeyPatch.context() as patch, time_machine.travel(NOW, tick=False):
        patch.setattr(settings, "ALLOWED_HOSTS", ["localhost", "elsewhere"])
        yield enrolled(Signer())


def said_of(message: Message) -> str:
    """The number of the terminal, or the word for why it is not believed."""
    from central.signatures import BadRequest, sender

    try:
        return sender(message.request()).number
    except BadRequest as error:
        assert str(error) == error.error
        return error.error


def test_who_signed_a_request_is_known_by_the_key(known: Known) -> None:
    other = enrolled(Signer())
    assert said_of(known.signed()) == known.terminal.number
    assert said_of(other.signed()) == other.terminal.number


def test_a_request_without_a_body_is_signed_as_well(known: Known) -> None:
    message = Message(method="GET", body=b"").signed(known.signer)
    assert said_of(message) == known.terminal.number


def test_a_key_that_nobody_enrolled_is_unknown(known: Known) -> None:
    assert said_of(Message().signed(Signer())) == "unknown_key"


def test_a_key_that_is_not_the_named_one_is_a_bad_signature(known: Known) -> None:
    assert said_of(Message().signed(Signer(id=known.signer.id))) == "bad_signature"


def _header(name: str, value: str) -> Callable[[Message], Any]:
    return lambda message: message.headers.update({name: value})


#: What somebody on the way changes -> how.
CHANGES: dict[str, Callable[[Message], Any]] = {
    "method": lambda message: setattr(message, "method", "PUT"),
    "host": lambda message: setattr(message, "url", ADDRESS.replace("localhost", "elsewhere")),
    "path": lambda message: setattr(message, "url", ADDRESS.replace("heartbeat", "journal")),
    "query": lambda message: setattr(message, "url", ADDRESS.replace("7", "8")),
    "content type": _header("Content-Type", "text/plain"),
    "body": lambda message: setattr(message, "body", BODY.replace(b"0", b"9")),
    "no body": lambda message: setattr(message, "body", b""),
    "packed": _header("Content-Encoding", "gzip"),
    "digest": _header("Content-Digest", "sha-256=:AAAA:"),
    "no signature": lambda message: message.headers.pop("Signature"),
    "nothing signed": lambda message: message.headers.pop("Signature-Input"),
    "no sense": _header("Signature-Input", "pyhms=("),
}


@pytest.mark.parametrize("what", CHANGES)
def test_what_was_changed_on_the_way_is_a_bad_signature(known: Known, what: str) -> None:
    message = known.signed()
    CHANGES[what](message)
    assert said_of(message) == "bad_signature"


@pytest.mark.parametrize("left_out", COVERED)
def test_a_signature_that_leaves_something_open_is_none(known: Known, left_out: str) -> None:
    covered = tuple(one for one in COVERED if one != left_out)
    assert said_of(known.signed(covered_component_ids=covered)) == "bad_signature"


def test_how_a_body_is_packed_must_be_signed(known: Known) -> None:
    def packed() -> Message:
        headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
        return Message(headers=headers, body=gzip.compress(BODY))

    assert said_of(packed().signed(known.signer)) == "bad_signature"
    covered = (*COVERED, "content-encoding")
    message = packed().signed(known.signer, covered_component_ids=covered)
    assert said_of(message) == known.terminal.number


def test_a_body_must_be_signed(known: Known) -> None:
    message = Message(body=b"").signed(known.signer)
    message.body = BODY
    assert said_of(message) == "bad_signature"


@pytest.mark.parametrize("tag", ["another use of the key", None])
def test_what_the_key_signed_for_something_else_is_no_request(known: Known, tag: str) -> None:
    assert said_of(known.signed(tag=tag)) == "bad_signature"


def test_a_second_signature_is_not_passed_over(known: Known) -> None:
    """Nobody knows which of the two nonces would be taken."""
    message = known.signed(label="one")
    more: dict[str, Any] = {"append_if_signature_exists": True, "use_existing_digest": True}
    message.signed(known.signer, label="two", **more)
    assert said_of(message) == "bad_signature"


@pytest.mark.parametrize(
    ("seconds", "is_good"),
    [(0, True), (300, True), (-300, True), (301, False), (-301, False), (-315_360_000, False)],
)
def test_a_clock_may_be_wrong_by_five_minutes(known: Known, seconds: int, is_good: bool) -> None:
    message = known.signed(created=NOW + timedelta(seconds=seconds))
    assert said_of(message) == (known.terminal.number if is_good else "clock_skew")


@pytest.mark.parametrize(("seconds", "is_good"), [(60, True), (0, True), (-1, False)])
def test_a_request_ends_when_it_says_so(known: Known, seconds: int, is_good: bool) -> None:
    """What has ended is expired, not altered: the line was slow."""
    ends = NOW + timedelta(seconds=seconds)
    message = known.signed(created=NOW - timedelta(seconds=90), expires=ends)
    assert said_of(message) == (known.terminal.number if is_good else "expired")


def test_a_request_is_taken_once(known: Known) -> None:
    message = known.signed()
    assert [said_of(message) for _ in range(3)] == [known.terminal.number, "replayed", "replayed"]


def test_the_nonce_of_one_terminal_is_free_for_another(known: Known) -> None:
    other = enrolled(Signer())
    for one in (known, other):
        assert said_of(one.signed(nonce="0123456789abcdef")) == one.terminal.number


@pytest.mark.parametrize(
    ("length", "is_good"), [(0, False), (15, False), (16, True), (64, True), (65, False)]
)
def test_a_nonce_has_sixteen_to_sixty_four_characters(
    known: Known, length: int, is_good: bool
) -> None:
    message = known.signed(nonce="n" * length)
    assert said_of(message) == (known.terminal.number if is_good else "bad_signature")


def test_without_a_nonce_nothing_is_taken(known: Known) -> None:
    assert said_of(known.signed(nonce=None)) == "bad_signature"


def test_a_nonce_is_kept_as_long_as_its_request_could_be_good(known: Known) -> None:
    """A request from a clock five minutes ahead is good for ten minutes."""
    from central.signatures import forget_old_nonces

    message = known.signed(created=NOW + timedelta(minutes=5))
    said_of(message)
    with time_machine.travel(NOW + timedelta(minutes=10), tick=False):
        forget_old_nonces()
        assert said_of(message) == "replayed"


def test_a_nonce_is_not_kept_for_ever(known: Known) -> None:
    from central.models import SeenNonce
    from central.signatures import forget_old_nonces

    said_of(known.signed())
    with time_machine.travel(NOW + timedelta(minutes=16), tick=False):
        forget_old_nonces()
    assert not SeenNonce.objects.filter(terminal=known.terminal).exists()


def test_a_terminal_that_was_disabled_is_told_so_and_its_request_is_not_used_up(
    known: Known,
) -> None:
    message = known.signed()
    known.terminal.enabled = False
    known.terminal.save()
    assert said_of(message) == "terminal_disabled"
    known.terminal.enabled = True
    known.terminal.save()
    assert said_of(message) == known.terminal.number


def test_the_former_key_is_good_until_the_new_one_was_used(known: Known) -> None:
    following = Signer()
    terminal = known.terminal
    terminal.former_key_id, terminal.former_public_key = terminal.key_id, terminal.public_key
    terminal.key_id, terminal.public_key = following.id, following.public
    terminal.former_good = True
    terminal.save()
    # A request with the new key went under on its way: the terminal still has the one before.
    assert [said_of(known.signed()) for _ in range(2)] == [terminal.number] * 2
    assert said_of(Message().signed(Signer(id=following.id))) == "bad_signature"
    assert said_of(known.signed()) == terminal.number
    assert said_of(Message().signed(following)) == terminal.number
    assert said_of(known.signed()) == "unknown_key"
    terminal.refresh_from_db()
    assert not terminal.former_good
    assert said_of(Message().signed(following)) == terminal.number


def test_nobody_unknown_makes_the_centre_read_a_body(known: Known) -> None:
    from central.signatures import BadRequest, sender

    class Unread:
        def read(self, *_: int) -> bytes:
            raise AssertionError("read")

    request = Message().signed(Signer()).request()
    request._stream = Unread()  # type: ignore[attr-defined]
    with pytest.raises(BadRequest, match="unknown_key"):
        sender(request)


def test_the_key_that_a_question_brings_is_what_its_signature_is_checked_with(
    known: Known,
) -> None:
    """As at enrolment, where no terminal is known yet."""
    from central.signatures import BadRequest, check

    newcomer = Signer()
    asked: list[str] = []

    def key(key_id: str) -> bytes:
        asked.append(key_id)
        return newcomer.public

    signed = check(Message().signed(newcomer, nonce="0123456789abcdef").request(), key)
    assert (signed.key_id, signed.nonce) == (newcomer.id, "0123456789abcdef")
    assert asked == [newcomer.id]
    with pytest.raises(BadRequest, match="bad_signature"):
        check(Message().signed(Signer()).request(), key)
