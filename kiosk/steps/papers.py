"""Papers (户口簿, 出生证) before the camera, for who has no ID card here (domain R-B10, §5.16).

What is typed is checked as it is typed; that it is true a person at the centre reads from the
pages. So whatever rests on papers is 待核实, and nothing is told to who has shown no more.

Prompts: `<step>.who`, `<step>.age`, `<step>.ethnic`, and one for each page.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from kiosk.records.citizen import Citizen
from kiosk.records.id_number import parse_id_number
from kiosk.visit.prompts import Choice, Field, Form, Option, TakePage
from sync.codes import ethnic_name

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kiosk.photo.pages import Page

#: Paper -> its pages, the last parts of the prompts' ids.
OWN: Mapping[str, tuple[str, ...]] = {"household": ("household_first", "household_own")}
#: A child's. Of the 户口簿 the 户主页 as well: the relation that the child's page names is to them.
OF_CHILD: Mapping[str, tuple[str, ...]] = {
    "household": ("household_first", "household_head", "household_own"),
    "birth_certificate": ("birth_certificate",),
}

#: Those that live in the region; whoever belongs to another group is read from the page.
_ETHNIC = ("01", "11", "03", "02")
_RIGHT = (Option("right", icon="check"), Option("wrong", icon="pencil-outline"))


async def by_paper(
    paper: str, today: date, step: str = "papers", papers: Mapping[str, tuple[str, ...]] = OWN
) -> Citizen:
    """Who somebody is said to be, with the pages that show it. `step`: begins the ids of the
    prompts, whose words say whose papers they are. `papers`: what pages each of them has."""
    typed = {"name": "", "id_number": ""}
    while True:
        form = Form(
            f"{step}.who",
            (
                Field("name", "name", "chinese", typed["name"], longest=50),
                Field("id_number", "id_number", "id_digits", typed["id_number"], longest=20),
            ),
        )
        typed = dict(await form)
        number = parse_id_number(typed["id_number"], today)
        # A number with two errors may be right by its check character; the age then is not.
        if await Choice(f"{step}.age", _RIGHT, facts={"age": number.age_on(today)}) == "right":
            break
    options = tuple(Option(code, label=ethnic_name(code)) for code in _ETHNIC)
    ethnic = await Choice(f"{step}.ethnic", (*options, Option("other")))
    pages = await lay_down(papers[paper], step)
    return Citizen.from_paper(
        paper, typed["name"], number, "" if ethnic == "other" else ethnic, pages
    )


async def lay_down(names: Sequence[str], step: str) -> tuple[Page, ...]:
    """These pages of a paper, one after the other."""
    pages: list[Page] = []
    for name in names:
        pages.append(await TakePage(f"{step}.{name}", pages[-1] if pages else None))
    return tuple(pages)
