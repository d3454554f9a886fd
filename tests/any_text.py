"""`st.text()` without its wait: in every new tree that one asks a codec about each of a million
characters, which takes more than a second. Which characters there are Hypothesis knows anyway."""

from __future__ import annotations

from hypothesis import strategies as st


def any_text(*, min_size: int = 0, max_size: int | None = None) -> st.SearchStrategy[str]:
    """Text of every character but halves of surrogate pairs, which UTF-8 has not got."""
    return st.text(st.characters(exclude_categories=["Cs"]), min_size=min_size, max_size=max_size)
