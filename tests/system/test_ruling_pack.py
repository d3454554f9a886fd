"""The centre goes by the pack of rules that it issued itself, for the terminal's region."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from django.utils import timezone

from kiosk.policy import BUILT_IN
from sync.header import BEIJING
from sync.kinds.card_progress import WhatIsUnderWay
from sync.wire.fleet import Heartbeat, QueueReport

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sync.wire.envelopes import ItemAnswer
    from tests.system.in_process import Centre
    from tests.system.people import Person

LAPSE = "temporary_lapse = { number = 15"
CARD = "make_card = { number = 30"
REGION = "139900"


def issue(*changed: tuple[str, str], effective: date = date(2026, 11, 2)) -> None:
    from central import packs

    text = BUILT_IN.read_text(encoding="utf-8")
    for old, new in (('code = "130200"', f'code = "{REGION}"'), *changed):
        assert old in text, old
        text = text.replace(old, new, 1)
    text = text.replace("effective = 2026-11-01", f"effective = {effective}", 1)
    packs.issue(text.encode("utf-8"))


@pytest.fixture(autouse=True)
def no_packs(centre: Centre) -> Iterator[None]:
    from central.models import PolicyPack

    yield
    PolicyPack.objects.filter(region=REGION).delete()


def in_region(centre: Centre, region: str) -> None:
    """What the terminal's heartbeat says."""
    from central import fleet

    queue = {"queued": 0, "sending": 0, "dead": 0, "oldest_s": 0}
    beat = Heartbeat(
        terminal=centre.sender.number,
        at="2026-11-24T09:00:00+08:00",
        queue=QueueReport.model_validate(queue),
        envelope_key_id="0" * 16,
        region=region,
    )
    fleet.heard(centre.sender, beat)


def lapsed(centre: Centre, *days: float) -> list[bool]:
    """Whether a temporary loss ends after these many days."""
    from central.cases import Case
    from central.sweep import sweep

    losses: list[ItemAnswer] = []
    for age in days:
        losses.append(centre.lost(centre.holder(), 0))
        case = Case.objects.get(pk=losses[-1].position)
        case.since -= timedelta(days=age)
        case.save()
    sweep()
    return [centre.state(loss) == "lapsed" for loss in losses]


@pytest.mark.parametrize(
    ("region", "days", "ends"),
    [
        (REGION, (6.9, 7.1), [False, True]),
        ("139901", (7.1, 14.9, 15.1), [False, False, True]),
        ("", (14.9, 15.1), [False, True]),
    ],
)
def test_a_temporary_loss_ends_as_the_pack_of_its_region_says(
    centre: Centre, region: str, days: tuple[float, ...], ends: list[bool]
) -> None:
    issue((LAPSE, "temporary_lapse = { number = 7"))
    in_region(centre, region)
    assert lapsed(centre, *days) == ends


def test_a_longer_time_is_kept_as_well(centre: Centre) -> None:
    issue((LAPSE, "temporary_lapse = { number = 20"))
    in_region(centre, REGION)
    assert lapsed(centre, 15.1, 20.1) == [False, True]


def test_a_pack_that_is_not_in_force_yet_or_lacks_the_rule_changes_nothing(centre: Centre) -> None:
    in_region(centre, REGION)
    issue((LAPSE, "temporary_lapse = { number = 7"), effective=date(2099, 1, 1))
    assert lapsed(centre, 7.1, 15.1) == [False, True]
    issue(('version = "2026-11-29"', 'version = "2026-11-30"'), (LAPSE, "other = { number = 7"))
    assert lapsed(centre, 7.1, 15.1) == [False, True]


def test_a_pack_that_came_into_force_later_is_not_what_the_citizen_was_told(centre: Centre) -> None:
    in_region(centre, REGION)
    issue((LAPSE, "temporary_lapse = { number = 7"), effective=date(2026, 11, 25))
    assert lapsed(centre, 7.1, 15.1) == [False, True], "both were reported on the 24th"


def overdue(person: Person) -> bool:
    from central.business import answers

    asked = WhatIsUnderWay(id_number=person.number, name=person.name)
    said: Any = answers()["card_progress.cases"](asked)
    return bool(said.cases[0].overdue)


def test_a_card_is_overdue_as_the_pack_says(centre: Centre) -> None:
    from central.cases import Case

    in_region(centre, REGION)
    person = centre.holder("")
    case = centre.applied(person, 0)
    Case.objects.filter(pk=case.position).update(
        received_at=timezone.now() - timedelta(days=25), created=timezone.now()
    )
    assert not overdue(person)
    issue((CARD, "make_card = { number = 20"))
    assert overdue(person)


def test_working_days_leave_out_the_weekends(centre: Centre) -> None:
    from central.packs import ends
    from kiosk.policy import Days

    friday = datetime(2026, 11, 27, 16, 0, tzinfo=BEIJING)
    for number, day in ((1, 30), (4, 3), (5, 4), (6, 7)):
        assert ends(friday, Days(number, "working")).day == day
    assert ends(friday, Days(30, "calendar")) == friday + timedelta(days=30)
