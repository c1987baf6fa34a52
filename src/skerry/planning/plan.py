"""``skerry plan``: probe, predict, and hold the prediction against the machine."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np

from skerry.config import Config, asks_for_gpu
from skerry.context import Context
from skerry.errors import DoesNotFitError, InputError, TooManyFailuresError
from skerry.executors.local import available_threads
from skerry.notices import few_nulls, image_warnings
from skerry.pipeline import prepare
from skerry.planning import probe, sample
from skerry.planning.advice import checked
from skerry.planning.machine import this_machine
from skerry.planning.model import predict
from skerry.planning.types import Machine, Plan, Workload
from skerry.progress import OnEvent, silent

_ENCODING = 0.4
"""Share of the probe's time that encoding may take."""


def plan(
    input_path: str | Path,
    output: str | Path,
    config: Config | None = None,
    *,
    threads: int = 0,
    probe_seconds: float = 30.0,
    hours: float = 0.0,
    seed: int = 0,
    machine: Machine | None = None,
    clock: sample.Clock = time.perf_counter,
    on_event: OnEvent = silent,
) -> Plan:
    """What :func:`skerry.pipeline.run` with the same arguments will cost on this machine.

    The catalog is read, a few hundred sources drawn by ``seed`` are encoded, and small searches
    are timed; nothing is written. A prediction that does not fit has ``problems``: see
    :func:`require_fit`.

    Parameters
    ----------
    probe_seconds
        About how long to measure, reading the catalog and loading the libraries not counted.
    hours
        How long the run may take; 0: as long as it does.
    machine
        The machine to fit, with the speed of this one; None: this one.

    Raises
    ------
    TooManyFailuresError
        More of the drawn images cannot be read than the settings allow.
    SkerryError
        As of the run, before it does any work: input, settings or folder cannot be used.
    """
    config = config or Config()
    began = clock()
    context = prepare(input_path, output, config, threads, None, on_event)
    opening = clock() - began
    if machine is None:
        machine = this_machine(Path(output), threads=threads, gpu=asks_for_gpu(config))
    here = available_threads()
    on_event("measuring", 0, 2)
    rng = np.random.default_rng(seed)
    drawn, second = _drawn(context, machine, probe_seconds * _ENCODING, rng, clock)
    _stop_if_too_many(drawn, context)
    on_event("measuring", 1, 2)
    rates = probe.searched(
        drawn.vectors,
        config,
        sources=len(context.survey),
        threads=min(threads or here, here),
        budget=probe_seconds * (1 - _ENCODING),
        rng=rng,
        clock=clock,
    )
    on_event("measuring", 2, 2)
    rates = replace(rates, opening=opening, encoding=drawn.seconds, second=second)
    predicted = predict(_workload(context, drawn), rates, config, machine)
    told = [*_crowded(threads, here), *_notes(context, drawn)]
    return checked(replace(predicted, notes=(*predicted.notes, *told)), config, hours)


def require_fit(found: Plan) -> None:
    """That a run fits.

    Raises
    ------
    DoesNotFitError
        It does not: what is lacking, and what would make it fit.
    """
    if found.problems:
        advice = "; or ".join(found.advice) or "a smaller survey"
        raise DoesNotFitError(f"{'; '.join(found.problems)}. What would fit: {advice}")


def _drawn(
    context: Context, machine: Machine, budget: float, rng: np.random.Generator, clock: sample.Clock
) -> tuple[sample.Drawn, float]:
    """Some vectors of the survey, and the seconds that the second encoder takes for a source."""
    config, first = context.config, context.encoder
    if first is None:
        return sample.given(context, rng), 0.0
    other = context.second_encoder
    share = budget / (1 if other is None else 2)
    # where there is no GPU the CPU gives the vectors, and the rate is not this machine's
    device = config.representations.device if machine.gpu else "cpu"
    asked, second = config.representations.encoder, config.replication.encoder
    drawn = sample.encoded(
        context, first, context.contract, asked,
        budget=share, rng=rng, device=device, clock=clock,
    )  # fmt: skip
    seconds = 0.0
    if other is not None:
        seconds = sample.encoded(
            context, other, context.second_contract, second,
            budget=share, rng=rng, device=device, clock=clock,
        ).seconds  # fmt: skip
    if device != config.representations.device:
        return replace(drawn, seconds=0.0), 0.0
    return drawn, seconds


def _workload(context: Context, drawn: sample.Drawn) -> Workload:
    encoder = context.encoder
    return Workload(
        sources=len(context.survey),
        images=encoder is not None,
        dimensions=drawn.vectors.shape[1],
        votes=0 if encoder is None else len(encoder.vote_columns),
        catalog_bytes=int(context.survey.sources.nbytes),
    )


def _crowded(threads: int, here: int) -> list[str]:
    """That more threads are asked for than there are cores."""
    if threads <= here:
        return []
    cores = f"{here} core{'' if here == 1 else 's'}"
    return [
        f"{threads} threads asked for, {cores} here: searches were measured {here} at a time, and "
        f"{threads} are taken to do as much in the same time, in the memory of {threads}."
    ]


def _notes(context: Context, drawn: sample.Drawn) -> list[str]:
    """What a user must know before a run of its input and nulls: what its report would warn of."""
    found = list(context.survey.notes)
    said = image_warnings(context, drawn.sides)
    found += [f"Of {drawn.asked} drawn sources: {warning}" for warning in said]
    if drawn.failures:
        one = drawn.failures[0]
        found.append(
            f"{len(drawn.failures)} of {drawn.asked} drawn sources could not be read, as "
            f"{one.location}: {one.reason}."
        )
    return found + few_nulls(len(context.survey), context.config)


def _stop_if_too_many(drawn: sample.Drawn, context: Context) -> None:
    allowed = context.config.sources.max_failed
    if len(drawn.vectors) < 3:
        raise InputError(
            f"of {drawn.asked} drawn sources {len(drawn.vectors)} could be read; expected three or "
            "more to measure a search: mend the input, or give more sources"
        )
    if len(drawn.failures) > allowed * drawn.asked:
        common = Counter(f.reason for f in drawn.failures).most_common(1)[0][0]
        raise TooManyFailuresError(
            f"{len(drawn.failures)} of {drawn.asked} drawn sources could not be read, more than "
            f"the allowed share {allowed:g}; the most common reason: {common}. Mend the input, or "
            "raise sources.max_failed"
        )
