"""HTTP for python-tuf: what is long comes in ranges, at a pace, and goes on where it was cut.

A target is gathered in a `.part` file that outlives this process and a power cut, until `let_go`,
under the name that its hash is part of; what does not prove right is thrown away by whoever proves
it. A neighbour in the same hall may be asked first: it is believed no more than the wire.

Every read has a deadline: bytes that trickle, or never end, end with `SlowRetrievalError` or
`DownloadLengthMismatchError`.
"""

from __future__ import annotations

import os
import time
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, BinaryIO

import requests
import urllib3
from tuf.api.exceptions import (
    DownloadError,
    DownloadHTTPError,
    DownloadLengthMismatchError,
    RepositoryError,
    SlowRetrievalError,
)
from tuf.ngclient import FetcherInterface

from sync.canonical import sha256_hex
from sync.wire.release import PART

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from requests.auth import AuthBase

#: No answer may take longer for each `PART` that it brings, seconds: 2 KB/s.
_PART_S = 120.0

#: A pause of the other side, seconds.
_SILENCE_S = 20.0

#: Written at once.
_CHUNK = 16 * 1024

_OK, _PARTIAL, _BAD = 200, 206, 400


class Halted(DownloadError):
    """This process ends, or something else is wanted now."""


class Fetcher(FetcherInterface):
    """Fetches for one update at a time."""

    def __init__(
        self,
        folder: Path,
        auth: AuthBase | None = None,
        *,
        neighbour: str = "",
        rate: int = 0,
        wait: Callable[[float], bool] = lambda seconds: False,
        part_s: float = _PART_S,
    ) -> None:
        """`folder`: for `.part` files; `auth`: signs requests to the centre; `neighbour`: address
        that is asked for targets first, without a signature; `rate`: bytes a second, 0: as fast as
        it goes; `wait`: sleeps so many seconds, or returns True to stop; `part_s`: longest wait for
        `PART` bytes."""
        self._folder, self._auth, self._neighbour = folder, auth, neighbour.rstrip("/")
        self._rate, self._wait, self._part_s = rate, wait, part_s
        self._session, self._beside = requests.Session(), requests.Session()
        # A proxy of the environment is for the world outside, not for the hall.
        self._beside.trust_env = False
        #: What was fetched and what there is of the target in hand, bytes.
        self.held, self.total = 0, 0
        #: Bytes of targets that came over the wire, the same ones each time that they came.
        self.received = 0
        self._whole: Path | None = None

    def close(self) -> None:
        self._session.close()
        self._beside.close()

    @property
    def progress(self) -> int:
        """Percent of the target in hand."""
        return 100 * self.held // self.total if self.total else 0

    def _fetch(self, url: str) -> Iterator[bytes]:
        """Metadata."""
        with self._asked(url, self._auth, "") as response:
            yield from self._read(response)

    def download_bytes(self, url: str, max_length: int) -> bytes:
        with super().download_file(url, max_length) as file:
            data: bytes = file.read()
            return data

    @contextmanager
    def download_file(self, url: str, max_length: int) -> Iterator[IO[bytes]]:
        """A target, as far as it is not here yet."""
        name = url.rpartition("/")[2]
        path = self._folder / f"{sha256_hex(name.encode('utf-8'))}.part"
        with path.open("a+b") as file:
            try:
                self._gather(file, url, name, max_length)
                file.seek(0)
                yield file
            except (RepositoryError, DownloadLengthMismatchError):
                path.unlink(missing_ok=True)
                # What was wrong may have come from there.
                self._neighbour = ""
                raise
        self._whole = path

    def let_go(self) -> None:
        """What was fetched last is on the disk elsewhere. Raises `OSError`."""
        if self._whole is not None:
            self._whole.unlink(missing_ok=True)

    # -- one target ------------------------------------------------------------------------------

    def _gather(self, file: BinaryIO, url: str, name: str, length: int) -> None:
        """Until all is there. A power cut leaves all parts but the last: by itself a system writes
        after half a minute, in which more comes than a hundredth of a bundle."""
        self.total = length
        while (held := file.seek(0, os.SEEK_END)) != length:
            self.held = held
            if held > length:
                raise DownloadLengthMismatchError(f"{held} bytes instead of {length}")
            if self._neighbour:
                try:
                    self._append(file, f"{self._neighbour}/{name}", None, held, length)
                    continue
                except Halted:
                    raise
                except DownloadError:
                    self._neighbour = ""  # the centre has it, too
                    file.seek(0, os.SEEK_END)
                    continue
            self._append(file, url, self._auth, held, length)
        self.held = held

    def _append(
        self, file: BinaryIO, url: str, auth: AuthBase | None, held: int, length: int
    ) -> None:
        """The next part, or all of it from a server that has no ranges."""
        last = min(held + PART, length) - 1
        with self._asked(url, auth, f"bytes={held}-{last}") as response:
            if response.status_code == _PARTIAL:
                self._must_continue(response, held, length)
                room = last + 1 - held
            else:
                file.truncate(0)
                room = length
            before = file.seek(0, os.SEEK_END)
            for data in self._read(response):
                self.received += len(data)
                room -= len(data)
                if room < 0:
                    raise DownloadLengthMismatchError("more bytes than there should be")
                file.write(data)
                self.held = file.tell()
            file.flush()
            os.fsync(file.fileno())
            if room and response.status_code == _OK:
                raise DownloadLengthMismatchError("fewer bytes than there should be")
            if file.tell() == before:
                raise DownloadError("nothing came")
            if room:
                # What came is kept; whoever gives crumbs is asked again after a pause.
                raise SlowRetrievalError("fewer bytes than were asked for")

    @staticmethod
    def _must_continue(response: requests.Response, held: int, length: int) -> None:
        said = response.headers.get("Content-Range", "")
        begins, _, total = said.removeprefix("bytes ").partition("/")
        if begins.partition("-")[0] != str(held) or total not in ("*", str(length)):
            raise DownloadLengthMismatchError(f"another range than was asked for: {said[:60]}")

    # -- one answer ------------------------------------------------------------------------------

    @contextmanager
    def _asked(self, url: str, auth: AuthBase | None, wanted: str) -> Iterator[requests.Response]:
        # The signature covers the content type, of a request without a body too.
        headers = {"Accept-Encoding": "identity", "Content-Type": "application/octet-stream"}
        if wanted:
            headers["Range"] = wanted
        session = self._beside if auth is None else self._session
        try:
            with session.get(
                url,
                headers=headers,
                auth=auth,
                stream=True,
                timeout=min(_SILENCE_S, self._part_s),
                allow_redirects=False,
            ) as response:
                if response.status_code not in (_OK, _PARTIAL):
                    raise DownloadHTTPError(f"status {response.status_code}", response.status_code)
                yield response
        except (requests.Timeout, urllib3.exceptions.TimeoutError) as error:
            raise SlowRetrievalError from error
        except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
            raise DownloadError(type(error).__name__) from error

    def _read(self, response: requests.Response) -> Iterator[bytes]:
        """What comes, at the pace that is allowed, and not slower than is believed."""
        began, came = time.monotonic(), 0
        while data := response.raw.read1(_CHUNK):
            came += len(data)
            yield data
            if self._wait(len(data) / self._rate if self._rate else 0.0):
                raise Halted("stopped")
            paced = came / self._rate if self._rate else 0.0
            if time.monotonic() - began > paced + self._part_s * (1 + came // PART):
                raise SlowRetrievalError(f"{came} bytes in {self._part_s} s")
