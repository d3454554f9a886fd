"""A slip laid out on paper, and the technician's test page.

Every receipt has the same lines in the same order (domain §5.0): service, state, number with QR,
rows, what comes next, where to ask, terminal and policy, "please keep". It never carries a full
identity number, a telephone number or a photo: rows are masked before they come here.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from hardware.paper import Feed, Pair, Qr, Receipt, Rule, Text
from sync.receipt_number import grouped

if TYPE_CHECKING:
    from kiosk.receipts import Letterhead, Slip
    from kiosk.words import Words


def compose(slip: Slip, head: Letterhead, words: Words, printed_at: datetime) -> Receipt:
    """The slip as elements of paper."""
    # A value may be a name of the policy pack, or an id of words, e.g. the name of a service.
    rows = [Pair(words.say(label), words.name(value)) for label, value in slip.rows]
    notes = [Text(words.say(note, **slip.facts)) for note in slip.notes if words.has(note)]
    return (
        Text(head.hall, align="center"),
        Text(words.say(f"{slip.id}.title"), size=2, align="center"),
        Rule(),
        Text(words.say(f"{slip.state}.word"), size=2, align="center"),
        Text(words.say(f"{slip.state}.meaning"), align="center"),
        Rule(),
        *(_number(slip.number, words) if slip.number else ()),
        *rows,
        Pair(words.say("receipt.time"), printed_at.strftime("%Y-%m-%d %H:%M")),
        Pair(words.say("receipt.terminal"), head.terminal),
        Rule(),
        *notes,
        Text(words.say("receipt.ask", hotline=head.hotline)),
        Text(words.say("receipt.policy", version=head.policy_version)),
        Text(words.say("receipt.keep"), align="center"),
        Feed(2),
    )


def _number(number: str, words: Words) -> Receipt:
    return (
        Text(words.say("receipt.number"), align="center"),
        Text(grouped(number), bold=True, align="center"),
        Qr(number),
        Rule(),
    )


def check_page(head: Letterhead, words: Words, printed_at: datetime) -> Receipt:
    """The technician's test page: every feature that a receipt uses, and nothing else."""
    return (
        Text(words.say("test_page.title"), size=2, align="center"),
        Rule(),
        Text(words.say("test_page.text")),
        Text("0123456789 ABCXYZ ·《》「」￥", bold=True),
        # Not in a printer's font: the line is drawn. The last one not even in ours.
        Text(words.say("test_page.drawn", characters="㛃䶮𠮷")),
        Pair(words.say("receipt.terminal"), head.terminal),
        Pair(words.say("receipt.time"), printed_at.strftime("%Y-%m-%d %H:%M")),
        Qr(head.terminal),
        Rule(),
        Text(words.say("test_page.end"), align="center"),
        Feed(2),
    )
