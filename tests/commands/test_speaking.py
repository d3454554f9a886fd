"""No command of a technician or an operator ends well without a word: who is told nothing does it
again, or asks what became of it.

What a command says is read out of its code, so a newcomer is among them by being registered: every
way through its function that ends without an error comes by a call that says something. A loop says
nothing, for what it goes through may be empty; so an empty list says so, too (`say_all`).
"""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import pytest
import typer

from central.__main__ import app as central
from kiosk.kioskctl import app as kioskctl

#: Calls that say something; `stop` is raised. `Exit` alone would be silent.
SPEAK = {"out", "warn", "line", "say_json", "note", "echo", "say_all", "stop"}


def commands(app: typer.Typer, path: tuple[str, ...]) -> Iterator[tuple[str, Callable[..., Any]]]:
    for one in app.registered_commands:
        assert one.callback is not None
        name = one.name or one.callback.__name__.replace("_", "-")
        yield " ".join((*path, name)), one.callback
    for group in app.registered_groups:
        assert group.typer_instance is not None
        yield from commands(group.typer_instance, (*path, str(group.name)))


COMMANDS = dict([*commands(central, ("central",)), *commands(kioskctl, ("kioskctl",))])


@cache
def speaks(function: Callable[..., Any]) -> bool:
    """Whether each way through a function that ends well comes by words."""
    (tree,) = ast.parse(textwrap.dedent(inspect.getsource(function))).body
    assert isinstance(tree, ast.FunctionDef)
    returns, falls_off = silent(tree.body, function.__globals__)  # type: ignore[attr-defined]
    return not returns and not falls_off


def silent(body: list[ast.stmt], names: dict[str, Any]) -> tuple[bool, bool]:
    """Whether one can return, and whether one can come to the end of these, without a word."""
    returns = False
    for statement in body:
        ways = [silent(way, names) for way in branches(statement)]
        returns |= any(returned for returned, _ in ways)
        if isinstance(statement, ast.Return) and not says(statement, names):
            return True, False
        if isinstance(statement, ast.Raise | ast.Return):
            return returns, False  # an error says why: tests of their own
        if ways and not any(went_on for _, went_on in ways):
            return returns, False
        if not ways and says(statement, names):
            return returns, False
    return returns, True


def branches(statement: ast.stmt) -> list[list[ast.stmt]]:
    """What a statement may do instead of each other; [] for one that has no statements in it. The
    body of a loop may not be run at all."""
    match statement:
        case ast.If():
            return [statement.body, statement.orelse]
        case ast.Try():
            rest = [*statement.body, *statement.orelse, *statement.finalbody]
            return [rest, *(handler.body for handler in statement.handlers)]
        case ast.With():
            return [statement.body]
        case ast.For() | ast.While():
            return [statement.body, []]
    return []


def says(statement: ast.stmt, names: dict[str, Any]) -> bool:
    if isinstance(statement, ast.FunctionDef):
        return False
    calls = [node.func for node in ast.walk(statement) if isinstance(node, ast.Call)]
    return any(said(call, names) for call in calls)


def said(call: ast.expr, names: dict[str, Any]) -> bool:
    name = call.attr if isinstance(call, ast.Attribute) else getattr(call, "id", "")
    if name in SPEAK:
        return True
    called = names.get(name) if isinstance(call, ast.Name) else None
    return inspect.isfunction(called) and speaks(called)


def test_both_programs_are_looked_at() -> None:
    assert {"central fleet move", "central restored", "kioskctl outbox requeue"} <= COMMANDS.keys()
    assert len(COMMANDS) > 50


@pytest.mark.parametrize("name", COMMANDS)
def test_no_command_ends_well_without_a_word(name: str) -> None:
    """✗ `trust`, `outbox requeue`, `fleet unset`, `move`, `disable`, `backed-up` and `release pin`
    said nothing, and so did every empty list."""
    assert speaks(COMMANDS[name])


# -- the reading itself can tell -------------------------------------------------------------------


def _done() -> None:
    """Says nothing."""


def a_loop() -> None:
    for one in ():
        typer.echo(one)


def one_branch(given: bool = False) -> None:
    if given:
        typer.echo("yes")


def an_early_end(given: bool = False) -> None:
    if given:
        return
    typer.echo("no")


def a_silent_helper() -> None:
    _done()


def a_way_around(given: bool = False) -> None:
    try:
        typer.echo("yes")
    except OSError:
        _done()


def both_branches(given: bool = False) -> None:
    if given:
        typer.echo("yes")
    else:
        raise typer.Exit(1)


def by_another() -> None:
    both_branches()


@pytest.mark.parametrize(
    "function", [_done, a_loop, one_branch, an_early_end, a_silent_helper, a_way_around]
)
def test_a_silent_way_is_seen(function: Callable[..., Any]) -> None:
    assert not speaks(function)


@pytest.mark.parametrize("function", [both_branches, by_another])
def test_words_on_every_way_are_seen(function: Callable[..., Any]) -> None:
    assert speaks(function)
