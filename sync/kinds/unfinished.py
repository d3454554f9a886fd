"""上次没办完的: answers of a citizen that wait for another day, at any terminal (domain R-K10).

They are the citizen's whose ID card was read; who acts for a child has them apart for each child.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from sync.values import Code, Day, IdNumber, Name
from sync.wire.base import Message
from sync.wire.kind import Question

#: They wait so long, days.
KEPT_DAYS = 7

#: Prompt id -> answer, as JSON. The centre does not look into it.
Answers = Annotated[str, Field(max_length=8_000)]


class Keep(Message):
    """Keep these answers. "": what was kept is not wanted any more."""

    id_number: IdNumber
    name: Name
    #: Whose matter it is, where that is somebody else's: a child's.
    about: IdNumber | Literal[""] = ""
    #: Id of the service in which they were given.
    service: Code
    answers: Answers


class Kept(Message):
    """The last day on which they are still there; "" if nothing is kept."""

    until: Day | str = ""


class Find(Message):
    """What did the holder of this number and name leave unfinished?"""

    id_number: IdNumber
    name: Name
    about: IdNumber | Literal[""] = ""
    service: Code


class Found(Message):
    """The answers and the day they were left; "" if there are none."""

    answers: Answers = ""
    kept: Day | str = ""


QUESTIONS = (Question("unfinished.keep", Keep, Kept), Question("unfinished.find", Find, Found))
