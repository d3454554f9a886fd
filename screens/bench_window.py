"""The window of the virtual bench: a button for everything that can be done to a device.

Only the demo opens it, beside the terminal's own window. It is a process of its own and moves the
devices over the bench's socket, as `kioskctl bench` does.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from kiosk.settings import load_settings
from screens.window import configure

if TYPE_CHECKING:
    from kivy.uix.boxlayout import BoxLayout

    from kiosk.words import Words

#: Pixels; the same proportions as the layout's reference.
SIZE = (540, 960)

#: Device, icon, and what can be done to it: verbs of `hardware.virtual.bench`. Each has its words
#: as `bench.<verb with - between its words>`, each device as `bench.<device>.name`.
DEVICES: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    (
        "id",
        "card-account-details-outline",
        (
            "id put zhang",
            "id put wang",
            "id put li",
            "id put child",
            "id put permit",
            "id put expired",
            "id lift-at-read",
            "id lift",
        ),
    ),
    (
        "card",
        "smart-card-reader-outline",
        (
            "card insert third",
            "card insert second",
            "card insert second-expired",
            "card insert foreign",
            "card insert damaged",
            "card pull",
        ),
    ),
    (
        "scanner",
        "qrcode-scan",
        ("scanner show zhang", "scanner show-old zhang", "scanner scan hello"),
    ),
    (
        "camera",
        "camera-outline",
        (
            "camera scene portrait",
            "camera scene portrait-woman",
            "camera scene nobody",
            "camera scene two-people",
            "camera scene dark",
            "camera scene covered",
            "camera unplug",
            "camera plug",
        ),
    ),
    (
        "printer",
        "printer-outline",
        (
            "paper out",
            "paper out-after 6",
            "paper near-end",
            "paper load",
            "printer unplug",
            "printer plug",
        ),
    ),
)
COLUMNS = 3


def run(state: Path) -> int:
    """Open the window and stay until it is closed. Returns the exit code.

    Raises `kiosk.settings.BadSettings`. Exit code 2: this terminal is in production.
    """
    settings = load_settings(state / "settings.toml")
    if not settings.virtual:
        return 2
    configure(*SIZE, fullscreen=False, cursor=True)
    _beside(settings.screen.width)
    from kivy.base import runTouchApp
    from kivy.core.window import Window

    from kiosk.words import Words
    from screens import fonts, scale, theme

    fonts.register()
    scale.fit(*Window.size)
    Window.clearcolor = theme.GROUND
    words = Words(settings.screen.language)
    Window.set_title(words.say("bench.title"))
    runTouchApp(make_page(state, words))
    return 0


def _beside(left: int) -> None:
    """To the right of the terminal's window, with a frame to move it by."""
    from kivy.config import Config

    Config.set("graphics", "left", str(left + 24))
    Config.set("graphics", "borderless", "0")


def make_page(state: Path, words: Words) -> BoxLayout:
    """The window's content."""
    from kivy.uix.boxlayout import BoxLayout
    from kivy.uix.gridlayout import GridLayout

    from screens import theme
    from screens.scale import px
    from screens.widgets.status import Banner
    from screens.widgets.surface import Gap
    from screens.widgets.text import Icon, Text

    page = BoxLayout(orientation="vertical", padding=px(32), spacing=px(14))
    said = Banner("info", words.say("bench.hint"), role="small")
    for device, icon, verbs in DEVICES:
        head = BoxLayout(size_hint_y=None, height=px(64), spacing=px(16))
        head.add_widget(Icon(icon, 48, theme.PRIMARY, pos_hint={"center_y": 0.5}))
        head.add_widget(Text(words.say(f"bench.{device}.name"), pos_hint={"center_y": 0.5}))
        grid = GridLayout(cols=COLUMNS, spacing=px(12), size_hint_y=None)
        grid.bind(minimum_height=grid.setter("height"))
        for verb in verbs:
            grid.add_widget(_button(verb, state, words, said))
        page.add_widget(head)
        page.add_widget(grid)
    page.add_widget(Gap())
    page.add_widget(said)
    return page


def key(verb: str) -> str:
    """Id of a verb's words."""
    device, _, rest = verb.partition(" ")
    return f"bench.{device}.{rest.replace(' ', '-')}"


def _button(verb: str, state: Path, words: Words, said: Any) -> Any:
    from hardware.virtual.client import BenchClient, BenchError
    from screens.background import in_background
    from screens.widgets.button import BarButton

    name = words.say(key(verb))
    client = BenchClient(state / "bench.sock")

    def done(result: Any) -> None:
        if isinstance(result, BenchError):
            said.show("trouble", str(result))
        elif isinstance(result, BaseException):
            raise result
        else:
            said.show("ok", words.say("bench.done", what=name))

    def act() -> None:
        said.show("waiting", words.say("bench.doing", what=name))
        in_background(lambda: client.do(*verb.split()), done)

    return BarButton(name, f"bench:{verb}", act, role="legal", height=84)
