"""Equalizing: an encoder's directions brought closer to one spread, as the last step of its graph.

The leading principal components of a learned representation hold nearly all distance, so that
kinds which differ along weak directions drown. Dividing each by a power of its spread is known
from the retrieval of images (Jegou & Chum 2012, "Negative evidences and co-occurrences in image
retrieval: the benefit of PCA and whitening", ECCV 2012).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from skerry.errors import EncoderError
from skerry.represent.onnx_file import OUTPUT, read_graph, rename, set_dimensions, written

Doubles = npt.NDArray[np.float64]

POWER = 0.75
FLOOR = 1e-3

_BEFORE = "representation_before"
_CENTERED = "representation_centered"
_MEAN, _MATRIX = "equalizing_mean", "equalizing_matrix"


@dataclass(frozen=True)
class Equalization:
    """An affine map of vectors: ``(x - mean) @ matrix``.

    ``mean`` (d,) and ``matrix`` (d, dimensions), float64; ``power`` and ``floor`` as it was found
    with, from so many ``images``; ``structure`` the share of measured structure, if it has any.
    """

    mean: Doubles
    matrix: Doubles
    power: float
    floor: float
    images: int
    structure: float = 0.0

    def apply(self, vectors: npt.NDArray[np.floating[Any]]) -> Doubles:
        """Vectors (n, d), equalized, float64; not of unit length."""
        return np.asarray((vectors - self.mean) @ self.matrix, np.float64)


def equalization(
    vectors: npt.NDArray[np.floating[Any]], power: float = POWER, floor: float = FLOOR
) -> Equalization:
    """The map that divides each principal component by its standard deviation to a power.

    Variances are taken over their mean and ``floor`` is added, so that directions in which
    nothing varies are not blown up: a component of variance w is multiplied by
    ``(w / mean(w) + floor) ** (-power / 2)``. Power 0 only turns, 1 whitens.

    Components come by falling variance, the largest weight of each positive. Rows are summed in
    an order that their content gives, in float64 and on one thread: the same vectors give the
    same bytes in whatever order they come.

    Parameters
    ----------
    vectors
        Shape (n, d), n at least 2.

    Raises
    ------
    EncoderError
        Power is not between 0 and 1, floor is not above 0, or the vectors are too few, not
        finite, or all alike.
    """
    import threadpoolctl

    if not 0 <= power <= 1 or not 0 < floor < np.inf:
        raise EncoderError(
            f"equalizing got power {power} and floor {floor}; expected a power from 0 to 1 and a "
            "floor above 0"
        )
    n = len(vectors)
    if n < 2 or not np.isfinite(vectors).all():
        raise EncoderError(
            f"equalizing got {n} vectors, finite or not; expected at least 2, all finite: give "
            "it more images, and an encoder with whole weights"
        )
    rows = _ordered(vectors)
    with threadpoolctl.threadpool_limits(1):
        mean = rows.mean(0)
        rows -= mean
        values, directions = np.linalg.eigh(rows.T @ rows / n)
    values, directions = np.maximum(values[::-1], 0), directions[:, ::-1]
    if not values.mean() > 0:
        raise EncoderError(f"all {n} vectors to equalize by are alike; give images that differ")
    largest = np.abs(directions).argmax(0)
    signs = np.sign(directions[largest, np.arange(len(values))])
    scales = (values / values.mean() + floor) ** (-power / 2)
    return Equalization(mean, directions * signs * scales, power, floor, n)


def _ordered(vectors: npt.NDArray[np.floating[Any]]) -> Doubles:
    """A copy whose rows are in an order that their content gives."""
    rows = np.ascontiguousarray(vectors, np.float64)
    return rows[sorted(range(len(rows)), key=lambda row: rows[row].tobytes())]


@dataclass(frozen=True)
class Part:
    """So many ``columns`` of vectors, to be equalized by themselves with a ``power`` and brought
    to a ``share`` of the variance of what they are joined to."""

    columns: int
    share: float
    power: float


def joined(
    vectors: npt.NDArray[np.floating[Any]],
    parts: Sequence[Part],
    *,
    dimensions: int,
    floor: float = FLOOR,
) -> Equalization:
    """The map that joins parts of vectors, a network's first, to one representation.

    Each part is equalized by itself and brought to its share of the variance, and the leading
    principal components of all together are kept. Columns behind the parts are **traits**: each
    stays a dimension by itself, as it is. Something that is 0 for nearly every image has next to
    no variance, so that no principal component would keep it.

    Parameters
    ----------
    vectors
        Shape (n, columns of all parts + traits), n at least 2.
    dimensions
        Of the representation, traits among them.

    Raises
    ------
    EncoderError
        As :func:`equalization`, for any part; or columns, shares or dimensions do not go together.
    """
    widths = [part.columns for part in parts]
    traits = vectors.shape[1] - sum(widths)
    shares = [part.share for part in parts]
    if (
        min(widths, default=0) < 1
        or not 0 <= traits < dimensions <= vectors.shape[1]
        or min(shares) <= 0
        or not np.isclose(sum(shares), 1)
    ):
        raise EncoderError(
            f"joining got vectors of {vectors.shape[1]} columns, parts of {widths} with shares "
            f"{shares}, and {dimensions} dimensions; expected parts of at least one column whose "
            "shares add up to 1, and dimensions from more than the columns behind the parts to "
            "all columns"
        )
    import threadpoolctl

    rows = _ordered(vectors)
    mean, both, start = np.zeros(rows.shape[1]), np.zeros((rows.shape[1],) * 2), 0
    with threadpoolctl.threadpool_limits(1):
        for part in parts:
            own = slice(start, start := start + part.columns)
            found = equalization(rows[:, own], part.power, floor)
            by = _of_variance(found, rows[:, own], part.share)
            mean[own], both[own, own] = by.mean, by.matrix
        turned = equalization(((rows - mean) @ both)[:, :start], 0.0, floor)
    matrix = np.zeros((rows.shape[1], dimensions))
    kept = dimensions - traits
    matrix[:start, :kept] = both[:start, :start] @ turned.matrix[:, :kept]
    matrix[start:, kept:] = np.eye(traits)
    power, share = parts[0].power, 1 - parts[0].share
    return Equalization(mean, matrix, power, floor, len(vectors), round(share, 12))


def _of_variance(by: Equalization, vectors: Doubles, variance: float) -> Equalization:
    """An equalization after which the components' variances add up to so much."""
    found = by.apply(vectors).var(0).sum()
    return replace(by, matrix=by.matrix * np.sqrt(variance / found))


def equalized(data: bytes, by: Equalization) -> bytes:
    """An encoder's file whose vectors are equalized; its votes and its input stay as they are.

    ``Sub`` and ``MatMul`` with float32 weights are put behind what gave the representation, and
    the file says so: ``equalized`` with power, floor, the number of images and, where there is
    measured structure, its share.

    Raises
    ------
    EncoderError
        The file is no encoder of as many dimensions, or is equalized already.
    """
    from onnx import helper, numpy_helper

    model, stored = read_graph(data)
    if "equalized" in stored:
        raise EncoderError("the encoder is equalized already; give the file it was made from")
    output = next(o for o in model.graph.output if o.name == OUTPUT)
    found = output.type.tensor_type.shape.dim[1].dim_value
    if found != len(by.mean):
        raise EncoderError(
            f"the encoder has {found} dimensions and the equalization {len(by.mean)}; find it "
            "from vectors of this encoder"
        )
    rename(model.graph, OUTPUT, _BEFORE)
    set_dimensions(model.graph, lambda _: by.matrix.shape[1])
    for name, values in ((_MEAN, by.mean), (_MATRIX, by.matrix)):
        model.graph.initializer.append(numpy_helper.from_array(values.astype(np.float32), name))
    model.graph.node.extend(
        [
            helper.make_node("Sub", [_BEFORE, _MEAN], [_CENTERED], name="equalizing_center"),
            helper.make_node("MatMul", [_CENTERED, _MATRIX], [OUTPUT], name="equalizing_scale"),
        ]
    )
    said = {"power": by.power, "floor": by.floor, "images": by.images}
    if by.structure:
        said["structure"] = by.structure
    return written(model, {**stored, "equalized": said})


def unequalized(data: bytes) -> bytes:
    """The file that ``equalized`` was given, byte for byte; one that is not equalized as it is.

    Raises
    ------
    EncoderError
        The file is no encoder.
    """
    model, stored = read_graph(data)
    if "equalized" not in stored:
        return data
    graph = model.graph
    mean = next(w for w in graph.initializer if w.name == _MEAN)
    set_dimensions(graph, lambda _: int(mean.dims[0]))
    kept = [node for node in graph.node if not node.name.startswith("equalizing_")]
    weights = [w for w in graph.initializer if w.name not in (_MEAN, _MATRIX)]
    del graph.node[:], graph.initializer[:]
    graph.node.extend(kept)
    graph.initializer.extend(weights)
    rename(graph, _BEFORE, OUTPUT)
    return written(model, {k: v for k, v in stored.items() if k != "equalized"})
