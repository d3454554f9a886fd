"""The way of a virtual card to the reader: pcscd only where it can work."""

from __future__ import annotations

import os
import shutil
import socket
from pathlib import Path

import pytest

from kiosk.demo import smartcard


@pytest.fixture(autouse=True)
def _a_machine_with_pcscd(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    config = tmp_path / "vpcd"
    config.touch()
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(shutil, "which", lambda program, path: "/usr/sbin/pcscd")
    monkeypatch.setattr(smartcard, "READER_CONFIG", config)
    monkeypatch.setattr(smartcard, "LOCK", tmp_path / "lock")
    monkeypatch.setattr(smartcard, "SOCKET", tmp_path / "nobody")
    monkeypatch.setattr(smartcard, "VPCD_PORT", smartcard.free_port())
    monkeypatch.setattr(smartcard, "NEAR_PORT", smartcard.free_port())


def test_a_free_machine_gives_the_way_over_pcscd() -> None:
    route = smartcard.find_route(pcsc=True)
    assert (route.setting, route.port) == ("pcsc", smartcard.VPCD_PORT)
    route.release()


@pytest.mark.parametrize("port", ["VPCD_PORT", "NEAR_PORT"])
def test_a_port_that_an_outgoing_connection_has_leaves_the_card_in_process(port: str) -> None:
    """vpcd listens where the kernel also takes ports for connections, and keeps them for a minute
    after they are closed. A vpcd that could not listen gave pcscd no reader: the idle bench failed
    after the groups that make many connections, and never alone."""
    with socket.socket() as server, socket.socket() as client:
        server.bind(("127.0.0.1", 0))
        server.listen()
        client.bind(("127.0.0.1", getattr(smartcard, port)))
        client.connect(server.getsockname())
        accepted, _ = server.accept()
        route = smartcard.find_route(pcsc=True)
        assert route.setting.startswith("direct:")
        assert "vpcd" in route.why
        route.release()
        client.close()  # the one who closes first keeps the port
        accepted.close()
        assert smartcard.find_route(pcsc=True).setting.startswith("direct:")
