"""Receipts on paper."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from kiosk.receipts.layout import compose

if TYPE_CHECKING:
    from hardware.printer import ReceiptPrinter
    from kiosk.operations.work import Work
    from kiosk.visit import prompts


log = logging.getLogger(__name__)


def print_slip(prompt: prompts.Print, printer: ReceiptPrinter, work: Work) -> None:
    """Print a receipt, whole or not at all; a copy is counted once it is on paper."""
    receipt = compose(prompt.slip, work.letterhead(), work.parts.words, work.now())
    printer.print(receipt, prompt.action)
    if not prompt.again:
        return
    from sync.outbox import OutboxUnavailable

    try:
        work.parts.outbox.copied(prompt.again)
    except OutboxUnavailable as error:
        log.warning("a copy is not counted: %s", error.reason)
