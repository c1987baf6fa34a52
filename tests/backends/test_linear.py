from __future__ import annotations

import numpy as np

from skerry.backends import linear


def test_principal_axes_are_those_of_the_covariance() -> None:
    rng = np.random.default_rng(4)
    x = 5 + rng.normal(size=(2000, 3)) * [1, 3, 9] @ np.linalg.qr(rng.normal(size=(3, 3)))[0]
    mean, axes = linear.principal_axes(x.astype(np.float32))
    assert mean.dtype == axes.dtype == np.float32
    np.testing.assert_allclose(mean, x.mean(axis=0), atol=1e-4)
    np.testing.assert_allclose(axes.T @ axes, np.eye(3), atol=1e-5)
    turned = np.cov(((x - x.mean(axis=0)) @ axes).T)
    np.testing.assert_allclose(turned, np.diag(np.diag(turned)), atol=1e-3)
    assert (np.diff(np.diag(turned)) > 0).all()
