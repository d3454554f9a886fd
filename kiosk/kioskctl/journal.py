"""`kioskctl journal`: what the terminal did, and whether its journal was altered."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kiosk.kioskctl.console import (
    WRONG,
    Json,
    State,
    busy,
    out,
    row,
    say_json,
    settings_of,
    stop,
    styled,
    table,
    words_of,
)

if TYPE_CHECKING:
    from pathlib import Path

    from rich.text import Text

    from kiosk.words import Words
    from sync.journal import Recorder
    from sync.journal.check import Checked
    from sync.journal.kinds import Fact
    from sync.journal.lines import Entry


def register(app: typer.Typer) -> None:
    group = typer.Typer(no_args_is_help=True, help="what the terminal did")
    group.command("verify")(verify)
    group.command("show")(show)
    app.add_typer(group, name="journal")


def record(state: Path, kind: str, **facts: Fact) -> None:
    """An entry of what a technician did with this command line."""
    _recorder(state).record(kind, **facts)


def must_record(state: Path, kind: str, **facts: Fact) -> None:
    """As `record`, of what may not be done unrecorded. Ends the command if it cannot be written."""
    recorder = _recorder(state)
    recorder.record(kind, **facts)
    if recorder.in_trouble:
        raise stop("the journal cannot be written, and this stands in it or is not done")


def _recorder(state: Path) -> Recorder:
    from sync.journal import FOLDER, Journal, Recorder

    return Recorder(Journal(state / FOLDER, "kioskctl"))


def verify(state: State, as_json: Json = False) -> None:
    """Check the whole journal; names the first entry that was altered. Exit code 1: it was."""
    from kiosk.upkeep.doctor import check_journal
    from sync.identity import NotEnrolled

    words = words_of(settings_of(state))
    try:
        with busy(words.say("doctor.examining", what=words.say("doctor.journal"))):
            found = check_journal(state)
    except NotEnrolled:
        raise stop(words.say("journal.not_enrolled")) from None
    except OSError as error:
        raise stop(str(error)) from None
    if as_json:
        say_json(_as_json(found))
    else:
        for line in _said(found, words):
            out(line)
    raise typer.Exit(WRONG if found.altered else 0)


def _as_json(found: Checked) -> dict[str, Any]:
    return {
        "entries": found.entries,
        "first": found.first,
        "last": found.last.seq,
        "hash": found.last.hash,
        "checkpoints": found.checkpoints,
        "torn": found.torn,
        "altered": vars(found.altered) if found.altered else None,
    }


def _said(found: Checked, words: Words) -> list[Text]:
    say = words.say
    right = say("journal.right", first=found.first, last=found.last.seq, entries=found.entries)
    lines = [styled(right), styled(say("journal.vouched", checkpoints=found.checkpoints))]
    if found.torn:
        lines.append(styled(say("journal.torn_line", seq=found.torn), "yellow"))
    if (altered := found.altered) is not None:
        what = say(f"journal.alteration.{altered.what}", seq=altered.seq)
        where = f" ({altered.file}:{altered.line})" if altered.file else ""
        lines.append(styled(what, "red").append(where, "default"))
    return lines


def show(
    state: State,
    last: Annotated[int, typer.Option(min=1, help="how many entries, from the end")] = 50,
    kind: Annotated[list[str] | None, typer.Option(help="only this kind; may be repeated")] = None,
    as_json: Json = False,
) -> None:
    """Show the newest entries. Nothing in them is personal."""
    from sync.journal import FOLDER
    from sync.journal.kinds import KINDS
    from sync.journal.lines import read

    if unknown := set(kind or ()) - KINDS.keys():
        raise stop(f"no kind {', '.join(sorted(unknown))}; there is: {', '.join(KINDS)}")
    newest: deque[Entry] = deque(maxlen=last)
    try:
        for line in read(state / FOLDER):
            entry = line.entry
            if entry is not None and (not kind or entry.kind in kind):
                newest.append(entry)
    except OSError as error:
        raise stop(str(error)) from None
    if as_json:
        say_json([_entry(entry) for entry in newest])
        return
    words = words_of(settings_of(state))
    listed = table(*(words.say(f"journal.column_{name}") for name in ("seq", "at", "by", "what")))
    for entry in newest:
        what = " ".join([words.say(f"journal.kind.{entry.kind}"), *_facts(entry)])
        row(listed, str(entry.seq), entry.at, entry.by, what)
    out(listed if newest else "the journal has no such entry")


def _facts(entry: Entry) -> list[str]:
    """What an entry says besides its kind; digests are cut short, they are compared elsewhere."""
    return [f"{name}={str(value)[:36]}" for name, value in entry.facts.items()]


def _entry(entry: Entry) -> dict[str, Any]:
    return {
        "seq": entry.seq,
        "at": entry.at,
        "by": entry.by,
        "kind": entry.kind,
        **entry.facts,
        "whole": entry.whole,
    }
