"""Enrolment: by a sheet that names the centre's key; who poses as the centre gets no terminal."""

from __future__ import annotations

import shutil
import subprocess
import sys
from contextlib import contextmanager
from datetime import timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import qrcode
from typer.testing import CliRunner

from hardware.codes import read_text
from kiosk.kioskctl import app
from kiosk.words import LANGUAGES, Words
from sync import enrolment, sheet
from sync.address import trouble_with
from sync.enrolment import NotEnrolledHere, enrol, why_not
from sync.faults import CentralRefused, CentralUnreachable
from sync.identity import NotEnrolled, load_identity
from sync.outbox import Outbox
from sync.signing import DeviceKey
from sync.transport import Transport
from sync.wire.enrolment import EnrolAnswer
from tests.system.test_courier import FINE, answering, ask, certificate

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.system.in_process import Centre

URL = "https://centre.example"

KIOSKCTL = [sys.executable, "-c", "from kiosk.kioskctl import main; main()"]


class Office:
    """The centre, without the line to it; what it answers may be altered on the way."""

    def __init__(self) -> None:
        self.alter: Any = lambda answer: answer
        self.asked = 0

    def code(self, **more: Any) -> str:
        """As on a sheet."""
        from central import fleet
        from central.keys import keyring

        return sheet.typed(fleet.new_code(**more), keyring().signing_key())

    def post(self, line: Transport, path: str, message: Any, answer: Any, timeout_s: float) -> Any:
        from central import fleet
        from sync.canonical import sha256_hex

        assert path == "enrol"
        self.asked += 1
        key = message.device_public_key
        try:
            said = fleet.enrol(message.code, sha256_hex(key)[:16], key, message.hall)
        except fleet.BadCode as bad:
            raise CentralRefused(bad.error) from None
        return answer.model_validate_json(self.alter(said).model_dump_json())


@pytest.fixture
def office(centre: Centre, monkeypatch: pytest.MonkeyPatch) -> Office:
    made = Office()
    monkeypatch.setattr(Transport, "post", _with_keywords(made))
    return made


def _with_keywords(office: Office) -> Any:
    def post(line: Transport, path: str, message: Any, answer: Any, timeout_s: float) -> Any:
        return office.post(line, path, message, answer, timeout_s)

    return post


def refusal(state: Path, code: str, url: str = URL) -> str:
    """Which words a technician reads."""
    try:
        enrol(url, code, state)
    except (CentralUnreachable, NotEnrolled) as error:
        return why_not(error)
    return ""


# -- the sheet -----------------------------------------------------------------------------------


def test_a_sheet_is_typed_in_any_way_and_scanned() -> None:
    key = bytes(range(32))
    typed = sheet.typed("K7WM-3QXA-9ZTB", key)
    assert len(typed.replace("-", "")) == 28
    for way in (typed, typed.lower(), typed.replace("-", " "), typed.replace("-", "")):
        assert sheet.read(way) == sheet.Sheet("K7WM3QXA9ZTB", sheet.pin_of(key))
    scanned = sheet.read(sheet.square(URL, "K7WM-3QXA-9ZTB", key))
    assert scanned == sheet.Sheet("K7WM3QXA9ZTB", sheet.pin_of(key), URL)
    assert sheet.pin_of(bytes(32)) != sheet.pin_of(key)


@pytest.mark.parametrize(
    "text", ["", "K7WM", "K7WM-3QXA-9ZTB-4HKP", "K7WM-3QXA-9ZT0", "KIOSK1 x", "https://a.example"]
)
def test_what_is_no_sheet_is_said_without_repeating_it(text: str) -> None:
    with pytest.raises(sheet.NotASheet) as wrong:
        sheet.read(text)
    assert not text or text not in str(wrong.value)


# -- who answers ---------------------------------------------------------------------------------


def test_a_terminal_is_enrolled_with_its_sheet(office: Office, tmp_path: Path) -> None:
    identity = enrol(URL, office.code(), tmp_path, hall="路南大厅")
    assert load_identity(tmp_path) == identity
    assert identity.central_url == URL


def test_the_square_has_the_address(office: Office, tmp_path: Path) -> None:
    from central import fleet
    from central.keys import keyring

    code = sheet.square("https://other.example", fleet.new_code(), keyring().signing_key())
    assert enrol("", code, tmp_path).central_url == "https://other.example"


@pytest.mark.parametrize("how", ["another key", "not signed", "for another terminal", "altered"])
def test_who_poses_as_the_centre_gets_no_terminal(office: Office, tmp_path: Path, how: str) -> None:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from central.keys import keyring
    from sync.canonical import sha256_hex

    laptop = Ed25519PrivateKey.generate()
    own = sha256_hex(DeviceKey.load_or_create(tmp_path).public)

    def pose(said: EnrolAnswer) -> EnrolAnswer:
        if how == "another key":
            public = laptop.public_key().public_bytes_raw()
            said = said.model_copy(update={"central_signing_key": public})
            signature = laptop.sign(said.signed_bytes(device_key_sha256=own))
            return said.signed_with(signature)
        if how == "not signed":
            return said.signed_with(b"")
        if how == "for another terminal":
            return keyring().signed(said, device_key_sha256="0" * 64)
        return said.model_copy(update={"terminal": "020999"})

    office.alter = pose
    assert refusal(tmp_path, office.code()) == "wrong_centre"
    with pytest.raises(NotEnrolled):
        load_identity(tmp_path)


def test_without_the_key_of_the_sheet_nothing_is_even_asked(office: Office, tmp_path: Path) -> None:
    code = office.code()
    assert refusal(tmp_path, code[:14]) == "no_pin"
    assert refusal(tmp_path, code, "http://centre.example") == "not_encrypted"
    assert office.asked == 0
    assert refusal(tmp_path, code[:14], "http://127.0.0.1:9") == "", "on the same machine"


ADDRESSES = {
    "": "no_address",
    "centre.example": "not_encrypted",
    "https:/centre.example": "bad_address",
    "htps://centre.example": "not_encrypted",
    "http://centre.example": "not_encrypted",
    "https://": "bad_address",
    "https://[centre": "bad_address",
    "https://centre.example:port": "bad_address",
    "https://centre.example:99999": "bad_address",
    "https://centre.example:0": "bad_address",
    "https://centre.example/admin/": "bad_address",
    "https://centre.example?x": "bad_address",
    "https://me:secret@centre.example": "bad_address",
    "https://centre .example": "bad_address",
    "https://centre.example\n": "bad_address",
    "https://centre,example": "bad_address",
    "https://centre.example:": "bad_address",
    "https://...": "bad_address",
    "https://-": "bad_address",
    "https://centre.example": "",
    "https://Centre.example:8443/": "",
    "https://中心.example": "",
    "https://[fd00::1]:8443": "",
    "http://127.0.0.1:8700": "",
    "http://localhost": "",
}


@pytest.mark.parametrize(("url", "trouble"), ADDRESSES.items())
def test_an_address_is_blamed_for_itself(tmp_path: Path, url: str, trouble: str) -> None:
    """✗ "that is no enrolment code, or the name of the place is too long" was said of a port that
    is none, and "check cable and network" of an address with the centre's pages behind it."""
    assert trouble_with(url) == trouble
    if trouble:
        code = "K7WM-3QXA-9ZTB-4HKP-7RD2-MX8C-QT5N"
        assert refusal(tmp_path, code, url) == trouble
        words = ["enrol", "--state", str(tmp_path), *(["--url", url] if url else [])]
        said = CliRunner().invoke(app, words, input=f"{code}\n", env={"COLUMNS": "200"})
        assert said.exit_code == 2
        expected = Words("zh_CN").say(f"enrol.{trouble}", detail="").split("：")[0]
        assert expected in said.output.replace("\n", "")
        assert code not in said.output


def test_a_place_that_has_too_long_a_name_is_blamed_for_itself(
    office: Office, tmp_path: Path
) -> None:
    words = ["enrol", "--state", str(tmp_path), "--url", URL, "--hall", "大" * 5000]
    said = CliRunner().invoke(app, words, input=office.code())
    assert (said.exit_code, "--hall" in said.output) == (2, True)


def test_a_code_that_is_piped_in_is_read_without_a_warning(tmp_path: Path) -> None:
    """✗ Python warned that the code could not be hidden (GetPassWarning)."""
    done = subprocess.run(
        [*KIOSKCTL, "enrol", "--state", str(tmp_path), "--url", "http://127.0.0.1:9"],
        input="K7WM-3QXA-9ZTB\n",
        capture_output=True,
        text=True,
        timeout=60,
    )
    said = done.stdout + done.stderr
    assert (done.returncode, "Warning" in said) == (2, False)
    assert "网络不通" in said and "K7WM" not in said


def test_a_slip_of_the_keyboard_is_thought_of_first(office: Office, tmp_path: Path) -> None:
    code = office.code()
    slip = code[:-1] + ("2" if code[-1] != "2" else "3")
    assert refusal(tmp_path, slip) == "wrong_centre"
    for language, slipped, posed in (
        ("zh_CN", "输错", "应答的就不是"),
        ("en", "typed wrong", "who answers is not the centre"),
    ):
        said = Words(language).say("enrol.wrong_centre")
        assert 0 < said.find(slipped) < said.find(posed)


# -- why not -------------------------------------------------------------------------------------


def test_each_code_that_is_not_good_is_told_by_its_own_words(
    office: Office, tmp_path: Path
) -> None:
    from django.utils import timezone

    from central.models import EnrolmentCode, Terminal

    used, old = office.code(), office.code()
    latest = EnrolmentCode.objects.latest("pk")
    latest.expires_at = timezone.now() - timedelta(minutes=1)
    latest.save()
    known = enrol(URL, used, tmp_path / "first")
    assert enrol(URL, used, tmp_path / "first") == known, "a lost answer is asked for again"
    assert refusal(tmp_path / "second", used) == "code_used"
    assert refusal(tmp_path / "second", old) == "code_expired"
    from central.keys import keyring

    unknown = sheet.typed("2222-2222-2222", keyring().signing_key())
    assert refusal(tmp_path / "second", unknown) == "code_unknown"
    Terminal.objects.filter(pk=known.terminal).update(enabled=False)
    assert refusal(tmp_path / "first", office.code()) == "terminal_disabled"
    Terminal.objects.filter(pk=known.terminal).update(enabled=True)


@pytest.mark.parametrize(("days", "reason"), [(-20, "certificate_expired"), (2, "clock_wrong")])
def test_a_certificate_that_is_old_and_a_clock_that_is_wrong_are_told_apart(
    tmp_path: Path, days: int, reason: str
) -> None:
    file = certificate(tmp_path, timedelta(days=days))
    with answering(*FINE, certificate=file) as url:
        url = url.replace("http:", "https:").replace("127.0.0.1", "localhost")
        transport = Transport(url, DeviceKey.load_or_create(tmp_path))
        transport._session.verify = str(file)
        with pytest.raises(CentralUnreachable, match=f"^{reason}$"):
            ask(transport)
        transport.close()


@pytest.mark.parametrize(
    "reason",
    ["timeout", "busy", "clock_skew", "unknown_pack", *sorted(enrolment.WORDS - {"other"})],
)
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_reason_has_words(language: str, reason: str) -> None:
    words = Words(language)
    for error in (CentralRefused(reason), NotEnrolledHere(reason, "020001: 3")):
        said = words.say(f"enrol.{why_not(error)}", detail="020001: 3")
        assert said
        assert "{" not in said


def test_a_technician_reads_why_and_the_code_is_not_repeated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: Any, **__: Any) -> Any:
        raise CentralUnreachable("certificate_expired")

    monkeypatch.setattr(enrolment, "enrol", away)
    (tmp_path / "settings.toml").write_text('[screen]\nlanguage = "zh_CN"\n')
    code = "K7WM-3QXA-9ZTB-4HKP-7RD2-MX8C-QT5N"
    said = CliRunner().invoke(
        app, ["enrol", "--state", str(tmp_path), "--url", URL, "--code", code]
    )
    assert said.exit_code == 2
    assert "证书已过期" in said.output.replace("\n", "")
    assert code not in said.output


# -- what waits ----------------------------------------------------------------------------------


def put(state: Path, terminal: str) -> None:
    box = Outbox(state / "outbox.db", terminal)
    box.put("loss_report", lambda _: b"sealed", key_id="0" * 16, algorithm="none")
    box.close()


def test_an_outbox_of_another_terminal_is_not_taken_over(office: Office, tmp_path: Path) -> None:
    """A disk from another machine, or a machine that is enrolled at another centre."""
    put(tmp_path, "029998")
    code = office.code()
    assert refusal(tmp_path, code) == "outbox_of_another"
    with pytest.raises(NotEnrolledHere, match="029998: 1"):
        enrol(URL, code, tmp_path)
    with pytest.raises(NotEnrolled):
        load_identity(tmp_path)
    (tmp_path / "outbox.db").rename(tmp_path / "kept")
    for name in ("outbox.db-wal", "outbox.db-shm"):
        (tmp_path / name).unlink(missing_ok=True)
    assert enrol(URL, code, tmp_path).terminal, "the code was not spent for nothing"


def test_a_terminal_that_keeps_its_number_keeps_its_outbox(office: Office, tmp_path: Path) -> None:
    from central.models import Terminal

    identity = enrol(URL, office.code(), tmp_path)
    put(tmp_path, identity.terminal)
    (tmp_path / "desired.json").write_text("{}")
    (tmp_path / "retired").touch()
    assert enrol(URL, office.code(), tmp_path) == identity
    (tmp_path / "device.key").unlink()
    row = Terminal.objects.get(pk=identity.terminal)
    assert enrol(URL, office.code(replaces=row), tmp_path).terminal == identity.terminal
    assert (tmp_path / "desired.json").exists()
    assert not (tmp_path / "retired").exists(), "it is in use again"


def test_an_outbox_that_cannot_be_read_is_left_alone(office: Office, tmp_path: Path) -> None:
    (tmp_path / "outbox.db").write_bytes(b"no database at all")
    assert refusal(tmp_path, office.code()) == "outbox_unreadable"
    assert (tmp_path / "outbox.db").read_bytes() == b"no database at all"


def test_what_the_former_centre_wanted_is_forgotten(office: Office, tmp_path: Path) -> None:
    for name in ("desired.json", "commands.json", "policy.json"):
        (tmp_path / name).write_text("{}")
    enrol(URL, office.code(), tmp_path)
    assert not [name for name in enrolment._OF_BEFORE if (tmp_path / name).exists()]


# -- going out of use, scanning ------------------------------------------------------------------


def test_a_technician_retires_a_terminal_and_what_waits_is_exported(
    office: Office, tmp_path: Path
) -> None:
    state, media = tmp_path / "state", tmp_path / "media"
    media.mkdir()
    identity = enrol(URL, office.code(), state)
    put(state, identity.terminal)
    run = CliRunner()
    kept = run.invoke(app, ["retire", "--state", str(state)], input="n\n")
    assert kept.exit_code == 1
    assert not (state / "retired").exists()
    said = run.invoke(app, ["retire", "--state", str(state), "--yes"])
    assert (said.exit_code, "1 to export" in said.output) == (0, True)
    assert (state / "retired").exists()
    exported = run.invoke(app, ["outbox", "export", "--state", str(state), str(media)])
    assert exported.exit_code == 0
    assert len(list(media.iterdir())) == 1


def test_the_square_of_a_sheet_is_read_from_a_picture(
    office: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from central import fleet
    from central.keys import keyring
    from kiosk.kioskctl import enrol as command

    text = sheet.square(URL, fleet.new_code(), keyring().signing_key())
    drawn = qrcode.make(text, box_size=6).convert("RGB")
    seen = np.asarray(drawn)
    assert read_text(seen) == text
    other = np.asarray(qrcode.make("https://elsewhere.example").convert("RGB"))

    class Camera:
        def open(self) -> None: ...
        def close(self) -> None: ...
        def frames(self, _: Any) -> Iterator[Any]:
            yield from (SimpleNamespace(rgb=one) for one in (np.zeros_like(seen), other, seen))

    @contextmanager
    def quiet(_: str) -> Iterator[None]:
        yield

    monkeypatch.setattr(command, "driver_of", lambda *_: Camera())
    monkeypatch.setattr(command, "busy", quiet)
    said = CliRunner().invoke(app, ["enrol", "--state", str(tmp_path), "--scan"])
    assert said.exit_code == 0, said.output
    assert load_identity(tmp_path).central_url == URL


def test_a_sheet_is_printed_with_all_that_is_needed(office: Office) -> None:
    from central.fleet_commands import _sheet
    from central.keys import keyring

    page = _sheet(URL, "K7WM-3QXA-9ZTB", keyring().signing_key())
    assert URL in page
    assert sheet.typed("K7WM-3QXA-9ZTB", keyring().signing_key()) in page
    assert "有效期至" in page
    assert shutil.get_terminal_size()  # it is drawn in characters, for any printer
    assert page.count("\n") > 20
