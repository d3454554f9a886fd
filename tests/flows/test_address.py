"""Addresses: what the notice asks for, what stands on cards old and new, what people type."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk.policy import Area, Name, load_policy
from kiosk.records import rules
from kiosk.records.address import LONGEST, Address, RuralAddress, UrbanAddress, parse_address
from kiosk.records.citizen import Citizen
from kiosk.steps.address import address
from kiosk.visit.flow import Unacceptable
from kiosk.visit.service import Service
from tests.any_text import any_text
from tests.flows.counter import POLICY, TODAY, ZHANG, Walk

AREAS = load_policy().areas
LUBEI = load_policy().area("130203")


def parsed(text: str) -> Address | None:
    return parse_address(text, AREAS)


def urban(*parts: str) -> UrbanAddress:
    return UrbanAddress(LUBEI, *parts)


# -- reading an ID card --------------------------------------------------------------------------


def test_the_examples_of_the_collection_notice_are_read_and_written() -> None:
    town = parsed("唐山市路北区张北小区19楼1门401号")
    assert town == urban("张北小区", "19", "1", "401")
    village = parsed("唐山市路北区果园乡(镇)二村8排058号")
    assert village == RuralAddress(LUBEI, "果园乡", "二村", "8排058号")
    assert (town.text, village.text) == (
        "唐山市路北区张北小区19楼1门401号",
        "唐山市路北区果园乡二村8排058号",
    )


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("张北小区19栋1单元401室", ("张北小区", "19", "1", "401")),
        ("张北小区19号楼1门401号", ("张北小区", "19", "1", "401")),
        ("张北小区19幢401户", ("张北小区", "19", "", "401")),
        ("张北小区 19 楼 1 门", ("张北小区", "19", "1", "")),
        ("张北小区19楼", ("张北小区", "19", "", "")),
        ("张北小区19楼401", ("张北小区", "19", "", "401")),
        ("张北小区19-1-401", ("张北小区", "19", "1", "401")),
        ("张北小区19-1-401号", ("张北小区", "19", "1", "401")),
        ("张北小区12-1", ("张北小区", "", "", "12-1")),
        ("张北小区101楼2门101/102号", ("张北小区", "101", "2", "101/102")),
        ("张北小区3楼底商2", ("张北小区", "3", "", "底商2")),
        ("张北小区3楼底商", ("张北小区", "3", "", "底商")),
        ("天源骏景B座1201室", ("天源骏景", "B座", "", "1201")),
        ("天源骏景甲座1201室", ("天源骏景", "甲座", "", "1201")),
        ("大里路平房3号", ("大里路", "平房", "", "3")),
        ("新华西道12号", ("新华西道", "", "", "12")),
        ("文化路甲3号", ("文化路", "", "", "甲3")),
        ("新华道12号张北小区19楼1门401号", ("新华道12号张北小区", "19", "1", "401")),
        ("东新村12楼3门401号", ("东新村", "12", "3", "401")),
        ("开滦林西矿大院", ("开滦林西矿大院", "", "", "")),
        ("8号", ("8号", "", "", "")),
        ("果园乡光明小区3号楼2单元202室", ("果园乡光明小区", "3", "2", "202")),
        ("果园乡新村小区3号楼", ("果园乡新村小区", "3", "", "")),
    ],
)
def test_town_addresses_are_taken_apart(text: str, parts: tuple[str, ...]) -> None:
    assert parsed(f"河北省唐山市路北区{text}") == urban(*parts)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("韩城镇大村1区12号", ("韩城镇", "大村", "1区12号")),
        ("韩城镇大令公庄123号", ("韩城镇", "大令公庄", "123号")),
        ("韩城镇河东村", ("韩城镇", "河东村", "")),
        ("第三农场三队45号", ("第三农场", "三队", "45号")),
        ("光明街道孙家屯8号", ("光明街道", "孙家屯", "8号")),
        ("果园乡（镇）二村058号", ("果园乡", "二村", "058号")),
    ],
)
def test_village_addresses_are_taken_apart(text: str, parts: tuple[str, ...]) -> None:
    assert parsed(f"唐山市路北区{text}") == RuralAddress(LUBEI, *parts)


def test_every_area_is_read_by_every_name_it_has_had() -> None:
    for area in AREAS:
        for name in (area.name, *area.formerly):
            for head in ("河北省唐山市", "唐山市", "河北省", ""):
                found = parsed(f"{head}{name}新华道8号")
                assert found is not None, name
                assert found.area == area
                assert found.text == f"唐山市{area.name}新华道8号"


@pytest.mark.parametrize(
    ("old", "today"),
    [
        ("滦县", "滦州市"),
        ("唐海县", "曹妃甸区"),
        ("东矿区", "古冶区"),
        ("高新区", "高新技术产业开发区"),
    ],
)
def test_a_name_on_an_old_card_is_written_as_that_of_today(old: str, today: str) -> None:
    found = parsed(f"河北省{old}古马镇大村1区12号")
    assert found is not None
    assert found.text == f"唐山市{today}古马镇大村1区12号"
    assert found.as_form()["area_name"] == today


@pytest.mark.parametrize(
    "text",
    [
        "",
        "唐山市",
        "唐山市路北区",
        "唐山市路北区号",
        "北京市朝阳区某路1号",
        "开滦路北区大院",
        "张家口市桥西区新华道1号",
        "唐山市路北区" + "长" * 95,
    ],
)
def test_what_is_in_no_known_area_is_not_guessed(text: str) -> None:
    assert parsed(text) is None


def test_the_longest_address_fits_the_form() -> None:
    longest = parsed("唐山市路北区" + "长" * 94)
    assert longest is not None
    assert len(longest.text) == LONGEST == 100


def test_of_two_names_that_begin_alike_the_longer_one_is_read() -> None:
    city = LUBEI.city
    alike = (Area("1", Name("新华区"), city), Area("2", Name("新华区东城"), city))
    for areas in (alike, alike[::-1]):
        found = parse_address("唐山市新华区东城新华道8号", areas)
        assert found is not None
        assert found.area.code == "2"


def test_areas_of_two_cities_are_read() -> None:
    areas = (LUBEI, Area("1", Name("桥西区"), Name("张家口市")))
    for head in ("唐山市路北区", "张家口市桥西区"):
        found = parse_address(f"河北省{head}新华道8号", areas)
        assert found is not None
        assert found.text == f"{head}新华道8号"


def test_without_areas_no_address_is_known() -> None:
    assert parse_address("唐山市路北区新华道8号", ()) is None


@given(any_text(max_size=60))
def test_any_text_is_an_address_or_none(text: str) -> None:
    for found in (parsed(text), parsed(f"唐山市路北区{text}")):
        assert found is None or found.text


@given(st.text(alphabet="新华小区楼门号室栋单元村镇排-/甲B123 座平房底商", max_size=20))
def test_what_is_read_and_written_reads_as_the_same(text: str) -> None:
    """Only the words for building, entrance and room become those of the notice."""
    found = parsed(f"唐山市路北区{text}")
    if found is not None:
        again = parsed(found.text)
        assert again is not None
        assert again.text == found.text


# -- writing -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("parts", "text"),
    [
        (("张北小区", "19", "1", "401"), "张北小区19楼1门401号"),
        (("张北小区", "19", "", "401"), "张北小区19楼401号"),
        (("张北小区", "B座", "", "1201"), "张北小区B座1201号"),
        (("张北小区", "平房", "", "3排5"), "张北小区平房3排5号"),
        (("张北小区", "甲3", "", "底商2"), "张北小区甲3楼底商2号"),
        (("张北小区", "", "", "12-1"), "张北小区12-1号"),
        (("张北小区", "", "", "101/102"), "张北小区101/102号"),
        (("张北小区", "东楼", "十二", "东户"), "张北小区东楼十二门东户"),
        (("新华西道",), "新华西道"),
    ],
)
def test_a_bare_number_gets_the_word_of_the_notice(parts: tuple[str, ...], text: str) -> None:
    assert urban(*parts).text == f"唐山市路北区{text}"


def test_the_form_names_every_part() -> None:
    assert urban("张北小区", "19", "1", "401").as_form() == {
        "kind": "urban",
        "area_code": "130203",
        "area_name": "路北区",
        "estate": "张北小区",
        "building": "19",
        "entrance": "1",
        "room": "401",
        "text": "唐山市路北区张北小区19楼1门401号",
    }
    assert RuralAddress(LUBEI, "果园乡", "二村", "8排058号").as_form() == {
        "kind": "rural",
        "area_code": "130203",
        "area_name": "路北区",
        "township": "果园乡",
        "village": "二村",
        "detail": "8排058号",
        "text": "唐山市路北区果园乡二村8排058号",
    }


@pytest.mark.parametrize(
    ("address", "numbered"),
    [
        (urban("新华道"), False),
        (urban("新华道12号"), True),
        (urban("新华道", "1"), True),
        (urban("新华道", "", "1"), True),
        (urban("新华道", "", "", "1"), True),
        (RuralAddress(LUBEI, "果园乡", "二村"), False),
        (RuralAddress(LUBEI, "果园乡", "二村", "村东头"), False),
        (RuralAddress(LUBEI, "果园乡", "二村", "三排"), True),
    ],
)
def test_an_address_without_any_number_is_known_as_such(address: Address, numbered: bool) -> None:
    assert address.numbered is numbered


# -- the boxes of the form -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "text", "kept"),
    [
        ("mobile", "138 0000-0000", "13800000000"),
        ("mobile", "13000000000", "13000000000"),
        ("mobile", "19999999999", "19999999999"),
        ("place", "张北小区(东)", "张北小区（东）"),
        ("place", "张 北小区", "张北小区"),
        ("place", "凤凰新城Ａ区１", "凤凰新城A区1"),
        ("place", "〇一村", "〇一村"),
        ("place", "㐱𤇾村", "㐱𤇾村"),
        ("house", "19号楼", "19"),
        ("house", "19栋", "19"),
        ("house", "19幢", "19"),
        ("house", "19楼", "19"),
        ("house", "1单元", "1"),
        ("house", "1门", "1"),
        ("house", "401号", "401"),
        ("house", "401室", "401"),
        ("house", "401户", "401"),
        ("house", "058", "058"),
        ("house", "3a", "3A"),
        ("house", "甲3", "甲3"),
        ("house", "12-1", "12-1"),
        ("house", "12—1", "12-1"),
        ("house", "12－1", "12-1"),
        ("house", "12–1", "12-1"),
        ("house", "101/102", "101/102"),
        ("house", "101、102", "101/102"),
        ("house", "B座", "B座"),
        ("house", "平房", "平房"),
        ("house", "底商2", "底商2"),
        ("house", "3排5号", "3排5"),
        ("house", "东楼", "东楼"),
        ("house", "东户", "东户"),
        ("house", "１０１", "101"),
        ("house", "十二", "十二"),
        ("detail", "8排058号", "8排058号"),
        ("detail", "村东头", "村东头"),
        ("detail", "一区(南)3号", "一区（南）3号"),
    ],
)
def test_fields_are_normalised(rule: str, text: str, kept: str) -> None:
    assert rules.RULES[rule](text) == kept


@pytest.mark.parametrize(
    ("rule", "text", "broken"),
    [
        ("mobile", "1380000000a", "phone.digits"),
        ("mobile", "１３８００００００００", "phone.digits"),
        ("mobile", "1380000000", "phone.length"),
        ("mobile", "138000000000", "phone.length"),
        ("mobile", "", "phone.length"),
        ("mobile", "23800000000", "phone.start"),
        ("mobile", "12000000000", "phone.start"),
        ("place", "abc", "place.chinese"),
        ("place", "123", "place.chinese"),
        ("place", "小区；", "place.characters"),
        ("place", "", "place.characters"),
        ("house", "一号楼旁边", "house.characters"),
        ("house", "19楼!", "house.characters"),
        ("house", "", "house.characters"),
        ("detail", "8排。", "place.characters"),
        ("detail", "", "place.characters"),
    ],
)
def test_a_broken_rule_is_named(rule: str, text: str, broken: str) -> None:
    with pytest.raises(rules.Broken) as caught:
        rules.RULES[rule](text)
    assert caught.value.rule == broken == str(caught.value)
    assert text == "" or text not in str(caught.value)


@given(st.sampled_from(sorted(rules.RULES)), any_text(max_size=40))
def test_any_text_is_kept_or_breaks_a_named_rule(rule: str, text: str) -> None:
    try:
        assert rules.RULES[rule](text)
    except rules.Broken as broken:
        assert broken.rule


@given(st.sampled_from(sorted(rules.RULES)), any_text(max_size=40))
def test_what_a_rule_has_kept_it_keeps_again(rule: str, text: str) -> None:
    try:
        kept = rules.RULES[rule](text)
    except rules.Broken:
        return
    assert rules.RULES[rule](kept) == kept


# -- the step --------------------------------------------------------------------------------------


def walk(on_card: str = "河北省张家口市桥西区某路1号") -> Walk:
    """The step alone; what it returns is put into `found`."""
    citizen = Citizen.from_id_card(dataclasses.replace(ZHANG, address=on_card), TODAY)

    class Step(Service):
        id, group, icon = "step", "card", "home"

        async def serve(self) -> None:
            found.append(await address(self.policy, citizen))

    found: list[Address] = []
    visit = Walk(Step)
    visit.found = found  # type: ignore[attr-defined]
    return visit


def found(visit: Walk) -> str:
    """The address that the step returned."""
    (one,) = visit.found  # type: ignore[attr-defined]
    return str(one.text)


def test_the_address_of_the_card_takes_one_touch() -> None:
    visit = walk("河北省滦县古马镇大村1区12号")
    assert visit.prompt.options[0].detail == "唐山市滦州市古马镇大村1区12号"
    assert found(visit.say("address.same", "same")) == "唐山市滦州市古马镇大村1区12号"


def test_an_address_of_another_city_is_typed() -> None:
    assert walk().at == "address.kind"


def test_all_areas_of_the_policy_can_be_chosen() -> None:
    visit = walk().say("address.kind", "urban")
    assert [option.value for option in visit.prompt.options] == [area.code for area in POLICY.areas]


@pytest.mark.parametrize(
    ("typed", "text"),
    [
        (
            {"estate": "张北小区", "building": "19", "entrance": "1", "room": "401"},
            "张北小区19楼1门401号",
        ),
        ({"estate": "新华西道", "room": "甲3"}, "新华西道甲3号"),
        ({"estate": "大里路", "building": "平房", "room": "5"}, "大里路平房5号"),
        ({"estate": "天源骏景", "building": "b座", "room": "12-1"}, "天源骏景B座12-1号"),
        ({"estate": "张北小区", "building": "3", "room": "底商2"}, "张北小区3楼底商2号"),
        ({"estate": "张北小区", "building": "3", "room": "101/102"}, "张北小区3楼101/102号"),
    ],
)
def test_towns(typed: dict[str, str], text: str) -> None:
    visit = walk().say("address.kind", "urban").say("address.area", "130273")
    assert found(visit.say("address.urban", typed)) == f"唐山市高新技术产业开发区{text}"


def test_villages() -> None:
    visit = walk().say("address.kind", "rural").say("address.area", "130203")
    typed = {"township": "果园乡", "village": "二村", "detail": "8排058号"}
    assert found(visit.say("address.rural", typed)) == "唐山市路北区果园乡二村8排058号"


@pytest.mark.parametrize(
    ("kind", "typed", "more", "text"),
    [
        ("urban", {"estate": "矿务局大院"}, {"room": "5"}, "矿务局大院5号"),
        ("rural", {"township": "果园乡", "village": "二村"}, {"detail": "9号"}, "果园乡二村9号"),
    ],
)
def test_an_address_without_a_number_is_asked_about_and_comes_back_filled(
    kind: str, typed: dict[str, str], more: dict[str, str], text: str
) -> None:
    visit = walk().say("address.kind", kind).say("address.area", "130203")
    visit.say(f"address.{kind}", typed).say("address.no_number", "add")
    assert {box.name: box.initial for box in visit.prompt.fields if box.initial} == typed
    assert found(visit.say(f"address.{kind}", {**typed, **more})) == f"唐山市路北区{text}"


def test_an_address_that_has_no_number_is_taken() -> None:
    visit = walk().say("address.kind", "urban").say("address.area", "130203")
    visit.say("address.urban", {"estate": "矿务局大院"}).say("address.no_number", "keep")
    assert found(visit) == "唐山市路北区矿务局大院"


def test_only_the_name_of_the_place_is_obligatory() -> None:
    for kind, missing in (("urban", "estate"), ("rural", "township")):
        visit = walk().say("address.kind", kind).say("address.area", "130203")
        with pytest.raises(Unacceptable) as caught:
            visit.visit.answer({})
        assert caught.value.field == missing
