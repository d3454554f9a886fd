"""The two slots and the launcher: what runs after what, with small programs in the slots."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import grimp
import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.version import Version

from sync import launcher
from sync.bundle import BadBundle, pack
from sync.launcher import BOOTS, STATE_FILE, load
from sync.slots import SlotBusy, Slots, Trial, _in_order
from sync.slots import main as install
from tests.patience import eventually

LAUNCHER = Path(launcher.__file__)

#: Says where it was started from, with what, and as which process.
PROGRAM = '#!/bin/sh\necho "$KIOSK_SLOT $(basename $(dirname $0)) $(cat $(dirname $0)/v) $$ $*"\n'


def bundle(folder: Path, version: str, program: str = PROGRAM) -> io.BytesIO:
    built = folder / f"built-{version}"
    built.mkdir(exist_ok=True)
    (built / "v").write_text(version)
    (built / "kiosk").write_text(program)
    (built / "kiosk").chmod(0o755)
    out = io.BytesIO()
    pack(built, out)
    out.seek(0)
    return out


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Slots as the installer leaves them: 1.0 is good, nothing else is there."""
    folder = tmp_path / "slots"
    folder.mkdir()
    (tmp_path / "1.0.tar").write_bytes(bundle(tmp_path, "1.0").getvalue())
    assert install([str(folder), str(tmp_path / "1.0.tar"), "1.0"]) == 0
    return folder


def boot(root: Path, command: str = "run") -> tuple[str, str]:
    """What the launcher starts, by the system's Python without ours: (slot, version)."""
    started = subprocess.run(
        ["/usr/bin/python3", "-I", str(LAUNCHER), str(root), command, "--state", "/s p"],
        capture_output=True,
        text=True,
        env={"PATH": os.defpath},
    )
    if started.returncode:
        return ("", started.stderr)
    told, slot, version, _pid, arguments = started.stdout.split(maxsplit=4)
    assert told == slot
    assert arguments.strip() == f"{command} --state /s p"
    return slot, version


def running(root: Path) -> Slots:
    """As the process sees it that the launcher has started last."""
    return Slots(root, load(root).running)


def test_the_launcher_and_what_the_installer_uses_need_nothing_but_the_standard_library() -> None:
    graph = grimp.build_graph("sync", include_external_packages=True)
    allowed = {"sync.launcher": set(), "sync.bundle": set(), "sync.alone": set()}
    allowed["sync.slots"] = {"sync.launcher", "sync.bundle", "sync.alone"}
    for module, ours in allowed.items():
        used = graph.find_modules_directly_imported_by(module)
        assert {name for name in used if name.split(".")[0] not in sys.stdlib_module_names} == ours


def test_the_first_version_runs_and_keeps_its_process_id(root: Path) -> None:
    assert boot(root) == ("b", "1.0")
    started = subprocess.Popen(
        [sys.executable, str(LAUNCHER), str(root), "agent"], stdout=subprocess.PIPE, text=True
    )
    assert started.communicate()[0].split()[3] == str(started.pid)


def test_a_version_is_tried_and_stays_when_it_is_called_good(root: Path, tmp_path: Path) -> None:
    slots = running(root)
    slots.put(bundle(tmp_path, "1.1"), "1.1")
    assert boot(root) == ("b", "1.0")  # put alone changes nothing
    slots.try_next("1.1")
    assert slots.trial() == Trial("1.1", 0)
    assert not slots.outdated()
    assert boot(root, "agent") == ("b", "1.0")  # the screen begins
    assert boot(root) == ("a", "1.1")
    assert slots.outdated()  # the old agent has to end
    assert boot(root, "agent") == ("a", "1.1")
    assert running(root).trial() == Trial("1.1", 1)
    assert running(root).mark_good()
    assert not running(root).mark_good()
    for _ in range(BOOTS + 1):
        assert boot(root) == ("a", "1.1")
    assert running(root).idle().version == "1.0"  # to go back to, until the next one comes
    running(root).try_next("1.0")
    assert boot(root) == ("b", "1.0")


def test_a_version_that_is_never_called_good_is_given_up(root: Path, tmp_path: Path) -> None:
    running(root).put(bundle(tmp_path, "1.1"), "1.1")
    running(root).try_next("1.1")
    assert [boot(root)[1] for _ in range(BOOTS + 2)] == ["1.1"] * BOOTS + ["1.0"] * 2
    assert running(root).failed() == ("1.1",)
    assert running(root).running().version == "1.0"
    assert running(root).trial() is None


def test_a_version_may_give_itself_up(root: Path, tmp_path: Path) -> None:
    running(root).put(bundle(tmp_path, "1.1"), "1.1")
    running(root).try_next("1.1")
    assert boot(root)[1] == "1.1"
    trial = running(root)
    assert trial.give_up()
    with pytest.raises(SlotBusy):  # it still runs from there
        Slots(root).put(bundle(tmp_path, "1.2"), "1.2")
    assert boot(root) == ("b", "1.0")
    assert running(root).failed() == ("1.1",)


def test_only_the_version_on_trial_calls_itself_good(root: Path, tmp_path: Path) -> None:
    """The old screen or agent may live a little longer."""
    old = running(root)
    old.put(bundle(tmp_path, "1.1"), "1.1")
    old.try_next("1.1")
    assert not Slots(root, "a").mark_good()  # it was never started
    boot(root)
    assert not old.mark_good()
    assert not old.give_up()
    assert load(root).trial == "a"


def test_neither_slot_in_use_is_filled(root: Path, tmp_path: Path) -> None:
    old = running(root)
    old.put(bundle(tmp_path, "1.1"), "1.1")
    old.try_next("1.1")
    old.put(bundle(tmp_path, "1.2"), "1.2")  # the trial had not begun: it is called off
    assert boot(root) == ("b", "1.0")
    old.try_next("1.2")
    boot(root)
    for slots in (old, running(root)):
        with pytest.raises(SlotBusy):
            slots.put(bundle(tmp_path, "1.3"), "1.3")
        with pytest.raises(SlotBusy):
            slots.try_next("1.0")
    running(root).mark_good()
    held = launcher.hold(root, "b", alone=False)
    assert held is not None
    with pytest.raises(SlotBusy):
        old.put(bundle(tmp_path, "1.3"), "1.3")  # the old agent runs from the idle slot
    os.close(held)
    old.put(bundle(tmp_path, "1.3"), "1.3")


def test_a_slot_is_left_alone_from_which_a_program_still_runs(
    root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The agent of a version that was given up lost its files while it ran. Whose program it is
    nobody but root sees: all of ours forbid their dumps (`kiosk.upkeep.forgetting`), and a unit
    sees its own only."""
    running(root).put(bundle(tmp_path, "1.1", "#!/bin/sh\nexec sleep 60\n"), "1.1")
    running(root).try_next("1.1")
    (tmp_path / "c.tar").write_bytes(bundle(tmp_path, "1.2").getvalue())
    trial = subprocess.Popen(["/usr/bin/python3", "-I", str(LAUNCHER), str(root), "run"])
    try:
        eventually(lambda: "sleep" in Path(f"/proc/{trial.pid}/comm").read_text())
        running(root).give_up()
        assert boot(root) == ("b", "1.0")
        assert install([str(root), str(tmp_path / "c.tar"), "1.2"]) == 0
        assert "1.2 is not put in" in capsys.readouterr().err
        assert Slots(root).idle().version == "1.1"
    finally:
        trial.kill()
        trial.wait()
    assert install([str(root), str(tmp_path / "c.tar"), "1.2"]) == 0
    assert boot(root) == ("a", "1.2")


def test_a_slot_that_cannot_be_started_is_not_held_by_what_runs_instead(
    root: Path, tmp_path: Path
) -> None:
    running(root).put(bundle(tmp_path, "1.1", "#!/no/such/program\n"), "1.1")
    running(root).try_next("1.1")
    (root / "b" / "kiosk").write_text("#!/bin/sh\nexec sleep 60\n")
    instead = subprocess.Popen(["/usr/bin/python3", "-I", str(LAUNCHER), str(root), "run"])
    try:
        eventually(lambda: "sleep" in Path(f"/proc/{instead.pid}/comm").read_text())
        assert launcher.hold(root, "b", alone=True) is None
        running(root).put(bundle(tmp_path, "1.2"), "1.2")
    finally:
        instead.kill()
        instead.wait()


def test_two_do_not_fill_a_slot_at_once(root: Path, tmp_path: Path) -> None:
    slots = running(root)
    with slots._alone(), pytest.raises(SlotBusy):
        Slots(root).put(bundle(tmp_path, "1.1"), "1.1")
    slots.put(bundle(tmp_path, "1.1"), "1.1")


def test_what_is_not_there_is_not_tried(root: Path, tmp_path: Path) -> None:
    with pytest.raises(LookupError):
        running(root).try_next("1.1")
    running(root).put(bundle(tmp_path, "1.1"), "1.1")
    with pytest.raises(LookupError):
        running(root).try_next("1.2")


def test_a_broken_bundle_leaves_the_slot_empty_and_the_running_one_alone(
    root: Path, tmp_path: Path
) -> None:
    slots = running(root)
    slots.put(bundle(tmp_path, "1.1"), "1.1")
    with pytest.raises(BadBundle):
        slots.put(io.BytesIO(bundle(tmp_path, "1.2").getvalue()[:-1]), "1.2")
    assert slots.idle().version == ""
    assert sorted(path.name for path in root.iterdir() if path.is_dir()) == ["b"]
    assert boot(root) == ("b", "1.0")


@pytest.mark.parametrize("wrong", [b"", b"{", b"[]", b"null", b'{"current": "c"}', b"\xff" * 99])
def test_without_a_state_file_that_makes_sense_something_runs(
    root: Path, tmp_path: Path, wrong: bytes
) -> None:
    (root / STATE_FILE).write_bytes(wrong)
    assert boot(root) == ("b", "1.0")


def test_a_state_of_impossible_values_is_not_obeyed(root: Path) -> None:
    document = json.loads((root / STATE_FILE).read_bytes())
    for name, value in (("current", "../../tmp"), ("trial", "/"), ("trial", "b"), ("boots", "x")):
        (root / STATE_FILE).write_text(json.dumps(document | {name: value}))
        assert boot(root) == ("b", "1.0")


@pytest.mark.parametrize("program", ["", "#!/nowhere/at/all\n", "\x7fELF of another machine"])
def test_a_trial_that_cannot_even_start_is_over_at_once(
    root: Path, tmp_path: Path, program: str
) -> None:
    running(root).put(bundle(tmp_path, "1.1", program), "1.1")
    running(root).try_next("1.1")
    assert boot(root) == ("b", "1.0")
    assert running(root).failed() == ("1.1",)


def test_a_good_version_that_is_lost_is_replaced_by_the_other(root: Path, tmp_path: Path) -> None:
    running(root).put(bundle(tmp_path, "1.1"), "1.1")
    (root / "b/kiosk").unlink()
    assert boot(root, "agent") == ("a", "1.1")
    assert load(root).current == "b"  # the agent decides nothing
    assert boot(root) == ("a", "1.1")
    running(root).put(bundle(tmp_path, "1.2"), "1.2")  # the lost one is what is replaced
    assert running(root).idle() == Slots(root).idle()
    assert running(root).idle().path.name == "b"


def test_with_no_version_at_all_the_launcher_says_so(root: Path) -> None:
    (root / "b/kiosk").unlink()
    slot, said = boot(root)
    assert slot == ""
    assert "kiosk: No such file" in said.replace("[Errno 2] ", "")


def test_what_cannot_be_counted_is_not_tried(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    running(root).put(bundle(tmp_path, "1.1"), "1.1")
    running(root).try_next("1.1")

    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as disk:
        disk.setattr(os, "write", full)
        assert launcher.decide(root) == "b"
    with monkeypatch.context() as disk:
        disk.setattr(os, "write", lambda *_: 3)  # some of it
        assert launcher.decide(root) == "b"
    assert launcher.decide(root) == "a"


def _numbered(words: str) -> st.SearchStrategy[str]:
    return st.just("") | st.builds(
        str.__add__, st.sampled_from(words.split()), st.sampled_from("0129")
    )


VERSIONS = st.builds(
    "".join,
    st.tuples(
        st.sampled_from(["", "", "1!"]),
        st.lists(st.sampled_from(["0", "1", "9", "10"]), min_size=1, max_size=4).map(".".join),
        _numbered("a b rc"),
        _numbered(".post"),
        _numbered(".dev"),
    ),
)


@given(VERSIONS, VERSIONS)
def test_versions_are_in_the_order_that_python_s_are(one: str, other: str) -> None:
    """PEP 440, as `packaging` has it, which the installer has not."""
    assert (_in_order(one) < _in_order(other)) == (Version(one) < Version(other))
    assert (_in_order(one) == _in_order(other)) == (Version(one) == Version(other))


def test_who_is_not_started_by_the_launcher_has_no_slots(root: Path) -> None:
    assert Slots.ours({}) is None
    ours = Slots.ours({"KIOSK_SLOTS": str(root), "KIOSK_SLOT": "a"})
    assert ours is not None
    assert ours.outdated()


def test_the_installer_s_second_bundle_is_tried(root: Path, tmp_path: Path) -> None:
    (tmp_path / "b.tar").write_bytes(bundle(tmp_path, "1.1").getvalue())
    assert install([str(root), str(tmp_path / "b.tar"), "1.1"]) == 0
    assert boot(root) == ("a", "1.1")
    assert running(root).trial() == Trial("1.1", 1)


@pytest.mark.parametrize(
    "runs, older", [("1.1", "1.0"), ("1.10.0", "1.9.2"), ("1.1", "1.0.9"), ("1.2.0", "1.2.0rc1")]
)
def test_a_technician_s_stick_with_an_old_release_changes_nothing(
    tmp_path: Path, runs: str, older: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """It was signed and good once, and has holes that were closed since."""
    root = tmp_path / "slots"
    root.mkdir()
    for version in (runs, older):
        (tmp_path / "stick.tar").write_bytes(bundle(tmp_path, version).getvalue())
        assert install([str(root), str(tmp_path / "stick.tar"), version]) == 0
    assert boot(root)[1] == runs
    slots = running(root)
    assert (slots.trial(), slots.idle().version) == (None, "")
    assert f"{older} is not put in" in capsys.readouterr().err
