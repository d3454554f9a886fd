"""What can go wrong between a terminal and the central server, for callers who only ask.

Standard library only, so that catching a fault loads nothing.
"""

from __future__ import annotations


class CentralUnreachable(Exception):
    """No usable answer came. Nothing is known of what the server did with the request.

    `reason`: "connection", "timeout", "busy" (it asked to come later), "server_error",
    "too_large", "not_the_centre": somebody else answered, such as a captive portal, or an answer
    is not signed by the centre; "clock_wrong": the clock of this machine shows a time that cannot
    be (`sync.clock`); "certificate_expired", "certificate": the centre's is not valid any more, or
    nobody vouches for it; "not_encrypted": the address is plain http to another machine;
    "tpm_away", "tpm_other": the TPM gives no key to sign with (`sync.sealing`), nothing was sent.
    """

    def __init__(self, reason: str, retry_after_s: float | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        #: How long the server asked to be left alone, seconds.
        self.retry_after_s = retry_after_s


class CentralRefused(CentralUnreachable):
    """The centre answered and refused the request as a whole; see `sync.wire.base.Refusal`.

    `reason`: "unknown_key" (not enrolled there), "terminal_disabled", "clock_skew" (this
    terminal's clock is wrong), "bad_signature", "replayed", "code_unknown", "bad_request",
    "terminal_too_old", "terminal_too_new" (`sync.contract`) …
    """
