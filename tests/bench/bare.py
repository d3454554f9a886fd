"""The floor: a Kivy window with one label, configured as the kiosk's.

`python -m tests.bench.bare WIDTH HEIGHT SECONDS` prints one line of JSON once its first frame is on
the screen, and stays for so many seconds to have its memory measured.
"""

from __future__ import annotations

import json
import sys

from screens.app import process_age_s
from screens.window import configure


def main(width: int, height: int, seconds: float) -> None:
    configure(width, height, fullscreen=False)
    from kivy.base import runTouchApp, stopTouchApp
    from kivy.clock import Clock
    from kivy.core.window import Window
    from kivy.uix.label import Label

    def flipped(*_: object) -> None:
        Window.unbind(on_flip=flipped)
        Clock.schedule_once(shown, 0)

    def shown(_: float) -> None:
        print(json.dumps({"first_frame_s": process_age_s()}), flush=True)
        Clock.schedule_once(lambda _: stopTouchApp(), seconds)

    Window.bind(on_flip=flipped)
    runTouchApp(Label(text="ready"))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]))
