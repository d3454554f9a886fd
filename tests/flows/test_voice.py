"""The voice: every clip speaks today's words, nothing personal is spoken, silence is no error."""

from __future__ import annotations

import shutil
import threading
import time
import wave
from pathlib import Path

import pytest

from hardware.supervision import DeviceState, HealthTable
from hardware.virtual.loudspeaker import VirtualLoudspeaker
from kiosk.words import LANGUAGES, Words
from kiosk.words.voice import VOICES, Clips, made_from, voice_dir
from kiosk.words.voice.render import READINGS, SPOKEN, pinyin, render
from screens.voice import SPEAKER, Voice, aplay
from tests.patience import eventually

WORDS = Words()


class Tone:
    """An engine that writes a short file and remembers what it was given."""

    name = "tone 1"

    def __init__(self) -> None:
        self.spoken: list[tuple[str, str]] = []

    def speak(self, text: str, language: str, file: Path) -> None:
        self.spoken.append((language, text))
        with wave.open(str(file), "wb") as out:
            out.setnchannels(1)
            out.setsampwidth(2)
            out.setframerate(8000)
            out.writeframes(bytes(1600))


def missing(clips: Clips) -> tuple[str, ...]:
    """Ids that should be spoken and are not."""
    return tuple(message for message in SPOKEN if clips.file(message) is None)


# -- what is spoken ------------------------------------------------------------------------------


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_installed_speaks_the_words_that_are_shown(language: str) -> None:
    """Fails when words were changed and not rendered again: `./run --install-dev` does it."""
    if shutil.which("espeak-ng") is None:
        pytest.fail("espeak-ng is not installed; ./run --install-dev")
    assert missing(Clips(Words(language))) == ()


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_installed_clips_are_sound_and_short(language: str) -> None:
    """Domain §4: a prompt lasts about three seconds; a little more where a sentence needs it."""
    clips = Clips(Words(language))
    for message in SPOKEN:
        file = clips.file(message)
        assert file is not None, message
        with wave.open(str(file)) as clip:
            seconds = clip.getnframes() / clip.getframerate()
            loudest = max(clip.readframes(clip.getnframes()), default=0)
        # What is agreed to is read whole; a player that takes 15 s is taken for one that hangs.
        longest = 14.0 if message.endswith(".aloud") else 6.0
        assert 0.2 < seconds < longest, (message, seconds)
        assert loudest > 0


@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_spoken_holds_a_fact_about_anybody(language: str) -> None:
    assert all("{" not in Words(language).say(message) for message in SPOKEN)


def test_each_is_spoken_once() -> None:
    """A clip that stood twice in the list was made twice at each installation."""
    assert sorted(set(SPOKEN)) == sorted(SPOKEN)


def test_every_instruction_before_the_camera_is_spoken() -> None:
    from screens.photo import ICONS

    assert set(ICONS) <= set(SPOKEN)
    assert {"photo.count.3", "photo.count.2", "photo.count.1"} <= set(SPOKEN)


# -- rendering -----------------------------------------------------------------------------------


def test_only_what_changed_is_rendered_again(tmp_path: Path) -> None:
    engine = Tone()
    assert render(tmp_path, engine) == len(SPOKEN) * len(LANGUAGES)
    assert render(tmp_path, engine) == 0
    gone = tmp_path / "en" / f"{SPOKEN[0]}.wav"
    gone.unlink()
    assert render(tmp_path, engine) == 1
    other = Tone()
    other.name = "tone 2"
    assert render(tmp_path, other) == len(SPOKEN) * len(LANGUAGES)


def test_a_clip_of_other_words_is_not_played(tmp_path: Path) -> None:
    render(tmp_path, Tone())
    assert missing(Clips(WORDS, tmp_path)) == ()

    class Changed(Words):
        def say(self, key: str, **facts: object) -> str:
            return "别的话" if key == SPOKEN[0] else super().say(key, **facts)

    clips = Clips(Changed(), tmp_path)
    assert missing(clips) == (SPOKEN[0],)
    assert clips.file(SPOKEN[0]) is None


def test_a_clip_that_nobody_asks_for_any_more_is_removed(tmp_path: Path) -> None:
    stale = tmp_path / "en" / "photo.gone.wav"
    stale.parent.mkdir()
    stale.write_bytes(b"RIFF")
    render(tmp_path, Tone())
    assert not stale.exists()


def test_what_a_clip_is_made_of_depends_on_all_of_it() -> None:
    of = made_from("请抬头", VOICES["zh_CN"], "e 1")
    assert (
        len({of, made_from("请低头", VOICES["zh_CN"], "e 1"), made_from("请抬头", "en", "e 1")})
        == 3
    )
    assert made_from("a", "b", "cd") != made_from("a", "bc", "d")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("请靠近一点", "qing3 kao4 jin4 yi4 dian3"),
        ("头歪了，请摆正", "tou2 wai1 le5 , qing3 bai3 zheng4"),
        ("请把脸转正，正对镜头", "qing3 ba3 lian3 zhuan3 zheng4 , zheng4 dui4 jing4 tou2"),
        ("请保持不动", "qing3 bao3 chi2 bu2 dong4"),
        ("正在做照片，请稍等", "zheng4 zai4 zuo4 zhao4 pian4 , qing3 shao1 deng3"),
        ("长辈", "zhang3 bei4"),
        ("会计", "kuai4 ji4"),
    ],
)
def test_words_are_read_as_people_read_them(text: str, expected: str) -> None:
    assert pinyin(text).split() == expected.split()


def test_every_reading_has_one_syllable_for_each_character() -> None:
    assert all(len(word) == len(syllables) for word, syllables in READINGS.items())


# -- playing -------------------------------------------------------------------------------------


class Player:
    """Plays for as long as the test says; `code` is how it ends."""

    def __init__(self, code: int = 0, lasts: bool = False) -> None:
        self.played: list[str] = []
        self.outputs: list[str] = []
        self.killed: list[str] = []
        self.code, self.lasts = code, lasts

    def __call__(self, file: Path, output: str) -> Playing:
        self.outputs.append(output)
        self.played.append(file.stem)
        return Playing(self, file.stem)


class Playing:
    def __init__(self, player: Player, name: str) -> None:
        self._player, self._name = player, name
        self._over = threading.Event()

    def poll(self) -> int | None:
        ends = self._over.is_set() or not self._player.lasts
        return self._player.code if ends else None

    def kill(self) -> None:
        self._player.killed.append(self._name)
        self._over.set()

    def wait(self, timeout: float | None = None) -> int:
        return self._player.code


@pytest.fixture
def clips(tmp_path: Path) -> Clips:
    render(tmp_path, Tone())
    return Clips(WORDS, tmp_path)


FIRST, SECOND = SPOKEN[0], SPOKEN[1]


def test_a_new_clip_ends_the_one_before_and_hushing_ends_any(clips: Clips) -> None:
    player = Player(lasts=True)
    voice = Voice(clips, play=player)
    voice.say(FIRST)
    eventually(lambda: player.played == [FIRST])
    voice.say(SECOND)
    eventually(lambda: player.played == [FIRST, SECOND])
    assert player.killed == [FIRST]
    voice.hush()
    eventually(lambda: player.killed == [FIRST, SECOND])
    voice.close()


def test_of_many_wishes_only_the_newest_is_played(clips: Clips) -> None:
    player = Player(lasts=True)
    voice = Voice(clips, play=player)
    voice.say(FIRST)
    eventually(lambda: player.played == [FIRST])
    for message in SPOKEN[1:6]:
        voice.say(message)
    eventually(lambda: player.played[-1] == SPOKEN[5])
    assert len(player.played) <= 3
    voice.close()


@pytest.mark.parametrize("broken", ["no program", "no sound card"])
def test_without_a_speaker_the_terminal_is_silent_and_its_health_says_so(
    clips: Clips, broken: str
) -> None:
    calls: list[Path] = []

    def play(file: Path, output: str) -> Playing:
        calls.append(file)
        if broken == "no program":
            raise FileNotFoundError(2, "aplay")
        return Playing(Player(code=1), file.stem)

    health = HealthTable()
    voice = Voice(clips, health, play)
    assert voice.speaks(FIRST) and not voice.speaks("frame.next")
    voice.say(FIRST)
    eventually(lambda: any(row.device == SPEAKER for row in health.snapshot()))
    assert not voice.speaks(FIRST), "what nobody hears is not offered"
    (row,) = health.snapshot()
    assert row.state is DeviceState.ABSENT
    assert row.fault is None  # nobody is told of a fault
    voice.say(SECOND)
    time.sleep(0.1)
    assert len(calls) == 1
    voice.close()


def test_a_player_that_failed_once_is_tried_again_after_a_pause(clips: Clips) -> None:
    """A sound card that was just being restarted must not silence the terminal for ever."""
    works = [False, False, True]
    calls: list[str] = []
    now = 0.0

    def play(file: Path, output: str) -> Playing:
        calls.append(file.stem)
        return Playing(Player(code=0 if works[len(calls) - 1] else 1), file.stem)

    def state() -> list[DeviceState]:
        return [row.state for row in health.snapshot()]

    health = HealthTable()
    voice = Voice(clips, health, play, clock=lambda: now)
    voice.say(FIRST)
    eventually(lambda: state() == [DeviceState.ABSENT])
    now = 2.1
    voice.say(FIRST)
    eventually(lambda: len(calls) == 2 and voice._silent_until > 2.1)
    now = 4.2
    voice.say(FIRST)  # the second pause is twice as long
    now = 6.2
    voice.say(SECOND)
    eventually(lambda: state() == [DeviceState.READY])
    assert calls == [FIRST, FIRST, SECOND]
    voice.close()


HEADSET = "plughw:CARD=Pad"


def test_a_plug_takes_the_clip_along_and_pulled_out_it_ends(clips: Clips) -> None:
    player, output = Player(lasts=True), [""]
    voice = Voice(clips, play=player, output=lambda: output[0])
    voice.say(FIRST)
    eventually(lambda: player.outputs == [""])
    output[0] = HEADSET
    eventually(lambda: player.outputs == ["", HEADSET])
    assert (player.played, player.killed) == ([FIRST, FIRST], [FIRST])
    output[0] = ""
    eventually(lambda: player.killed == [FIRST, FIRST])
    voice.say(SECOND)
    eventually(lambda: player.outputs == ["", HEADSET, ""])
    assert player.played == [FIRST, FIRST, SECOND], "not again from the loudspeaker"
    voice.close()


def test_a_headset_that_cannot_be_played_to_never_falls_back_on_the_loudspeaker(
    clips: Clips,
) -> None:
    player, output = Player(code=1), [HEADSET]
    health = HealthTable()
    voice = Voice(clips, health, player, output=lambda: output[0])
    voice.say(FIRST)
    eventually(lambda: not voice.speaks(FIRST))
    assert player.outputs == [HEADSET]
    output[0] = ""
    assert voice.speaks(FIRST), "the loudspeaker has not failed"
    player.code = 0
    voice.say(SECOND)
    eventually(lambda: player.outputs == [HEADSET, ""])
    voice.close()


def test_a_loudspeaker_that_failed_does_not_silence_the_headset(clips: Clips) -> None:
    player, output = Player(code=1), [""]
    voice = Voice(clips, play=player, output=lambda: output[0])
    voice.say(FIRST)
    eventually(lambda: not voice.speaks(FIRST))
    output[0], player.code = HEADSET, 0
    voice.say(SECOND)
    eventually(lambda: player.outputs == ["", HEADSET])
    voice.close()


def test_the_player_is_told_where(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[list[str]] = []
    monkeypatch.setattr("subprocess.Popen", lambda command, **_: started.append(command))
    aplay(Path("a.wav"), "")
    aplay(Path("a.wav"), HEADSET)
    assert started == [["aplay", "-q", "a.wav"], ["aplay", "-q", "-D", HEADSET, "a.wav"]]


def test_a_clip_that_was_heard_makes_the_speaker_ready(clips: Clips) -> None:
    health = HealthTable()
    voice = Voice(clips, health, Player())
    voice.say(FIRST)
    eventually(lambda: any(row.state is DeviceState.READY for row in health.snapshot()))
    voice.close()


def test_words_without_a_clip_are_not_spoken(tmp_path: Path) -> None:
    player = Player()
    voice = Voice(Clips(WORDS, tmp_path / "nothing"), play=player)
    voice.say(FIRST)
    voice.hush()
    voice.close()
    assert player.played == []


def test_the_folder_can_be_set(tmp_path: Path) -> None:
    assert voice_dir({"KIOSK_VOICE": str(tmp_path)}) == tmp_path


@pytest.mark.parametrize(("language", "listen"), [("zh_CN", "听完"), ("en", "listen")])
def test_nobody_is_told_to_listen_where_nothing_is_said(language: str, listen: str) -> None:
    """✗ The three points of a replacement asked to be heard to the end, and nothing spoke."""
    words = Words(language)
    told = {key for key in words.ids() if listen in words.text(key)}
    assert told - set(SPOKEN) == set()


# -- who listens in a tour -----------------------------------------------------------------------


def test_what_is_cut_short_was_not_heard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    loudspeaker = VirtualLoudspeaker(tmp_path / "loudspeaker")
    monkeypatch.setenv("PATH", loudspeaker.path)
    short, long = tmp_path / "short.one.wav", tmp_path / "long.one.wav"
    short.write_bytes(bytes(400))
    long.write_bytes(bytes(1_000_000))
    cut = aplay(long, "hw:1")
    assert aplay(short, "").wait(15) == 0
    assert cut.poll() is None
    cut.kill()
    cut.wait(15)
    assert loudspeaker.heard() == ["short.one"]
