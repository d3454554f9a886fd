"""`python -m kiosk.words.voice.render FOLDER`: speak the words into files, with espeak-ng.

At installation, not on a terminal's way to a citizen. espeak-ng is robotic and small; a better
engine is another `Engine`, and the manifest makes every clip anew. Which pinyin a word has is
pypinyin's decision, and that of `READINGS` where a citizen would hear it wrong.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Sequence
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Protocol

from kiosk.photo.guidance import SAYINGS
from kiosk.words import LANGUAGES, Words
from kiosk.words.voice import MANIFEST, VOICES, made_from, voice_dir

#: Ids of the words that have a clip in each language.
SPOKEN: tuple[str, ...] = (
    *SAYINGS,
    *(f"photo.count.{number}" for number in (3, 2, 1)),
    "photo.screen.starting",
    "photo.screen.making",
    "photo.screen.nobody",
    "left_behind.title",
    "headset.plugged",
    # What a page reads aloud to who agrees to it (`Notice.aloud`).
    *(message for message in sorted(Words().ids()) if message.endswith(".aloud")),
)

#: Words whose reading is not left to the dictionary -> pinyin, a syllable for each character. Most
#: are tones that change before another (一下, 不动).
READINGS: dict[str, tuple[str, ...]] = {
    "照片": ("zhào", "piàn"),
    "一次": ("yí", "cì"),
    "一下": ("yí", "xià"),
    "不动": ("bú", "dòng"),
    "眼睛": ("yǎn", "jing"),
    "换个": ("huàn", "ge"),
    "长辈": ("zhǎng", "bèi"),
    "会计": ("kuài", "jì"),
    "重拍": ("chóng", "pāi"),
}

#: Marks that espeak-ng takes for pauses.
_PAUSES = str.maketrans("，。；：！？、", ",.;:!?,")

#: Words a minute: slower than usual, for old ears (domain §4).
_SPEED = "140"


class Engine(Protocol):
    """Turns words into sound."""

    @property
    def name(self) -> str:
        """With its version; part of what a clip is made from."""

    def speak(self, text: str, language: str, file: Path) -> None:
        """Write a WAV file. Raises `OSError` or `subprocess.CalledProcessError`."""


class Espeak:
    """espeak-ng as a program."""

    def __init__(self) -> None:
        """Raises `OSError` if it is not installed."""
        said = subprocess.run(
            ["espeak-ng", "--version"], capture_output=True, text=True, check=True
        )
        version = said.stdout.split(":")[1].split()[0]
        read_so = sha256(repr(sorted(READINGS.items())).encode()).hexdigest()[:8]
        self.name = f"espeak-ng {version} speed {_SPEED} readings {read_so}"

    def speak(self, text: str, language: str, file: Path) -> None:
        words = pinyin(text) if language == "zh_CN" else text
        command = ["espeak-ng", "-v", VOICES[language], "-s", _SPEED, "-w", str(file), words]
        subprocess.run(command, check=True, capture_output=True, timeout=60)


def pinyin(text: str) -> str:
    """Chinese as pinyin with tone numbers (5: none), and the pauses of its punctuation."""
    from pypinyin import Style, lazy_pinyin

    _take_readings()
    syllables = lazy_pinyin(text, style=Style.TONE3, neutral_tone_with_five=True)
    return " ".join(syllables).translate(_PAUSES)


@cache
def _take_readings() -> None:
    """Once: for each word the library learns its whole dictionary anew."""
    from pypinyin import load_phrases_dict

    load_phrases_dict({word: [[one] for one in said] for word, said in READINGS.items()})


def render(folder: Path, engine: Engine) -> int:
    """Make what is missing or out of date; returns how many clips were made."""
    return sum(_render(folder / language, Words(language), engine) for language in LANGUAGES)


def _render(folder: Path, words: Words, engine: Engine) -> int:
    folder.mkdir(parents=True, exist_ok=True)
    manifest = folder / MANIFEST
    before = _made_before(manifest, engine)
    made = {}
    count = 0
    for message in SPOKEN:
        text = words.say(message)
        if "{" in text:
            raise ValueError(f"{message} has a fact in it and must not be spoken")
        made[message] = made_from(text, VOICES[words.language], engine.name)
        file = folder / f"{message}.wav"
        if before.get(message) == made[message] and file.exists():
            continue
        engine.speak(text, words.language, file)
        count += 1
    for stale in folder.glob("*.wav"):
        if stale.stem not in made:
            stale.unlink()
    text = json.dumps({"engine": engine.name, "clips": made}, indent=1, sort_keys=True)
    manifest.write_text(text + "\n", encoding="utf-8")
    return count


def _made_before(manifest: Path, engine: Engine) -> dict[str, str]:
    try:
        found = json.loads(manifest.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return dict(found["clips"]) if found.get("engine") == engine.name else {}


def main(arguments: Sequence[str] | None = None) -> int:
    """Render into a folder. Returns 0 if every clip is there."""
    parser = argparse.ArgumentParser(
        prog="python -m kiosk.words.voice.render", description=main.__doc__
    )
    parser.add_argument("folder", nargs="?", type=Path, default=voice_dir())
    chosen = parser.parse_args(arguments)
    try:
        made = render(chosen.folder, Espeak())
    except (OSError, ImportError, subprocess.SubprocessError) as error:
        sys.stderr.write(f"no voice: {error}; the terminal works without one\n")
        return 1
    sys.stdout.write(f"{made} clips made, {len(SPOKEN) * len(LANGUAGES)} in {chosen.folder}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
