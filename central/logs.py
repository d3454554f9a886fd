"""What is written into the log of an error that nobody expected: where it was, not what it says.

The text of an error may quote what a citizen entered: a model names the value that it refuses, and
PostgreSQL the row that breaks a constraint. Django logs such errors by itself (`django.request`),
so the text is left out where every line of the log is made.
"""

from __future__ import annotations

import logging
import traceback
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from types import TracebackType


class WithoutTexts(logging.Formatter):
    """Type and frames of an exception, without its text and without the causes' texts."""

    def formatException(  # noqa: N802 - the library's name
        self, ei: tuple[type[BaseException], BaseException, TracebackType | None] | Any
    ) -> str:
        kind, _, trace = ei
        return "".join((*traceback.format_tb(trace), kind.__name__ if kind else ""))
