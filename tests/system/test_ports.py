"""The contract of the outside systems: every implementation must pass. A new one joins its list."""

from __future__ import annotations

import importlib
import pkgutil
import re
import shlex
import sys
import time
import uuid
from typing import TYPE_CHECKING, Any

import pytest

from hardware.virtual.portrait import chip

if TYPE_CHECKING:
    from tests.system.in_process import Centre

#: Of each port (a module of `central.ports`) the implementations that are tried here.
IMPLEMENTATIONS: dict[str, list[str]] = {
    "registry": ["DemoRegistry"],
    "messages": ["DemoMessages"],
    "card_maker": ["DemoCardMaker"],
    "electronic_cards": ["NoPlatform", "DemoPlatform"],
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
        questions = {"registry": "find", "messages": "send", "electronic_cards": "check"}
        questions["card_maker"] = "number"
        what = questions.get(port, "decode")
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


def test_a_centre_without_a_platform_believes_no_code(centre: Centre) -> None:
    from central.ports import NotNow

    with pytest.raises(NotNow, match="no_platform"):
        made("electronic_cards", "NoPlatform").check(_code_of(centre.holder()))


def _code_of(person: Any, age_s: float = 0.0) -> str:
    return f"DEMO-ESSC|{int(time.time() - age_s)}|{person.number}|{person.name}"


def test_a_code_is_good_for_one_minute_and_once(centre: Centre) -> None:
    platform, person = made("electronic_cards", "DemoPlatform"), centre.holder()
    code = _code_of(person)
    shown = platform.check(code)
    assert (shown.name, shown.number) == (person.name, person.number)
    assert person.number not in repr(shown) and person.name not in repr(shown)
    assert platform.check(code) == "expired"
    assert platform.check(_code_of(person, 61.0)) == "expired"
    assert platform.check(_code_of(person, -100.0)) == "expired", "of a clock that is wrong"


def test_a_code_of_a_lost_card_is_stopped_and_another_is_unknown(centre: Centre) -> None:
    platform, person = made("electronic_cards", "DemoPlatform"), centre.holder("2")
    assert platform.check(_code_of(person)) == "stopped"
    centre.forget(person)
    assert platform.check(_code_of(person, 1.0)) == "unknown"
    for code in ("", "x", "DEMO-ESSC", "DEMO-ESSC|now|1|n", "DEMO-ESSC|1||n", "https://a.example"):
        assert platform.check(code) == "unknown", code


def test_a_question_about_a_code_says_whose_it_is_or_why_not(centre: Centre) -> None:
    from central.business.electronic_card import ANSWERS
    from sync.kinds.electronic_card import WhoseCode

    person = centre.holder()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("django.conf.settings.DEMO", True)
        ask, code = ANSWERS["electronic_card.holder"], WhoseCode(code=_code_of(person))
        assert ask(code).model_dump() == {
            "said": "valid",
            "name": person.name,
            "id_number": person.number,
        }
        assert ask(code).model_dump() == {"said": "expired", "name": "", "id_number": ""}


@pytest.mark.parametrize("name", IMPLEMENTATIONS["card_maker"])
def test_a_maker_names_each_card_and_always_the_same_way(centre: Centre, name: str) -> None:
    maker = made("card_maker", name)
    orders = [f"01890000-0000-7000-8000-{n:012d}" for n in range(200)]
    numbers = [maker.number(order) for order in orders]
    assert [maker.number(order) for order in orders] == numbers
    assert len({number for number in numbers if number}) == len([n for n in numbers if n])
    assert all(re.fullmatch(r"[A-Z][0-9]{8}|", number) for number in numbers)


@pytest.mark.parametrize("name", IMPLEMENTATIONS["card_maker"])
def test_an_order_is_made_once_whatever_batch_it_comes_in_unless_it_was_sent_back(
    centre: Centre, name: str
) -> None:
    from central.models import DemoCardOrder
    from central.ports.card_maker import Order

    maker, order = made("card_maker", name), Order(str(uuid.uuid4()), {}, b"")
    maker.hand_over("one", [order])
    maker.hand_over("one", [order])
    row = DemoCardOrder.objects.get(order=order.id)
    assert maker.said("one") == []
    DemoCardOrder.objects.filter(pk=row.pk).update(said="sent")
    maker.hand_over("two", [order])
    assert [(said.order, said.what) for said in maker.said("two")] == [(order.id, "sent")]
    DemoCardOrder.objects.filter(pk=row.pk).update(said="refused", reason="空白")
    assert maker.said("two")[0].reason == "空白"
    maker.hand_over("three", [order])
    assert maker.said("three") == [] == maker.said("two")


@pytest.mark.parametrize("name", IMPLEMENTATIONS["card_maker"])
def test_what_is_recalled_is_never_made_unless_it_is_on_its_way(centre: Centre, name: str) -> None:
    from central.models import DemoCardOrder
    from central.ports.card_maker import Order

    maker = made("card_maker", name)
    had, sent, not_yet = (Order(str(uuid.uuid4()), {}, b"") for _ in range(3))
    maker.hand_over("one", [had, sent])
    DemoCardOrder.objects.filter(order=sent.id).update(said="sent")
    assert [maker.recall(one.id) for one in (had, had, sent, not_yet)] == [True, True, False, True]
    maker.hand_over("two", [had, sent, not_yet])
    assert "two" in maker.batches() and "" not in maker.batches()
    assert set(maker.orders("two")) == {had.id, sent.id, not_yet.id}
    said = {one.order: one.what for one in maker.said("two")}
    assert said == {had.id: "recalled", sent.id: "sent", not_yet.id: "recalled"}


def test_a_registry_is_told_the_number_of_a_card(centre: Centre, registry: Any) -> None:
    from central.keys import person_hash

    one, other = (person_hash(centre.holder().number) for _ in range(2))
    registry.set_card_no(one, "X00000001")
    assert registry.find(one).card_no == "X00000001"
    assert registry.find(other).card_no == "T00000678"
