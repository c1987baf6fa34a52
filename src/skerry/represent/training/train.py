"""Training an encoder on votes, labels, structure and agreeing views: one loop, top to bottom."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from lightning_fabric import Fabric
from torch import Tensor
from torch.nn import functional

from skerry.errors import ConfigError, EncoderError
from skerry.represent.network import Average, network_of
from skerry.represent.training import checkpoint as checkpoints
from skerry.represent.training.augment import augment
from skerry.represent.training.begin import Training, optimizer_of, taught
from skerry.represent.training.checkpoint import BEST, CHECKPOINT
from skerry.represent.training.data import TrainingSet, batch_rows, split
from skerry.represent.training.devices import fabric_for
from skerry.represent.training.evaluate import evaluate, free_part, loss_of
from skerry.represent.training.recipe import Recipe
from skerry.represent.training.standing import Standing, finite, require_finite
from skerry.represent.training.stopping import Stop, never

Reason = Literal["finished", "stopped", "no longer better"]


@dataclass(frozen=True)
class Outcome:
    """Where a training stands: ``reason`` is why it ended, ``last`` its last evaluation."""

    step: int
    reason: Reason
    last: Mapping[str, Any]
    checkpoint: Path


def learning_rate(recipe: Recipe, step: int) -> float:
    """Linear warm-up, then a cosine down to zero."""
    if step < recipe.warmup_steps:
        return recipe.learning_rate * (step + 1) / recipe.warmup_steps
    done = (step - recipe.warmup_steps) / max(1, recipe.steps - recipe.warmup_steps)
    return recipe.learning_rate * 0.5 * (1 + math.cos(math.pi * done))


def image_size(recipe: Recipe, step: int) -> int:
    """Side of the images at a step: small ones first, which cost less."""
    return recipe.first_size if step < recipe.first_share * recipe.steps else recipe.size


def shown_views(images: Tensor, recipe: Recipe, step: int, generator: torch.Generator) -> Tensor:
    """Augmented views of a batch's bytes: all first views, then, where compared, all second."""
    images = images.float() / 255
    size = image_size(recipe, step)
    if size < recipe.size:
        stored = round(recipe.stored_size * size / recipe.size)
        images = functional.interpolate(images, stored, mode="area")
    views = [
        augment(images, size, generator, shown=recipe.shown, noise=recipe.noise)
        for _ in range(recipe.views)
    ]
    return torch.cat(views).contiguous(memory_format=torch.channels_last)


def train(
    training: Training,
    data: TrainingSet,
    *,
    fabric: Fabric | None = None,
    stop: Stop = never,
    on_event: Callable[[dict[str, Any]], None] = lambda event: None,
) -> Outcome:
    """Train, or go on training, until the recipe's end or until ``stop`` says so.

    ``checkpoint.pt``, ``log.jsonl`` and, where the recipe stops early, ``best.pt`` lie in the
    training's folder. A training that was stopped after any step goes on from there and sees the
    same galaxies, turned the same way, as one that was not. ``on_event`` hears each evaluation.

    On several devices each process takes its share of every batch; views are compared with
    those of all processes, so that contrast means the same on any number of devices.

    Raises
    ------
    ConfigError
        The batch is larger than what is learned from or cannot be shared evenly among the
        devices, or the data are not those that the training was begun with.
    EncoderError
        The checkpoint to go on from is damaged.
    RunError
        The loss or a weight is no longer a number; the last checkpoint is kept.
    """
    recipe, schema, folder = training.recipe, training.schema, training.folder
    fabric = fabric or fabric_for()
    rank, processes = fabric.global_rank, fabric.world_size
    _check_fit(training, data, processes)
    learned, held_out = split(len(data), recipe)
    if recipe.batch > len(learned):
        raise ConfigError(
            f"batch = {recipe.batch}, and there are {len(learned)} galaxies to learn from: a step "
            f"would show some twice; set batch to {len(learned)} or less"
        )
    voted = data.voted[learned]
    judged = network_of(recipe, schema).to(fabric.device)
    data = taught(training, data, learned, judged, fabric)

    module: Any = training.network
    module.to(memory_format=torch.channels_last)
    if recipe.learns == "heads":  # the representation stays as it is, running averages too
        module.requires_grad_(False).eval()
        module.heads.requires_grad_(True)
    network, optimizer = fabric.setup(module, optimizer_of(module, recipe))
    average = Average(module, recipe.average_decay)
    at = Standing()
    if saved := training.saved:
        try:
            average.state = {k: v.to(fabric.device) for k, v in saved["average"].items()}
            optimizer.load_state_dict(saved["optimizer"])
            fabric.strategy.precision.load_state_dict(saved["precision"])
            at = Standing(**saved["standing"])
        except (AttributeError, IndexError, KeyError, RuntimeError, TypeError, ValueError) as error:
            raise EncoderError(
                f"{folder / CHECKPOINT} cannot be gone on from: {error}; begin a new folder "
                "--start-from it"
            ) from error
    end = recipe.stop_after or recipe.steps
    started_from = training.started_from

    def keep(better: bool) -> None:
        if rank:
            return
        state = {"step": at.step, "average": average.state}
        if better and recipe.patience:
            checkpoints.save(folder / BEST, state, recipe, schema)
        state |= {
            "network": module.state_dict(),
            "optimizer": optimizer.state_dict(),
            "precision": fabric.strategy.precision.state_dict(),
            "standing": {**vars(at), "losses": [float(x) for x in at.losses]},
            "galaxies": len(data),
            "data": data.digest,
            "started_from": started_from,
        }
        checkpoints.save(folder / CHECKPOINT, state, recipe, schema)

    if not training.saved:
        keep(better=False)  # what it starts from is needed no more, and the disk is known to do
    began, since = time.monotonic(), at.step
    stopped = at.step < end and _any(stop(at.step), fabric)

    while at.step < end and not stopped and not at.in_vain(recipe):
        step = at.step
        seed = recipe.seed * 1_000_003 + step + (rank << 40)
        generator = torch.Generator().manual_seed(seed)
        torch.manual_seed(seed)
        rows = learned[batch_rows(voted, recipe, step)]
        batch = data.take(rows[rank::processes]).to(fabric.device)
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(recipe, step)
        representation, alpha = network(shown_views(batch.images, recipe, step, generator))
        compared: tuple[Tensor, ...] = ()
        if recipe.views == 2:
            free = free_part(representation, recipe).chunk(2)
            compared = tuple(_of_all(view, fabric) for view in free)
        loss = loss_of(schema, recipe, batch, representation, alpha, compared)
        optimizer.zero_grad(set_to_none=True)
        fabric.backward(loss)
        fabric.clip_gradients(network, optimizer, max_norm=5.0, error_if_nonfinite=False)
        optimizer.step()
        average.update(module, step)
        at.step, at.losses = step + 1, [*at.losses, loss.detach()]

        stopped = _any(stop(at.step), fabric)
        judging = at.step % recipe.checkpoint_every == 0 or at.step == end
        better = False
        if judging or stopped:
            sound = finite(at.losses) and finite(average.state.values())
            require_finite(sound, at.step, fabric, folder)
        if judging:
            event: dict[str, Any] = {
                "step": at.step,
                "loss": float(sum(at.losses)) / len(at.losses),
            }
            if rank == 0:
                judged.load_state_dict(average.state)
                event |= evaluate(judged, data, held_out, recipe, schema)
                seen = (at.step - since) * recipe.batch
                event["images_per_second"] = seen / (time.monotonic() - began)
            event = fabric.broadcast(event)
            require_finite(math.isfinite(event["held_out_loss"]), at.step, fabric, folder)
            better = at.judge(event)
        if judging or stopped:
            keep(better)
        if rank == 0 and judging:
            with (folder / "log.jsonl").open("a", encoding="utf-8") as log:
                log.write(json.dumps(event) + "\n")
            on_event(event)
            began, since = time.monotonic(), at.step
    fabric.barrier()
    reason: Reason = "no longer better" if at.in_vain(recipe) else "stopped"
    return Outcome(at.step, "finished" if at.step == end else reason, at.last, folder / CHECKPOINT)


def _check_fit(training: Training, data: TrainingSet, processes: int) -> None:
    batch = training.recipe.batch
    if batch % processes:
        raise ConfigError(f"batch = {batch} cannot be shared evenly among {processes} devices")
    begun_with = training.saved.get("galaxies", len(data))
    if begun_with != len(data):
        raise ConfigError(
            f"{training.folder} was begun with {begun_with} galaxies, there are {len(data)} now; "
            "give the same data and ids to leave out, or choose a new folder"
        )
    if training.saved.get("data", data.digest) != data.digest:
        raise ConfigError(
            f"{training.folder} was begun with other data: ids, votes, labels or files of images "
            "differ; give the same, or begin a new folder --start-from this one"
        )


def _of_all(view: Tensor, fabric: Fabric) -> Tensor:
    """One view of the galaxies of all processes, through which gradients flow."""
    gathered: Any = fabric.all_gather(view, sync_grads=True)
    return gathered.reshape(-1, view.shape[-1])


def _any(stop: bool, fabric: Fabric) -> bool:
    """Whether any process is to stop: they all must at the same step."""
    if fabric.world_size == 1:
        return stop
    asked: Any = fabric.all_reduce(torch.tensor(float(stop), device=fabric.device), reduce_op="sum")
    return bool(asked > 0)
