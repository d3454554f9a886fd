"""What a release costs on the line: the delta of a changed line, and what comes twice after cuts.

The library of the bundle is 1.2 MB of noise, so that nothing of it packs; a real one is 181 MB
(docs/fleet.md). The peer of both is the whole bundle: what comes where there is no delta, and what
comes again where a cut begins it anew.
"""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from sync.updates.names import delta_name, whole_name
from sync.updates.stages import Stage
from sync.wire.release import PART
from tests.bench.numbers import Number, at_most
from tests.fleet.far_end import serve
from tests.fleet.office import MACHINE, Office, bundle
from tests.fleet.test_updates import LIBRARY, Kiosk, sent

#: Issue 15: a delta's share of the whole; the share of a download that may come twice.
DELTA_LIMIT, TWICE_LIMIT = 0.03, 0.01
#: A process that is cut more often than that does not get on.
_MOST_CUTS = 60

_WHOLE = whole_name("1.1.0", MACHINE)


def numbers(runs: int) -> dict[str, Number]:
    """Counted and not timed, so one run is enough."""
    with TemporaryDirectory(prefix="bench-release-") as made:
        folder = Path(made)
        office = Office(folder / "office")
        office.release(bundle(folder, "1.0.0", library=LIBRARY), "1.0.0")
        newer = bundle(folder, "1.1.0", library=LIBRARY, line="echo more\n")
        sizes = dict(office.release(newer, "1.1.0", "1.0.0"))
        whole = sizes[_WHOLE]
        share = sizes[delta_name("1.1.0", "1.0.0", MACHINE)] / whole
        came, cuts = _fetched(folder, office)
    twice = at_most(came / whole - 1, TWICE_LIMIT, 1.0)
    return {
        "release_delta_share": at_most(share, DELTA_LIMIT, 1.0),
        "release_fetched_twice": {**twice, "cuts": cuts, "bytes": whole},
    }


def _fetched(folder: Path, office: Office) -> tuple[int, int]:
    """Bytes that came of a whole bundle over a line that is cut all the time, and the cuts; a new
    process goes on after each."""
    with serve(office.site) as site:
        kiosk = Kiosk(folder / "kiosk", site, folder / "1.0.0.tar")
        (kiosk.slots.running().path / "kiosk").unlink()  # no delta
        site.cut_after = PART // 3 * 2
        kiosk.wants("1.1.0", office.first_root)
        for cuts in range(_MOST_CUTS):
            if kiosk.step()[0] == Stage.CHOSEN:
                return sent(site, _WHOLE), cuts
            kiosk.restart()
    raise TimeoutError("it did not get on")
