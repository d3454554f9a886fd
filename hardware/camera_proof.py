"""One frame, taken in a process of its own: how a camera proves that it works.

OpenCV takes 25 MB and a third of a second to load, which home does without; and a driver that hangs
or crashes does so in a process that can be ended.

    python -m hardware.camera_proof  < {"source": …, "wishes": {…}}  > {"given": …} | {"fault": …}

The address of a stream may hold a password, so it is no argument.
"""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import asdict

from hardware.aside import ourselves
from hardware.camera import Camera, Wishes
from hardware.faults import DeviceFault, FaultCode

#: Until the process counts as hung, seconds: it waits eight of them for a camera, and may start
#: beside everything else.
PATIENCE_S = 20.0


def prove(source: str, wishes: Wishes) -> str:
    """What the camera gave, for a technician: "1920x1080". Raises `DeviceFault`."""
    task = json.dumps({"source": source, "wishes": asdict(wishes)})
    try:
        done = subprocess.run(
            ourselves("camera-proof", "hardware.camera_proof"),
            input=task,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            timeout=PATIENCE_S,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise DeviceFault(FaultCode.CAMERA_NO_FRAMES, type(error).__name__) from None
    try:
        answer = json.loads(done.stdout.splitlines()[-1])  # a library may print before it
    except (ValueError, IndexError):
        detail = f"the library ended with {done.returncode}"
        raise DeviceFault(FaultCode.CAMERA_NO_FRAMES, detail) from None
    if (code := answer.get("fault")) is not None:
        raise DeviceFault(FaultCode(code), answer["detail"], temporary=answer["temporary"])
    given: str = answer["given"]
    return given


def main() -> int:
    """In the process of its own."""
    task = json.load(sys.stdin)
    driver = Camera(task["source"], Wishes(**task["wishes"]))
    try:
        driver.open()
        answer: dict[str, object] = {"given": driver.poll().detail}
    except DeviceFault as fault:
        answer = {
            "fault": fault.code.value,
            "detail": fault.detail,
            "temporary": fault.temporary,
        }
    sys.stdout.write(json.dumps(answer))
    return 0


if __name__ == "__main__":
    sys.exit(main())
