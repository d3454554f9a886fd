"""A network that the operator brings says whether somebody is there; a person looks if it says no.

The networks are made here, byte by byte, as ONNX has them: the means of the three channels are
their outputs, so that what is asked of them is seen in what they say.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest

from hardware.virtual.portrait import frame
from kiosk.darkroom.process import Patience, ourselves
from kiosk.darkroom.room import Darkroom
from kiosk.kioskctl import app
from kiosk.photo import Measure, Photographer, Reason, review_reasons
from kiosk.photo.antispoof import AntiSpoof, BadDescription
from kiosk.photo.capture import Capture, whole_frame
from kiosk.photo.detect import Face
from kiosk.photo.faces import Band, Comparison
from kiosk.photo.liveness import Answer, Hint
from kiosk.photo.report import Verdict
from kiosk.settings import load_settings

FACE = Face(60, 60, 80, 80, (80, 80), (120, 80), 0.9)
SEEN = Hint(Answer.SEEN, Answer.SEEN)
MATCH = Comparison(Band.MATCH, 0.9, "a test")
#: What the description has besides the file and its hash.
WORDS = {"licence": "made in this test", "trained_on": "nothing", "side": 16}


def _field(number: int, content: bytes | int) -> bytes:
    if isinstance(content, int):
        return bytes((number << 3, content))
    assert len(content) < 1 << 14
    length = len(content)
    size = bytes((length,)) if length < 128 else bytes((length & 127 | 128, length >> 7))
    return bytes((number << 3 | 2,)) + size + content


def _value(name: str, *shape: int) -> bytes:
    dims = b"".join(_field(1, _field(1, size)) for size in shape)
    return _field(1, name.encode()) + _field(2, _field(1, _field(1, 1) + _field(2, dims)))


def _node(kind: str, given: str, gives: str) -> bytes:
    names = ((1, given), (2, gives), (3, gives), (4, kind))
    return b"".join(_field(number, name.encode()) for number, name in names)


def network(*more: str) -> bytes:
    """Mean of each channel of 16 x 16; then what else is done to them."""
    kinds = ("GlobalAveragePool", "Flatten", *more)
    nodes = b"".join(
        _field(1, _node(kind, f"v{place}", f"v{place + 1}")) for place, kind in enumerate(kinds)
    )
    graph = nodes + _field(2, b"g") + _field(11, _value("v0", 1, 3, 16, 16))
    graph += _field(12, _value(f"v{len(kinds)}", 1, 3))
    return _field(1, 7) + _field(7, graph) + _field(8, _field(1, b"") + _field(2, 13))


@pytest.fixture
def brought(tmp_path: Path) -> Callable[..., Path]:
    """A description beside its weights; more of it as keywords, None for what it leaves out."""

    def bring(content: bytes = network(), **more: object) -> Path:
        (tmp_path / "net.onnx").write_bytes(content)
        stated = {"file": "net.onnx", "sha256": sha256(content).hexdigest(), **WORDS}
        stated |= {"black": 0.0, "white": 1.0, "softmax": False} | more
        lines = [
            f"{name} = {str(said).lower() if isinstance(said, bool | float | int) else repr(said)}"
            for name, said in stated.items()
            if said is not None
        ]
        file = tmp_path / "net.toml"
        file.write_text("\n".join(lines), encoding="utf-8")
        return file

    return bring


def picture(*rgb: int) -> np.ndarray:
    return np.full((200, 200, 3), rgb, np.uint8)


def said(file: Path, rgb: np.ndarray) -> float:
    value = AntiSpoof(file).likeness(rgb, FACE).value
    assert value is not None
    return value


# -- what the network is asked -------------------------------------------------------------------


def test_its_input_is_made_as_the_description_says(brought: Callable[..., Path]) -> None:
    orange = picture(204, 102, 51)
    assert said(brought(), orange) == pytest.approx(0.8, abs=1e-3)
    assert said(brought(live=2), orange) == pytest.approx(0.2, abs=1e-3)
    assert said(brought(channels="BGR"), orange) == pytest.approx(0.2, abs=1e-3)
    assert said(brought(white=0.5), orange) == pytest.approx(0.4, abs=1e-3)
    assert said(brought(black=0.4, white=0.9), orange) == pytest.approx(0.8, abs=1e-3)


def test_its_limit_is_one_half_whatever_its_own_is(brought: Callable[..., Path]) -> None:
    assert said(brought(least=0.8), picture(204, 0, 0)) == pytest.approx(0.5, abs=1e-3)
    assert said(brought(least=0.9), picture(204, 0, 0)) == pytest.approx(0.444, abs=1e-3)
    assert said(brought(least=0.6), picture(204, 0, 0)) == pytest.approx(0.75, abs=1e-3)
    assert said(brought(white=5.0), picture(255, 0, 0)) == 1.0  # no share, and no more than sure


def test_outputs_that_are_no_shares_yet_are_made_some(brought: Callable[..., Path]) -> None:
    file = brought(softmax=True, white=100.0)
    assert said(file, picture(255, 0, 0)) == pytest.approx(1.0, abs=1e-6)
    assert said(file, picture(0, 255, 0)) == pytest.approx(0.0, abs=1e-6)
    assert said(file, picture(7, 7, 7)) == pytest.approx(1 / 3, abs=1e-3)


def test_it_sees_the_face_and_so_much_around_it_as_is_said(brought: Callable[..., Path]) -> None:
    rgb = picture(0, 0, 0)
    rgb[60:140, 60:140] = 255
    assert said(brought(reach=1.0), rgb) > 0.95
    assert said(brought(reach=2.0), rgb) == pytest.approx(0.25, abs=0.05)


def test_a_face_at_the_edge_of_the_picture_is_asked_about_all_the_same(
    brought: Callable[..., Path],
) -> None:
    far = Face(-500, -500, 80, 80, (0, 0), (1, 1), 0.9)
    assert AntiSpoof(brought()).likeness(picture(204, 0, 0), far).value == pytest.approx(
        0.8, abs=1e-3
    )


# -- what is not believed ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"sha256": "0" * 64}, "SHA-256"),
        ({"file": "other.onnx"}, "other.onnx"),
        ({"file": "../net.onnx"}, "plain name"),
        ({"licence": None}, "licence"),
        ({"licence": " "}, "licence and trained_on say something"),
        ({"trained_on": ""}, "licence and trained_on say something"),
        ({"side": 0}, "side"),
        ({"side": 10**9}, "side"),
        ({"side": "16"}, "side"),
        ({"channels": "GRB"}, "channels"),
        ({"black": 1.0}, "black"),
        ({"least": 1.0}, "least"),
        ({"live": 3}, "3 outputs"),
        ({"live": -1}, "live"),
        ({"softmax": 1}, "softmax"),
        ({"treshold": 0.5}, "treshold"),
    ],
)
def test_a_description_that_is_wrong_says_what(
    brought: Callable[..., Path], more: dict[str, object], why: str
) -> None:
    with pytest.raises(BadDescription, match=why):
        AntiSpoof(brought(**more))


@pytest.mark.parametrize("content", [b"", b"no network", network()[:40], network("NoSuchThing")])
def test_what_is_no_network_is_refused(brought: Callable[..., Path], content: bytes) -> None:
    with pytest.raises(BadDescription):
        AntiSpoof(brought(content))


def test_a_description_that_is_none_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "net.toml"
    with pytest.raises(BadDescription, match=r"net\.toml"):
        AntiSpoof(file)
    for content in (b"\xff\xfe", b"file = ", b""):
        file.write_bytes(content)
        with pytest.raises(BadDescription, match=r"net\.toml"):
            AntiSpoof(file)


def test_a_network_that_gives_no_number_tells_nothing(brought: Callable[..., Path]) -> None:
    file = brought(network("Sqrt"), black=-1.0, white=-0.5)  # the root of what is below zero
    assert AntiSpoof(file).likeness(picture(9, 9, 9), FACE) == Measure(
        None, "", 0.0, "the network gives no number"
    )


# -- what follows --------------------------------------------------------------------------------


def _reasons(antispoof: Path) -> tuple[Verdict, tuple[Reason, ...]]:
    """Of a photo that has nothing else against it. It is made whatever the network says."""
    rgb = frame("portrait")
    photo = Photographer(antispoof=antispoof).make(rgb)
    reasons = review_reasons(Capture(photo, whole_frame(rgb), SEEN), MATCH)
    return photo.report.line("person.live").verdict, reasons


def test_somebody_is_no_reason_to_look(brought: Callable[..., Path]) -> None:
    verdict, reasons = _reasons(brought(least=0.01))
    assert verdict is Verdict.MET
    assert reasons == (Reason.STAFF_RULES,)


def test_a_picture_of_somebody_is_photographed_and_looked_at(brought: Callable[..., Path]) -> None:
    verdict, reasons = _reasons(brought(least=0.99))
    assert verdict is Verdict.WARNING
    assert reasons == (Reason.MAYBE_A_PICTURE, Reason.STAFF_RULES)


def test_a_network_that_was_switched_on_and_is_not_there_leaves_it_to_a_person(
    brought: Callable[..., Path],
) -> None:
    verdict, reasons = _reasons(brought(sha256="0" * 64))
    assert verdict is Verdict.CANNOT_TELL
    assert reasons == (Reason.MAYBE_A_PICTURE, Reason.STAFF_RULES)


def test_without_one_nothing_is_asked_and_nothing_follows(photographer: Photographer) -> None:
    rgb = frame("portrait")
    photo = photographer.make(rgb)
    line = photo.report.line("person.live")
    assert (line.value, line.verdict) == (None, Verdict.CANNOT_TELL)
    reasons = review_reasons(Capture(photo, whole_frame(rgb), SEEN), MATCH)
    assert reasons == (Reason.STAFF_RULES,)


def test_the_citizen_is_told_nothing_of_it(brought: Callable[..., Path]) -> None:
    looked = Photographer(antispoof=brought(least=0.99)).look(frame("portrait"))
    assert "person.live" not in looked.measures
    assert looked.finding.code == "ok"


# -- switched on ---------------------------------------------------------------------------------


def test_it_is_off_until_the_settings_name_a_description(tmp_path: Path) -> None:
    file = tmp_path / "settings.toml"
    assert load_settings(None, {}).photo.antispoof == ""
    file.write_text('[photo]\nantispoof = "/srv/net.toml"\n', encoding="utf-8")
    assert load_settings(file, {}).photo.antispoof == "/srv/net.toml"


def test_the_darkroom_asks_the_network_of_the_settings(brought: Callable[..., Path]) -> None:
    command = ourselves(str(brought(least=0.99)))
    patience = Patience(start=120.0, look=60.0, make=60.0)
    with closing(Darkroom(patience, command)) as darkroom:
        line = darkroom.make(frame("portrait")).report.line("person.live")
    assert line.value is not None
    assert line.verdict is Verdict.WARNING


def test_kioskctl_says_whose_network_it_is_and_refuses_a_bad_one(
    brought: Callable[..., Path], tmp_path: Path
) -> None:
    from PIL import Image
    from typer.testing import CliRunner

    source, target = tmp_path / "in.png", tmp_path / "out.jpg"
    Image.fromarray(frame("portrait")).save(source)
    words = ["photo", "make", str(source), str(target), "--antispoof"]
    good = CliRunner().invoke(app, [*words, str(brought())])
    assert good.exit_code == 0, good.output
    assert "made in this test; nothing" in good.output
    bad = CliRunner().invoke(app, [*words, str(brought(sha256="0" * 64))])
    assert bad.exit_code != 0
    assert "SHA-256" in bad.output + (bad.stderr if bad.stderr_bytes else "")
