"""`dataclass` as the standard library has it; a class is finished when its first object is made.

Python writes and compiles the text of a dataclass's methods while its module is imported. For the
prompts, the records and the steps that took an eighth of the screen's start, and home needs none of
them. Here a class is only noted down, and the standard library finishes it just before its first
object is made. `finish_all` finishes the others, once home is shown.

An unfinished class has no `__dataclass_fields__`, and what `field` gives it as a default is not yet
there. Its objects are those of any dataclass. Not for a class that has `slots` or `__new__`. What
inherits from such a class is one itself: the standard library would not see the base's fields.
"""

from __future__ import annotations

import dataclasses
from threading import RLock
from typing import TYPE_CHECKING, Any

#: Class -> what its decorator was given.
_unfinished: dict[type, dict[str, Any]] = {}
_lock = RLock()

if TYPE_CHECKING:
    from dataclasses import dataclass as dataclass
else:

    def dataclass(cls: type | None = None, /, **options: Any) -> Any:
        """See the module's docstring."""
        if cls is None:
            return lambda cls: dataclass(cls, **options)

        def new(kind: type, /, *_: Any, **__: Any) -> Any:  # a field may be called `kind`
            if cls in _unfinished:
                _finish(cls)
            return object.__new__(kind)

        _unfinished[cls] = options
        cls.__new__ = new
        return cls


def finish_all() -> None:
    """Finish every class that was imported until now. For any thread."""
    for cls in tuple(_unfinished):
        _finish(cls)


def _finish(cls: type) -> None:
    with _lock:
        # What a class inherits from has to be finished before it.
        for base in reversed(cls.__mro__):
            if base in _unfinished:
                dataclasses.dataclass(**_unfinished[base])(base)
                del _unfinished[base]
