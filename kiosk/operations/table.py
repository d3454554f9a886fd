"""Which function answers which prompt. Imported when the first operation begins, or on a worker
before that: together they need much that the first page does not.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from kiosk.operations.camera import take_photo
from kiosk.operations.card_pin import run_script, use_pin
from kiosk.operations.cards import place_id_card, read_card
from kiosk.operations.central import ask_central
from kiosk.operations.outbox import await_verdict, find_mine, submit
from kiosk.operations.pages import take_page
from kiosk.operations.printer import print_slip
from kiosk.operations.scanner import scan_card
from kiosk.operations.verifier import compare_faces
from kiosk.visit import prompts

if TYPE_CHECKING:
    from kiosk.operations.work import Work
    from kiosk.visit.flow import Prompt

#: Prompt -> how it is answered. `tests/flows` checks that none is missing.
OPERATIONS: dict[type[Prompt[Any]], Callable[[Any, Any, Work], Any]] = {
    prompts.PlaceIdCard: place_id_card,
    prompts.ReadCard: read_card,
    prompts.ScanCard: scan_card,
    prompts.UsePin: use_pin,
    prompts.RunScript: run_script,
    prompts.TakePhoto: take_photo,
    prompts.TakePage: take_page,
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
