"""The photo at the centre: measured there again, compared with what the terminal claims, shown."""

from __future__ import annotations

import base64
import itertools
import re
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import requests

from hardware.virtual.portrait import frame
from kiosk.photo import Photographer
from kiosk.photo.capture import FRAME_LIMIT, Capture, whole_frame
from kiosk.photo.faces import Band, Comparison
from kiosk.photo.liveness import Answer, Hint
from kiosk.records.evidence import PhotoEvidence
from kiosk.records.proof import Level, Proof
from sync.header import BEIJING
from sync.wire.envelopes import SEALED_LIMIT
from tests.system.people import PHOTOGRAPHED
from tests.system.test_central import decided, shown, submit

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.system.conftest import CentralServer, EnrolledTerminal

#: Each database has a registry of its own, in which none of them is met twice.
PEOPLE = itertools.cycle(PHOTOGRAPHED)


@pytest.fixture(scope="module")
def capture() -> Capture:
    """A real photo of an invented person."""
    picture = frame("portrait")
    live = Hint(Answer.SEEN, Answer.NOT_SEEN)
    return Capture(Photographer().make(picture), whole_frame(picture), live)


def sent(
    central: CentralServer,
    terminal: EnrolledTerminal,
    capture: Capture,
    change: Callable[[dict[str, Any]], object] = lambda evidence: None,
    **more: Any,
) -> dict[str, Any]:
    """What the centre says of an application with this photo and evidence."""
    evidence = PhotoEvidence(capture, 1, more.get("head_covering", False)).document()
    change(evidence)
    compared = more.get("comparison", Comparison(Band.MATCH, 0.9, "x"))
    attached = {"frame": capture.frame.jpeg} | more.get("attached", {})

    def put(payload: dict[str, Any]) -> None:
        payload["evidence"] = evidence
        at = datetime(2026, 11, 24, 9, 30, tzinfo=BEIJING)
        payload["proof"] = Proof(Level.P3, at, compared).document()
        for name, data in attached.items():
            payload["attachments"][name] = base64.b64encode(data).decode("ascii")

    stored = submit(terminal, next(PEOPLE), put, photo=capture.photo.jpeg)
    wanted = "accepted" if compared.band is Band.MATCH else "to_review"
    assert decided(terminal, stored).verdict == wanted
    found = shown(central, stored)
    assert found is not None
    return found


def test_the_report_stands_beside_the_photo_and_the_centre_finds_the_same(
    central: CentralServer, terminal: EnrolledTerminal, capture: Capture
) -> None:
    found = sent(central, terminal, capture)
    assert found["pictures"]["frame"] == [1280, 720]
    assert found["rules_claimed"] == len(capture.photo.report.lines)
    assert found["rules_measured"] > 10
    assert found["photo_disagrees"] == []
    assert found["review"] == ["staff_rules"]
    assert found["liveness"] == {"blink": "seen", "turn": "not_seen", "unbroken": True}


def test_a_terminal_that_claims_another_value_is_found_out(
    central: CentralServer, terminal: EnrolledTerminal, capture: Capture
) -> None:
    """「without trust」: the claim is not believed, the bytes are measured."""

    def claim(evidence: dict[str, Any]) -> None:
        for line in evidence["rules"]:
            if line["rule"] == "face.width":
                line["value"] = str(float(line["value"]) + 20)

    found = sent(central, terminal, capture, claim)
    assert found["photo_disagrees"] == ["face.width"]
    assert sorted(found["review"]) == ["photo_disagrees", "staff_rules"]


def test_a_photo_without_a_face_is_marked_whatever_the_terminal_says(
    central: CentralServer, terminal: EnrolledTerminal
) -> None:
    stored = submit(terminal, next(PEOPLE))  # a plain grey picture, from a terminal of before
    assert decided(terminal, stored).verdict == "accepted"
    found = shown(central, stored)
    assert found is not None
    assert set(found["review"]) >= {"no_report", "photo_broken"}


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"head_covering": True}, "head_covering"),
        ({"comparison": Comparison(Band.UNSURE, 0.4, "x")}, "face_unsure"),
        ({"comparison": Comparison(Band.MISMATCH, 0.1, "x")}, "face_mismatch"),
    ],
)
def test_exceptions_and_hints_lead_to_a_person_and_never_to_a_refusal(
    central: CentralServer,
    terminal: EnrolledTerminal,
    capture: Capture,
    more: dict[str, Any],
    reason: str,
) -> None:
    assert sorted(sent(central, terminal, capture, **more)["review"]) == [reason, "staff_rules"]


def test_the_operator_sees_photo_frame_and_every_rule(
    central: CentralServer, terminal: EnrolledTerminal, capture: Capture
) -> None:
    found = sent(central, terminal, capture)
    name, password = (central.state / "central" / "operator.txt").read_text().split()
    session = requests.Session()
    login = f"{central.url}/admin/login/"
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', session.get(login).text)
    assert token is not None
    session.post(
        login,
        {"username": name, "password": password, "csrfmiddlewaretoken": token[1]},
        headers={"Referer": login},
    )
    page = session.get(f"{central.url}/admin/cases/{found['position']}/").text
    assert page.count("data:image/jpeg;base64,") == 2
    for chinese in ("脸部宽度179~255像素", "头顶发迹距相片上边缘7~21像素", "符合", "眨眼"):
        assert chinese in page
    assert "不一致" not in page.replace("✘ 不一致", "")


def test_the_largest_evidence_still_fits_into_an_envelope() -> None:
    noise = np.random.default_rng(1).integers(0, 255, (720, 1280, 3), np.uint8)
    whole = whole_frame(noise)
    assert len(whole.jpeg) <= FRAME_LIMIT
    assert (whole.width, whole.camera_width) != (1280, 0)
    assert FRAME_LIMIT * 4 / 3 + 80_000 * 4 / 3 + 50_000 < SEALED_LIMIT
