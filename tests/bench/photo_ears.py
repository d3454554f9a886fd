"""`python -m tests.bench.photo_ears DIR`: fits the weighted sum of `kiosk.photo.ears` anew.

DIR is as for `tests.bench.photo_accuracy`; used are the pictures tagged `ears` or `ears_hidden`.
Each is looked at as it is and six times a little beside it, larger and smaller, because a mesh
errs. Each side of a face is one sample, and the hidden ones, which are fewer, weigh as much as all
others together. Printed are the sum as it stands in `kiosk/photo/ears.py`, and how well it tells
when it is fitted to one half of the people and tried on the other.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import numpy as np

from kiosk.photo import Photographer, ears
from tests.bench.photo_accuracy import auc, cases, picture_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tests.bench.photo_accuracy import Picture

    Numbers = NDArray[np.float64]

HIDDEN, SEEN = "ears_hidden", "ears"
#: Outwards and downwards, in widths of the face, and how much larger the face is taken for.
_BESIDE = (
    (0.0, 0.0, 1.0),
    *((0.02, 0.0, 1.0), (-0.02, 0.0, 1.0)),
    *((0.0, 0.05, 1.0), (0.0, -0.05, 1.0)),
    *((0.0, 0.0, 1.08), (0.0, 0.0, 0.93)),
)
#: Of the ridge regression: what keeps 120 weights small.
_RIDGE = 20.0


def samples(photographer: Photographer, picture: Picture) -> Numbers | None:
    """What the sum is made of: 7 x 2 x 120; None where no ears can be looked for."""
    given: list[tuple[Any, ...]] = []
    original = ears.features

    def noted(*arguments: Any) -> Any:
        given.append(arguments)
        return original(*arguments)

    with patch.object(ears, "features", noted):
        photographer.measure(picture)
    if not given:
        return None
    found = [original(*_beside(*given[0], *way)) for way in _BESIDE]
    return None if any(one is None for one in found) else np.array(found, np.float64)


def _beside(
    picture: Any, mesh: Any, head: Any, cheeks: Any, out: float, down: float, larger: float
) -> tuple[Any, Any, Any, Any]:
    moved = mesh.copy()
    left, right = ears._CHEEKS
    moved[left, 0] += out * head.face_width
    moved[right, 0] -= out * head.face_width
    moved[[left, right], 1] += down * head.face_width
    return picture, moved, replace(head, face_width=head.face_width * larger), cheeks


def fitted(found: Numbers, hidden: NDArray[np.bool_]) -> tuple[Numbers, float]:
    """Weights and bias. `found`: faces x 7 x 2 x 120; `hidden`: one for each face."""
    wanted = np.repeat(np.where(hidden, 1.0, -1.0), found.shape[1] * found.shape[2])
    numbers = found.reshape(-1, found.shape[-1])
    weight = np.where(wanted > 0, (wanted < 0).sum() / (wanted > 0).sum(), 1.0)
    middle = numbers.mean(axis=0)
    numbers = numbers - middle
    usual = float(np.average(wanted, weights=weight))
    weighed = (numbers * weight[:, None]).T
    ridge = _RIDGE * np.eye(numbers.shape[1])
    weights = np.linalg.solve(weighed @ numbers + ridge, weighed @ (wanted - usual))
    return weights, usual - float(middle @ weights)


def told(found: Numbers, weights: Numbers, bias: float) -> Numbers:
    """As `kiosk.photo.ears.hidden` has it, of each face as it is."""
    return np.asarray((found[:, 0] @ weights).mean(axis=1) + bias, np.float64)


def main(arguments: Sequence[str]) -> int:
    folder = Path(arguments[0])
    photographer = Photographer()
    rows = [case for case in cases(folder) if case.tags & {HIDDEN, SEEN}]
    pictures = [(case, picture_of(folder / case.file)) for case in rows]
    looked = [(case, samples(photographer, rgb)) for case, rgb in pictures if rgb is not None]
    used = [(case, one) for case, one in looked if one is not None]
    found = np.array([one for _, one in used])
    hidden = np.array([HIDDEN in case.tags for case, _ in used])
    half = np.array([case.half for case, _ in used])
    for tuned in (0, 1):
        weights, bias = fitted(found[half == tuned], hidden[half == tuned])
        other, truth = told(found[half != tuned], weights, bias), hidden[half != tuned]
        print(f"half to half: AUC {auc(list(other[truth]), list(other[~truth])):.3f}")
    weights, bias = fitted(found, hidden)
    print(f"{len(used)} faces, {hidden.sum()} hidden; _BIAS = {bias:.3f}; _WEIGHTS =")
    for row in weights.round(3).reshape(-1, 10).tolist():
        print(f"        {row},")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
