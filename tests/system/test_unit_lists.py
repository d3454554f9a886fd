"""单位名册: a list of 附件2 is checked row by row, kept sealed, and found by who is on it."""

from __future__ import annotations

import dataclasses
import io
import zipfile
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from django.utils import timezone

from central.ports import NotNow
from sync.wire.application import MayApply
from tests.system.people import Person, form_of, jpeg, png

if TYPE_CHECKING:
    from central.unit_lists import Checked
    from tests.system.in_process import Centre

HEADINGS = [
    *("序号", "用户编号", "姓名", "身份证号", "出生年月"),
    *("地址", "用户来源", "用户类型", "联系电话"),
]


def row_of(person: Person, **other: str) -> dict[str, str]:
    birth = f"{person.birth[:4]}-{person.birth[4:6]}-{person.birth[6:]}"
    usual = {"序号": "1", "用户编号": person.number[-8:], "姓名": person.name}
    usual |= {"身份证号": person.number, "出生年月": birth, "用户来源": "医保职工"}
    usual |= {"地址": "唐山市路北区张北小区19楼1门401号", "用户类型": "正常缴费用户"}
    return usual | {"联系电话": "13911112222"} | other


def table(*rows: dict[str, str]) -> list[list[str]]:
    return [HEADINGS, *([row[heading] for heading in HEADINGS] for row in rows)]


def csv(*rows: dict[str, str], encoding: str = "utf-8-sig") -> bytes:
    return "\r\n".join(",".join(line) for line in table(*rows)).encode(encoding)


def checked(*rows: dict[str, str]) -> Checked:
    from central.unit_lists import check

    return check(csv(*rows), "名册.csv")


def faults(*rows: dict[str, str]) -> list[tuple[int, str, str]]:
    return [(fault.line, fault.column, fault.rule) for fault in checked(*rows).faults]


def newcomer(centre: Centre) -> Person:
    return centre.holder("")


def take(*people: Person, unit: str = "示例公司", **other: str) -> Any:
    from central.unit_lists import take_in

    good = checked(*(row_of(person, **other) for person in people)).good
    assert len(good) == len(people)
    return take_in(good, unit, "王")


def ask(person: Person, name: str = "") -> Any:
    from central.business import answers

    asked = MayApply(id_number=person.number, name=name or person.name)
    return answers()["unit_collection.row"](asked)


def test_a_right_row_has_no_fault(centre: Centre) -> None:
    assert faults(row_of(newcomer(centre))) == []
    rural = "唐山市路北区果园乡(镇)二村8排058号"
    pensioner = {"用户类型": "离退休人员（减免）", "地址": rural}
    assert faults(row_of(newcomer(centre), **pensioner)) == []


@pytest.mark.parametrize(
    ("column", "text", "rule"),
    [
        ("用户编号", "", "R-C1.missing"),
        ("用户编号", "12", "R-C1.insurance_no"),
        ("出生年月", "2011/1/1", "R-C2.slashes"),
        ("出生年月", "20110101", "R-C2.joined"),
        ("出生年月", "2011-1-1", "R-C2.form"),
        ("出生年月", "", "R-C2.form"),
        ("出生年月", "2011-13-01", "R-C2.date"),
        ("出生年月", "2011-01-02", "R-C2.mismatch"),
        ("地址", "张北小区19楼1门401号", "R-C3.area"),
        ("地址", "唐山市路北区张北小区19楼1门", "R-C3.room"),
        ("地址", "唐山市路北区张北小区", "R-C3.number"),
        ("地址", "唐山市路北区果园乡二村", "R-C4.detail"),
        ("地址", "唐山市路北区" + "长" * 99, "R-C3.long"),
        ("用户来源", "别的", "R-C5"),
        ("用户类型", "减免", "R-C6"),
        ("联系电话", "1391111222", "R-C7.phone.length"),
        ("联系电话", "02211112222", "R-C7.phone.start"),
        ("序号", "7" * 21, "R-C8.long"),
        ("姓名", "Zhang", "R-C13.name"),
        ("身份证号", "13029919570316", "R-B12.id_number.length"),
    ],
)
def test_each_fault_names_row_column_and_rule(
    centre: Centre, column: str, text: str, rule: str
) -> None:
    found = faults(row_of(newcomer(centre)), row_of(newcomer(centre), **{column: text}))
    assert (3, column, rule) in found
    assert {line for line, _, _ in found} == {3}


def test_a_wrong_check_character_is_found(centre: Centre) -> None:
    person = newcomer(centre)
    wrong = person.number[:-1] + ("1" if person.number[-1] != "1" else "2")
    assert (2, "身份证号", "R-B12.id_number.check") in faults(row_of(person, 身份证号=wrong))


def test_the_serial_of_the_roster_comes_back_with_the_advice(centre: Centre) -> None:
    (fault,) = checked(row_of(newcomer(centre), 序号="A-17", 联系电话="1")).faults
    assert fault.serial == "A-17" and fault.advice == "手机号码是 11 位"


def test_what_stands_twice_is_named_with_the_first_row(centre: Centre) -> None:
    person = newcomer(centre)
    found = checked(row_of(person), row_of(person)).faults
    assert [(fault.line, fault.column) for fault in found] == [(3, "用户编号"), (3, "身份证号")]
    assert found[0].advice == "和第 2 行重复"


def test_one_telephone_for_many_is_asked_about_and_not_refused(centre: Centre) -> None:
    many = [row_of(newcomer(centre)) for _ in range(6)]
    found = checked(*many)
    assert len(found.good) == 6
    assert {(fault.rule, fault.warning) for fault in found.faults} == {("R-C7.shared", True)}
    assert checked(*many[:5]).faults == ()


def test_who_may_have_no_card_is_named_with_the_reason(centre: Centre) -> None:
    person, stranger, uninsured = newcomer(centre), newcomer(centre), newcomer(centre)
    holder = centre.holder("1")
    centre.forget(stranger)
    centre.register(uninsured, insured=False)
    rows = [row_of(one) for one in (stranger, uninsured, holder)]
    other_name = row_of(person, 姓名="别人")
    assert faults(*rows, other_name) == [
        (2, "身份证号", "R-C12.not_in_registry"),
        (3, "身份证号", "R-C12.not_insured"),
        (4, "身份证号", "R-C12.has_card"),
        (5, "姓名", "R-C12.name"),
    ]


def test_nobody_is_on_two_lists(centre: Centre) -> None:
    person = newcomer(centre)
    take(person)
    assert faults(row_of(person)) == [(2, "身份证号", "R-C1.listed")]


# -- the file --------------------------------------------------------------------------------------


def read(data: bytes, file: str = "名册.csv") -> Any:
    from central.unit_files import read

    return read(data, file)


def xlsx(*sheets: list[list[str | float]]) -> bytes:
    """A workbook, written out: numbers as numbers, all else as text."""
    namespace = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
    rels = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    package = 'xmlns="http://schemas.openxmlformats.org/package/2006/relationships"'
    types = "http://schemas.openxmlformats.org/package/2006/content-types"
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    content = (
        f'<Types xmlns="{types}"><Default Extension="xml" ContentType="application/xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{kind}.sheet.main+xml"/></Types>'
    )
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as file:
        file.writestr("[Content_Types].xml", content)
        main = f'<Relationship Id="r" Type="{rels}/officeDocument" Target="xl/workbook.xml"/>'
        file.writestr("_rels/.rels", f"<Relationships {package}>{main}</Relationships>")
        names = "".join(
            f'<sheet name="s{n}" sheetId="{n}" r:id="r{n}"/>' for n in range(1, len(sheets) + 1)
        )
        book = f'<workbook {namespace} xmlns:r="{rels}"><sheets>{names}</sheets></workbook>'
        file.writestr("xl/workbook.xml", book)
        links = "".join(
            f'<Relationship Id="r{n}" Type="{rels}/worksheet" Target="worksheets/s{n}.xml"/>'
            for n in range(1, len(sheets) + 1)
        )
        file.writestr(
            "xl/_rels/workbook.xml.rels", f"<Relationships {package}>{links}</Relationships>"
        )
        for n, lines in enumerate(sheets, 1):
            rows = "".join(f"<row>{''.join(map(_cell, line))}</row>" for line in lines)
            sheet = f"<worksheet {namespace}><sheetData>{rows}</sheetData></worksheet>"
            file.writestr(f"xl/worksheets/s{n}.xml", sheet)
    return out.getvalue()


def _cell(value: str | float) -> str:
    if isinstance(value, str):
        return f'<c t="inlineStr"><is><t>{value}</t></is></c>'
    return f"<c><v>{value!r}</v></c>"


MEMBER = Person("名册甲", "19880505", 301)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-8", "gb18030"])
def test_a_csv_is_read_as_excel_and_others_write_it(encoding: str) -> None:
    (entry,) = read(csv(row_of(MEMBER, 姓名="名 册　甲"), encoding=encoding))
    assert (entry.line, entry.fields["name"]) == (2, "名册甲")
    assert entry.fields["id_number"] == MEMBER.number


def test_a_title_above_the_headings_and_other_columns_are_passed_over() -> None:
    lines = [["冀东油田社会保障卡申领人信息表"], ["单位：", "示例公司"]]
    lines += [[*line, "备注"] for line in table(row_of(MEMBER))]
    lines[2][0], lines[2][3] = "花名册序号", "身份证号码"
    (entry,) = read("\n".join(",".join(line) for line in lines).encode())
    assert entry.line == 4 and entry.fields["serial"] == "1"


def test_a_workbook_is_read_and_a_number_that_lost_its_digits_is_named(centre: Centre) -> None:
    from central.unit_lists import check

    right, lost = newcomer(centre), newcomer(centre)
    lines: list[list[Any]] = table(row_of(right), row_of(lost))
    lines[1][8] = 13911112222.0
    lines[2][3] = 130299198805053000.0
    found = check(xlsx([["填表说明"]], lines), "名册.xlsx")
    assert found.good[0].fields["phone"] == "13911112222"
    assert [(fault.line, fault.rule) for fault in found.faults if fault.column == "身份证号"] == [
        (3, "R-B12.number")
    ]


def test_what_no_database_keeps_is_not_kept_of_a_cell(centre: Centre) -> None:
    """The form that a terminal filled from it was refused."""
    odd = row_of(newcomer(centre), 序号="1\x007", 地址="唐山市路北区\x00张北小区19楼1门401号")
    (entry,) = checked(odd).good
    assert entry.fields["serial"] == "17"
    assert entry.fields["address"] == "唐山市路北区张北小区19楼1门401号"


def test_a_number_without_end_is_a_fault_of_its_row(centre: Centre) -> None:
    from central.unit_files import _field

    assert _field("id_number", float("inf")) == "inf" and _field("serial", float("nan")) == "nan"


def test_a_long_insurance_number_that_lost_its_digits_is_named_and_is_nobodys_double(
    centre: Centre,
) -> None:
    """Of the sixteenth digit on Excel keeps noughts: the row passed, with a number of nobody."""
    from central.unit_lists import check

    lines: list[list[Any]] = table(row_of(newcomer(centre)), row_of(newcomer(centre)))
    lines[1][1], lines[2][1] = 1302990000001234.0, 1302990000005678.0
    lines[1][0] = 1302990000001234.0
    lines[1][3], lines[2][3] = 130299198805053000.0, 130299198805054000.0
    found = check(xlsx(lines), "名册.xlsx").faults
    assert [(fault.line, fault.rule) for fault in found if fault.column == "用户编号"] == [
        (2, "R-C1.number"),
        (3, "R-C1.number"),
    ]
    assert not [fault for fault in found if fault.rule == "R-C1.duplicate"]
    assert (2, "R-C8.number") in [(fault.line, fault.rule) for fault in found]


@pytest.mark.parametrize(
    ("data", "file", "why"),
    [
        (b"PK\x03\x04 no workbook", "a.xlsx", "打不开"),
        (b"\xff\xfe\xff\xff\x80", "a.csv", "读不出文字"),
        ("甲,乙\n1,2".encode(), "a.csv", "没有表头"),
        ("身份证号,姓名\n1,2".encode(), "a.csv", "缺少列：序号、用户编号"),
        (csv(), "a.csv", "一个人也没有"),
        (xlsx(table(row_of(MEMBER)), table(row_of(MEMBER))), "a.xlsx", "好几张工作表"),
        (b"x" * 20_000_001, "a.csv", "文件太大"),
    ],
)
def test_what_is_no_list_is_refused_whole(data: bytes, file: str, why: str) -> None:
    from central.unit_files import BadList

    with pytest.raises(BadList, match=why):
        read(data, file)


def test_a_workbook_that_unpacks_to_too_much_is_not_unpacked() -> None:
    from central.unit_files import BadList

    out = io.BytesIO()
    packed = zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED)
    with packed as file, file.open("xl/workbook.xml", "w") as part:
        for _ in range(201):
            part.write(bytes(1_000_000))
    with pytest.raises(BadList, match="文件太大"):
        read(out.getvalue(), "a.xlsx")


# -- what becomes of it ----------------------------------------------------------------------------


def test_the_row_is_found_by_who_is_on_the_list(centre: Centre) -> None:
    person = newcomer(centre)
    take(person, unit="示例一公司", 序号="17")
    found = ask(person)
    assert (found.unit, found.serial, found.rejection) == ("示例一公司", "17", None)
    assert found.phone == "13911112222" and found.insurance_no == person.number[-8:]
    assert ask(newcomer(centre)).unit == "" and ask(person, "别人").unit == ""


def test_who_got_a_card_meanwhile_is_told_so(centre: Centre) -> None:
    person = newcomer(centre)
    take(person)
    centre.set_card(person, "1")
    said = ask(person)
    assert (said.rejection, said.reason) == ("not_permitted", "has_card")
    assert not {said.serial, said.insurance_no, said.phone, said.address} - {""}


def collected(centre: Centre, person: Person, minute: int = 0) -> Any:
    pictures = {"photo": jpeg(), "signature": png()}
    unit = {"unit": "", "serial": "", "user_source": "", "user_type": ""}
    document = form_of(person, pictures["photo"]) | unit
    return centre.file("unit_collection", document, minute, pictures=pictures)


def test_who_is_on_the_list_is_accepted_and_counted(centre: Centre) -> None:
    from central.unit_lists import applied

    person, other = newcomer(centre), newcomer(centre)
    made = take(person, other)
    assert collected(centre, person).verdict == "accepted"
    assert (made.rows.count(), applied(made)) == (2, 1)
    assert ask(person).rejection == "duplicate_application"


def test_who_the_terminal_could_not_ask_about_and_is_on_no_list_is_looked_at(
    centre: Centre,
) -> None:
    from central.cases import Case

    answer = collected(centre, newcomer(centre))
    assert answer.verdict == "to_review"
    assert "not_listed" in Case.objects.get(pk=answer.position).review


def test_the_operator_reads_from_the_list_what_the_terminal_could_not_ask(centre: Centre) -> None:
    person, stranger = newcomer(centre), newcomer(centre)
    take(person, unit="示例三公司", 序号="42")
    shown = page(collected(centre, person))
    assert shown["单位"] == "示例三公司（据名册）" and shown["花名册序号"] == "42（据名册）"
    assert (shown["用户来源"], shown["用户类型"]) == (
        "医保职工（据名册）",
        "正常缴费用户（据名册）",
    )
    assert "现有名册里没有此人" in page(collected(centre, stranger, 1))["单位"]


def test_the_operator_is_told_that_the_list_of_an_offline_application_is_gone(
    centre: Centre,
) -> None:
    person = newcomer(centre)
    made = take(person)
    filed = collected(centre, person)
    made.delete()
    assert "名册已删除" in page(filed)["单位"]


def test_a_child_is_on_no_list_and_no_terminal_files_for_one_as_for_an_adult(
    centre: Centre,
) -> None:
    from central.business import businesses
    from central.cases import Case

    child = Person("名册童", "20150404", 303)
    centre.knows(child.number, child.name)
    assert faults(row_of(child)) == [(2, "身份证号", "R-C12.under_age")]
    answer = collected(centre, child)
    assert answer.verdict == "to_review"
    assert "age" in Case.objects.get(pk=answer.position).review
    assert "R-B5" in businesses()["unit_collection"].words["age"], "where the rule comes from"


def test_what_is_printed_is_what_was_signed(centre: Centre) -> None:
    person = newcomer(centre)
    take(person)
    assert page(collected(centre, person), "form_rows")["单位"] == ""


def test_the_list_is_printed_with_who_has_filed_and_a_place_for_the_seal(centre: Centre) -> None:
    from central.cases import Case
    from tests.system.test_desk_pages import signed_in

    person, other = newcomer(centre), newcomer(centre)
    made = take(person, other, unit="示例五公司", 序号="51")
    filed = Case.objects.get(pk=collected(centre, person).position)
    desk = signed_in("desk-unit", "viewer")
    lists = desk.get("/admin/unit-lists/").content.decode()
    assert "示例五公司" in lists and f"/admin/unit-lists/{made.pk}/" in lists
    paper = desk.post(f"/admin/unit-lists/{made.pk}/").content.decode()
    lines = [line for line in paper.splitlines() if person.number in line or other.number in line]
    assert filed.receipt_no in lines[0] and "已受理" in lines[0] and "51" in lines[0]
    assert "未采集" in lines[1] and filed.receipt_no not in lines[1]
    assert "盖章" in paper and "共 2 人，已采集 1 人" in paper
    assert filed.events.filter(what="printed", by="desk-unit").count() == 1
    number = made.pk
    made.delete()
    assert desk.post(f"/admin/unit-lists/{number}/").status_code == 404


def test_who_printed_a_list_is_known_though_nobody_of_it_has_filed_and_it_is_gone(
    centre: Centre,
) -> None:
    """Names and ID numbers of all its people went with it."""
    from django.utils.html import escape

    from central.models import UnitListPrint
    from tests.system.test_desk_pages import signed_in

    made = take(newcomer(centre), newcomer(centre), unit="示例<六>公司")
    number, desk = made.pk, signed_in("desk-print", "viewer")
    assert desk.get(f"/admin/unit-lists/{number}/").status_code == 405, "a link prints nothing"
    assert not UnitListPrint.objects.filter(number=number).exists()
    desk.post(f"/admin/unit-lists/{number}/")
    made.delete()
    one = UnitListPrint.objects.get(number=number)
    assert (one.by, one.unit, one.people) == ("desk-print", "示例<六>公司", 2)
    page = desk.get("/admin/unit-lists/").content.decode()
    assert "desk-print" in page and escape(one.unit) in page


def test_what_is_not_written_down_is_not_printed(
    centre: Centre, monkeypatch: pytest.MonkeyPatch
) -> None:
    from central.models import UnitListPrint
    from tests.system.test_desk_pages import signed_in

    made, desk = take(newcomer(centre)), signed_in("desk-print", "viewer")

    def full(**_: Any) -> None:
        raise OSError("disk")

    monkeypatch.setattr(UnitListPrint.objects, "create", full)
    with pytest.raises(OSError, match="disk"):
        desk.post(f"/admin/unit-lists/{made.pk}/")


def test_a_row_that_cannot_be_opened_keeps_no_other_from_print_and_sounds_an_alarm(
    centre: Centre, monkeypatch: pytest.MonkeyPatch
) -> None:
    from central import unit_lists
    from central.models import Alarm
    from tests.system.test_desk_pages import signed_in

    person, other = newcomer(centre), newcomer(centre)
    made, real = take(person, other), unit_lists.opened
    gone = bytes(made.rows.get(person=hashed(person)).sealed)
    monkeypatch.setattr(unit_lists, "opened", lambda h, s: {} if s == gone else real(h, s))
    paper = signed_in("desk-unit", "viewer").post(f"/admin/unit-lists/{made.pk}/").content.decode()
    assert "打不开，见告警" in paper
    assert other.number in paper and person.number not in paper
    assert Alarm.objects.get(kind="list_unreadable", about=f"名册 {made.pk}").times == 1


def hashed(person: Person) -> str:
    from central.keys import person_hash

    return person_hash(person.number)


def page(answer: Any, rows: str = "rows") -> dict[str, str]:
    from central.business import business_of
    from central.cases import Case
    from central.packs import went_by

    contents = Case.objects.get(pk=answer.position).contents
    business = business_of("unit_collection")
    return dict(getattr(business, rows)(contents["document"], went_by(contents["policy_version"])))


def test_a_row_whose_key_is_gone_is_not_taken_for_none(
    centre: Centre, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its person was on no list, and nobody heard of it."""
    from central import unit_lists
    from central.models import Alarm, UnitRow

    person, filed = newcomer(centre), newcomer(centre)
    take(person, filed)
    before = collected(centre, filed)
    number = UnitRow.objects.get(person=hashed(filed)).of_id
    with monkeypatch.context() as gone:
        gone.setattr(unit_lists, "opened", lambda *_: {})
        with pytest.raises(NotNow, match="list_unreadable"):
            ask(person)
        answer = collected(centre, person, 1)
        assert (answer.verdict, answer.reason) == ("later", "list_unreadable")
        assert Alarm.objects.filter(kind="list_unreadable", resolved_at=None).exists()
        named = Alarm.objects.filter(kind="list_unreadable", about=f"名册 {number}")
        named.delete()
        assert page(before)["单位"] == "名册打不开，见告警" and named.exists()
    assert collected(centre, person, 1).verdict == "accepted"


def test_nothing_of_a_row_can_be_read_where_it_waits(centre: Centre) -> None:
    person = newcomer(centre)
    row = take(person).rows.get()
    stored = repr(row.__dict__).encode() + bytes(row.sealed)
    for secret in ("13911112222", person.name, person.number):
        assert secret.encode() not in stored


def test_a_list_goes_when_its_time_is_over(centre: Centre) -> None:
    from central.models import UnitList
    from central.sweep import sweep

    person = newcomer(centre)
    made = take(person)
    sweep()
    assert ask(person).unit
    UnitList.objects.filter(pk=made.pk).update(until=timezone.localdate() - timedelta(days=1))
    sweep()
    assert not ask(person).unit


def test_all_rows_are_kept_or_none(centre: Centre) -> None:
    from django.db import IntegrityError

    from central.models import UnitList
    from central.unit_lists import take_in

    first, twice = newcomer(centre), newcomer(centre)
    entries = checked(row_of(first), row_of(twice)).good
    take(twice)
    before = UnitList.objects.count()
    with pytest.raises(IntegrityError):
        take_in(entries, "示例公司")
    assert UnitList.objects.count() == before and not ask(first).unit
    again = dataclasses.replace(entries[0])
    assert take_in([again], "示例公司").rows.count() == 1


def test_nobody_waits_while_a_long_list_is_sealed(
    centre: Centre, monkeypatch: pytest.MonkeyPatch
) -> None:
    from django.db import connection

    from central import unit_lists

    real, alone = unit_lists.seal, []

    def seal(*args: Any) -> Any:
        alone.append(not connection.in_atomic_block)
        return real(*args)

    monkeypatch.setattr(unit_lists, "seal", seal)
    assert take(newcomer(centre), newcomer(centre)).rows.count() == 2 and alone == [True, True]


# -- the command -----------------------------------------------------------------------------------


def run(centre: Centre, *words: str) -> tuple[int, str]:
    from typer.testing import CliRunner

    from central import unit_commands

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(unit_commands, "open_of", lambda _: None)  # it is open
        done = CliRunner().invoke(unit_commands.app, ["--state", ".", *words])
    return done.exit_code, done.output


def test_the_command_takes_nothing_in_while_a_row_is_wrong_unless_it_is_told(
    centre: Centre, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    right, wrong = newcomer(centre), newcomer(centre)
    file = tmp_path / "名册.csv"
    file.write_bytes(csv(row_of(right), row_of(wrong, 序号="9", 联系电话="1")))
    words = ("add", str(file), "--unit", "示例二公司")
    code, said = run(centre, *words)
    assert code == 1 and "一个人也没有收" in said and "--good-rows" in said
    file.write_bytes(csv(row_of(wrong, 联系电话="1")))
    code, said = run(centre, *words)
    assert code == 1 and "一个人也没有收" in said
    assert "--good-rows" not in said, "there is no row that it could take"
    file.write_bytes(csv(row_of(right), row_of(wrong, 序号="9", 联系电话="1")))
    code, said = run(centre, *words)
    assert "第 3 行（序号 9）  联系电话  有错  R-C7.phone.length  手机号码是 11 位" in said
    assert not ask(right).unit
    code, said = run(centre, *words, "--good-rows", "--dry-run")
    assert not ask(right).unit
    code, said = run(centre, *words, "--good-rows")
    assert code == 1 and "已收 1 人" in said and ask(right).unit == "示例二公司"
    number = said.rpartition("名册 ")[2].partition("，")[0]
    assert f"{number}  示例二公司  1 人  已申请 0 人" in run(centre, "list")[1]
    assert run(centre, "remove", number)[0] == 0 and not ask(right).unit
    assert run(centre, "remove", number)[0] == 2
