"""How each prompt that a device or the network must answer is answered.

One function per prompt, named in `OPERATIONS`, in a file per performer. It runs on the worker of
the prompt's performer, gets the open device, and returns the answer or raises: `DeviceFault` for
what can happen, anything else for a bug. Heavy libraries are imported inside the functions, on the
worker, so that the screen is up before they are needed.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from kiosk.operations.camera import take_photo
from kiosk.operations.cards import place_id_card, read_card
from kiosk.operations.central import ask_central
from kiosk.operations.outbox import await_verdict, find_mine, submit
from kiosk.operations.printer import print_slip
from kiosk.operations.verifier import compare_faces
from kiosk.visit import prompts

if TYPE_CHECKING:
    from kiosk.operations.work import Work
    from kiosk.parts import Parts
    from kiosk.policy import Policy
    from kiosk.visit.flow import Prompt

log = logging.getLogger(__name__)

#: Prompt -> how it is answered. `tests/flows` checks that none is missing.
OPERATIONS: dict[type[Prompt[Any]], Callable[[Any, Any, Work], Any]] = {
    prompts.PlaceIdCard: place_id_card,
    prompts.ReadCard: read_card,
    prompts.TakePhoto: take_photo,
    prompts.CompareFaces: compare_faces,
    prompts.AskCentral: ask_central,
    prompts.Submit: submit,
    prompts.AwaitVerdict: await_verdict,
    prompts.FindMine: find_mine,
    prompts.Print: print_slip,
}


def perform(prompt: Prompt[Any], device: Any, work: Work) -> Any:
    """Answer a prompt with its open device; called on the device's worker."""
    return OPERATIONS[type(prompt)](prompt, device, work)


def load_ahead(parts: Parts) -> None:
    """Import and prepare what operations need, on a worker, while nobody waits."""
    import kiosk.records.transaction  # noqa: F401

    if parts.sealer is not None:
        parts.sealer()
    if parts.central is not None:
        parts.central.warm_up()


def load_for_visit(policy: Policy) -> None:
    """Load what only visits need and takes memory: the dictionary of the Chinese keyboard."""
    from kiosk.keyboard import pinyin

    try:
        pinyin.load(policy.place_words)
    except pinyin.NoDictionary as missing:
        log.warning("no Chinese keyboard: %s", missing)
