"""What counts as waiting for the software, and what is the citizen's and the devices' own time."""

from __future__ import annotations

from tests.bench.waiting import Note, waits_of


def note(at: float, what: str, page: str, by: str = "") -> Note:
    return Note(at, what, page, by, computed_s=at / 2)


def waits(*notes: Note, lifted: tuple[float, ...] = ()) -> list[tuple[str, float]]:
    return [(f"{it.since} -> {it.until}", round(it.seconds, 6)) for it in waits_of(notes, lifted)]


def test_from_the_finger_to_the_page_in_use_and_for_a_key_to_the_next_picture() -> None:
    assert waits(
        note(1.0, "lifted", "home"),
        note(1.25, "usable", "notice"),
        # The citizen reads.
        note(9.0, "lifted", "notice"),
        note(9.5, "usable", "form"),
        note(11.0, "lifted", "form"),
        note(11.125, "picture", "form"),
    ) == [
        ("home lifted -> notice", 0.25),
        ("notice lifted -> form", 0.5),
        ("form lifted -> form", 0.125),
    ]


def test_a_touch_that_the_screen_heard_late_counts_from_the_hand() -> None:
    notes = note(3.0, "lifted", "home"), note(3.5, "usable", "notice")
    assert waits(*notes, lifted=(2.0,)) == [("home lifted -> notice", 1.5)]
    assert waits(*notes, lifted=(3.25,)) == [("home lifted -> notice", 0.5)]


def test_devices_work_in_their_own_time_and_the_rest_is_the_software_s() -> None:
    assert waits(
        note(1.0, "lifted", "who"),
        note(1.5, "usable", "id_card", "id_reader"),
        note(8.0, "done", "id_card", "id_reader"),
        note(8.25, "usable", "phone"),
        note(9.0, "lifted", "sign"),
        note(9.5, "usable", "submit", "outbox"),
        note(10.0, "done", "submit", "outbox"),
        note(10.5, "usable", "verdict", "outbox"),
        note(13.0, "done", "verdict", "outbox"),
        note(13.5, "usable", "print", "printer"),
        note(17.0, "done", "print", "printer"),
        note(17.25, "usable", "done"),
    ) == [
        ("who lifted -> id_card", 0.5),
        ("id_card done -> phone", 0.25),
        ("sign lifted -> print", 4.5),
        ("print done -> done", 0.25),
    ]


def test_before_the_camera_only_its_start_and_the_making_of_the_photo_count() -> None:
    found = list(
        waits_of(
            [
                note(1.0, "lifted", "photo.notice"),
                note(1.5, "usable", "photo.take", "camera"),
                note(3.0, "seen", "photo.take", "camera"),
                note(20.0, "taken", "photo.take", "camera"),
                note(21.0, "done", "photo.take", "camera"),
                note(21.5, "usable", "photo.choose"),
            ],
            (),
        )
    )
    assert [(it.seconds, it.computed_s) for it in found] == [(2.0, 1.0), (1.5, 0.75)]
