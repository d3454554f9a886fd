"""The centre in this process: the real intake and machine, without a server.

Modules of `central` are imported inside, because Django must be started first. It is started once
in a process and then changes from SQLite to PostgreSQL, so every module of tests has the same two
databases, and people of its own in them. A process that was forked off (mutmut does this for each
mutant) goes on with a copy.
"""

from __future__ import annotations

import itertools
import os
import sqlite3
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import time_machine

from sync.envelope import Sealer
from sync.header import BEIJING, EnvelopeHeader
from sync.ids import uuid7
from sync.wire.envelopes import Envelope
from tests.system.people import MATCH, Person, contents_of, form_of, jpeg, png, replacement_of
from tests.system.test_businesses import loss_of, withdrawal_of

if TYPE_CHECKING:
    from pathlib import Path

    from central.models import Terminal
    from sync.wire.envelopes import ItemAnswer

MORNING = datetime(2026, 11, 24, 9, 0, tzinfo=BEIJING)

_ORDERS = itertools.count(1)

NEW_PHOTO = jpeg()

#: What has to be agreed to before a card is replaced.
POINTS = (
    "card_replacement.no_way_back",
    "card_replacement.other_bank",
    "card_replacement.accounts",
)


#: The process whose database this is; [] before the first.
_OWNER: list[int] = []


def start(state: Path, database: str) -> None:
    """Django on this database: for the first time, instead of the one before, or on a copy of that
    of the process that this one was forked off."""
    before, _OWNER[:] = [*_OWNER], [os.getpid()]
    if before == _OWNER:
        _change_to(state / "central", database)
    elif before:
        _copy_to(state / "copy.db")
        return
    else:
        from central.boot import boot

        boot(state)
    from central import rollover

    rollover.ensure_keys("hybrid")


def _change_to(folder: Path, database: str) -> None:
    from django.conf import settings
    from django.core.management import call_command
    from django.db import connections

    from central import briefly
    from central.database import described

    folder.mkdir()
    connections.close_all()
    del connections["default"]
    settings.STATE = folder
    settings.DATABASES = {"default": described(database, folder)}
    connections.settings = connections.configure_settings(settings.DATABASES)
    briefly.forget()
    call_command("migrate", verbosity=0, interactive=False)


def _copy_to(file: Path) -> None:
    """Of what stands in the file of the other process nothing changes."""
    from django.db import connection

    from central import storage

    storage._flushing.cache_clear()  # its threads are not here
    name = connection.settings_dict["NAME"]
    with sqlite3.connect(name) as other, sqlite3.connect(file) as own:
        other.backup(own)
    connection.close()
    connection.settings_dict["NAME"] = file


class Centre:
    """The real intake. One card, whose holder is new in each test."""

    def __init__(self) -> None:
        from central import fleet
        from central.models import Terminal

        self._seq = 0
        made = fleet.enrol(fleet.new_code(), os.urandom(8).hex(), os.urandom(32), "大厅")
        self._terminal = Terminal.objects.get(number=made.terminal)
        self._sealer = Sealer(made.central_key_id, made.central_public_key, made.algorithm)

    @property
    def sender(self) -> Terminal:
        """The terminal that files everything here."""
        return self._terminal

    def skip(self, count: int) -> None:
        """These many numbers never arrive."""
        self._seq += count

    def terminal(self) -> Terminal:
        """Another one, just enrolled."""
        from central import fleet
        from central.models import Terminal

        made = fleet.enrol(fleet.new_code(), os.urandom(8).hex(), os.urandom(32), "大厅")
        return Terminal.objects.get(number=made.terminal)

    def holder(self, card_state: str = "1") -> Person:
        from central.keys import person_hash
        from central.models import RegisteredPerson

        order = next(_ORDERS)
        year, month = 10 + order % 80, 1 + order // 80 % 12
        person = Person("持卡人", f"19{year:02d}{month:02d}01", 300 + order % 700)
        RegisteredPerson.objects.update_or_create(
            person=person_hash(person.number),
            defaults={"name": person.name, "card_state": card_state, "card_no": "T00000678"},
        )
        return person

    def forget(self, person: Person) -> None:
        """The registry does not know them."""
        from central.keys import person_hash
        from central.models import RegisteredPerson

        RegisteredPerson.objects.filter(pk=person_hash(person.number)).delete()

    def knows(self, id_number: str, name: str) -> None:
        """Somebody insured who has no card."""
        from central.keys import person_hash
        from central.models import RegisteredPerson

        RegisteredPerson.objects.update_or_create(
            person=person_hash(id_number), defaults={"name": name, "card_state": ""}
        )

    def register(self, person: Person, **facts: Any) -> None:
        """The registry says more of them."""
        self.register_number(person.number, **facts)

    def register_number(self, id_number: str, **facts: Any) -> None:
        from central.keys import person_hash
        from central.models import RegisteredPerson

        RegisteredPerson.objects.filter(pk=person_hash(id_number)).update(**facts)

    def row(self, person: Person) -> Any:
        """What the registry has of them."""
        from central.keys import person_hash
        from central.models import RegisteredPerson

        return RegisteredPerson.objects.get(pk=person_hash(person.number))

    def card(self, person: Person) -> str:
        return self.card_of(person.number)

    def card_of(self, id_number: str) -> str:
        from central.keys import person_hash
        from central.models import RegisteredPerson

        return str(RegisteredPerson.objects.get(pk=person_hash(id_number)).card_state)

    def set_card(self, person: Person, state: str) -> None:
        from central.keys import person_hash
        from central.models import RegisteredPerson

        RegisteredPerson.objects.filter(pk=person_hash(person.number)).update(card_state=state)

    def file(self, kind: str, document: dict[str, Any], minute: int, **more: Any) -> ItemAnswer:
        """What `seal` makes, arriving now."""
        return self.receive(self.seal(kind, document, minute, **more))[0]

    def receive(self, *envelopes: Envelope) -> list[ItemAnswer]:
        """They arrive together."""
        from central.intake import receive

        return receive(self._terminal, envelopes).answers

    def seal(
        self,
        kind: str,
        document: dict[str, Any],
        minute: int,
        level: str = "P3",
        reasons: tuple[str, ...] = (),
        comparison: dict[str, str] | None = MATCH,
        staff: dict[str, str] | None = None,
        pictures: dict[str, bytes] | None = None,
        seen_s: float = 5.0,
        consents: tuple[str, ...] = (),
        header_says: dict[str, Any] | None = None,
        contents_say: dict[str, Any] | None = None,
    ) -> Envelope:
        """One transaction made `minute` minutes after nine. `seen_s`: so long before the signature
        it was seen who stands there; `consents`: texts that were agreed to; `…say`: what else."""
        self._seq += 1
        created = MORNING + timedelta(minutes=minute)
        usual: dict[str, Any] = {
            "id": str(uuid7()),
            "terminal": self._terminal.number,
            "seq": self._seq,
            "receipt_no": f"{self._terminal.number}261124{self._seq:05d}",
            "kind": kind,
            "created": created.isoformat(timespec="milliseconds"),
            "urgent": False,
            "key_id": self._sealer.key_id,
            "algorithm": self._sealer.algorithm,
        }
        header = EnvelopeHeader(**(usual | (header_says or {})))
        contents = contents_of(header, document, pictures or {})
        contents["consents"] += [{**contents["consents"][0], "text_id": text} for text in consents]
        signed = contents.get("signature")
        done = datetime.fromisoformat(signed["signed_at"]) if signed else created
        at = (done - timedelta(seconds=seen_s)).isoformat()
        contents["proof"] = {"level": level, "at": at, "reasons": list(reasons)}
        contents["proof"] |= {"comparison": comparison, "staff": staff}
        contents |= contents_say or {}
        return Envelope.of(header.as_wire(), self._sealer.seal(header, contents))

    def lost(self, person: Person, minute: int, loss: str = "temporary", **more: Any) -> ItemAnswer:
        return self.file("loss_report", loss_of(person, loss), minute, **more)

    def found(self, person: Person, minute: int, **more: Any) -> ItemAnswer:
        return self.file("loss_withdrawal", withdrawal_of(person), minute, **more)

    def applied(self, person: Person, minute: int, **more: Any) -> ItemAnswer:
        """A first application with a portrait of the chip."""
        pictures = {"photo": jpeg(), "signature": png(), "portrait_wlt": person.number.encode()}
        form = form_of(person, pictures["photo"])
        return self.file("first_application", form, minute, pictures=pictures, **more)

    def replaced(
        self,
        person: Person,
        minute: int,
        *,
        photo: bytes | None = NEW_PHOTO,
        late_s: int = 10,
        consents: tuple[str, ...] = POINTS,
        document: dict[str, Any] | None = None,
        **more: Any,
    ) -> ItemAnswer:
        """A replacement (补换卡), arriving `late_s` seconds after it was made. `photo`: None, it is
        not sent; `document`: what it says otherwise."""
        form = replacement_of(person, photo or NEW_PHOTO) | (document or {})
        pictures = {"signature": png()} | ({"photo": photo} if photo else {})
        if form["booking"]:
            pictures, consents = {}, ()
        arrives = MORNING + timedelta(minutes=minute, seconds=late_s)
        with time_machine.travel(arrives, tick=False):
            return self.file(
                "card_replacement", form, minute, pictures=pictures, consents=consents, **more
            )

    def move(self, answer: ItemAnswer, to: str) -> None:
        from central.machine import move

        move(answer.position, to, by="tester")

    def state(self, answer: ItemAnswer) -> str:
        from central.cases import Case

        return Case.objects.get(pk=answer.position).state
