"""`screens.typeface`: the face that is opened sooner draws what the published one draws."""

from __future__ import annotations

import io
import random

from PIL import ImageFont

from screens import typeface
from screens.resources import resource


def test_no_glyph_is_another_and_no_byte_besides_the_table() -> None:
    published = resource(typeface.PACKAGE, typeface.FILE).read_bytes()
    ours = typeface.with_one_range(published)
    assert len(ours) == len(published)
    differ = [at for at in range(0, len(ours), 8) if ours[at : at + 8] != published[at : at + 8]]
    assert 1 <= len(differ) <= 2 and differ[-1] - differ[0] <= 8
    assert typeface.with_one_range(ours) == ours
    chosen = random.Random(3).sample(range(0x4E00, 0x9FA6), 150)
    text = "".join(map(chr, (*range(0x20, 0x7F), *range(0xFF01, 0xFF20), *chosen, 0x3400, 0xFFFD)))
    one, other = (ImageFont.truetype(io.BytesIO(font), 40) for font in (ours, published))
    for character in text:
        assert bytes(one.getmask(character)) == bytes(other.getmask(character)), character
        assert one.getlength(character) == other.getlength(character)
