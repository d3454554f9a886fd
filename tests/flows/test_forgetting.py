"""`kiosk.upkeep.forgetting`, where a thread is slow to let go of a visit; the memory of a whole
screen is looked at by `tests/system/test_memory.py` and `test_kill.py`."""

from __future__ import annotations

import threading
import time
from concurrent.futures import Future

import pytest

from kiosk.upkeep import forgetting


def test_what_a_busy_device_lets_go_of_late_is_overwritten_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    device: Future[None] = Future()
    had_let_go: list[bool] = []
    monkeypatch.setattr(forgetting, "_OTHERS_S", 0.01)
    monkeypatch.setattr(forgetting, "_BETWEEN_S", 0.0)
    monkeypatch.setattr(forgetting, "_fill_all", lambda: had_let_go.append(device.done()))
    work = threading.Thread(target=forgetting._overwrite, args=([device],), daemon=True)
    work.start()
    until = time.monotonic() + 15
    while len(had_let_go) < 2 and time.monotonic() < until:
        time.sleep(0.01)
    device.set_result(None)
    work.join(15)
    assert had_let_go == [False, False, True]
