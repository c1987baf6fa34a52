"""Encoding shards in other processes, here or on other machines: each opens the survey itself."""

from __future__ import annotations

import hashlib
import socket
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from skerry.config import SourcesConfig
from skerry.errors import EncoderError, InputError
from skerry.executors.executor import Executor
from skerry.represent.encode import encode
from skerry.represent.encoder import Encoder, load, shipped
from skerry.represent.placed import placed
from skerry.store.manifest import require_versions, versions
from skerry.survey import Place, Survey, open_survey
from skerry.types import Contract, Representations

_LIBRARIES = ("astropy", "numpy", "onnxruntime", "opencv-python-headless")
"""Those that vectors may depend on."""


@dataclass(frozen=True)
class Shard:
    """Rows of a survey, and the SHA-256 of their ids and places."""

    rows: range
    sha256: str


@dataclass(frozen=True)
class Task:
    """Encodes a shard wherever it is called.

    ``survey`` is the input's absolute path or its address, and ``fingerprint`` that of its
    content; ``encoder`` is an identifier whose file must have this ``sha256``. The survey and the
    encoder are opened once a process.
    """

    survey: Place
    sources: SourcesConfig
    fingerprint: str
    encoder: str
    sha256: str
    contract: Contract
    crop: float
    threads: int
    versions: Mapping[str, str]
    device: str = "cpu"

    def __call__(self, shard: Shard) -> Representations:
        """The shard's representations.

        Raises
        ------
        InputError
            The survey is not there, or has other sources than where the run was started.
        EncoderError
            The encoder is not there, or is another.
        RunError
            The libraries are of other versions.
        """
        require_versions(self.versions)
        survey = _survey(self.survey, self.sources, self.fingerprint)
        if sha256_of(survey, shard.rows) != shard.sha256:
            raise InputError(
                f"{self.survey} has other sources on {socket.gethostname()} than where the run was "
                "started; every machine must see the same input at the same path"
            )
        encoder = _encoder(self.encoder, self.sha256, self.device)
        [(_, part)] = encode(
            survey, encoder, [shard.rows], contract=self.contract, crop=self.crop,
            threads=self.threads,
        )  # fmt: skip
        return part


def encode_elsewhere(
    executor: Executor,
    survey: Survey,
    task: Task,
    shards: Sequence[range],
    *,
    on_event: Callable[[int], None] = lambda done: None,
) -> Generator[tuple[int, Representations]]:
    """As :func:`skerry.represent.encode.encode`, with each shard a task of ``executor``."""
    done = 0
    items = (Shard(rows, sha256_of(survey, rows)) for rows in shards)
    made = executor.map(task, items, gpus=int(task.device != "cpu"))
    for position, part in enumerate(made):
        done += len(shards[position])
        on_event(done)
        yield position, part


def task_of(
    survey: Survey,
    sources: SourcesConfig,
    fingerprint: str,
    identifier: str,
    encoder: Encoder,
    contract: Contract,
    crop: float,
    threads: int,
    device: str = "cpu",
) -> Task:
    """The task that encodes a survey's shards by this encoder, ``threads`` (0: one) each."""
    on_gpu = ("torch",) if device != "cpu" else ()
    ships = identifier == "default" or identifier in shipped()
    return Task(
        survey.path.resolve() if isinstance(survey.path, Path) else survey.path,
        sources,
        fingerprint,
        identifier if ships else str(Path(identifier).resolve()),
        encoder.sha256,
        contract,
        crop,
        threads or 1,
        versions((*_LIBRARIES, *on_gpu)),
        device,
    )


def sha256_of(survey: Survey, rows: range) -> str:
    """SHA-256, in hex, of the ids and places of some sources."""
    table = survey.sources.slice(rows.start, len(rows))
    text = repr([table[name].to_pylist() for name in ("id_str", "location")])
    return hashlib.sha256(text.encode()).hexdigest()


@lru_cache(maxsize=1)
def _survey(path: Place, config: SourcesConfig, fingerprint: str) -> Survey:
    # the fingerprint only tells one state of the input from another: to take it costs as much as
    # a look at every image
    try:
        return open_survey(path, config)
    except InputError as error:
        raise type(error)(
            f"on {socket.gethostname()}: {error}; every machine must see the input at the same path"
        ) from error


@lru_cache(maxsize=2)
def _encoder(identifier: str, sha256: str, device: str) -> Encoder:
    found = load(identifier)
    if found.sha256 != sha256:
        raise EncoderError(
            f"encoder {identifier} on {socket.gethostname()} has SHA-256 {found.sha256}, where the "
            f"run was started {sha256}: every machine must have the same file"
        )
    return placed(found, identifier, device)
