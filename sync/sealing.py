"""Bytes sealed to this machine's TPM 2.0: what lies on the disk is of no use anywhere else.

`systemd-creds` (systemd 252 to 255) does it, in a process of its own that lives for a moment: the
secret goes over its standard input and output, never into an argument, the environment or a file.
It encrypts with a key that only this chip can unseal, below a primary key that the chip makes of
its owner seed; clearing the chip destroys that. From systemd 256 on it asks a service of the system
for users other than root, which chooses the key by itself and has to be allowed by polkit.

It is bound to the chip and not to what was started: a new firmware or kernel must not lock a
terminal out. systemd 252 cannot decrypt what is bound to no PCR at all, so PCR 23 is named, which
the TCG leaves to applications and nobody extends. Standard library only.
"""

from __future__ import annotations

import logging
import re
import subprocess

log = logging.getLogger(__name__)

TPM = "device:/dev/tpmrm0"

#: There is no TPM, it does not answer, or what speaks to it is not installed; and: it is another
#: than the one that sealed this, or it was cleared.
AWAY, OTHER = "tpm_away", "tpm_other"

_TOOL = "/usr/bin/systemd-creds"

#: A chip takes about a second.
_PATIENCE_S = 20.0

#: What is sealed carries a name, and is unsealed under no other.
_NAME = "--name=device.key"

#: The TCTI library of that name is loaded, and one of them starts a program.
_TCTI = re.compile(r"device:/dev/tpm(rm)?[0-9]+|swtpm:[\w/.=,-]+")


class TpmFault(OSError):
    """The TPM does not give what it sealed. `reason`: `AWAY` or `OTHER`, each the code of a
    fault."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason} {detail}".strip())
        self.reason, self.detail = reason, detail


class _Refused(TpmFault):
    """The tool has said no. What was late, or was ended from outside, has said nothing."""


def is_tpm(name: str) -> bool:
    """Whether this can name a TPM: "device:/dev/tpmrm0", "swtpm:path=SOCKET"."""
    return _TCTI.fullmatch(name) is not None


def seal(secret: bytes, tpm: str) -> str:
    """ASCII, for `unseal`. Raises `TpmFault`."""
    return _told(["encrypt", "--with-key=tpm2", "--tpm2-pcrs=23"], secret, tpm).decode("ascii")


def unseal(sealed: str, tpm: str) -> bytes:
    """Raises `TpmFault`. Its words say why it failed, its status does not: so the chip is asked
    whether it would seal something now."""
    try:
        return _told(["decrypt"], sealed.encode("ascii"), tpm)
    except _Refused as refused:
        seal(b"anything", tpm)
        raise TpmFault(OTHER) from refused


def _told(command: list[str], given: bytes, tpm: str) -> bytes:
    if not is_tpm(tpm):
        raise TpmFault(AWAY, "that names no TPM")
    try:
        done = subprocess.run(
            [_TOOL, *command, _NAME, f"--tpm2-device={tpm}", "-", "-"],
            input=given,
            capture_output=True,
            timeout=_PATIENCE_S,
            # The bundle's own libraries are not for others.
            env={"LC_ALL": "C"},
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise TpmFault(AWAY, type(error).__name__) from None
    if done.returncode < 0:
        raise TpmFault(AWAY, f"ended by signal {-done.returncode}")
    if done.returncode:
        lines = done.stderr.decode("utf-8", "replace").splitlines()
        # The library below it says where in its own source.
        said = [line for line in lines if not line.startswith(("WARNING:", "ERROR:"))][-1:]
        detail = "".join(said)[:200]
        log.warning("%s %s: %s", _TOOL, command[0], detail)
        raise _Refused(AWAY, detail)
    return done.stdout
