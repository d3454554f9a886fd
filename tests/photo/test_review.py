"""A face on paper or on a telephone is told of, and a person at the centre looks at it."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from hardware.virtual.portrait import frame
from kiosk.photo import FindingCode, Photographer, Reason, review_reasons
from kiosk.photo.capture import Capture, whole_frame
from kiosk.photo.faces import Band, Comparison, Why, cannot_tell
from kiosk.photo.held_up import sides
from kiosk.photo.liveness import Answer, Hint

MATCH = Comparison(Band.MATCH, 0.7, "test")
SEEN = Hint(Answer.SEEN, Answer.SEEN)


def taken(photographer: Photographer, scene: str, liveness: Hint = SEEN) -> Capture:
    rgb = frame(scene)
    return Capture(photographer.make(rgb), whole_frame(rgb), liveness)


def of(photo: Capture, head_covering: bool = False) -> tuple[Reason, ...]:
    """The reasons before the last, which every photo has while some rules are for staff only."""
    *found, last = review_reasons(photo, MATCH, head_covering)
    assert last is Reason.STAFF_RULES
    return tuple(found)


def test_a_good_photo_of_who_matched_and_blinked_has_only_what_nothing_measures(
    photographer: Photographer,
) -> None:
    """Ears, shoulders, a frown are for a person to see."""
    assert of(taken(photographer, "portrait")) == ()
    assert of(taken(photographer, "portrait-woman")) == ()


@pytest.mark.parametrize("scene", ["print", "phone"])
def test_a_face_on_paper_or_glass_is_told_and_queued_even_if_the_faces_match(
    photographer: Photographer, scene: str
) -> None:
    """Reproduced: a crooked paper photo with its white border was taken with nothing to review."""
    photo = taken(photographer, scene, Hint(Answer.NOT_SEEN, Answer.NOT_SEEN))
    reasons = review_reasons(photo, MATCH)
    assert set(reasons) >= {
        Reason.FRAME_IN_PICTURE,
        Reason.LIVENESS_NOT_SEEN,
        Reason.BACKGROUND_UNEVEN,
    }
    found = photographer.look_once(frame(scene)).finding
    assert found.code is FindingCode.HELD_UP
    assert not found.stops


@pytest.mark.parametrize(
    "scene", ["portrait", "portrait-woman", "glasses", "look-away", "low", "two-people", "dark"]
)
def test_nobody_who_sits_there_is_a_picture(photographer: Photographer, scene: str) -> None:
    head = photographer.measure(frame(scene)).head
    assert head is not None
    assert sides(frame(scene), head) == 0


@pytest.mark.parametrize("degrees", [-20.0, -9.0, 9.0, 20.0])
def test_a_print_that_is_held_crooked_has_edges_all_the_same(
    photographer: Photographer, degrees: float
) -> None:
    middle = (640.0, 330.0)
    turn = cv2.getRotationMatrix2D(middle, degrees, 0.9)
    turned = cv2.warpAffine(frame("print"), turn, (1280, 720), borderMode=cv2.BORDER_REPLICATE)
    rgb = np.asarray(turned, np.uint8)
    head = photographer.measure(rgb).head
    assert head is not None
    assert (sides(rgb, head) or 0) >= 2


def test_one_edge_is_the_frame_of_a_door(photographer: Photographer) -> None:
    rgb = frame("portrait").copy()
    rgb[:, 900:] = 120
    head = photographer.measure(rgb).head
    assert head is not None
    assert sides(rgb, head) == 1
    assert Reason.FRAME_IN_PICTURE not in review_reasons(
        Capture(photographer.make(rgb), whole_frame(rgb), SEEN), MATCH
    )


def test_in_the_finished_photo_there_is_no_room_to_tell(photographer: Photographer) -> None:
    """The centre measures it in the whole frame, as the terminal did."""
    from kiosk.photo.faces import jpeg_picture

    photo = photographer.make(frame("print"))
    assert photo.report.line("person.held_up").value is not None
    again = jpeg_picture(photo.jpeg)
    assert again is not None
    assert photographer.measure(again).measures["person.held_up"].value is None


@pytest.mark.parametrize(
    ("comparison", "reason"),
    [
        (MATCH, None),
        (Comparison(Band.UNSURE, 0.3, "test"), Reason.FACE_UNSURE),
        (Comparison(Band.MISMATCH, 0.1, "test"), Reason.FACE_MISMATCH),
        (cannot_tell(Why.DECLINED), Reason.FACE_DECLINED),
        *((cannot_tell(why), Reason.FACE_NOT_COMPARED) for why in Why if why is not Why.DECLINED),
    ],
)
def test_anything_but_a_match_is_a_reason(comparison: Comparison, reason: Reason | None) -> None:
    assert review_reasons(None, comparison) == (() if reason is None else (reason,))


@pytest.mark.parametrize(
    ("liveness", "expected"),
    [
        (Hint(), (Reason.LIVENESS_NOT_SEEN,)),
        (Hint(Answer.SEEN, Answer.NOT_SEEN), ()),
        (Hint(Answer.CANNOT_TELL, Answer.SEEN), ()),
        (Hint(Answer.CANNOT_TELL, Answer.CANNOT_TELL), (Reason.LIVENESS_NOT_SEEN,)),
        (Hint(Answer.SEEN, Answer.SEEN, unbroken=False), (Reason.TRACK_BROKEN,)),
    ],
)
def test_liveness_is_a_reason_unless_something_was_seen(
    photographer: Photographer, liveness: Hint, expected: tuple[Reason, ...]
) -> None:
    assert of(taken(photographer, "portrait", liveness)) == expected


def test_a_head_covering_that_stays_on_is_a_reason(photographer: Photographer) -> None:
    photo = taken(photographer, "portrait")
    assert of(photo, head_covering=True) == (Reason.HEAD_COVERING,)


def test_a_forehead_under_a_hat_or_hair_is_a_reason(photographer: Photographer) -> None:
    rgb = frame("portrait").copy()
    cv2.rectangle(rgb, (530, 190), (750, 285), (38, 34, 34), -1)
    photo = Capture(photographer.make(rgb), whole_frame(rgb), SEEN)
    assert Reason.PHOTO_UNSURE in review_reasons(photo, MATCH)


@pytest.mark.parametrize(
    ("rule", "reason"),
    [
        # Hair that had to be cut has no top.
        ("face.crown", Reason.PHOTO_UNSURE),
        ("face.forehead", Reason.PHOTO_UNSURE),
        ("person.ears", Reason.EARS_UNSURE),
    ],
)
def test_what_cannot_be_told_is_a_reason(
    photographer: Photographer, rule: str, reason: Reason
) -> None:
    photo = taken(photographer, "portrait")
    report = photo.photo.report
    lines = tuple(
        replace(line, value=None, verdict=type(line.verdict).CANNOT_TELL)
        if line.rule.id == rule
        else line
        for line in report.lines
    )
    untold = replace(photo, photo=replace(photo.photo, report=replace(report, lines=lines)))
    assert of(untold) == (reason,)
