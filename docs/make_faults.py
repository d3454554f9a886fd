"""Writes docs/faults.md: every fault code, what the citizen is told, what it means, what to do.

`python docs/make_faults.py` writes the page, `--check` says whether it is up to date. The codes and
their weights are those of hardware/faults.py, the words those of kiosk/words.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from hardware.faults import WEIGHTS, FaultCode, Weight
from kiosk.words import Words

PAGE = Path(__file__).resolve().parent / "faults.md"

#: How the names of the codes begin -> the heading over them, in this order.
SECTIONS: dict[str | tuple[str, ...], str] = {
    "id_": "居民身份证阅读器 · resident ID card reader",
    "card_": "社会保障卡读写器 · social security card reader, and the card in it",
    "psam_": "安全存取模块 · PSAM",
    "hsm_": "加密机 · HSM at the centre",
    "printer_": "回执打印机 · receipt printer",
    "page_printer_": "A4打印机 · A4 printer",
    "camera_": "摄像头 · camera",
    "ups_": "不间断电源 · UPS",
    "headset_": "耳机插孔 · headset jack",
    ("door_", "contacts_"): "门磁等触点 · door contact and the board that it is on",
    "pin_pad_": "密码键盘 · PIN pad",
    "scanner_": "扫码器 · 2D scanner",
    "port": "串口 · serial ports",
    "library_": "厂商接口库 · a maker's library",
    "": "终端 · the terminal itself",
}

WEIGHT_WORDS = {
    Weight.BLOCKING: "blocking: the device is not used until it is mended 停用",
    Weight.WARNING: "warning: it works, but somebody should come 提醒",
    Weight.OF_THE_CARD: "of the card: the next citizen is served 仅限此卡",
}

HEAD = """# Faults

Made by docs/make_faults.py; do not edit. The codes are in `hardware/faults.py`, the words in
`kiosk/words/*/faults.toml`. A code is what logs, `health.json`, `kioskctl doctor` and the fleet's
reports say; it never changes its meaning.
"""


def section(code: FaultCode) -> str:
    """The heading that a code stands under."""
    return next(title for prefix, title in SECTIONS.items() if code.startswith(prefix))


def render() -> str:
    chinese, english = Words("zh_CN"), Words("en")
    lines = [HEAD]
    for title in SECTIONS.values():
        lines.append(f"## {title}\n")
        for code in FaultCode:
            if section(code) == title:
                lines += [*entry(code, chinese, english), ""]
    return "\n".join(lines)


def entry(code: FaultCode, chinese: Words, english: Words) -> Iterator[str]:
    yield f"### `{code}`\n"
    yield f"{WEIGHT_WORDS[WEIGHTS[code]]}\n"
    for words, citizen, means, fix in (
        (chinese, "群众看到", "含义", "处理"),
        (english, "citizen", "means", "to do"),
    ):
        yield f"- **{citizen}** {words.say(f'fault.{code}.citizen')}"
        yield f"- **{means}** {words.say(f'fault.{code}.technician')}"
        yield f"- **{fix}** {words.say(f'fault.{code}.fix')}"


def main(arguments: list[str]) -> int:
    """Write the page, or with --check compare it. Returns the exit code."""
    page = render()
    if arguments == ["--check"]:
        if PAGE.exists() and PAGE.read_text(encoding="utf-8") == page:
            return 0
        print(f"{PAGE.name} is out of date: run python docs/make_faults.py", file=sys.stderr)
        return 1
    PAGE.write_text(page, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
