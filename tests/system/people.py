"""People who do not exist, and what they would have signed.

Their ID numbers begin with 130299, a region that was never assigned, and have right check digits.
"""

from __future__ import annotations

import base64
import io
import random
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from PIL import Image, ImageDraw

from sync.canonical import sha256_hex

if TYPE_CHECKING:
    from sync.header import EnvelopeHeader


def id_number(birth: str, order: int) -> str:
    """A fictitious number. `birth`: YYYYMMDD; `order`: 0 to 999, odd for men."""
    body = f"130299{birth}{order:03d}"
    total = sum(int(digit) * pow(2, 17 - place, 11) for place, digit in enumerate(body))
    return body + "10X98765432"[total % 11]


@dataclass(frozen=True)
class Person:
    """Somebody in the registry. `more` is what the registry says beyond the name."""

    name: str
    birth: str
    order: int
    more: tuple[tuple[str, Any], ...] = ()

    @property
    def number(self) -> str:
        return id_number(self.birth, self.order)

    @property
    def phone(self) -> str:
        """Nobody else's: a number that many give is looked at by the centre, sooner or later.

        Nor any subscriber's: what begins with 140 to 144 are things (物联网) with numbers of 13
        digits (《电信网编号计划(2017年版)》). One of 11 is a mobile number by its form only."""
        return f"144{self.birth[2:6]}{self.order:04d}"

    def row(self) -> dict[str, Any]:
        return {"id_number": self.number, "name": self.name, **dict(self.more)}


HOLDER = Person("李有卡", "19800101", 101, (("card_state", "1"),))
DECEASED = Person("赵故人", "19300101", 103, (("deceased", True),))
UNINSURED = Person("周未保", "19900101", 105, (("insured", False),))
ELSEWHERE = Person("吴在办", "19850101", 107, (("open_elsewhere", True),))
CANCELLED = Person("郑注销", "19750101", 109, (("card_state", "4"),))
STRANGER = Person("钱不详", "19700101", 111)

#: Persons who may apply: one for each test that needs one.
FREE = [
    Person(f"测试{digit}", "19570101", 1 + 2 * n) for n, digit in enumerate("甲乙丙丁戊己庚辛壬癸")
]
FREE += [
    Person(f"试验{digit}", "19640229", 1 + 2 * n) for n, digit in enumerate("甲乙丙丁戊己庚辛壬癸")
]
FREE += [Person(f"芯片{digit}", "19710301", 1 + 2 * n) for n, digit in enumerate("甲乙丙")]

#: Persons whose photos the centre looks at, likewise.
PHOTOGRAPHED = [
    Person(f"影像{digit}", "19710505", 1 + 2 * n) for n, digit in enumerate("甲乙丙丁戊己庚辛壬癸")
]

#: Persons whose matters a person at the centre looks at, likewise.
REVIEWED = [Person(f"复核{digit}", "19720606", 1 + 2 * n) for n, digit in enumerate("甲乙丙丁戊己")]

#: Who take back what they filed, likewise.
WITHDRAWING = [
    Person(f"撤回{digit}", "19730707", 1 + 2 * n) for n, digit in enumerate("甲乙丙丁戊己庚辛")
]

MOVING = Person("迁居人", "19740404", 117)
BAD_LINE = Person("孙远路", "19610718", 113)
CARRIED = Person("马随身", "19590430", 115)

#: Without an ID card, by mail, for the printed form.
PAPERS = [Person(f"材料{digit}", "19740404", 1 + 2 * n) for n, digit in enumerate("甲乙丙丁戊己")]

#: Children, and who applies for them.
CHILDREN = [Person(f"童{digit}", "20130404", 1 + 2 * n) for n, digit in enumerate("甲乙丙丁戊己")]
GUARDIAN = Person("监护甲", "19880505", 12)

#: For the tests of the journal.
JOURNALLED = [Person(f"日志{digit}", "19680808", 1 + 2 * n) for n, digit in enumerate("甲乙丙丁戊")]

#: Who have a card, for the tests of its loss: more than one database takes in turn.
CARD_HOLDERS = [
    Person(
        f"持卡{digit}",
        "19780909",
        201 + 2 * n,
        (("card_state", "1"), ("card_no", f"T{n:05d}678"), ("bank", "bank_a")),
    )
    for n, digit in enumerate("甲乙丙丁戊己庚辛壬癸子丑寅卯辰巳午未申酉戌亥")
]

#: For the test of a state folder that was put back.
PUT_BACK = [Person(f"退回{digit}", "19690909", 1 + 2 * n) for n, digit in enumerate("甲乙丙丁")]

#: Who have a card and have it replaced.
REPLACED = [
    Person(
        f"换卡{digit}",
        "19790909",
        401 + 2 * n,
        (("card_state", "1"), ("card_no", f"R{n:05d}678"), ("bank", "bank_a")),
    )
    for n, digit in enumerate("甲")
]

REGISTRY = [
    *CARD_HOLDERS,
    *PUT_BACK,
    *REPLACED,
    HOLDER,
    DECEASED,
    UNINSURED,
    ELSEWHERE,
    CANCELLED,
    MOVING,
    BAD_LINE,
    CARRIED,
    *FREE,
    *REVIEWED,
    *WITHDRAWING,
    *PAPERS,
    *CHILDREN,
    *PHOTOGRAPHED,
    *JOURNALLED,
]


@cache
def jpeg(width: int = 358, height: int = 441) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (width, height), (235, 240, 245)).save(out, "JPEG", quality=70, dpi=(350, 350))
    return out.getvalue()


def jpeg_of(chance: random.Random) -> bytes:
    """Nobody else's, and as large as most: some 12 kB."""
    blurred = Image.frombytes("RGB", (24, 30), chance.randbytes(24 * 30 * 3)).resize((358, 441))
    out = io.BytesIO()
    blurred.save(out, "JPEG", quality=70, dpi=(350, 350))
    return out.getvalue()


def large_jpeg() -> bytes:
    """A photo of noise: as large as they come."""
    noise = Image.frombytes("RGB", (358, 441), random.Random(1).randbytes(358 * 441 * 3))
    out = io.BytesIO()
    noise.save(out, "JPEG", quality=70, dpi=(350, 350))
    return out.getvalue()


@cache
def png() -> bytes:
    out = io.BytesIO()
    Image.new("L", (90, 36), 255).save(out, "PNG")
    return out.getvalue()


def png_of(chance: random.Random) -> bytes:
    """Nobody else's: strokes over 600 × 200 pixels, a few kB."""
    image = Image.new("L", (600, 200), 255)
    ends = [(chance.randrange(600), chance.randrange(200)) for _ in range(40)]
    ImageDraw.Draw(image).line(ends, 0, 3)
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


def form_of(person: Person, photo: bytes) -> dict[str, Any]:
    return {
        "name": person.name,
        "sex": "1" if person.order % 2 else "2",
        "id_number": person.number,
        "birth": f"{person.birth[:4]}-{person.birth[4:6]}-{person.birth[6:]}",
        "ethnic": "01",
        "identified": "id_card",
        "person_kind": "resident",
        "insurance_no": "",
        "special_group": "none",
        "phone": person.phone,
        "address": {
            "kind": "urban",
            "area_code": "130203",
            "area_name": "路北区",
            "estate": "张北小区",
            "building": "19",
            "entrance": "1",
            "room": "401",
            "text": "唐山市路北区张北小区19楼1门401号",
        },
        "id_address": "河北省唐山市路北区张北小区19楼1门401号",
        "id_issuer": "唐山市公安局路北分局",
        "id_valid_from": "2015-03-01",
        "id_valid_to": "9999-12-31",
        "bank": "bank_a",
        "outlet": "outlet_1",
        "pickup": "outlet",
        "electronic": True,
        "photo_sha256": sha256_hex(photo),
    }


def replacement_of(person: Person, photo: bytes) -> dict[str, Any]:
    """A lost card is to be replaced."""
    return {
        "booking": False,
        "name": person.name,
        "id_number": person.number,
        "reason": "lost",
        "card": "T00****78",
        "phone": "",
        "bank": "icbc",
        "outlet": "icbc-lubei",
        "fee": 0,
        "approval": "",
        "electronic": False,
        "photo_sha256": sha256_hex(photo),
    }


#: What a terminal says of a face that matched.
MATCH = {"band": "match", "method": "test"}
SIGNED_AT = "2026-11-24T09:30:00.000+08:00"


def application_of(
    person: Person, header: EnvelopeHeader, photo: bytes | None = None
) -> dict[str, Any]:
    """What a terminal would seal for this person under this header."""
    photo = jpeg() if photo is None else photo
    pictures = {"photo": photo, "signature": png()}
    return contents_of(header, form_of(person, photo), pictures)


def contents_of(
    header: EnvelopeHeader, document: dict[str, Any], pictures: dict[str, bytes]
) -> dict[str, Any]:
    """Any kind's contents; signed where there is a picture "signature". Written out by hand, so
    that a fault of the product's own builder does not hide."""
    document_hash = sha256_hex(document)
    signature = None
    if "signature" in pictures:
        png_hash = sha256_hex(pictures["signature"])
        bound = {"document": document_hash, "signature": png_hash, "signed_at": SIGNED_AT}
        signature = {
            "png_sha256": png_hash,
            "document_sha256": document_hash,
            "signed_at": SIGNED_AT,
            "binding_sha256": sha256_hex(bound),
        }
    return {
        "schema_version": 1,
        "kind": header.kind,
        "request_id": header.id,
        "receipt_no": header.receipt_no,
        "policy_version": "2026-11",
        "document": document,
        "document_sha256": document_hash,
        "attachments": {
            name: base64.b64encode(data).decode("ascii") for name, data in pictures.items()
        },
        "signature": signature,
        "consents": [
            {
                "text_id": "apply.notice",
                "text_version": "2026-11",
                "text_sha256": "0" * 64,
                "agreed_at": SIGNED_AT,
            }
        ],
        "proof": {"level": "P3", "at": SIGNED_AT, "comparison": MATCH, "reasons": []},
        "evidence": {},
    }
