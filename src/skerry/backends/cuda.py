"""Exact nearest neighbors on a GPU, by torch and Triton. Imported when first used."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from skerry.types import FloatArray, IntArray

_SPARE = 8
"""Groups, or rounded squares, looked at beyond the k nearest, for what rounding misplaces."""

_WIDEST = 256
"""Columns of the widest vectors of which two tiles fit a multiprocessor's shared memory."""

_MAXIMA_BYTES = 6 * 2**30
_EPS = 2.0**-23


@dataclass(frozen=True)
class Tiles:
    """How the product is cut: a program takes ``rows`` x ``columns``, ``depth`` times."""

    rows: int = 128
    columns: int = 64
    depth: int = 64
    warps: int = 8
    stages: int = 3


def nearest(
    vectors: FloatArray, queries: FloatArray | IntArray, k: int, *, device: str = "cuda"
) -> tuple[IntArray, FloatArray]:
    """The k of ``vectors`` (n, d) nearest to each query, all of them compared, on a GPU.

    What ``cpu.nearest`` returns; for several calls with the same vectors see :class:`Neighbors`.

    Parameters
    ----------
    vectors : float32 (n, d), finite
    queries : float32 (m, d), or int64 (m,), rows of ``vectors``
    device : "cuda", or "cpu" for the same result from plain torch

    Returns
    -------
    indices : int64 (m, k), nearest first
    squares : float32 (m, k), squared distances by differences. No vector left out has one below
        the last by more than ``d eps (|x| + |y|)^2``, the rounding of a float32 product of
        vectors less their mean.

    Raises
    ------
    ValueError
        There are fewer than k vectors, or the queries are neither vectors nor rows.
    """
    return Neighbors(vectors, device=device).nearest(queries, k)


class Neighbors:
    """Vectors on a device, looked through as often as wanted.

    On a GPU the product with all vectors is taken in float16 and reduced as it is made to its
    maxima in groups; only the groups that hold the nearest are looked at in float32. A bound of
    the rounding, row by row, proves that no nearer vector is in another group; ``recomputed``
    counts the rows of which it could not, that were compared in float32 with all.
    ``plain`` says why plain torch compares in float32 instead, and is "" where it does not.
    """

    def __init__(
        self, vectors: FloatArray | Any, *, device: str = "cuda", tiles: Tiles | None = None
    ) -> None:
        import torch

        self.vectors = torch.as_tensor(vectors, dtype=torch.float32, device=device).contiguous()
        self.center = self.vectors.mean(dim=0)
        self.recomputed = 0
        self.plain = ""
        self._halved: _Halved | None = None
        if tiles is None and self.vectors.device.type != "cuda":
            self.plain = f"device {self.vectors.device.type}"
        elif _width(self.vectors.shape[1]) > _WIDEST:
            self.plain = f"{self.vectors.shape[1]} columns, more than {_WIDEST}"
        else:
            self._halve(tiles or Tiles())

    def nearest(self, queries: FloatArray | IntArray | Any, k: int) -> tuple[IntArray, FloatArray]:
        """As :func:`nearest`, of which this is one call."""
        import torch

        n, d = self.vectors.shape
        if not 1 <= k <= n:
            raise ValueError(f"k = {k} of {n} vectors; expected 1 to {n}")
        queries = torch.as_tensor(queries)
        if queries.ndim != 1 and (queries.ndim != 2 or queries.shape[1] != d):
            raise ValueError(f"queries {tuple(queries.shape)}; expected rows (m,) or (m, {d})")
        indices = np.empty((len(queries), k), dtype=np.int64)
        squares = np.empty((len(queries), k), dtype=np.float32)
        doubtful = torch.arange(len(queries))
        if self._halved and self._halved.n_groups > 4 * (k + _SPARE):
            uncertain = []
            for rows in doubtful.split(self._halved.block(k)):
                x = self._vectors_of(queries[rows[0] : rows[-1] + 1])
                found, square, certain = self._halved.search(self.vectors, x, k)
                indices[rows], squares[rows] = found.cpu().numpy(), square.cpu().numpy()
                uncertain.append(rows[~certain.cpu()])
            doubtful = torch.cat(uncertain) if uncertain else doubtful
            self.recomputed += len(doubtful)
        for start in range(0, len(doubtful), 1024):
            rows = doubtful[start : start + 1024]
            found, square = self._by_product(self._vectors_of(queries[rows]), k)
            indices[rows], squares[rows] = found.cpu().numpy(), square.cpu().numpy()
        return indices, squares

    def _vectors_of(self, queries: Any) -> Any:
        import torch

        queries = queries.to(self.vectors.device)
        chosen = self.vectors[queries] if queries.ndim == 1 else queries.to(torch.float32)
        return chosen.contiguous()

    def _halve(self, tiles: Tiles) -> None:
        """Make ready for the search by groups and try it once: Triton compiles when first used."""
        import torch

        try:
            from skerry.backends import cuda_kernels

            self._halved = _halved(self.vectors, self.center, tiles, cuda_kernels)
            if self._halved.n_groups > 4 * (1 + _SPARE):
                self._halved.search(self.vectors, self.vectors[:1], 1)
                if self.vectors.device.type == "cuda":
                    torch.cuda.synchronize(self.vectors.device)
        except Exception as error:
            self._halved = None
            self.plain = f"{type(error).__name__}: {error}"
            warnings.warn(
                f"the Triton kernels do not run here ({self.plain}); plain torch compares in "
                "float32 instead: the same neighbors, many times slower",
                RuntimeWarning,
                stacklevel=3,
            )

    def _by_product(self, x: Any, k: int) -> tuple[Any, Any]:
        """The k nearest of x (m, d) float32, from a float32 product with all vectors."""
        import torch

        n = len(self.vectors)
        kept = min(k + _SPARE, n)
        elements = 2**29 if x.device.type == "cuda" else 2**24
        step = max(kept, min(2**21, elements // len(x)))
        centered = x - self.center
        halves = torch.empty((len(x), 0), device=x.device)
        near = torch.empty((len(x), 0), dtype=torch.int64, device=x.device)
        for start in range(0, n, step):
            y = self.vectors[start : start + step] - self.center
            # |x - y|^2 / 2 less |x|^2 / 2, which orders the same
            half = _product_from((y * y).sum(dim=1) / 2, centered, y)
            half, column = half.topk(min(kept, len(y)), largest=False)
            halves, near = torch.cat([halves, half], 1), torch.cat([near, column + start], 1)
            halves, best = halves.topk(min(kept, halves.shape[1]), largest=False)
            near = near.gather(1, best)
        square = (self.vectors[near] - x[:, None]).square().sum(dim=2)
        square, best = square.topk(k, largest=False)
        return near.gather(1, best), square


def _product_from(halves: Any, x: Any, y: Any) -> Any:
    """``halves - x y'`` in whole float32: TF32 keeps but 10 bits."""
    import torch

    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("highest")
    try:
        return torch.addmm(halves, x, y.T, alpha=-1)
    finally:
        torch.set_float32_matmul_precision(before)


@dataclass(frozen=True)
class _Halved:
    """Vectors less their center and times ``scale``, in float16, with what rounding did to them.

    Attributes
    ----------
    vectors : float16 (n_padded, D), rows and columns of zeros added
    halves : float32 (n_padded,), |y|^2 / 2 of the float16 vectors, infinite for rows added
    norms : float64 (n,), of the vectors before rounding, ascending
    worst : float64 (n,), the largest |y - rounded y| of all up to each of ``norms``
    """

    vectors: Any
    halves: Any
    norms: Any
    worst: Any
    center: Any
    scale: float
    tiles: Tiles
    kernels: Any

    @property
    def n_chunks(self) -> int:
        return len(self.vectors) // (self.tiles.depth * self.tiles.columns)

    @property
    def n_groups(self) -> int:
        """Those that are sure to hold a vector."""
        last = len(self.norms) - (self.n_chunks - 1) * self.tiles.depth * self.tiles.columns
        return (self.n_chunks - 1) * self.tiles.columns + min(last, self.tiles.columns)

    def block(self, k: int) -> int:
        """Queries whose maxima fit in memory: whole tiles."""
        import torch

        room = _MAXIMA_BYTES
        if self.vectors.device.type == "cuda":
            room = min(room, torch.cuda.mem_get_info(self.vectors.device)[0] // 4)
        tiles, groups = self.tiles, k + _SPARE + 1
        wide = self.n_chunks * tiles.columns
        looked = min(groups, self.n_chunks) * tiles.columns + 2 * groups * tiles.depth
        fits = room // (4 * (wide + 2 * looked))
        return int(min(2**15, max(1, fits // tiles.rows) * tiles.rows))

    def search(self, vectors: Any, x: Any, k: int) -> tuple[Any, Any, Any]:
        """The k nearest of x (m, d), their squares, and of which rows that is certain."""
        import torch

        tiles, m = self.tiles, len(x)
        half, square, norm, rounding = _rounded(x, self.center, self.scale, self.vectors.shape[1])
        padded = math.ceil(m / tiles.rows) * tiles.rows
        half = torch.nn.functional.pad(half, (0, 0, 0, padded - m))
        shape = padded, self.n_chunks, tiles.columns
        grouped = torch.empty(shape, dtype=torch.float32, device=x.device)
        chunked = torch.empty(shape[:2], dtype=torch.float32, device=x.device)
        self.kernels.group_maxima(half, self.vectors, self.halves, grouped, chunked, tiles)
        groups, beyond = _best_groups(grouped[:m], chunked[:m], k + _SPARE)
        del grouped, chunked
        squares = torch.empty((*groups.shape, tiles.depth), dtype=torch.float32, device=x.device)
        self.kernels.squares_in_groups(x, vectors, groups, squares, tiles)
        squares, place = squares.flatten(1).topk(k, largest=False)
        group = groups.gather(1, place // tiles.depth).to(torch.int64)
        step, column = place % tiles.depth, group % tiles.columns
        index = (group // tiles.columns * tiles.depth + step) * tiles.columns + column
        certain = self._certain(square, norm, rounding, beyond, squares[:, -1], x.shape[1])
        return index, squares, certain

    def _certain(
        self, square: Any, norm: Any, rounding: Any, beyond: Any, last: Any, d: int
    ) -> Any:
        """Whether no vector in a group left out can be nearer than the last kept.

        One that is has a norm of at most ``reach``, the query's and the last distance, so that
        its own rounding is known, and the float16 vectors lie no farther apart than it and the
        query by more than the rounding of both. The product adds up at most d terms, each sum
        rounded or cut off: tensor cores cut the terms of one step to a common exponent too (Fasi
        et al. 2021, PeerJ Computer Science 7:e330), with no more than eps of the largest each.
        """
        import torch

        kth = last.double().sqrt() * self.scale
        reach = norm + kth
        at = torch.searchsorted(self.norms, reach * (1 + 1e-6), right=True) - 1
        doubt = self.worst[at.clamp(min=0)]
        there = reach + doubt
        error = (2.5 * d + 16) * _EPS * square.sqrt() * there + 2 * _EPS * there**2
        apart = (square - 2 * beyond.double() - error).clamp(min=0).sqrt()
        least = (apart - rounding - doubt).clamp(min=0) ** 2
        # |y| is at least |x| less the last distance
        allowed = d * _EPS * torch.maximum(norm, 2 * norm - kth) ** 2
        return least >= kth**2 - allowed


def _best_groups(grouped: Any, chunked: Any, s: int) -> tuple[Any, Any]:
    """The s groups (m, s) int32 with the largest maxima, and the largest (m,) of all others.

    They are in the s + 1 chunks with the largest, as many maxima are in those and no smaller.
    """
    import torch

    m, n_chunks, columns = grouped.shape
    if n_chunks > s + 1:
        chunks = chunked.topk(s + 1, sorted=False).indices
        near = grouped.gather(1, chunks[:, :, None].expand(-1, -1, columns)).flatten(1)
    else:
        chunks = torch.arange(n_chunks, device=grouped.device).expand(m, -1)
        near = grouped.flatten(1)
    maxima, place = near.topk(s + 1)
    groups = chunks.gather(1, place // columns) * columns + place % columns
    return groups[:, :-1].to(torch.int32).contiguous(), maxima[:, -1]


def _halved(vectors: Any, center: Any, tiles: Tiles, kernels: Any) -> _Halved:
    import torch

    n, d = vectors.shape
    chunk = tiles.depth * tiles.columns
    padded, width = math.ceil(n / chunk) * chunk, _width(d)
    half = torch.zeros((padded, width), dtype=torch.float16, device=vectors.device)
    halves = torch.full((padded,), math.inf, dtype=torch.float32, device=vectors.device)
    norms, rounding = torch.empty((2, n), dtype=torch.float64, device=vectors.device)
    scale = _scale(vectors, center)
    for start in range(0, n, 2**18):
        part = slice(start, min(start + 2**18, n))
        rounded = _rounded(vectors[part], center, scale, width)
        half[part], square, norms[part], rounding[part] = rounded
        halves[part] = square / 2
    norms, order = norms.sort()
    worst = rounding[order].cummax(dim=0).values
    return _Halved(half, halves, norms, worst, center, scale, tiles, kernels)


def _rounded(x: Any, center: Any, scale: float, width: int) -> tuple[Any, Any, Any, Any]:
    """x (m, d) in float16 (m, width), its squared norms, those before, and what rounding moved."""
    import torch

    exact = (x.double() - center.double()) * scale
    half = exact.clamp(-60000, 60000).to(torch.float16)
    again = half.double()
    moved = torch.linalg.vector_norm(exact - again, dim=1)
    padded = torch.nn.functional.pad(half, (0, width - x.shape[1]))
    return padded, again.square().sum(dim=1), torch.linalg.vector_norm(exact, dim=1), moved


def _scale(vectors: Any, center: Any) -> float:
    """A power of two that brings a typical value near 1: float16 reaches from 6e-5 to 6e4."""
    import torch

    sample = vectors[:: max(1, len(vectors) // 2**16)].double() - center.double()
    norms = torch.linalg.vector_norm(sample, dim=1)
    typical = float(norms.median() or norms.max()) / math.sqrt(vectors.shape[1])
    return 2.0 ** -round(math.log2(typical)) if typical > 0 else 1.0


def _width(d: int) -> int:
    """Columns of the float16 vectors: the next power of two, 16 at least."""
    return max(16, 1 << (d - 1).bit_length())
