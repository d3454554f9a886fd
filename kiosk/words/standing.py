"""Facts that are the same in every sentence of one terminal.

| fact        | e.g.                        | decided by                         |
|-------------|-----------------------------|------------------------------------|
| hotline     | 0315-…                      | the policy pack                    |
| adult       | 16                          | the policy pack, ages.adult        |
| bank_phones | 中国银行 95566, a bank a line | the policy pack, banks.*.phone     |
| at_<place>  | 合作银行的社保卡网点          | the policy pack, places.<place>    |
| window      | 社会保障卡业务窗口            | settings, hall.window              |
| put_id      | 平放在身份证感应区            | settings, devices.id_reader_place  |
| put_card    | 插进卡槽，金色芯片朝上、朝前  | settings, devices.card_place       |

So a sentence never says "lay it flat" before a reader that stands upright (domain R-K11).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from kiosk.policy import Name

if TYPE_CHECKING:
    from kiosk.policy import Policy
    from kiosk.settings import Settings

#: The facts of a terminal with the usual devices; the others come from the policy.
USUAL: Mapping[str, object] = {
    "window": Name("社会保障卡业务窗口", "social security card window"),
    "put_id": "reader.id.flat",
    "put_card": "reader.card.slot",
}


def facts_of(policy: Policy) -> dict[str, object]:
    """What the policy pack decides."""
    places = {f"at_{place}": found.name for place, found in policy.places.items()}
    return {
        "hotline": policy.hotline,
        "adult": policy.ages.adult,
        "bank_phones": _phones(policy),
        **places,
    }


def _phones(policy: Policy) -> Name:
    """Every bank's telephone, one a line, in their neutral order (domain R-F8)."""
    banks = [bank for bank in policy.banks if bank.phone]
    return Name(
        "\n".join(f"{bank.name} {bank.phone}" for bank in banks),
        "\n".join(f"{bank.name.english} {bank.phone}" for bank in banks),
    )


def standing_facts(settings: Settings) -> dict[str, object]:
    """What the settings decide."""
    hall, devices = settings.hall, settings.devices
    return {
        "window": Name(hall.window, hall.window_english),
        "put_id": f"reader.id.{devices.id_reader_place}",
        "put_card": f"reader.card.{devices.card_place}",
    }
