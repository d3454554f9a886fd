"""The peer of the screen process: the same Kivy, configured the same, showing one label.

Usage: python -m tests.bench.bare_window WIDTH HEIGHT. Prints the seconds from the start of the
process to the first picture on the screen, then stays.
"""

from __future__ import annotations

import sys

from screens.window import configure


def main() -> None:
    size = int(sys.argv[1]), int(sys.argv[2])
    configure(*size, fullscreen=False, cursor=True, lean=False)
    from kivy.base import runTouchApp
    from kivy.clock import Clock
    from kivy.core.window import Window
    from kivy.uix.label import Label

    from screens.app import process_age_s

    def flipped(*_: object) -> None:
        # The kiosk counts in the same way: Kivy tells of a flip just before it does it.
        Window.unbind(on_flip=flipped)
        Clock.schedule_once(lambda _: print(process_age_s(), flush=True), 0)

    Window.bind(on_flip=flipped)
    runTouchApp(Label(text="hello"))


if __name__ == "__main__":
    main()
