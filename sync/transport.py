"""One signed request to the central server and its answer: the only place that speaks HTTP.

What comes back is believed only if it is an answer of the contract: a captive portal that answers
200 with a web page is "not the centre", not an acknowledgement.
"""

from __future__ import annotations

import email.utils
import gzip
import time
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlsplit

import requests
import urllib3
from pydantic import BaseModel, ValidationError

from sync.contract import CONTRACT, HEADER, refusal, said
from sync.faults import CentralRefused, CentralUnreachable
from sync.messages import API, Refusal

if TYPE_CHECKING:
    from sync.signing import DeviceKey

#: No answer of the contract is longer, bytes.
ANSWER_LIMIT = 1024 * 1024

#: Longest pause a server may ask for, seconds.
RETRY_AFTER_LIMIT = 3600.0

#: Bodies shorter than this are not packed, bytes: they go in one network packet anyway.
PACK_FROM = 1200

_BUSY = {429: "busy", 503: "busy", 413: "too_large"}
_LOOPBACK = {"127.0.0.1", "::1", "localhost"}

A = TypeVar("A", bound=BaseModel)


class Transport:
    """Signed requests to one server. Not for several threads at once."""

    def __init__(self, url: str, key: DeviceKey) -> None:
        """`url`: "https://host[:port]"."""
        self._url = url.rstrip("/")
        self._session = requests.Session()
        self._session.auth = key.auth()
        #: Whether the server has said that it takes packed bodies; an old one never does.
        self._packs = False
        # A proxy of the environment is for the world outside, not for this machine.
        self._session.trust_env = urlsplit(url).hostname not in _LOOPBACK

    def close(self) -> None:
        self._session.close()

    def post(self, path: str, message: BaseModel, answer: type[A], timeout_s: float) -> A:
        """Send one message, return its answer.

        `timeout_s` bounds the connection and each wait for data. Raises `CentralUnreachable`, or
        its `CentralRefused` where the centre said why.
        """
        body, headers = self._packed(message.model_dump_json().encode("utf-8"))
        try:
            with self._session.post(
                f"{self._url}{API}/{path}",
                data=body,
                headers=headers,
                timeout=timeout_s,
                allow_redirects=False,
                stream=True,
            ) as response:
                answered = response.raw.read(ANSWER_LIMIT + 1, decode_content=True)
        except (requests.Timeout, urllib3.exceptions.TimeoutError) as error:
            raise CentralUnreachable("timeout") from error
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            raise CentralUnreachable("connection") from error
        if response.status_code != 200:
            raise _refused(response, answered)
        if len(answered) > ANSWER_LIMIT:
            raise CentralUnreachable("not_the_centre")
        try:
            understood = answer.model_validate_json(answered)
        except ValidationError:
            raise CentralUnreachable("not_the_centre") from None
        self._packs = "gzip" in response.headers.get("Accept-Encoding", "")
        return understood

    def _packed(self, body: bytes) -> tuple[bytes, dict[str, str]]:
        """The body as it is sent, and its headers. Base64 of sealed bytes packs to three quarters,
        and the fastest level does it as well as the best."""
        headers = {"Content-Type": "application/json", HEADER: str(CONTRACT)}
        if not self._packs or len(body) < PACK_FROM:
            return body, headers
        return gzip.compress(body, compresslevel=1), headers | {"Content-Encoding": "gzip"}


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
