"""Settings: a file, the environment over it, and a clear word for what is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from kiosk.settings import BadSettings, load_settings


def written(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "settings.toml"
    file.write_text(text, encoding="utf-8")
    return file


def test_without_a_file_it_is_production_and_nothing_virtual_is_allowed() -> None:
    settings = load_settings(None, {})
    assert settings.mode == "production"
    assert not settings.virtual


def test_the_environment_overrides_the_file(tmp_path: Path) -> None:
    file = written(tmp_path, 'mode = "demo"\n[screen]\nwidth = 540\nfullscreen = false\n')
    settings = load_settings(file, {"KIOSK_SCREEN_WIDTH": "720"})
    assert (settings.mode, settings.screen.width, settings.screen.fullscreen) == (
        "demo",
        720,
        False,
    )


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ('mode = "party"', "mode is 'party'"),
        ('[devices.contacts_lines]\ndoor = "out0"\n', "devices: contacts_lines: door = 'out0'"),
        ('[devices]\nups = "@host"\n', "devices: UPS '@host'"),
        ('[devices]\npage_printer = "a4@10.0.0.9:631"\n', "devices: A4 printer 'a4@10.0.0.9:631'"),
        ('[devices]\nheadset = "/dev/x"\nheadset_keys = "F15"\n', "devices: headset_keys 'F15'"),
        ("[screens]\nwidth = 1\n", "unknown settings: screens"),
        ("[screen]\nwidht = 1\n", r"\[screen\] has unknown settings: widht"),
        ('[screen]\nwidth = "wide"\n', "screen.width is 'wide'"),
        ("[screen]\nfullscreen = 3\n", "screen.fullscreen is 3"),
        ("not toml", "settings.toml"),
        ('[photo]\ncomparison = "here"\n', "photo.comparison is 'here'"),
        ('[devices]\ncard_authenticator = "psem"\n', "not one of none, pin, psam, hsm"),
        ('[devices]\ncard = "direct:1234"\n', "a virtual card"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, text: str, named: str) -> None:
    with pytest.raises(BadSettings, match=named):
        load_settings(written(tmp_path, text), {})


def test_a_virtual_card_is_for_demo_and_test(tmp_path: Path) -> None:
    text = '[devices]\ncard = "direct:1234"\n'
    for mode in ("demo", "test"):
        settings = load_settings(written(tmp_path, f'mode = "{mode}"\n{text}'), {})
        assert settings.devices.card == "direct:1234"


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadSettings, match=r"none\.toml"):
        load_settings(tmp_path / "none.toml", {})


def test_the_hours_for_new_versions_are_hours(tmp_path: Path) -> None:
    for hours in ("", "23:00-05:30", "00:00-23:59"):
        file = written(tmp_path, f'[updates]\nhours = "{hours}"\n')
        assert load_settings(file, {}).updates.hours == hours
    for hours in ("night", "23-5", "24:00-05:00", "23:00-05:60"):
        with pytest.raises(BadSettings, match=r"updates\.hours"):
            load_settings(written(tmp_path, f'[updates]\nhours = "{hours}"\n'), {})
