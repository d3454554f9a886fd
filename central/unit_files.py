"""The file of a unit's list (附件2) as rows of text: CSV in UTF-8 or GB18030, or Excel.

The order of the columns is free; lines above the headings, which forms have, are skipped; columns
that the form has not are left out. What a row says is judged in `central.unit_lists`.
"""

from __future__ import annotations

import csv
import io
import math
import re
import zipfile
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

#: Headings of 附件2 -> what the field is called here.
COLUMNS = {
    "序号": "serial",
    "用户编号": "insurance_no",
    "姓名": "name",
    "身份证号": "id_number",
    "出生年月": "birth",
    "地址": "address",
    "用户来源": "user_source",
    "用户类型": "user_type",
    "联系电话": "phone",
}
#: The same columns as the form's explanation and other lists call them.
_ALSO = {
    "花名册序号": "序号",
    "身份证号码": "身份证号",
    "公民身份号码": "身份证号",
    "通讯地址": "地址",
}
#: The headings stand in one of the first lines: a title and the unit's name may be above them.
_HEADED_WITHIN = 10

#: Most rows of one list; bytes of its file, and that an Excel file may unpack to.
MOST_ROWS, MOST_BYTES, MOST_UNPACKED = 20_000, 20_000_000, 200_000_000

#: Stands for an ID number that Excel took for a number: of that it keeps 15 digits.
DIGITS_LOST = "（数字）"


class BadList(ValueError):
    """The file is no list of this form; the text says why, in Chinese."""


@dataclass(frozen=True)
class Entry:
    """One row: its line as the file numbers it, and its fields by the names of `COLUMNS`."""

    line: int
    fields: Mapping[str, str]


def read(data: bytes, file: str) -> list[Entry]:
    """The rows of a list; `file`: its name. Raises `BadList`."""
    if len(data) > MOST_BYTES:
        raise BadList("文件太大")
    text = file.lower().endswith((".csv", ".txt"))
    sheets = [_text(data)] if text else _sheets(data)
    headed = [(lines, head) for lines in sheets if (head := _head(lines)) is not None]
    if not headed:
        raise BadList(f"前 {_HEADED_WITHIN} 行里没有表头（身份证号、姓名……）")
    if len(headed) > 1:
        raise BadList("有好几张工作表都是名册，请分成几个文件")
    entries = list(_entries(*headed[0]))
    if not entries:
        raise BadList("名册里一个人也没有")
    if len(entries) > MOST_ROWS:
        raise BadList(f"一份名册最多 {MOST_ROWS} 人，请分开")
    return entries


def _text(data: bytes) -> list[list[str]]:
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return list(csv.reader(io.StringIO(data.decode(encoding), newline="")))
        except (UnicodeDecodeError, csv.Error):
            continue
    raise BadList("读不出文字，请存成 UTF-8 或 GB18030 编码的 csv")


def _sheets(data: bytes) -> list[list[list[Any]]]:
    """The cells of every sheet, from the first line on."""
    from python_calamine import CalamineError, load_workbook  # for this command only

    packed = io.BytesIO(data)
    if zipfile.is_zipfile(packed):
        with zipfile.ZipFile(packed) as file:
            if sum(item.file_size for item in file.infolist()) > MOST_UNPACKED:
                raise BadList("文件太大")
    try:
        book = load_workbook(io.BytesIO(data))
        sheets = [book.get_sheet_by_name(name) for name in book.sheet_names]
        if any(sheet.total_height > MOST_ROWS + _HEADED_WITHIN for sheet in sheets):
            raise BadList(f"一份名册最多 {MOST_ROWS} 人，请分开")
        return [sheet.to_python(skip_empty_area=False) for sheet in sheets]
    except CalamineError:
        raise BadList("打不开这个表格文件，请存成 xlsx 或 csv") from None


def _head(lines: Sequence[Sequence[Any]]) -> int | None:
    """The place of the headings; None where there are none."""
    first = enumerate(lines[:_HEADED_WITHIN])
    return next((place for place, line in first if "身份证号" in map(_heading, line)), None)


def _entries(lines: Sequence[Sequence[Any]], head: int) -> Iterator[Entry]:
    headings = [_heading(cell) for cell in lines[head]]
    if missing := [heading for heading in COLUMNS if heading not in headings]:
        raise BadList(f"缺少列：{'、'.join(missing)}")
    places = {name: headings.index(heading) for heading, name in COLUMNS.items()}
    for number, line in enumerate(lines[head + 1 :], head + 2):
        cells = {name: line[at] if at < len(line) else "" for name, at in places.items()}
        fields = {name: _field(name, cell) for name, cell in cells.items()}
        if any(fields.values()):
            yield Entry(number, fields)


def _heading(cell: Any) -> str:
    text = re.sub(r"\s", "", str(cell))
    return _ALSO.get(text, text)


def _field(name: str, cell: Any) -> str:
    """A cell as text."""
    if isinstance(cell, date):
        return f"{cell:%Y-%m-%d}"
    if isinstance(cell, float | int) and math.isfinite(cell):
        whole = str(int(cell)) if cell == int(cell) else str(cell)
        # A spreadsheet keeps 15 digits of a number and makes the others zeros, whatever it is.
        return DIGITS_LOST if len(whole) > 15 else whole
    # A line break in a cell, and what no database keeps: the form of its person would be refused.
    text = re.sub(r"[\x00-\x1f\x7f]", "", str(cell)).strip()
    if name == "name":
        return re.sub(r"\s", "", text)  # 张　三
    return text.replace("（", "(").replace("）", ")") if name == "user_type" else text
