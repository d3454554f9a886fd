"""Who may do what on the operators' pages: two groups, and administrators.

| role    | sees cases, terminals, alarms | decides cases, resolves alarms | everything else |
|---------|-------------------------------|--------------------------------|-----------------|
| viewer  | yes                           | no                             | no              |
| decider | yes                           | yes                            | no              |
| admin   | yes                           | yes                            | yes             |
"""

from __future__ import annotations

import secrets
from enum import StrEnum

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group, Permission
from django.core.exceptions import ValidationError

#: What the two groups may see.
_SEEN = (
    *("case", "terminal", "alarm", "terminalreport", "journalcheckpoint"),
    *("desiredservice", "cardauthorisation", "policypack", "rollout"),
    *("wanted", "command", "crashgroup"),
)
_DECIDED = ("decide_case", "change_alarm")


class Role(StrEnum):
    """Of an operator."""

    VIEWER = "viewer"
    DECIDER = "decider"
    ADMIN = "admin"


#: What `may_be_called` asks for, in words.
NAME_RULE = "letters of any script, digits and @ . + - _, without blanks, 150 at most"


def may_be_called(name: str) -> bool:
    """Whether an account may have this name: the one rule, that of Django's own forms, which the
    operators' pages go by as well."""
    field = get_user_model()._meta.get_field("username")
    try:
        field.clean(name, None)
    except ValidationError:
        return False
    return True


def is_operator(name: str) -> bool:
    """Whether there is an account of this name."""
    return get_user_model().objects.filter(username=_normal(name)).exists()


def add_operator(name: str, role: Role | None, password: str = "") -> str:
    """Make an operator's account, or give an existing one a new password; returns it.

    `role` None: as before; of a new account, viewer.
    """
    password = password or secrets.token_urlsafe(12)
    users = get_user_model().objects
    user = users.filter(username=_normal(name)).first()
    if user is None:
        user, role = users.create_user(name), role or Role.VIEWER
    user.is_staff = True
    if role is not None:
        user.is_superuser = role is Role.ADMIN
        user.groups.set([] if role is Role.ADMIN else [_group(role)])
    user.set_password(password)
    user.save()
    return password


def _normal(name: str) -> str:
    """As it is kept: of several ways to write the same letters, one."""
    return str(get_user_model().normalize_username(name))


def _group(role: Role) -> Group:
    wanted = [f"view_{model}" for model in _SEEN]
    wanted += _DECIDED if role is Role.DECIDER else []
    group, _ = Group.objects.get_or_create(name=role.value)
    group.permissions.set(
        Permission.objects.filter(content_type__app_label="central", codename__in=wanted)
    )
    return group
