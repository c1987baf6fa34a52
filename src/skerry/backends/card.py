"""This machine's GPU: is there one that can be used, and which vectors are held on it."""

from __future__ import annotations

import contextlib
import importlib.util
import sys
import threading
import weakref
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from skerry.errors import ConfigError

if TYPE_CHECKING:
    import numpy.typing as npt

    from skerry.backends.cuda import Neighbors
    from skerry.types import FloatArray, IntArray

DEVICE = "cuda"

_STEP_BYTES = 2**28
_INSTALL = "pip install 'skerry[gpu]' on a machine with an NVIDIA GPU"


def lacking(*packages: str) -> str:
    """Why the GPU cannot be used: a package is missing, or torch finds none; "" where it can."""
    absent = [name for name in ("torch", *packages) if importlib.util.find_spec(name) is None]
    if absent:
        return f"{' and '.join(absent)} {'is' if len(absent) == 1 else 'are'} not installed"
    import torch

    if torch.cuda.is_available():
        return ""
    built = "" if torch.version.cuda else ", which was built without CUDA,"
    return f"torch {torch.__version__}{built} finds no GPU"


def require(setting: str, *packages: str) -> None:
    """That the GPU can be used, as a ``setting`` asks.

    Raises
    ------
    ConfigError
        It cannot: says why and what to install.
    """
    why = lacking(*packages)
    if why:
        raise ConfigError(
            f"{setting} asks for a GPU, but {why}; {_INSTALL}, or set the device to cpu, which "
            "encodes more slowly and looks for the neighbors of many sources by an index"
        )


def name() -> str:
    """What the GPU calls itself, as ``NVIDIA H100 80GB HBM3``."""
    import torch

    return str(torch.cuda.get_device_name()) if DEVICE == "cuda" else DEVICE


class Held:
    """Some vectors (n, d) float32, on the GPU while there is room for them.

    Searches run side by side, each with vectors of its own: one at a time uses the GPU, and who
    asked longest ago makes room for the next.

    Raises
    ------
    ConfigError
        The vectors are more than the whole GPU holds.
    """

    def __init__(self, vectors: FloatArray) -> None:
        self.vectors = vectors
        self.needed = _needed(*vectors.shape)
        if self.needed > _whole():
            raise self._too_many(f"it has {_whole() / 1e9:.3g} GB")

    def nearest(self, rows: IntArray, k: int) -> tuple[IntArray, FloatArray]:
        """The k nearest of some rows, as ``cuda.Neighbors.nearest`` has it."""
        with _LOCK:
            return self._placed().nearest(rows, k)

    def norms(self) -> FloatArray:
        """The norms (n,) of the vectors less what ``nearest`` takes for their center."""
        import torch

        found = np.empty(len(self.vectors), dtype=np.float32)
        with _LOCK:
            held = self._placed()
            step = max(1, _STEP_BYTES // (8 * self.vectors.shape[1]))
            for start in range(0, len(found), step):
                part = held.vectors[start : start + step].double() - held.center.double()
                norms = torch.linalg.vector_norm(part, dim=1).float()
                found[start : start + step] = norms.cpu().numpy()
        return found

    def in_order(
        self, rows: IntArray, candidates: IntArray, k: int
    ) -> tuple[IntArray, FloatArray, npt.NDArray[np.bool_]]:
        """The k nearest of each row's candidates (m, c), itself left out, by float64 differences.

        Of equal distances the smaller index comes first.

        Returns
        -------
        indices : int64 (m, k)
        distances : float32 (m, k)
        certain : bool (m,)
            Whether no other order of summation could round any distance to another float32.
        """
        indices = np.empty((len(rows), k), dtype=np.int64)
        distances = np.empty((len(rows), k), dtype=np.float32)
        certain = np.empty(len(rows), dtype=bool)
        with _LOCK:
            vectors = self._placed().vectors
            step = max(1, _STEP_BYTES // (8 * candidates.shape[1] * vectors.shape[1]))
            for start in range(0, len(rows), step):
                part = slice(start, start + step)
                found = _in_order(vectors, rows[part], candidates[part], k)
                indices[part], distances[part], certain[part] = (f.cpu().numpy() for f in found)
        return indices, distances, certain

    def _placed(self) -> Neighbors:
        """The vectors on the GPU, brought there if they are not."""
        found = _HELD.pop(self, None)
        if found is None:
            for owner in list(_HELD):
                if self.needed > _free():
                    _HELD.pop(owner, None)
            if self.needed > _free():
                raise self._too_many(f"{_free() / 1e9:.3g} GB of it are free")
            from skerry.backends.cuda import Neighbors

            found = Neighbors(self.vectors, device=DEVICE)
        _HELD[self] = found  # the last of all: asked most recently
        return found

    def _too_many(self, there: str) -> ConfigError:
        n, d = self.vectors.shape
        return ConfigError(
            f"{n} vectors of {d} columns need {self.needed / 1e9:.3g} GB of the GPU's memory, and "
            f"{there}; end what else runs there, use a larger one, or set neighbors.device to cpu"
        )


_HELD: weakref.WeakKeyDictionary[Held, Neighbors] = weakref.WeakKeyDictionary()
_LOCK = threading.Lock()


@contextlib.contextmanager
def alone() -> Iterator[None]:
    """The GPU for a library with memory of its own: nothing is searched or held there meanwhile."""
    with _LOCK:
        _HELD.clear()
        if "torch" in sys.modules:
            sys.modules["torch"].cuda.empty_cache()
        yield


def _needed(n: int, d: int) -> int:
    """Bytes that n vectors take on the GPU, in float32 and float16, and one block's search."""
    width = max(16, 1 << (d - 1).bit_length())
    return n * (4 * d + 2 * width + 64) + 12 * min(1024 * n, 2**29)


def _whole() -> int:
    import torch

    return int(torch.cuda.get_device_properties(0).total_memory) if DEVICE == "cuda" else 2**62


def _free() -> int:
    """Bytes that no one holds: torch keeps for itself what it was given once."""
    import torch

    if DEVICE != "cuda":
        return 2**62
    kept = torch.cuda.memory_reserved() - torch.cuda.memory_allocated()
    return int(torch.cuda.mem_get_info()[0] + kept)


def _in_order(vectors: Any, rows: IntArray, candidates: IntArray, k: int) -> tuple[Any, Any, Any]:
    """One block of :meth:`Held.in_order`, as tensors.

    Sums of d squares in float64 differ by their order by less than d 2^-52 of themselves: where a
    little less and a little more round to the same float32, so does every such sum.
    """
    import torch

    at = torch.as_tensor(rows, device=vectors.device)
    near = torch.as_tensor(candidates, device=vectors.device).sort(dim=1).values
    difference = vectors[near].double() - vectors[at].double()[:, None]
    exact = difference.square_().sum(dim=2).sqrt()
    doubt = (vectors.shape[1] + 8) * 2.0**-52
    certain = ((exact * (1 - doubt)).float() == (exact * (1 + doubt)).float()).all(dim=1)
    distances = exact.float().masked_fill(near == at[:, None], float("inf"))
    # candidates ascend, so that a stable order keeps the smaller of equals first
    distances, place = distances.sort(dim=1, stable=True)
    return near.gather(1, place[:, :k]), distances[:, :k], certain
