"""The centre behind Debian's nginx, by the very file that docs/nginx.conf gives to operators."""

from __future__ import annotations

import datetime
import ipaddress
import re
import shutil
import socket
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from kiosk.demo.processes import leash
from kiosk.demo.smartcard import free_port
from tests.system.conftest import CentralServer, EnrolledTerminal, enrolled
from tests.system.people import FREE, REGISTRY
from tests.system.test_central import decided, submit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = pytest.mark.timeout(300)

NGINX = shutil.which("nginx") or "/usr/sbin/nginx"
CONFIG = Path(__file__).parents[2] / "docs" / "nginx.conf"


def certificate(folder: Path) -> Path:
    """A certificate for this machine, and its key beside it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=2))
        .add_extension(x509.SubjectAlternativeName(names), False)
        .add_extension(x509.BasicConstraints(True, None), True)
        .sign(key, hashes.SHA256())
    )
    file = folder / "centre.pem"
    file.write_bytes(made.public_bytes(Encoding.PEM))
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (folder / "centre.key").write_bytes(private)
    return file


class Proxied:
    """A centre and the nginx before it."""

    def __init__(self, folder: Path, database: str) -> None:
        if not Path(NGINX).exists():
            pytest.skip("nginx is not installed")
        self.pem = certificate(folder)
        self.port, self._plain = free_port(), free_port()
        self.centre = CentralServer(
            folder / "centre",
            registry=[person.row() for person in REGISTRY],
            database=database,
            more={"KIOSK_CENTRAL_PROXY": "1", "KIOSK_CENTRAL_HOSTS": "localhost,127.0.0.1"},
        )
        self.centre.state.mkdir()
        self.centre.start()
        text = CONFIG.read_text(encoding="utf-8")
        for written, here in (
            ("127.0.0.1:8700", f"127.0.0.1:{self.centre.port}"),
            ("listen 443 ssl", f"listen 127.0.0.1:{self.port} ssl"),
            ("listen 80;", f"listen 127.0.0.1:{self._plain};"),
            ("centre.example;", "localhost;"),
            ("/etc/ssl/", f"{folder}/"),
        ):
            assert written in text, written
            text = text.replace(written, here)
        places = "".join(
            f"{kind}_temp_path {folder}/{kind};"
            for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        (folder / "nginx.conf").write_text(
            f"daemon off; pid {folder}/pid; error_log {folder}/error.log;"
            f"{'user root;' if Path('/root').exists() else ''}"
            f"events {{}} http {{ access_log off; {places} {text} }}",
            encoding="utf-8",
        )
        self._nginx = subprocess.Popen([*leash(), NGINX, "-c", str(folder / "nginx.conf")])
        until = time.monotonic() + 20
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1.0).close()
                break
            except OSError:
                assert self._nginx.poll() is None and time.monotonic() < until
                time.sleep(0.05)

    @property
    def url(self) -> str:
        return f"https://localhost:{self.port}"

    @property
    def plain_url(self) -> str:
        return f"http://localhost:{self._plain}"

    def close(self) -> None:
        self._nginx.terminate()
        self._nginx.wait(timeout=20)
        self.centre.stop()


@pytest.fixture(scope="module")
def both(
    tmp_path_factory: pytest.TempPathFactory, new_database: Callable[[], str]
) -> Iterator[Proxied]:
    made = Proxied(tmp_path_factory.mktemp("proxied"), new_database())
    yield made
    made.close()


@pytest.fixture
def proxied(both: Proxied, monkeypatch: pytest.MonkeyPatch) -> Proxied:
    # The only authority that is believed here; and no proxy of the environment on the way.
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(both.pem))
    monkeypatch.setenv("NO_PROXY", "localhost,127.0.0.1")
    monkeypatch.setattr("sync.transport.LOOPBACK", set())
    return both


def test_a_terminal_enrols_and_delivers_through_it(proxied: Proxied, tmp_path: Path) -> None:
    through = proxied.centre
    terminal: EnrolledTerminal = enrolled(Through(through, proxied.url), tmp_path / "terminal")
    try:
        assert terminal.identity.central_url == proxied.url
        for person in FREE[:2]:  # the second one packed: the first answer said that it may be
            assert decided(terminal, submit(terminal, person)).verdict == "accepted"
    finally:
        terminal.transport.close()
        terminal.outbox.close()


class Through:
    """A centre whose address is the proxy's."""

    def __init__(self, centre: CentralServer, url: str) -> None:
        self.url, self.code = url, centre.code


def test_an_operator_logs_in_through_it(proxied: Proxied) -> None:
    """What was ✗: 403, because the origin was not trusted."""
    name, password = (proxied.centre.folder / "operator.txt").read_text().split()
    with requests.Session() as session:
        login = f"{proxied.url}/admin/login/"
        page = session.get(login, timeout=20)
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.text)
        assert token is not None
        fields = {"username": name, "password": password, "csrfmiddlewaretoken": token[1]}
        fields["next"] = "/admin/"
        headers = {"Referer": login, "Origin": proxied.url}
        home = session.post(login, data=fields, headers=headers, timeout=20)
        assert home.status_code == 200 and home.url.endswith("/admin/")
        assert {cookie.name for cookie in session.cookies if cookie.secure} == {
            "csrftoken",
            "sessionid",
        }
    assert "max-age=31536000" in page.headers["Strict-Transport-Security"]
    assert page.headers["X-Frame-Options"] == "DENY"
    assert "frame-ancestors 'none'" in page.headers["Content-Security-Policy"]
    elsewhere = {"Referer": "https://evil.example/", "Origin": "https://evil.example"}
    assert requests.post(login, data=fields, headers=elsewhere, timeout=20).status_code == 403


def test_what_comes_in_the_clear_is_sent_to_tls(proxied: Proxied) -> None:
    answer = requests.get(f"{proxied.plain_url}/admin/", allow_redirects=False, timeout=20)
    assert answer.status_code == 301
    assert answer.headers["Location"].startswith("https://")


def test_another_host_name_is_refused(proxied: Proxied) -> None:
    answer = requests.get(
        f"{proxied.url}/admin/login/", headers={"Host": "evil.example"}, timeout=20
    )
    assert answer.status_code == 400
