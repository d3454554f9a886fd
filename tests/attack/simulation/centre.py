"""The real centre on its own database, with the disasters that operators have."""

from __future__ import annotations

import os
import shutil
from itertools import count
from pathlib import Path
from typing import Any

from sync.faults import CentralRefused, CentralUnreachable
from tests.attack.simulation.virtual import Clock
from tests.system.people import Person
from tests.system.postgres import Cluster


class Centre:
    """One centre in `folder`. Import it before any other of its modules: it starts Django.

    On a database of `cluster`, or on the file of its own."""

    def __init__(self, folder: Path, clock: Clock, cluster: Cluster | None = None) -> None:
        self._cluster, self._databases = cluster, (f"centre_{number}" for number in count())
        os.environ["KIOSK_CENTRAL_BACKUP"] = "declared"
        os.environ["KIOSK_CENTRAL_DATABASE"] = (
            cluster.database(next(self._databases)) if cluster else ""
        )
        from central.boot import boot

        self.folder, self._backups, self._clock = boot(folder), folder / "backups", clock
        from central import rollover, storage

        rollover.ensure_keys("hybrid")
        os.sync = lambda: None  # of the whole machine; backups here are in memory
        # Nobody waits for a disk here, so threads that wait at once only take time.
        storage._flush = lambda paths: [storage._flush_one(path) for path in paths]
        self._hidden: list[tuple[Path, bytes]] = []
        self.down = False
        #: How many heartbeats were answered.
        self.heard = 0

    # -- what terminals ask ----------------------------------------------------------------------

    def ask(self, key_id: str, path: str, body: str) -> str:
        """One request that arrived and whose signature is right. Raises `CentralUnreachable`."""
        from central import api
        from central.models import Terminal
        from sync.wire.doors import DOORS

        if self.down:
            raise CentralUnreachable("server_error")
        terminal = Terminal.objects.filter(key_id=key_id, enabled=True).first()
        if terminal is None:
            raise CentralRefused("unknown_key")
        answers = {
            "envelopes": api._envelopes,
            "pieces": api._piece,
            "in-pieces": api._in_pieces,
            "heartbeat": api._heartbeat,
        }
        message: Any = DOORS[path].request.model_validate_json(body)
        answer = answers[path](terminal, message).model_dump_json()
        self.heard += path == "heartbeat"
        return answer

    def enrol(self, key_id: str, public_key: bytes, replaces: str | None = None) -> Any:
        """Enrolled with a fresh code; `replaces`: the terminal whose place it takes."""
        from central import fleet
        from central.models import Terminal

        old = Terminal.objects.get(number=replaces) if replaces else None
        return fleet.enrol(fleet.new_code(old), key_id, public_key, "大厅")

    def import_export(self, file: Path) -> None:
        from central import removable

        removable.take_in(file)

    # -- what operators do -----------------------------------------------------------------------

    def register(self, people: list[Person]) -> None:
        from central.keys import person_hash
        from central.models import RegisteredPerson

        RegisteredPerson.objects.bulk_create(
            [RegisteredPerson(person=person_hash(one.number), name=one.name) for one in people],
            ignore_conflicts=True,
        )

    def lose_registry(self) -> None:
        from central.models import RegisteredPerson

        RegisteredPerson.objects.all().delete()

    def back_up(self) -> None:
        from central import backup

        if self._backups.exists():
            shutil.rmtree(self._backups)
        backup.write(self.folder, self._backups)

    def restore(self) -> bool:
        """Everything as it was at the last backup, the keys too: those made since are found only
        later (`keys_come_back`). False if there is no backup."""
        from central import keys, standing

        if not self._backups.exists():
            return False
        self._hidden += [
            (file, file.read_bytes())
            for file in (self.folder / keys.FOLDER).glob("*.key")
            if not (self._backups / keys.FOLDER / file.name).exists()
        ]
        self._restore_rows()
        for name in ("files", keys.FOLDER):
            shutil.rmtree(self.folder / name, ignore_errors=True)
            if (self._backups / name).exists():
                shutil.copytree(self._backups / name, self.folder / name)
        keys._file.cache_clear()
        standing.restored()
        return True

    def _restore_rows(self) -> None:
        from django.db import connection

        connection.close()
        if self._cluster is not None:
            name = next(self._databases)
            self._cluster.restore(self._backups / "central.dump", self._cluster.database(name))
            connection.settings_dict["NAME"] = name
            return
        for name in ("central.db", "central.db-wal", "central.db-shm"):
            (self.folder / name).unlink(missing_ok=True)
        shutil.copy2(self._backups / "central.db", self.folder / "central.db")

    def new_key(self) -> None:
        from central import rollover

        rollover.new_key(None)

    def hide_keys(self) -> None:
        """The files of the keys that open envelopes are gone, for now."""
        from central import keys

        current = (self.folder / keys.FOLDER / keys.CURRENT).read_text(encoding="ascii")
        for file in (self.folder / keys.FOLDER).glob("*.key"):
            # The current one is needed to hand it out, and its loss is seen at once.
            if len(file.stem) == 16 and file.stem != current:
                self._hidden.append((file, file.read_bytes()))
                file.unlink()
        keys._file.cache_clear()

    def keys_come_back(self) -> None:
        for file, data in self._hidden:
            file.write_bytes(data)
        self._hidden.clear()

    def sweep(self) -> None:
        from central.sweep import sweep

        sweep()

    def key_in_use(self) -> str:
        from central.keys import keyring

        return keyring().current().key_id

    def answer_alarms(self) -> None:
        """As the operators' manual says: terminals know a newer key than this centre, so it makes
        one that is newer still."""
        from central import alarms
        from central.models import Alarm

        if Alarm.objects.filter(kind="key_number", resolved_at=None).exists():
            self.new_key()
            for alarm in Alarm.objects.filter(kind="key_number", resolved_at=None):
                alarms.resolve("key_number", alarm.terminal)

    # -- what is looked at -----------------------------------------------------------------------

    def cases(self) -> dict[str, Any]:
        """Every case by the id of its envelope."""
        from django.db.models.fields.json import KT

        from central.cases import Case

        fields = ("id", "terminal_id", "seq", "receipt_no", "verdict", "state")
        number = KT("contents__document__id_number")
        rows = Case.objects.values(*fields, id_number=number)
        return {str(row["id"]): row for row in rows}

    def alarms(self) -> set[tuple[str, str]]:
        from central.models import Alarm

        return set(Alarm.objects.values_list("kind", "about"))
