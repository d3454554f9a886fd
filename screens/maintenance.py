"""The technician's page: how the devices are, what waits for the centre, a test page.

Whose rules are in force stands there, too. It shows no citizen's data: the queue is a count and an
age, a device a state and a fault code.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from kivy.uix.boxlayout import BoxLayout

from hardware.faults import Device, DeviceFault
from kiosk.clock import beijing_at
from screens import theme
from screens.background import in_background
from screens.base import Page
from screens.scale import px
from screens.widgets.scroll import Scroll
from screens.widgets.status import Banner, StatusChip
from screens.widgets.surface import Column, Panel, Rule
from screens.widgets.text import Icon, Text

if TYPE_CHECKING:
    from hardware.supervision import Health
    from kiosk.policy.shelf import RulesToday
    from kiosk.terminal import Terminal
    from kiosk.words import Words

IDLE_S = 180.0

#: Device -> icon.
ICONS = {
    Device.ID_READER: "card-account-details-outline",
    Device.CARD_READER: "smart-card-reader-outline",
    Device.PRINTER: "printer-outline",
    Device.CAMERA: "camera-outline",
    Device.DOCUMENT_CAMERA: "file-document-outline",
    Device.PAGE_PRINTER: "file-certificate-outline",
    Device.SCANNER: "qrcode-scan",
    Device.PIN_PAD: "dialpad",
    Device.UPS: "battery-charging-outline",
    Device.HEADSET: "headphones",
    Device.CONTACTS: "door",
    "disk": "harddisk",
    "centre": "server-network",
    "journal": "notebook-check-outline",
    "outbox": "tray-alert",
    "left_behind": "card-bulleted-off-outline",
    "policy": "scale-balance",
}
#: Device state -> state of `theme.STATES`.
LOOKS = {
    "starting": "waiting",
    "ready": "ok",
    "warning": "waiting",
    "fault": "trouble",
    "absent": "off",
    "closed": "off",
}
#: Counter -> how many of it are one of what is shown, where it is shown at all.
COUNTERS = {
    "receipts": 1,
    "paper_mm": 1000,
    "cuts": 1,
    "cycles": 1,
    "unreadable": 1,
    "reads": 1,
    "openings": 1,
    "scans": 1,
    "approaches": 1,
    "sheets": 1,
    "plugs": 1,
}
#: Seconds in a unit -> its words, largest first.
_AGES = ((86400, "days"), (3600, "hours"), (60, "minutes"), (1, "seconds"))


def age(seconds: float, words: Words) -> str:
    """`7300` -> 2 小时: the largest whole unit."""
    whole = max(0, int(seconds))
    for size, unit in _AGES:
        if whole >= size:
            return words.say(f"maintenance.{unit}", n=whole // size)
    return words.say("maintenance.seconds", n=0)


class MaintenancePage(Page):
    """Looks at the terminal again every second; goes home when left alone for three minutes."""

    any_touch_counts = True  # a technician points at what is shown and reads

    def __init__(self, terminal: Terminal, leave: Callable[[], None]) -> None:
        super().__init__(terminal.words)
        self._terminal = terminal
        self._gone = False
        self._drawn: object = None
        self.remove_widget(self.head)  # the header says where this is
        self._devices = Panel(pad=28, spacing=px(14))
        self._queue = Panel(pad=28, spacing=px(14))
        self._result = Column()
        everything = Column(gap=theme.GAP)
        for part in (self._devices, self._queue):
            everything.add_widget(part)
        # With several faults at once it is more than a page.
        scroll = Scroll()
        scroll.add_widget(everything)
        for part in (scroll, self._result):
            self.body.add_widget(part)
        self.secondary(self.say("frame.back"), "back", leave, icon="arrow-left")
        self._print = self.primary(
            self.say("maintenance.test_page"), self._test_page, icon="printer-check"
        )
        self.refresh()
        self.every(1.0, lambda _: self.refresh())
        self._idle = self.after(IDLE_S, lambda _: leave())

    def touched(self) -> None:
        self._idle.cancel()
        self._idle()

    # -- what it shows -----------------------------------------------------------------------

    def refresh(self) -> None:
        """Draw again what has changed."""
        health = self._terminal.health.snapshot()
        queue = self._terminal.queue()
        online = self._terminal.online
        waits = queue and (queue.waiting, queue.dead, age(queue.oldest_s, self.words))
        policy = self._terminal.rules_today()
        drawn = (health, waits, online, policy)
        if drawn == self._drawn:
            return
        self._drawn = drawn
        self._devices.clear_widgets()
        for place, device in enumerate(health):
            if place:
                self._devices.add_widget(Rule())
            self._devices.add_widget(self._device(device))
        self._queue.clear_widgets()
        net = ("ok", "online", "web-check") if online else ("waiting", "offline", "web-off")
        chip = StatusChip(net[0], self.say(f"frame.{net[1]}"), icon=net[2])
        self._queue.add_widget(self._row("lan-connect", self.say("maintenance.network"), chip, []))
        self._queue.add_widget(Rule())
        self._queue.add_widget(self._waiting())
        self._queue.add_widget(Rule())
        self._queue.add_widget(self._rules(policy))

    def _device(self, health: Health) -> BoxLayout:
        state = str(health.state)
        chip = StatusChip(LOOKS.get(state, "off"), self.say(f"device.state.{state}"))
        since = beijing_at(health.since)
        lines = [self.say("maintenance.since", since=f"{since:%m-%d %H:%M}")]
        if health.serial:
            lines[0] += "　" + self.say("maintenance.serial", serial=health.serial)
        if health.fault is not None:
            lines[0] += "　" + self.say("maintenance.code", code=health.fault)
        if counters := self._counters(health):
            lines.append(counters)
        if health.fault is not None:
            lines.append(self.say(f"fault.{health.fault}.technician"))
            if self.words.has(f"fault.{health.fault}.fix"):
                fix = self.say(f"fault.{health.fault}.fix")
                lines.append(self.say("maintenance.fix", fix=fix))
        name = self.say(f"device.{health.device}")
        return self._row(ICONS.get(health.device, "chip"), name, chip, lines)

    def _counters(self, health: Health) -> str:
        """What wears out: paper, cuts, cards read."""
        return "　".join(
            self.say(f"maintenance.counter.{name}", n=health.counters[name] // unit)
            for name, unit in COUNTERS.items()
            if name in health.counters
        )

    def _waiting(self) -> BoxLayout:
        queue = self._terminal.queue()
        lines: list[str] = []
        if queue is None:
            chip = StatusChip("trouble", self.say("maintenance.queue_unreadable"))
            return self._row("tray-full", self.say("maintenance.queue"), chip, lines)
        if not queue.waiting:
            chip = StatusChip("ok", self.say("maintenance.queue_count", count=0))
            lines.append(self.say("maintenance.queue_empty"))
        else:
            count = self.say("maintenance.queue_count", count=queue.waiting)
            chip = StatusChip("waiting", count)
            oldest = age(queue.oldest_s, self.words)
            lines.append(self.say("maintenance.queue_oldest", age=oldest))
        if queue.dead:
            chip.show("trouble", self.say("maintenance.queue_count", count=queue.waiting))
            lines.append(self.say("maintenance.queue_dead", count=queue.dead))
        return self._row("tray-full", self.say("maintenance.queue"), chip, lines)

    def _rules(self, policy: RulesToday) -> BoxLayout:
        """The policy pack: whose it is, since when it is in force, which one comes next."""
        issued = policy.origin == "centre" and not policy.demo
        whose = ("ok", "policy_centre") if issued else ("waiting", "policy_demo")
        lines = [
            self.say(
                "maintenance.policy_version", version=policy.version, since=str(policy.effective)
            ),
            self.say("maintenance.policy_source", source=policy.source),
        ]
        if policy.next_version:
            coming = {"version": policy.next_version, "since": str(policy.next_effective)}
            lines.append(self.say("maintenance.policy_next", **coming))
        chip = StatusChip(whose[0], self.say(f"maintenance.{whose[1]}"))
        return self._row(ICONS["policy"], self.say("maintenance.policy"), chip, lines)

    @staticmethod
    def _row(icon: str, name: str, chip: StatusChip, lines: list[str]) -> BoxLayout:
        row = BoxLayout(size_hint_y=None, spacing=px(28))
        row.add_widget(Icon(icon, 64, pos_hint={"center_y": 0.5}))
        words = Column(gap=2, pos_hint={"center_y": 0.5})
        words.add_widget(Text(name))
        for line in lines:
            words.add_widget(Text(line, role="legal", colour=theme.INK_SOFT))
        row.add_widget(words)
        chip.pos_hint = {"center_y": 0.5}
        row.add_widget(chip)
        words.bind(height=lambda _, height: setattr(row, "height", max(px(72), height)))
        row.height = max(px(72), words.height)
        return row

    # -- what it does ------------------------------------------------------------------------

    def _test_page(self) -> None:
        self._print.disabled = True
        self._say_result("info", "maintenance.printing")
        in_background(self._terminal.maintenance.print_test_page, self._printed)

    def _printed(self, result: Any) -> None:
        if self._gone:
            return
        self._print.disabled = False
        if isinstance(result, DeviceFault):
            self._say_result("trouble", f"fault.{result.code}.technician")
        elif isinstance(result, BaseException):
            raise result
        else:
            self._say_result("ok", "maintenance.printed")

    def _say_result(self, state: str, key: str) -> None:
        self._result.clear_widgets()
        banner = Banner(state, self.say(key))
        banner.tag = "test_page:" + state
        self._result.add_widget(banner)

    def left(self) -> None:
        self._gone = True
        self._terminal.maintenance.left()
