"""Images made ready on processes of this machine, which write into memory that all share.

On threads decoding does not grow with the cores: each image takes Python's lock several times, and
handing it on costs more than what is done under it. An encoder on a GPU waits for decoding.
"""

from __future__ import annotations

import shutil
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import lru_cache
from multiprocessing.shared_memory import SharedMemory
from pathlib import Path

import numpy as np

from skerry.errors import RunError
from skerry.executors.processes import map_on_processes
from skerry.represent.ready import Batch, Ready, gathered, prepared_into
from skerry.types import ByteArray, Contract, Failure

_SLOT = 2**21
"""Bytes that a task fills at most."""
_SHARED = Path("/dev/shm")
"""Where Linux keeps shared memory. What does not fit there ends a process without an error."""


@dataclass(frozen=True)
class _Part:
    """Some images of a batch, and the slot of the shared memory for them."""

    slot: int
    raw: Sequence[bytes | Failure]
    location: Sequence[str]


@dataclass(frozen=True)
class _Decode:
    """The task: fills a part's slot, and tells of each image as ``prepared_into`` does."""

    memory: str
    images: int
    contract: Contract
    crop: float

    def __call__(self, part: _Part) -> list[int | str | Failure]:
        pixels = _slot(_attached(self.memory), part.slot, self.images, self.contract.size)
        return [
            prepared_into(pixels[i], raw, location, self.contract, self.crop)
            for i, (raw, location) in enumerate(zip(part.raw, part.location, strict=True))
        ]


def ready_on_processes(
    batches: Iterable[Batch], contract: Contract, crop: float, processes: int
) -> Iterator[Ready]:
    """Batches, none empty, made ready by ``processes`` processes: in order, the same as by
    ``made_ready``.

    Raises
    ------
    RunError
        A process was ended from outside, or there is too little shared memory.
    """
    slots = 2 * processes + 2  # as many as map_on_processes sends ahead, and the one taken
    images = _images_of(slots, contract.size)
    with _shared(slots * images * contract.size**2 * 3) as memory:
        free, waiting = deque(range(slots)), deque[tuple[Batch, _Part]]()

        def parts() -> Iterator[_Part]:
            for batch in batches:
                for start in range(0, len(batch.raw), images):
                    some = slice(start, start + images)
                    part = _Part(free.popleft(), batch.raw[some], batch.location[some])
                    waiting.append((batch, part))
                    yield part

        task = _Decode(memory.name, images, contract, crop)
        told: list[int | str | Failure] = []
        pixels = np.empty((0, contract.size, contract.size, 3), np.uint8)
        with closing(map_on_processes(task, parts(), processes)) as made:
            for found in made:
                batch, part = waiting.popleft()
                if not told:
                    pixels = np.empty((len(batch.raw), *pixels.shape[1:]), np.uint8)
                filled = _slot(memory, part.slot, images, contract.size)[: len(found)]
                pixels[len(told) : len(told) + len(found)] = filled
                del filled  # memory that is looked at cannot be let go of
                free.append(part.slot)
                told += found
                if len(told) == len(batch.raw):
                    yield gathered(batch, told, pixels)
                    told = []


def _images_of(slots: int, size: int) -> int:
    """How many images a slot holds, so that all slots fit the shared memory there is."""
    image = size**2 * 3
    room = shutil.disk_usage(_SHARED).free if _SHARED.is_dir() else slots * max(_SLOT, image)
    images = min(max(_SLOT // image, 1), room // (slots * image))
    if images < 1:
        raise RunError(
            f"{_SHARED} has {room / 1e6:.0f} MB free; decoding on {slots // 2 - 1} processes "
            f"takes {slots * image / 1e6:.0f} or more: use fewer threads, or give it more memory "
            "(docker run --shm-size)"
        )
    return images


@contextmanager
def _shared(size: int) -> Iterator[SharedMemory]:
    memory = SharedMemory(create=True, size=size)
    try:
        yield memory
    finally:
        _attached.cache_clear()
        memory.close()
        memory.unlink()


@lru_cache(maxsize=1)
def _attached(name: str) -> SharedMemory:
    return SharedMemory(name)


def _slot(memory: SharedMemory, slot: int, images: int, size: int) -> ByteArray:
    return np.ndarray(
        (images, size, size, 3), np.uint8, memory.buf, offset=slot * images * size * size * 3
    )
