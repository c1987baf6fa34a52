"""Whether a galaxy is still its own nearest neighbor when its image is turned, moved, mirrored."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
from scipy.spatial.distance import cdist

from skerry.types import ByteArray, IntArray

Floats = npt.NDArray[np.float64]

N_VIEWS = 8
_BLOCK = 256


def views(pixels: ByteArray) -> Iterator[ByteArray]:
    """The four quarter turns of images (n, size, size, 3), and those of their mirror images."""
    for images in (pixels, pixels[:, :, ::-1]):
        for turns in range(4):
            yield np.ascontiguousarray(np.rot90(images, turns, (1, 2)))


def averaged(vectors: Sequence[Floats]) -> Floats:
    """Mean of unit vectors, brought to unit length: (n, d) each.

    Of an encoder whose vectors have no fixed length the plain mean is to be taken instead.
    """
    total = np.sum([unit(v) for v in vectors], axis=0)
    return unit(total)


def unit(vectors: Floats) -> Floats:
    """Vectors (n, d) at unit length; those of length 0 stay so."""
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.where(length > 0, length, 1.0))


def ranks(twins: Floats, originals: Floats, rows: IntArray) -> IntArray:
    """Place of each twin's original among all originals by distance, 1 the nearest: (m,).

    ``twins`` (m, d) are changed images of ``originals[rows]``. Others as near as the original
    come before it, so that vectors that are all alike score nothing.
    """
    out = []
    for start in range(0, len(twins), _BLOCK):
        part = slice(start, start + _BLOCK)
        distance = cdist(twins[part], originals, "sqeuclidean")
        own = np.take_along_axis(distance, rows[part, None], 1)
        out.append((distance <= own).sum(1))
    return np.concatenate(out).astype(np.int64)
