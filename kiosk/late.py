"""`dataclass` as the standard library has it; a class is finished when its first object is made.

Python writes and compiles the text of a dataclass's methods while its module is imported. For the
prompts, the records and the steps that took an eighth of the screen's start, and home needs none of
them. Here a class is only noted down, and the standard library finishes it just before its first
object is made. `finish_all` finishes the others, once home is shown.

Its objects are those of any dataclass. Whoever asks a class for its fields, as the standard library
does for one that inherits from it, has it finished first. What `field` gives an unfinished class as
a default is not yet there. Not for a class with `slots` or `__new__`, nor for an exception.
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

        if options.get("slots") or "__new__" in vars(cls) or issubclass(cls, BaseException):
            raise TypeError(f"{cls.__name__} has to be a dataclass of the standard library")
        _unfinished[cls] = options
        cls.__new__ = new
        cls.__dataclass_fields__ = _Fields()
        return cls


class _Fields:
    """Stands for the fields of an unfinished class, and those of what inherits from it."""

    def __get__(self, _: object, owner: type) -> dict[str, dataclasses.Field[Any]]:
        _finish(owner)
        fields: dict[str, dataclasses.Field[Any]] = owner.__dataclass_fields__  # type: ignore[attr-defined]
        return fields


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
