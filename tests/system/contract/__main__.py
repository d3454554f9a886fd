"""`python -m tests.system.contract`: records every message of today's code under its version.

For a version that is not released yet; what is released stays as it was recorded.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from sync.contract import CONTRACT
from tests.system.contract import samples
from tests.system.contract.shapes import shape

RECORDED = Path(__file__).parent / "recorded"


def main() -> int:
    folder = RECORDED / str(CONTRACT)
    for side, messages in (("requests", samples.requests()), ("answers", samples.answers())):
        (folder / side).mkdir(parents=True, exist_ok=True)
        for name, message in messages:
            file = folder / side / f"{name}.json"
            file.write_text(message.model_dump_json() + "\n", encoding="utf-8")
    text = json.dumps(shape(), ensure_ascii=False, indent=1, sort_keys=True)
    (folder / "schema.json").write_text(text + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
