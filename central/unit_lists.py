"""单位名册: 《社会保障卡申领人信息表》 (附件2), checked row by row and kept.

Rules R-C1 to R-C8, R-C12 and R-C13. Each fault names the row as the file numbers it, the serial of
the roster, the column, the rule and what would be right, so that the unit can mend its own list. By
default nothing is taken in while one row is wrong. What is taken in waits sealed for the person
whose ID card is read at a terminal (`central.business`).
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.utils import timezone

from central import alarms
from central.applications import CardApplication, applications, refusal
from central.cases import NOT_TAKEN_IN, Case
from central.keys import person_hash
from central.models import UnitList, UnitRow
from central.packs import today
from central.ports import NotNow
from central.rules import REFUSED_WORDS
from central.sealed import opened, seal
from central.unit_files import COLUMNS, DIGITS_LOST, Entry, read
from kiosk.records.address import LONGEST, UrbanAddress, parse_address
from kiosk.records.id_number import parse_id_number
from kiosk.records.rules import RULES, Broken
from kiosk.words import Words

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from django.db.models import QuerySet

    from kiosk.policy import Area

#: Heading -> what it may say, with the rule.
_ONE_OF = {
    "user_source": ("R-C5", ("医保职工",)),
    "user_type": ("R-C6", ("正常缴费用户", "离退休人员(减免)")),
}
#: Column -> rule of `kiosk.records.rules`, and its number in the requirements.
_FIELDS = {
    "insurance_no": ("insurance_no", "R-C1"),
    "name": ("name", "R-C13"),
    "id_number": ("id_number", "R-B12"),
    "phone": ("mobile", "R-C7"),
}

#: One telephone number for more people than this is asked about.
SAME_PHONE = 5
_LONGEST_SERIAL = 20
_AS_TEXT = "表格把号码存成了数字，后几位丢了：把这一列设为文本再填"
_HEADINGS = {name: heading for heading, name in COLUMNS.items()}
_PURPOSE = "unit_list.row"

#: Why a row cannot be looked at now; the alarm of the same name says what to do.
LIST_UNREADABLE = "list_unreadable"


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong in a list. `line`: as the file numbers it; `rule`: "R-C2.slashes"."""

    line: int
    serial: str
    column: str
    rule: str
    #: What would be right.
    advice: str
    #: Asked about, not refused.
    warning: bool = False


@dataclass(frozen=True)
class Checked:
    """A list and what is wrong in it."""

    entries: tuple[Entry, ...]
    faults: tuple[Fault, ...]

    @property
    def good(self) -> list[Entry]:
        """The rows without a fault."""
        wrong = {fault.line for fault in self.faults if not fault.warning}
        return [entry for entry in self.entries if entry.line not in wrong]


def check(data: bytes, file: str) -> Checked:
    """Read and check a list; `file`: its name. Raises `BadList`, and `central.ports.NotNow` without
    a registry."""
    entries = tuple(Entry(one.line, _tidy(one.fields)) for one in read(data, file))
    found = sorted(_faults(entries), key=lambda fault: fault.line)
    return Checked(entries, tuple(found))


def take_in(entries: Iterable[Entry], unit: str, by: str = "") -> UnitList:
    """Keep the rows for the unit's people, all or none."""
    days = today(lambda policy: policy.days("unit_list")).number
    until = timezone.localdate() + timedelta(days=days)
    made, rows = UnitList(unit=unit, made_by=by, until=until), []
    for entry in entries:  # before anything is locked: for thousands this takes its time
        header, sealed = seal(_PURPOSE, entry.fields)
        person = person_hash(entry.fields["id_number"])
        rows.append(UnitRow(of=made, person=person, header=header, sealed=sealed))
    with transaction.atomic():
        made.save()
        UnitRow.objects.bulk_create(rows)
    return made


def row_of(person: str) -> tuple[str, dict[str, Any]] | None:
    """The unit and the row of a person; None: on no list. Raises `NotNow` where the key of the row
    is gone: of its person nobody may say that they are on none."""
    row = UnitRow.objects.select_related("of").filter(person=person).first()
    if row is None:
        return None
    if not (fields := fields_of(row)):
        sound_unreadable(row.of)
        raise NotNow(LIST_UNREADABLE)
    return row.of.unit, fields


def fields_of(row: UnitRow) -> dict[str, Any]:
    """What stands in a row; {} where its key is gone: then `sound_unreadable`."""
    return opened(row.header, bytes(row.sealed))


def sound_unreadable(one: UnitList) -> None:
    """Sound the alarm that names a list with rows whose key is gone."""
    alarms.sound(LIST_UNREADABLE, None, f"名册 {one.pk}")


def applied(one: UnitList) -> int:
    """How many of its people have filed an application for a card, in whatever way."""
    return one.rows.filter(person__in=_filed().values("person")).count()


def filed_by(one: UnitList) -> dict[str, Case]:
    """The newest such application of each, by the keyed hash of who filed it."""
    cases = _filed().filter(person__in=one.rows.values("person")).order_by("position")
    return {case.person: case for case in cases}


def _filed() -> QuerySet[Case]:
    kinds = [business.kind for business in applications()]
    return Case.objects.filter(kind__in=kinds).exclude(state__in=NOT_TAKEN_IN)


def forget_old() -> None:
    """Delete the lists whose time is over."""
    UnitList.objects.filter(until__lt=timezone.localdate()).delete()


# -- checking --------------------------------------------------------------------------------------


def _faults(entries: Sequence[Entry]) -> Iterator[Fault]:
    words, areas = Words("zh_CN"), today(lambda policy: policy.areas)
    adult = today(lambda policy: policy.ages.adult)
    before: dict[tuple[str, str], int] = {}
    phones = Counter(entry.fields["phone"] for entry in entries)
    for entry in entries:
        found = [*_of_row(entry.fields, words, areas)]
        for name in ("insurance_no", "id_number"):
            first = before.setdefault((name, entry.fields[name]), entry.line)
            if entry.fields[name] not in ("", DIGITS_LOST) and first != entry.line:
                found.append((name, "R-C1.duplicate", f"和第 {first} 行重复"))
        wrong = {name for name, _, _ in found}
        if not wrong & {"id_number", "name"}:
            found += _at_centre(entry.fields, adult)
        for name, rule, advice in found:
            yield Fault(entry.line, entry.fields["serial"], _HEADINGS[name], rule, advice)
        if (many := phones[entry.fields["phone"]]) > SAME_PHONE and "phone" not in wrong:
            about = f"{many} 个人都填这个号码，请核对是不是本人的"
            yield Fault(entry.line, entry.fields["serial"], "联系电话", "R-C7.shared", about, True)


def _tidy(fields: Mapping[str, str]) -> dict[str, str]:
    """As it is kept: without spaces, X for x. What breaks its rule stays as it is."""
    tidied = dict(fields)
    for name, (rule, _) in _FIELDS.items():
        try:
            tidied[name] = RULES[rule](fields[name])
        except Broken:
            continue
    return tidied


#: (name of the column, rule, what would be right)
_Found = tuple[str, str, str]


def _of_row(fields: Mapping[str, str], words: Words, areas: Sequence[Area]) -> Iterator[_Found]:
    """What the row itself tells."""
    for name, (rule, number) in _FIELDS.items():
        if not fields[name]:
            yield name, f"{number}.missing", "没有填"
            continue
        if fields[name] == DIGITS_LOST:
            yield name, f"{number}.number", _AS_TEXT
            continue
        try:
            RULES[rule](fields[name])
        except Broken as broken:
            yield name, f"{number}.{broken.rule}", words.say(f"rule.{broken.rule}")
    yield from _serial(fields["serial"])
    for name, (number, allowed) in _ONE_OF.items():
        if fields[name] not in allowed:
            yield name, number, f"只能是：{'、'.join(allowed)}"
    if fault := _birth(fields["birth"], fields["id_number"]):
        yield "birth", f"R-C2.{fault}", _BIRTH[fault]
    if fault := _address(fields["address"], areas):
        yield "address", fault, _ADDRESS[fault]


def _serial(text: str) -> Iterator[_Found]:
    if text == DIGITS_LOST:
        yield "serial", "R-C8.number", _AS_TEXT
    if len(text) > _LONGEST_SERIAL:
        yield "serial", "R-C8.long", f"最多 {_LONGEST_SERIAL} 个字"


_BIRTH = {
    "slashes": "用短横线连接，例如 2011-01-01",
    "joined": "年月日之间加短横线，例如 2011-01-01",
    "form": "写成 2011-01-01 的样子，月和日都是两位",
    "date": "没有这一天",
    "mismatch": "和身份证号里的生日不一样",
}
_SHAPES = (
    ("slashes", r"\d{4}[/.年]\d{1,2}[/.月]\d{1,2}日?"),
    ("joined", r"\d{8}"),
    ("form", r"(?!\d{4}-\d{2}-\d{2}$).*"),
)


def _birth(text: str, id_number: str) -> str:
    for fault, shape in _SHAPES:
        if re.fullmatch(shape, text):
            return fault
    try:
        born = date.fromisoformat(text)
    except ValueError:
        return "date"
    return "" if id_number[6:14] == f"{born:%Y%m%d}" else "mismatch"


_ADDRESS = {
    "R-C3.area": "要从行政区划写起，例如 唐山市路北区张北小区19楼1门401号",
    "R-C3.room": "有楼和门，没有号，例如 19楼1门401号",
    "R-C3.number": "没有门牌号，例如 张北小区19楼1门401号",
    "R-C4.detail": "没有详址，例如 果园乡二村8排058号",
    "R-C3.long": f"超过 {LONGEST} 个字",
}


def _address(text: str, areas: Sequence[Area]) -> str:
    """Which rule of `_ADDRESS` it breaks; "" if none. 楼 and 号 are not obligatory (平房), but who
    has a stairwell has a door."""
    if len(text) > LONGEST:
        return "R-C3.long"
    read = parse_address(text, areas)
    if read is None:
        return "R-C3.area"
    if isinstance(read, UrbanAddress):
        if read.building and read.entrance and not read.room:
            return "R-C3.room"
        return "" if read.numbered else "R-C3.number"
    return "" if read.numbered else "R-C4.detail"


def _at_centre(fields: Mapping[str, str], adult: int) -> Iterator[_Found]:
    """What the registry, the cases and the other lists tell (R-C12), and who is too young to come
    without a guardian. `adult`: from which age on one is not."""
    person = person_hash(fields["id_number"])
    day = timezone.localdate()
    if parse_id_number(fields["id_number"], day).age_on(day) < adult:
        yield "id_number", "R-C12.under_age", f"未满 {adult} 周岁，由监护人另外代办"
    if refused := refusal(fields["name"], person):
        column = "name" if refused[1] == "name" else "id_number"
        yield column, f"R-C12.{refused[1]}", {**REFUSED_WORDS, **CardApplication.words}[refused[1]]
    if (row := UnitRow.objects.select_related("of").filter(person=person).first()) is not None:
        yield "id_number", "R-C1.listed", f"已经在名册 {row.of_id}（{row.of.unit}）里"
