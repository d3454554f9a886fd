"""The spoken half of the words: one clip per message id, rendered at installation, played as files.

A clip is named by the id of the words it speaks (DESIGN idea 6), so any message can be given a
voice by adding its id to `render.SPOKEN`. What is spoken so far: everything that is said to
somebody who looks into the camera and cannot read at the same time, to somebody who goes away
without their card, and what is agreed to point by point (R-F2). What is not spoken yet: the other
pages.
Personal data is never spoken: words with a fact in them ({…}) have no clip.

    python -m kiosk.words.voice.render FOLDER    renders what is missing or whose words have changed

The folder is `$KIOSK_VOICE`, else `.voice` beside the packages, else, in a bundle, inside it. Its
`manifest.json` says of each clip from which words, voice and engine it was made; a clip that was
made from other words than are shown is not played.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path

from kiosk.words import Words

MANIFEST = "manifest.json"

#: Language -> voice of espeak-ng. Its `cmn` spells pinyin as English letters in Debian 12, so
#: Mandarin is given as pinyin to the voice that reads it.
VOICES = {"zh_CN": "cmn-latn-pinyin", "en": "en"}


def voice_dir(environment: Mapping[str, str] = os.environ) -> Path:
    """The folder of the clips; it need not exist."""
    if given := environment.get("KIOSK_VOICE"):
        return Path(given)
    bundle: str | None = getattr(sys, "_MEIPASS", None)
    root = Path(bundle) if bundle else Path(__file__).parents[3]
    return root / ".voice"


def made_from(text: str, voice: str, engine: str) -> str:
    """What a clip was made from, as a hash. A change of `render.READINGS` changes the engine."""
    return sha256("\0".join((text, voice, engine)).encode()).hexdigest()


class Clips:
    """The clips of one language that speak today's words."""

    def __init__(self, words: Words, folder: Path | None = None) -> None:
        """A folder that is not there, or has no manifest, has no clips."""
        self._folder = (folder or voice_dir()) / words.language
        self._words = words
        self._made: dict[str, str] = {}
        self._engine = ""
        try:
            manifest = json.loads((self._folder / MANIFEST).read_text(encoding="utf-8"))
            self._made, self._engine = dict(manifest["clips"]), str(manifest["engine"])
        except (OSError, ValueError, KeyError, TypeError):
            return

    def file(self, message: str) -> Path | None:
        """The clip of a message; None if it has none, or one of other words."""
        voice = VOICES.get(self._words.language, "")
        wanted = made_from(self._words.say(message), voice, self._engine)
        if self._made.get(message) != wanted:
            return None
        return self._folder / f"{message}.wav"
