from __future__ import annotations

import numpy as np
import pytest

from skerry.represent.dimensions import effective_dimensions


def test_effective_dimensions_of_known_shapes() -> None:
    cross = np.concatenate([np.eye(7), -np.eye(7)])
    assert effective_dimensions(cross) == pytest.approx(7)
    assert effective_dimensions(cross[:, :1] * np.ones(7)) == pytest.approx(1)
    assert effective_dimensions(5 + cross * [2, 1, 0, 0, 0, 0, 0]) == pytest.approx(25 / 17)


def test_vectors_that_do_not_vary_have_no_dimensions(recwarn: pytest.WarningsRecorder) -> None:
    assert np.isnan(effective_dimensions(np.ones((1, 4))))
    assert np.isnan(effective_dimensions(np.ones((3, 4))))
    assert not recwarn.list
