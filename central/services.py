"""The services that may be closed and opened: those of this release, by the name on the home
screen, and what terminals of another release say that they have."""

from __future__ import annotations

from functools import cache

from central.models import TerminalReport
from kiosk.words import Words


class UnknownService(Exception):
    """No terminal has it. The text lists those that there are."""


def services() -> dict[str, str]:
    """Id -> Chinese name; the id where this release has no name for it."""
    reported = TerminalReport.objects.values_list("services", flat=True)
    return {id_: id_ for one in reported.iterator() for id_ in one} | _named()


@cache
def _named() -> dict[str, str]:
    words = Words()
    parts = (key.split(".") for key in words.ids())
    ids = sorted(part[1] for part in parts if part[0] == "service" and part[2:] == ["name"])
    return {id_: words.text(f"service.{id_}.name") for id_ in ids}


def checked(service_id: str) -> str:
    """The name of a service. Raises `UnknownService`."""
    known = services()
    if service_id not in known:
        listed = "\n".join(f"  {id_}  {name}" for id_, name in sorted(known.items()))
        raise UnknownService(f"no such service: {service_id}. There are:\n{listed}")
    return known[service_id]
