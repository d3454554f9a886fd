"""The contract of the outside systems: every implementation must pass. A new one joins its list."""

from __future__ import annotations

import importlib
import pkgutil
import shlex
import sys
from typing import TYPE_CHECKING, Any

import pytest

from hardware.virtual.portrait import chip

if TYPE_CHECKING:
    from tests.system.in_process import Centre

#: Of each port (a module of `central.ports`) the implementations that are tried here.
IMPLEMENTATIONS: dict[str, list[str]] = {
    "registry": ["DemoRegistry"],
    "messages": ["DemoMessages"],
    "portrait_decoder": ["NoDecoder", "DemoDecoder", "ProgramDecoder"],
}

_PROGRAM = f"{shlex.quote(sys.executable)} -m hardware.virtual.demo_wlt"

NOBODY = "0" * 64


def made(port: str, name: str) -> Any:
    kind = getattr(importlib.import_module(f"central.ports.{port}"), name)
    return kind(_PROGRAM) if name == "ProgramDecoder" else kind()


def test_every_port_is_tried_with_every_implementation(centre: Centre) -> None:
    import central.ports

    assert {module.name for module in pkgutil.iter_modules(central.ports.__path__)} == set(
        IMPLEMENTATIONS
    )
    for port, tried in IMPLEMENTATIONS.items():
        module = importlib.import_module(f"central.ports.{port}")
        what = {"registry": "find", "messages": "send"}.get(port, "decode")
        there = {
            name
            for name, kind in vars(module).items()
            if isinstance(kind, type)
            and kind.__module__ == module.__name__
            and hasattr(kind, what)
            and not getattr(kind, "_is_protocol", False)
        }
        assert there == set(tried)


@pytest.fixture(params=IMPLEMENTATIONS["registry"])
def registry(request: pytest.FixtureRequest, centre: Centre) -> Any:
    return made("registry", request.param)


def test_a_registry_knows_whom_it_has_and_says_none_of_anybody_else(
    centre: Centre, registry: Any
) -> None:
    from central.keys import person_hash

    person = centre.holder("A")
    found = registry.find(person_hash(person.number))
    assert (found.name, found.card_state, found.card_no) == (person.name, "A", "T00000678")
    assert (found.insured, found.deceased, found.open_elsewhere) == (True, False, False)
    assert registry.find(NOBODY) is None


def test_a_card_state_is_set_for_one_person_and_goes_back_with_the_transaction(
    centre: Centre, registry: Any
) -> None:
    from django.db import transaction

    from central.keys import person_hash

    one, other = (person_hash(centre.holder().number) for _ in range(2))
    with transaction.atomic():
        registry.set_card_state(one, "2")
        assert registry.find(one).card_state == "2"
        transaction.set_rollback(True)
    assert registry.find(one).card_state == "1"
    with transaction.atomic():
        registry.set_card_state(one, "B")
    assert (registry.find(one).card_state, registry.find(other).card_state) == ("B", "1")
    registry.set_card_state(NOBODY, "2")
    assert registry.find(NOBODY) is None, "nobody is made by it"


def test_a_registry_that_has_nobody_is_no_refusal(centre: Centre, registry: Any) -> None:
    from django.db import transaction

    from central.models import RegisteredPerson
    from central.ports import NotNow

    with transaction.atomic():
        RegisteredPerson.objects.all().delete()
        with pytest.raises(NotNow, match="no_registry"):
            registry.find(NOBODY)
        transaction.set_rollback(True)


@pytest.mark.parametrize("name", IMPLEMENTATIONS["portrait_decoder"])
def test_a_decoder_gives_all_pixels_or_none_and_raises_nothing(centre: Centre, name: str) -> None:
    from central.ports.portrait_decoder import RGB_BYTES

    decoder = made("portrait_decoder", name)
    pixels = decoder.decode(chip("man"))
    assert pixels is None if name == "NoDecoder" else len(pixels) == RGB_BYTES
    for data in (b"", chip("none"), chip("man")[:-1], bytes(1024), b"\xff" * 5000):
        assert decoder.decode(data) is None


@pytest.mark.parametrize("name", IMPLEMENTATIONS["messages"])
def test_a_message_is_sent_once_for_its_key(centre: Centre, name: str) -> None:
    from central.models import SentMessage

    port = made("messages", name)
    for text in ("一", "二"):
        port.send("contract:1", "13900000000", text)
    port.send("contract:2", "13900000000", "三")
    sent = SentMessage.objects.filter(key__startswith="contract:").order_by("key")
    assert list(sent.values_list("text", flat=True)) == ["一", "三"]
