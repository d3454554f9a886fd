"""The services a citizen can choose: every `Service` in a module of this package.

A new service is one file here. It is found by being here; there is no list to add it to.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from typing import TYPE_CHECKING

from kiosk.visit.service import GROUPS, Service

if TYPE_CHECKING:
    from collections.abc import Mapping


def find_services() -> tuple[type[Service], ...]:
    """All services in the order of the menu."""
    found: set[type[Service]] = set()
    for module in pkgutil.iter_modules(__path__):
        members = vars(importlib.import_module(f"{__name__}.{module.name}")).values()
        # A base that several services share has no id, and is not one itself.
        found |= {
            member
            for member in members
            if inspect.isclass(member) and issubclass(member, Service) and "id" in vars(member)
        }
    return tuple(sorted(found, key=lambda it: (GROUPS.index(it.group), it.order, it.id)))


def businesses() -> Mapping[str, type[Service]]:
    """Each business that files something -> its service."""
    return {service.id: service for service in find_services() if service.submits}
