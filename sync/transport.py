"""One signed request to the central server and its answer: the only place that speaks HTTP.

What comes back is believed only if it is an answer of the contract: a captive portal that answers
200 with a web page is "not the centre", not an acknowledgement.

- A call has one deadline for all of it: finding the address, connecting, sending, waiting and a
  body that trickles. A name server that says nothing holds a thread longer than any time-out of a
  socket, so each request runs on a thread of its own, which is left behind when the time is up.
- Bodies are packed once the server has said that it takes them. A proxy on the way may not: after
  a packed request without an answer of the contract the same one goes plain, once, and if that is
  answered nothing is packed for an hour.
- Plain http is spoken to this machine only.
"""

from __future__ import annotations

import email.utils
import gzip
import ssl
import threading
import time
from typing import TYPE_CHECKING, Generic, TypeVar
from urllib.parse import urlsplit

import requests
import urllib3
from pydantic import BaseModel, ValidationError

from sync.address import LOOPBACK
from sync.clock import RELEASED
from sync.contract import CONTRACT, HEADER, refusal, said
from sync.faults import CentralRefused, CentralUnreachable
from sync.sealing import TpmFault
from sync.wire.base import API, Refusal

if TYPE_CHECKING:
    from collections.abc import Callable

    from sync.signing import DeviceKey

#: No answer of the contract is longer, bytes.
ANSWER_LIMIT = 1024 * 1024

#: Longest pause a server may ask for, seconds.
RETRY_AFTER_LIMIT = 3600.0

#: Bodies shorter than this are not packed, bytes: they go in one network packet anyway.
PACK_FROM = 1200

#: After a proxy has shown that it spoils packed bodies nothing is packed for so long, seconds.
PLAIN_FOR_S = 3600.0

#: What comes of a packed body that was spoilt on the way: somebody else answered, or the centre
#: could not read it, or its signature covers what is not there any more.
_SPOILT = {"not_the_centre", "server_error", "bad_signature", "bad_request", "unreadable"}

#: A request that never gets an answer may be one that a proxy swallows: so many packed ones in
#: turn, then a plain one.
_SWALLOWED = 3

#: The clock is to blame only for what may come of a certificate that seems not to be valid.
_MAY_BE_THE_CLOCK = {"connection", "timeout", "certificate"}

_BUSY = {429: "busy", 503: "busy", 413: "too_large"}
#: X509_V_ERR_CERT_NOT_YET_VALID, X509_V_ERR_CERT_HAS_EXPIRED
_OF_A_CERTIFICATE = {9: "clock_wrong", 10: "certificate_expired"}

A = TypeVar("A", bound=BaseModel)
T = TypeVar("T")


class Transport:
    """Signed requests to one server. Not for several threads at once."""

    def __init__(self, url: str, key: DeviceKey, not_before: float = RELEASED) -> None:
        """`url`: "https://host[:port]"; `not_before`: the earliest time that it can be, see
        `sync.clock`."""
        self._url = url.rstrip("/")
        parts = urlsplit(url)
        self._local = parts.hostname in LOOPBACK
        self._allowed = parts.scheme == "https" or (parts.scheme == "http" and self._local)
        self._key, self._not_before = key, not_before
        self._session = self._new_session()
        self._packing = _Packing()

    def _new_session(self) -> requests.Session:
        session = requests.Session()
        session.auth = self._key.auth()
        # A proxy of the environment is for the world outside, not for this machine.
        session.trust_env = not self._local
        return session

    def close(self) -> None:
        self._session.close()

    def post(self, path: str, message: BaseModel, answer: type[A], timeout_s: float) -> A:
        """Send one message, return its answer, within `timeout_s`.

        Raises `CentralUnreachable`, or its `CentralRefused` where the centre said why.
        """
        if not self._allowed:
            raise CentralUnreachable("not_encrypted")
        until = time.monotonic() + timeout_s
        url, body = f"{self._url}{API}/{path}", message.model_dump_json().encode("utf-8")
        try:
            understood = self._posted(url, body, answer, until)
        except CentralUnreachable as error:
            if error.reason in _MAY_BE_THE_CLOCK and time.time() < self._not_before:
                raise CentralUnreachable("clock_wrong") from error
            raise
        # The centre has checked the time of the request.
        self._not_before = min(self._not_before, time.time())
        return understood

    def _posted(self, url: str, body: bytes, answer: type[A], until: float) -> A:
        if not self._packing.packs(body):
            return self._plain(url, body, answer, until)
        try:
            packed = gzip.compress(body, compresslevel=1)
            understood = self._once(url, packed, {"Content-Encoding": "gzip"}, answer, until)
        except CentralUnreachable as error:
            if not self._packing.spoilt(error.reason):
                raise
            return self._plain(url, body, answer, until)
        self._packing.no_doubt()
        return understood

    def _plain(self, url: str, body: bytes, answer: type[A], until: float) -> A:
        try:
            understood = self._once(url, body, {}, answer, until)
        except CentralUnreachable:
            self._packing.no_doubt()  # it is not the packing
            raise
        self._packing.plain_was_answered()
        return understood

    def _once(
        self, url: str, body: bytes, packing: dict[str, str], answer: type[A], until: float
    ) -> A:
        """One request; notes whether the server takes packed ones."""
        headers = {"Content-Type": "application/json", HEADER: str(CONTRACT), **packing}
        session = self._session
        request = _Aside(lambda: _exchange(session, url, body, headers, until))
        if not request.ended(until - time.monotonic()):
            # The thread that still waits keeps its session; the next request has another.
            self._session = self._new_session()
            raise CentralUnreachable("timeout")
        response, answered = request.result()
        if response.status_code != 200:
            raise _refused(response, answered)
        if len(answered) > ANSWER_LIMIT:
            raise CentralUnreachable("not_the_centre")
        try:
            understood = answer.model_validate_json(answered)
        except ValidationError:
            raise CentralUnreachable("not_the_centre") from None
        self._packing.taken = "gzip" in response.headers.get("Accept-Encoding", "")
        return understood


class _Packing:
    """Whether to pack the next body. Base64 of sealed bytes packs to three quarters, and the
    fastest level does it as well as the best."""

    def __init__(self) -> None:
        #: The server has said that it takes packed bodies.
        self.taken = False
        self._plain_until = 0.0
        self._unanswered = 0
        #: The last packed request failed, and a plain one shows whether that was why.
        self._in_doubt = False

    def packs(self, body: bytes) -> bool:
        if not self.taken or len(body) < PACK_FROM or time.monotonic() < self._plain_until:
            return False
        return not self._in_doubt

    def spoilt(self, reason: str) -> bool:
        """A packed request failed. Whether to send the same one plain, now."""
        self._in_doubt = reason in _SPOILT
        if reason in _MAY_BE_THE_CLOCK:
            self._unanswered += 1
            # A plain one now would double what a bad line has to carry: the next one is.
            self._in_doubt = self._unanswered >= _SWALLOWED
            return False
        return self._in_doubt

    def plain_was_answered(self) -> None:
        if self._in_doubt:
            self._plain_until = time.monotonic() + PLAIN_FOR_S
        self.no_doubt()

    def no_doubt(self) -> None:
        self._in_doubt, self._unanswered = False, 0


class _Aside(Generic[T]):
    """A call on a thread of its own, and what it comes to."""

    def __init__(self, call: Callable[[], T]) -> None:
        self._call = call
        self._done = threading.Event()
        self._result: T
        self._error: BaseException | None = None
        threading.Thread(target=self._run, name="central", daemon=True).start()

    def _run(self) -> None:
        try:
            self._result = self._call()
        except BaseException as error:  # noqa: BLE001 - raised again by whoever asked
            self._error = error
        self._done.set()

    def ended(self, seconds: float) -> bool:
        return self._done.wait(max(0.0, seconds))

    def result(self) -> T:
        if self._error is not None:
            raise self._error
        return self._result


def _exchange(
    session: requests.Session, url: str, body: bytes, headers: dict[str, str], until: float
) -> tuple[requests.Response, bytes]:
    """A request and the body of its answer. Raises `CentralUnreachable`."""
    try:
        with session.post(
            url,
            data=body,
            headers=headers,
            timeout=max(0.01, until - time.monotonic()),
            allow_redirects=False,
            stream=True,
        ) as response:
            answered = b""
            while piece := response.raw.read1(ANSWER_LIMIT + 1, decode_content=True):
                answered += piece
                if len(answered) > ANSWER_LIMIT:
                    break
                if time.monotonic() > until:
                    raise CentralUnreachable("timeout")
        return response, answered
    except (requests.Timeout, urllib3.exceptions.TimeoutError) as error:
        raise CentralUnreachable("timeout") from error
    except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
        raise CentralUnreachable(_reason_of(error)) from error


def _reason_of(error: BaseException) -> str:
    """A certificate that is not valid yet, any more, or at all, somewhere in what led to this; a
    TPM that gives no key to sign with; else the connection."""
    causes: list[object] = [error]
    for cause in causes:
        if isinstance(cause, TpmFault):
            return cause.reason
        if isinstance(cause, ssl.SSLCertVerificationError):
            return _OF_A_CERTIFICATE.get(cause.verify_code, "certificate")
        if isinstance(cause, BaseException):
            led_here = (*cause.args, getattr(cause, "reason", None), cause.__cause__)
            causes += [one for one in led_here if isinstance(one, BaseException)]
    return "connection"


def _refused(response: requests.Response, body: bytes) -> CentralUnreachable:
    retry_after = _retry_after(response.headers.get("Retry-After", ""))
    # A centre of another major version has no such address, but it has this header.
    theirs = said(response.headers.get(HEADER))
    if theirs is not None and (error := refusal(CONTRACT.major, theirs.major)):
        return CentralRefused(error, retry_after)
    if response.status_code in _BUSY:
        return CentralUnreachable(_BUSY[response.status_code], retry_after)
    if response.status_code >= 500:
        return CentralUnreachable("server_error", retry_after)
    try:
        return CentralRefused(Refusal.model_validate_json(body).error, retry_after)
    except ValidationError:
        return CentralUnreachable("not_the_centre", retry_after)


def _retry_after(text: str) -> float | None:
    """Seconds or an HTTP date (RFC 9110 §10.2.3); None if there is none that can be read."""
    if text.isascii() and text.isdigit():
        seconds = float(text)
    else:
        try:
            seconds = email.utils.parsedate_to_datetime(text).timestamp() - time.time()
        except (ValueError, TypeError):
            return None
    return min(max(seconds, 0.0), RETRY_AFTER_LIMIT)
