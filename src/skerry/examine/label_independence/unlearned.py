"""Representations that learned nothing, to hold a learned one against: pixels, and convolutions
with random weights."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import threadpoolctl

from skerry.examine.subject import Images
from skerry.types import ByteArray, DoubleArray, FloatArray, IntArray

PIXELS, UNTRAINED = "pixel components", "untrained convolutions"
SIDE, PIXEL_SIDE = 64, 32
"""Sides in pixels of the images that the convolutions, and the pixel components, are given."""

_BATCH = 64
_FIRST, _SECOND = 32, 64


def unlearned(
    images: Images, ids: Sequence[str], dimensions: int, seed: int
) -> tuple[dict[str, DoubleArray], IntArray]:
    """Both representations, float64 (m, dimensions or fewer), of the sources whose image can be
    read; int64 (m,) are their places among ``ids``.

    Pixel components are the leading principal components of whole images, averaged to 32 x 32.
    The convolutions have two layers with ReLU (7 x 7 with stride 2, then 3 x 3), weights as they
    are before any training (He et al. 2015), and means over a 3 x 3 grid; their leading principal
    components are taken.
    """
    shown, kept = _shrunk(images, ids)
    if len(kept) < 2:
        return {}, kept
    small = shown.reshape(-1, PIXEL_SIDE, 2, PIXEL_SIDE, 2, 3).mean(axis=(2, 4))
    with threadpoolctl.threadpool_limits(1):
        return {
            PIXELS: components(small.reshape(len(small), -1) / 255, dimensions, seed),
            UNTRAINED: components(_convolved(shown, seed), dimensions, seed),
        }, kept


def components(values: npt.NDArray[np.floating], dimensions: int, seed: int) -> DoubleArray:
    """The leading principal components (n, dimensions or fewer) of columns (n, d)."""
    from sklearn.decomposition import PCA

    many = min(dimensions, *values.shape)
    pca = PCA(many, svd_solver="randomized", random_state=seed)
    return np.asarray(pca.fit_transform(values.astype(np.float64)))


def _shrunk(images: Images, ids: Sequence[str]) -> tuple[ByteArray, IntArray]:
    from PIL import Image

    found, kept = [], []
    for place, (_, pixels) in enumerate(images(ids)):
        if pixels is not None:
            image = Image.fromarray(np.ascontiguousarray(pixels))
            found.append(np.asarray(image.resize((SIDE, SIDE), Image.Resampling.BOX)))
            kept.append(place)
    shown = np.stack(found) if found else np.empty((0, SIDE, SIDE, 3), np.uint8)
    return shown, np.array(kept, np.int64)


def _convolved(shown: ByteArray, seed: int) -> FloatArray:
    rng = np.random.default_rng([seed, 1])
    first = rng.standard_normal((7 * 7 * 3, _FIRST)) * np.sqrt(2 / (7 * 7 * 3))
    second = rng.standard_normal((3 * 3 * _FIRST, _SECOND)) * np.sqrt(2 / (3 * 3 * _FIRST))
    mean, spread = shown.mean(), max(float(shown.std()), 1e-6)
    parts = []
    for start in range(0, len(shown), _BATCH):
        part = ((shown[start : start + _BATCH] - mean) / spread).astype(np.float32)
        seen = _pooled(_layer(part, first.astype(np.float32), 7, 2), 2)
        seen = _layer(seen, second.astype(np.float32), 3, 1)
        parts.append(_pooled(seen, seen.shape[1] // 3).reshape(len(part), -1))
    return np.concatenate(parts)


def _layer(images: FloatArray, weights: FloatArray, side: int, stride: int) -> FloatArray:
    windows = np.lib.stride_tricks.sliding_window_view(images, (side, side), axis=(1, 2))
    windows = windows[:, ::stride, ::stride]
    flat = windows.reshape(*windows.shape[:3], -1)
    return np.asarray(np.maximum(flat @ weights, 0))


def _pooled(images: FloatArray, side: int) -> FloatArray:
    """Means over squares of pixels; a rest at the edge is left out."""
    n, rows, columns, channels = images.shape
    r, c = rows // side, columns // side
    cut = images[:, : r * side, : c * side].reshape(n, r, side, c, side, channels)
    return np.asarray(cut.mean(axis=(2, 4)))
