"""`kiosk.late`: its dataclasses are those of the standard library, however they come to be used."""

from __future__ import annotations

import copy
import dataclasses
import importlib
import pickle
import pkgutil
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest

import kiosk
from kiosk import late


@late.dataclass(frozen=True)
class Base:
    name: str
    secret: str = dataclasses.field(default="", repr=False)


@late.dataclass(frozen=True)
class Derived(Base):
    parts: list[int] = dataclasses.field(default_factory=list)
    last: bool = dataclasses.field(default=False, kw_only=True)


def test_an_object_is_that_of_a_dataclass() -> None:
    one = Derived("a", "b", [1], last=True)
    assert one == Derived("a", "b", [1], last=True) != Derived("a", "b")
    assert repr(one) == "Derived(name='a', parts=[1], last=True)"
    assert hash(Base("a")) == hash(Base("a"))
    assert dataclasses.replace(one, name="c").parts == [1]
    assert [field.name for field in dataclasses.fields(one)] == ["name", "secret", "parts", "last"]
    with pytest.raises(dataclasses.FrozenInstanceError):
        one.name = "d"  # type: ignore[misc]
    with pytest.raises(TypeError):
        Derived()  # type: ignore[call-arg]


def test_an_unused_class_tells_its_fields_and_gives_them_to_its_heirs() -> None:
    """One of the standard library that inherited from it lost the fields of its base."""

    @late.dataclass
    class Late:
        name: str

    @late.dataclass
    class Later(Late):
        more: int = 0

    @dataclasses.dataclass
    class Heir(Later):
        last: int = 0

    assert Heir("a", 1, 2) == Heir(name="a", more=1, last=2)
    assert dataclasses.is_dataclass(Later)

    @late.dataclass
    class Other:
        name: str

    assert [field.name for field in dataclasses.fields(Other)] == ["name"]


def test_a_copy_and_what_another_process_sends_finish_a_class_too() -> None:
    """Neither calls `__init__`."""

    def fresh() -> type:
        return late.dataclass(type("Sent", (), {"__annotations__": {"x": "int"}}))

    kind = fresh()
    sent = object.__reduce_ex__(kind(1), pickle.HIGHEST_PROTOCOL)
    assert copy.copy(kind(1)) == kind(1)
    other = fresh()
    got = sent[0](other, *sent[1][1:])  # type: ignore[operator, index]
    got.x = 1
    assert got == other(1)


def test_threads_that_make_the_first_object_together_find_a_whole_class(
    request: pytest.FixtureRequest,
) -> None:
    request.addfinalizer(partial(sys.setswitchinterval, sys.getswitchinterval()))
    sys.setswitchinterval(1e-6)
    for _ in range(20):
        kind = late.dataclass(frozen=True)(type("Raced", (), {"__annotations__": {"x": "int"}}))
        start = threading.Barrier(4)

        def make(number: int, kind: type = kind, start: threading.Barrier = start) -> object:
            start.wait(15)
            return kind(number)

        with ThreadPoolExecutor(4) as threads:
            assert len(set(threads.map(make, (1, 1, 2, 2)))) == 2


def test_every_class_of_the_kiosk_can_be_finished() -> None:
    """A definition that the standard library refuses must not wait for a citizen: the screen
    finishes all of them once home is shown, and so does this test."""
    for module in pkgutil.walk_packages(kiosk.__path__, "kiosk."):
        if not module.name.startswith(("kiosk.demo", "kiosk.kioskctl", "kiosk.__main__")):
            importlib.import_module(module.name)
    late.finish_all()
    assert late._unfinished == {}


def test_a_definition_that_is_refused_is_refused_each_time() -> None:
    bad = late.dataclass(type("Bad", (), {"__annotations__": {"a": "int", "b": "int"}, "a": 1}))
    try:
        for _ in range(2):
            with pytest.raises(TypeError, match="non-default argument"):
                bad(1, 2)
        with pytest.raises(TypeError, match="non-default argument"):
            late.finish_all()
    finally:
        del late._unfinished[bad]


def test_what_cannot_be_finished_late_is_refused_where_it_is_written() -> None:
    for options, base in (({"slots": True}, object), ({}, Exception)):
        with pytest.raises(TypeError, match="standard library"):
            late.dataclass(**options)(type("Odd", (base,), {}))


def test_a_field_may_have_any_name() -> None:
    @late.dataclass(frozen=True)
    class Named:
        kind: str
        cls: str

    assert Named(kind="first_application", cls="a") == Named("first_application", "a")
