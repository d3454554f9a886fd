"""读卡统计: the terminals' counters of cards that were read or not, as an operator sees them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from sync.wire.fleet import HealthRow
from tests.system.test_desk_pages import signed_in
from tests.system.test_reports import beat

if TYPE_CHECKING:
    from tests.system.in_process import Centre


def told(centre: Centre, device: str = "card_reader", **counters: int) -> Any:
    """A terminal of its own whose heartbeat says this."""
    from central import fleet

    terminal = centre.terminal()
    row = HealthRow(device=device, state="ready", counters=counters)
    fleet.heard(terminal, beat(terminal).model_copy(update={"health": [row]}))
    return terminal


def rows(role: str) -> list[list[str]]:
    page = signed_in("desk-he", role).get("/admin/cards-read/").content.decode()
    lines = re.findall(r"<tr>(.*?)</tr>", page, re.DOTALL)
    return [re.findall(r"<td[^>]*>(.*?)</td>", line) for line in lines if "<td" in line]


@pytest.mark.parametrize("role", ["viewer", "admin"])
def test_unreadable_cards_are_told_by_generation_maker_and_terminal(
    centre: Centre, role: str
) -> None:
    from central.models import TerminalReport

    TerminalReport.objects.all().delete()
    clean = told(centre, cycles=99, unreadable=1, read_3_fudan=97, unreadable_0_mute=1)
    dirty = told(centre, read_3_fudan=3, unreadable_3_fudan=1)
    # Another device's counters, and what a newer terminal counts.
    told(centre, "printer", read_2_huada=1000)
    told(centre, read_9_huada=5, read_2_new=5, read_2=5, burnt_2_huada=5)
    assert rows(role) == [
        ["第三代", "复旦微", "100", "1", "1.0%"],
        ["不明", "没有应答（芯片损坏、脏污或插反）", "0", "1", "100.0%"],
        [str(dirty), "3", "1", "25.0%"],
        [str(clean), "97", "1", "1.0%"],
    ]


def test_the_page_stands_beside_every_page_and_is_shown_to_operators_only(centre: Centre) -> None:
    from django.test import Client

    assert "/admin/cards-read/" in signed_in("desk-he", "viewer").get("/admin/").content.decode()
    assert Client(SERVER_NAME="localhost").get("/admin/cards-read/").status_code == 302
