"""Facts that are the same in every sentence of one terminal.

| fact       | e.g.                       | decided by                                     |
|------------|----------------------------|------------------------------------------------|
| hotline    | 12333                      | the policy pack (`Words.use`)                  |
| window     | 社会保障卡业务窗口            | settings, hall.window                          |
| put_id     | 平放在身份证感应区            | settings, devices.id_reader_place              |
| put_card   | 插进卡槽，金色芯片朝上、朝前   | settings, devices.card_place                   |

So a sentence never says "lay it flat" before a reader that stands upright (domain R-K11).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from kiosk.policy import Name

if TYPE_CHECKING:
    from kiosk.settings import Settings

#: The facts of a terminal with the usual devices; the hotline comes from the policy.
USUAL: Mapping[str, object] = {
    "window": Name("社会保障卡业务窗口", "social security card window"),
    "put_id": "reader.id.flat",
    "put_card": "reader.card.slot",
}


def standing_facts(settings: Settings) -> dict[str, object]:
    """What the settings decide."""
    hall, devices = settings.hall, settings.devices
    return {
        "window": Name(hall.window, hall.window_english),
        "put_id": f"reader.id.{devices.id_reader_place}",
        "put_card": f"reader.card.{devices.card_place}",
    }
