"""Receipts on paper."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kiosk.receipts import compose

if TYPE_CHECKING:
    from hardware.printer import ReceiptPrinter
    from kiosk.operations.work import Work
    from kiosk.visit import prompts


def print_slip(prompt: prompts.Print, printer: ReceiptPrinter, work: Work) -> None:
    """Print a receipt, whole or not at all."""
    receipt = compose(prompt.slip, work.letterhead(), work.parts.words, work.now())
    printer.print(receipt, prompt.action)
