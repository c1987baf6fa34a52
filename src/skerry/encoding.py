"""The shards of a run's representations: which are there, and encoding those that are not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from skerry.adding.earlier import maker
from skerry.adding.joint import parts_of
from skerry.context import Context
from skerry.dependencies import outside_of
from skerry.errors import TooManyFailuresError
from skerry.executors.local import available_threads
from skerry.represent.elsewhere import encode_elsewhere, task_of
from skerry.represent.encode import encode, given
from skerry.represent.encoder import Encoder
from skerry.represent.placed import placed
from skerry.store import encoded, nouns
from skerry.survey import Survey
from skerry.types import Contract, Failure, Representations

_IMAGES_A_PROCESS = 2_000
"""Images that take a process about as long to decode as it takes to start."""


@dataclass(frozen=True)
class Shards:
    """All shards of a stage of a run, made under ``key`` by an encoder; None: given vectors."""

    context: Context
    stage: str
    key: str
    encoder: Encoder | None
    contract: Contract | None

    @cached_property
    def rows(self) -> list[range]:
        """The row numbers of each shard; none has sources of two inputs."""
        size, found, start = self.context.config.representations.shard_size, [], 0
        for part in parts_of(self.context.survey):
            stop = start + len(part)
            found += [range(i, min(i + size, stop)) for i in range(start, stop, size)]
            start = stop
        return found

    @cached_property
    def paths(self) -> list[Path]:
        """The file of each shard."""
        folder = self.context.path(self.stage)
        return [encoded.shard_path(folder, i) for i in range(len(self.rows))]

    def missing(self, wanted: range | None = None) -> list[int]:
        """Numbers of the shards, among all or those wanted, that are not there under the key."""
        among = range(len(self.rows)) if wanted is None else wanted
        return [i for i in among if nouns.part_key(self.paths[i]) != self.key]

    def outdated(self, missing: Sequence[int]) -> list[int]:
        """Which of the missing shards are there under another key."""
        return [i for i in missing if nouns.part_key(self.paths[i])]

    def encode(self, wanted: range | None = None) -> list[Failure]:
        """Encode what is missing of all shards or those wanted; the failures of all of these.

        Each shard is written whole or not at all: other processes may encode others meanwhile.

        Raises
        ------
        TooManyFailuresError
            More sources than the settings allow could not be read.
        """
        among = range(len(self.rows)) if wanted is None else wanted
        missing = self._not_brought(self.missing(among))
        kept = sorted(set(among) - set(missing))
        failures = [f for i in kept for f in encoded.shard_failures(self.paths[i])]
        self._stop_if_too_many(failures)
        done = sum(len(self.rows[i]) for i in kept)
        total = sum(len(self.rows[i]) for i in among)
        self.context.on_event("encoding", done, total)

        def on_event(encoded: int) -> None:
            self.context.on_event("encoding", done + encoded, total)

        if missing:
            # closed at once where this ends early: what is under way elsewhere is to end too
            with closing(self._stream([self.rows[i] for i in missing], on_event)) as stream:
                for position, part in stream:
                    encoded.write_shard(self.paths[missing[position]], part, self.key)
                    failures += part.failures
                    self._stop_if_too_many(failures)
        return failures

    def _not_brought(self, missing: Sequence[int]) -> list[int]:
        """What is still missing after the shards of the run that is added to were taken over."""
        earlier = self.context.earlier
        if earlier is None:
            return list(missing)
        there = earlier.shards(self.stage, maker(outside_of(self.stage, self.context)))
        brought = [i for i in missing if i < len(there)]
        for i in brought:
            encoded.write_shard(self.paths[i], encoded.read_shard(there[i]), self.key)
        if brought:
            self.context.folder.log("shards", stage=self.stage, brought=len(brought))
        return [i for i in missing if i >= len(there)]

    def _stream(
        self, rows: Sequence[range], on_event: Callable[[int], None]
    ) -> Generator[tuple[int, Representations]]:
        """The representations of some shards, by their position in ``rows``, in order."""
        start = position = done = 0
        for part in parts_of(self.context.survey):
            own = [r for r in rows if start <= r.start < start + len(part)]
            moved = [range(r.start - start, r.stop - start) for r in own]
            before, first = done, position

            def encoded(n: int, before: int = before) -> None:
                on_event(before + n)

            if moved:
                with closing(self._of_part(part, moved, encoded)) as stream:
                    for i, found in stream:
                        yield first + i, found
            start, position = start + len(part), position + len(own)
            done += sum(len(r) for r in own)

    def _of_part(
        self, survey: Survey, rows: Sequence[range], on_event: Callable[[int], None]
    ) -> Generator[tuple[int, Representations]]:
        context = self.context
        if self.encoder is None or self.contract is None:
            return given(survey, rows, on_event=on_event)
        settings = context.config.representations
        second = self.stage == "second"
        identifier = context.config.replication.encoder if second else settings.encoder
        if context.executor.here:
            encoder = placed(self.encoder, identifier, settings.device)
            return encode(
                survey, encoder, rows, contract=self.contract, crop=settings.crop,
                threads=context.threads, processes=self._decoding(sum(map(len, rows))),
                on_event=on_event,
            )  # fmt: skip
        task = task_of(
            survey,
            context.config.sources,
            context.fingerprint if survey is context.survey else survey.fingerprint(),
            identifier,
            self.encoder,
            self.contract,
            settings.crop,
            context.threads,
            settings.device,
        )
        return encode_elsewhere(context.executor, survey, task, rows, on_event=on_event)

    def _decoding(self, sources: int) -> int:
        """How many processes decode: for a GPU as many as there are threads, each of which is to
        have images enough to be worth its start."""
        if self.context.config.representations.device == "cpu":
            return 1
        return min(self.context.threads or available_threads(), sources // _IMAGES_A_PROCESS)

    def _stop_if_too_many(self, failures: Sequence[Failure]) -> None:
        total, allowed = len(self.context.survey), self.context.config.sources.max_failed
        if len(failures) <= allowed * total:
            return
        path = self.context.path(self.stage) / "failures.parquet"
        encoded.write_failures(path, failures)
        common = Counter(failure.reason for failure in failures).most_common(1)[0][0]
        example = next(failure for failure in failures if failure.reason == common)
        raise TooManyFailuresError(
            f"{len(failures)} of {total} sources could not be read, more than the allowed share "
            f"{allowed:g}; the most common reason: {common} (as {example.location}). All are "
            f"listed in {path}. Mend the input, or raise sources.max_failed"
        )
