"""One of every message, with every field filled, as today's code writes it. Nobody in it exists.

What is sealed is made by the terminal's own code: the application as its service captures it, and
an envelope that opens with `OPENER`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from kiosk.records.payload import Prepared

from kiosk.photo.report import judge
from kiosk.photo.standard import THIRD_GENERATION
from kiosk.services.first_application import ApplyFirst
from sync import messages as m
from sync.envelope import Opener
from sync.header import EnvelopeHeader
from sync.schemes import PROFILES
from tests.flows.counter import APPLICATION, CAPTURE, CONTEXT, PHOTO, Walk
from tests.system import people

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pydantic import BaseModel

    from sync.canonical import Json

#: Opens the recorded envelopes. A key of these tests and of nothing else.
OPENER = Opener(bytes(range(96)), PROFILES["hybrid"])

AT = "2026-11-24T09:30:00.000+08:00"
HEADER = EnvelopeHeader(
    id="01890000-0000-7000-8000-000000000000",
    terminal="130299",
    seq=1,
    receipt_no="13029926112400015",
    kind=m.KIND_FIRST_APPLICATION,
    created=AT,
    urgent=False,
    key_id=OPENER.sealer().key_id,
    algorithm=OPENER.algorithm,
)
#: The card of nobody.
CARD = m.CardFacts(
    region="130299",
    reset_info="00904E43238697000001C9C381",
    algorithm="03",
    card_id="130299D15600000501C9C38100000000",
)
QUESTION = replace(HEADER, seq=0, receipt_no="", kind=m.KIND_ELIGIBILITY)


#: How the citizen answers where the two kinds of address part ways.
_ADDRESSES: dict[str, tuple[tuple[str, Any], ...]] = {
    "urban": (("address.same", "same"),),
    "rural": (
        ("address.same", "other"),
        ("address.kind", "rural"),
        ("address.area", "130203"),
        (
            "address.rural",
            {"township": "果园乡", "village": "二村", "detail": "8排058号"},
        ),
    ),
}


def application(address: str = "urban") -> dict[str, Json]:
    """What the terminal seals of a first application, with a photo that the centre takes."""
    walk = Walk(ApplyFirst, CONTEXT).until("address.same")
    for prompt, answer in _ADDRESSES[address]:
        walk.say(prompt, answer)
    photo = people.jpeg()
    report = judge(THIRD_GENERATION, {"face.width": 186.25})
    card_photo = replace(PHOTO, jpeg=photo, sha256=m.sha256_hex(photo), report=report)
    taken = replace(CAPTURE, photo=card_photo)
    steps = tuple((name, taken if name == "photo.take" else said) for name, said in APPLICATION)
    return Prepared.of(walk.until("filing.submit", steps).prompt.transaction).payload(HEADER)


def sealed(header: EnvelopeHeader, payload: Mapping[str, Json]) -> m.Envelope:
    return m.Envelope.of(header.as_wire(), OPENER.sealer().seal(header, payload))


def requests() -> Iterator[tuple[str, BaseModel]]:
    """What terminals say: name of the message, the message."""
    question = m.EligibilityQuestion(
        service="first_application", id_number=people.FREE[0].number, name=people.FREE[0].name
    )
    envelope = sealed(HEADER, application())
    yield (
        "EnrolRequest",
        m.EnrolRequest(code="K7WM-3QXA-9ZTB", device_public_key=bytes(32), hall="路北区测试厅"),
    )
    yield "Batch", m.Batch(envelopes=[envelope])
    yield "Envelope", sealed(QUESTION, question.model_dump(mode="json"))
    yield "EligibilityQuestion", question
    for address in _ADDRESSES:
        signed = m.FirstApplication.model_validate(application(address))
        yield f"FirstApplication-{address}", signed
    yield "Piece", m.Piece(id=HEADER.id, total=1000, offset=500, data=b"sealed")
    yield "InPieces", m.InPieces(header=HEADER.as_wire(), sealed_sha256="0" * 64)
    yield (
        "Export",
        m.Export(
            terminal="130299",
            device_key_id="0" * 16,
            made=AT,
            envelopes=[envelope],
            signature=bytes(64),
        ),
    )
    yield (
        "Checkpoint",
        m.Checkpoint(
            terminal="130299",
            device_key_id="0" * 16,
            seq=12,
            hash="0" * 64,
            made=AT,
            since_seq=7,
            since_hash="f" * 64,
            altered_seq=0,
            signature=bytes(64),
        ),
    )
    yield "CardProof", m.CardProof(card=CARD, process=bytes(8), source=bytes(8), proof=bytes(8))
    yield (
        "CardOpening",
        m.CardOpening(exchange=HEADER.id, card=CARD, process=bytes(8), source=bytes(8)),
    )
    for purpose in m.ScriptPurpose:
        yield (
            f"ScriptQuestion-{purpose}",
            m.ScriptQuestion(
                card=CARD, purpose=purpose, authorisation="K7WM-3QXA-9ZTB", challenge=bytes(8)
            ),
        )
    yield (
        "Heartbeat",
        m.Heartbeat(
            terminal="130299",
            at=AT,
            versions={"kiosk": "0.1.0"},
            health=[
                m.HealthRow(
                    device="printer",
                    state="warning",
                    since=AT,
                    fault="printer_paper_near_end",
                    detail="4F",
                    serial="A1",
                    firmware="2",
                    counters={"cuts": 3},
                )
            ],
            health_age_s=1,
            queue=m.QueueReport(queued=1, sending=0, dead=0, oldest_s=5, damaged_files=0),
            services={"first_application": "open"},
            desired_version="0a1b2c",
            envelope_key_id=OPENER.sealer().key_id,
        ),
    )


def answers() -> Iterator[tuple[str, BaseModel]]:
    """What the centre says."""
    yield (
        "EnrolAnswer",
        m.EnrolAnswer(
            terminal="130299",
            device_key_id="0" * 16,
            central_public_key=OPENER.sealer().public_key,
            central_key_id=OPENER.sealer().key_id,
            algorithm=OPENER.algorithm,
            central_key_number=1,
            central_signing_key=bytes(32),
        ),
    )
    yield "BatchAnswer", m.BatchAnswer(answers=list(_item_answers()))
    yield "PieceAnswer", m.PieceAnswer(held=506)
    yield "EligibilityAnswer", m.EligibilityAnswer()
    for rejection in m.Rejection:
        yield (
            f"EligibilityAnswer-{rejection}",
            m.EligibilityAnswer(rejection=rejection, reason="why"),
        )
    yield (
        "HeartbeatAnswer",
        m.HeartbeatAnswer(
            server_time=AT,
            desired=m.DesiredState(version="0a1b2c", closed_services={"card_check": "设备检修"}),
            envelope_key=m.EnvelopeKey(
                number=2,
                key_id=OPENER.sealer().key_id,
                algorithm=OPENER.algorithm,
                public_key=OPENER.sealer().public_key,
                signature=bytes(64),
            ),
        ),
    )
    for verdict in m.CheckpointVerdict:
        answer = m.CheckpointAnswer(verdict=verdict, held_seq=7)
        yield f"CheckpointAnswer-{verdict}", answer
    yield "CardProofAnswer", m.CardProofAnswer(exchange=HEADER.id)
    yield "CardOpeningAnswer", m.CardOpeningAnswer(cryptogram=bytes(16))
    step = m.ScriptStep(command="8424000004A1B2C3D4", expect=["9000", "61xx"])
    yield "ScriptAnswer", m.ScriptAnswer(id=HEADER.id, steps=[step])
    yield "Refusal", m.Refusal(error="clock_skew", server_time=AT)


def _item_answers() -> Iterator[m.ItemAnswer]:
    yield m.ItemAnswer(id=HEADER.id, verdict=m.Verdict.ACCEPTED)
    yield m.ItemAnswer(
        id=HEADER.id,
        verdict=m.Verdict.DUPLICATE,
        rejection=m.Rejection.DUPLICATE_APPLICATION,
        reason="open_application",
    )
    for rejection in m.Rejection:
        yield m.ItemAnswer(
            id=HEADER.id, verdict=m.Verdict.REJECTED, rejection=rejection, reason="why"
        )
    yield m.ItemAnswer(id=HEADER.id, verdict=m.Verdict.REJECTED, reason="form_hash")
    yield m.ItemAnswer(id=HEADER.id, verdict=m.Verdict.LATER, reason="server_error")
