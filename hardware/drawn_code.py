"""A QR code as a picture: for printers without a command for it, and for sheets."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.Image import Image


def drawn_code(data: str, module: int, border: int) -> Image:
    """Black on white, level M as the printers' own. `module`: its dots; `border`: modules."""
    import qrcode  # on the printer's thread, and rarely

    code = qrcode.QRCode(
        border=border, box_size=module, error_correction=qrcode.constants.ERROR_CORRECT_M
    )
    code.add_data(data)
    drawn: Image = code.make_image().get_image()
    return drawn
