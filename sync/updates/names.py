"""What the files of a release are called, and what the signed metadata says of each.

Both sides import it: the centre names them, the terminal looks for them.
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from sync.values import Code, Sha256

#: Largest bundle, bytes, as `sync.bundle` unpacks it.
BUNDLE_LIMIT = 2_000_000_000


class About(BaseModel):
    """The `custom` part of a target: what comes out when it is unpacked."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    version: Code
    #: Of the bundle, a tar file as `sync.bundle` packs it.
    sha256: Sha256
    size: int = Field(ge=1, le=BUNDLE_LIMIT)
    #: Of a delta: the bundle that it is the difference from; "" for a whole one.
    base: str = Field("", pattern=r"^([0-9a-f]{64})?$")


def whole_name(version: str, machine: str) -> str:
    """`machine`: e.g. "x86_64"."""
    return f"kiosk-{version}-{machine}.tar.zst"


def delta_name(version: str, base: str, machine: str) -> str:
    return f"kiosk-{version}-{machine}.from-{base}.delta"


def about(custom: object) -> About | None:
    """What a target says of itself; None for one that is no bundle of ours."""
    try:
        return About.model_validate(custom)
    except ValidationError:
        return None
