"""The fit of the sum that tells hidden ears can be repeated from the tree."""

from __future__ import annotations

import numpy as np
import pytest

from hardware.virtual.portrait import frame
from kiosk.photo import Photographer, ears
from tests.bench.photo_ears import fitted, samples, told


def test_the_numbers_of_the_fit_are_those_of_the_product() -> None:
    photographer = Photographer()
    picture = frame("portrait")
    found = samples(photographer, picture)
    assert found is not None
    assert found.shape == (7, 2, ears._WEIGHTS.size)
    product = photographer.measure(picture).measures["person.ears"].value
    (ours,) = told(found[None], ears._WEIGHTS.astype(np.float64), ears._BIAS)
    assert ours == pytest.approx(product, abs=1e-4)
    assert samples(photographer, frame("nobody")) is None


def test_a_fit_tells_apart_what_can_be_told() -> None:
    chance = np.random.default_rng(3)
    hidden = np.arange(40) % 4 == 0
    found = chance.normal(0.0, 0.2, (40, 7, 2, 120))
    found[hidden, ..., 5] += 3.0
    weights, bias = fitted(found[:20], hidden[:20])
    assert np.argmax(weights) == 5
    assert ((told(found[20:], weights, bias) > 0) == hidden[20:]).all()
