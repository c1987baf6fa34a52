"""Beginning a training, or finding where it stands: what is wrong is met before long work."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lightning_fabric import Fabric

from skerry.errors import ConfigError, EncoderError, RunError
from skerry.represent.network import VoteNetwork, network_of
from skerry.represent.training import checkpoint as checkpoints
from skerry.represent.training.checkpoint import CHECKPOINT, Trained, load_weights
from skerry.represent.training.data import TrainingSet
from skerry.represent.training.evaluate import teach
from skerry.represent.training.recipe import Recipe
from skerry.represent.trees.schema import Schema
from skerry.store import replacing
from skerry.store.runfolder import RunFolder
from skerry.types import IntArray

TAUGHT = "taught.npy"
"""Counts that a teacher gave, in a training's folder."""


@dataclass(frozen=True)
class Training:
    """A training about to begin or go on; :func:`begin` makes it.

    ``saved`` is the content of its last checkpoint, empty where there is none; ``teacher`` what
    it starts from, if anything. ``stamp`` is when that checkpoint was written, in ns.
    """

    recipe: Recipe
    schema: Schema
    folder: Path
    network: VoteNetwork
    saved: Mapping[str, Any]
    teacher: Trained | None
    stamp: int = 0

    @property
    def started_from(self) -> str:
        """Digest of the weights that it began with, empty for random ones."""
        begun = self.saved.get("started_from", "") if self.saved else ""
        return begun or ("" if self.teacher is None else self.teacher.digest)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Hold the folder for this process, and clear what a killed one left in it.

        Raises
        ------
        RunError
            Another process trains in it, or has since :func:`begin` looked.
        DiskError
            It cannot be made or written.
        """
        with RunFolder(self.folder, "").locked():
            if _stamp(self.folder) != self.stamp:
                raise RunError(
                    f"another process trained in {self.folder} just now; start again to go on "
                    "from where it stopped"
                )
            for leftover in self.folder.glob(".*.part"):
                leftover.unlink(missing_ok=True)
            yield


def _stamp(folder: Path) -> int:
    path = folder / CHECKPOINT
    return path.stat().st_mtime_ns if path.exists() else 0


def begin(recipe: Recipe, schema: Schema, folder: Path, start_from: Path | None = None) -> Training:
    """Build the network and find out where the training in ``folder`` stands.

    Cheap: whatever is wrong with the settings is met here, before any image is read.
    ``start_from`` is another training (its folder, a checkpoint, or a folder with the parts of
    one) whose averaged weights this one begins with.

    Raises
    ------
    ConfigError
        The folder holds a training by another recipe or tree; the network cannot be built or
        takes no images of the recipe's sizes; or the recipe is to be taught, or to learn heads
        alone, and nothing is named to start from.
    EncoderError
        A checkpoint cannot be read, is of another network, or holds weights that are no numbers.
    """
    torch.manual_seed(recipe.seed)
    network = network_of(recipe, schema)
    _try_out(network, recipe, schema)
    teacher = checkpoints.read_trained(start_from) if start_from is not None else None
    if teacher is not None:
        if teacher.schema.columns != schema.columns:
            raise ConfigError(f"{start_from} predicts the answers of another tree")
        if not all(weights.isfinite().all() for weights in teacher.weights.values()):
            raise EncoderError(f"{teacher.path} holds weights that are no numbers; take another")
        load_weights(network, teacher.weights, teacher.path)
    path = folder / CHECKPOINT
    stamp = _stamp(folder)
    saved = checkpoints.load(path) if path.exists() else {}
    if saved:
        _require_same(saved, path, recipe, schema)
        if "standing" not in saved:
            raise ConfigError(f"{path} is of an older version: begin a new folder --start-from it")
        if teacher is not None and saved.get("started_from", teacher.digest) != teacher.digest:
            raise ConfigError(
                f"{folder} began with other weights than those of {start_from}; name the training "
                "that it was started from, or choose a new folder"
            )
        load_weights(network, saved["network"], path)
    if recipe.taught_volunteers and teacher is None and not saved:
        raise ConfigError("taught_volunteers needs a teacher; name one with --start-from")
    if recipe.learns == "heads" and teacher is None and not saved:
        raise ConfigError(
            "learns = 'heads' leaves the representation as it is, here of random weights; name a "
            "training to begin with by --start-from, or set learns = 'all'"
        )
    return Training(recipe, schema, folder, network, saved, teacher, stamp)


def _require_same(saved: Mapping[str, Any], path: Path, recipe: Recipe, schema: Schema) -> None:
    """That a checkpoint is of this recipe and tree, by whatever name the tree is given."""
    before, tree = checkpoints.meaning(saved, path)
    differ = [
        f"{name} {getattr(before, name)!r}, not {value!r}"
        for name, value in vars(recipe).items()
        if name != "schema" and getattr(before, name) != value
    ]
    if tree != schema:
        differ.append(f"another tree than {schema.name}")
    if differ:
        raise ConfigError(
            f"{path.parent} holds a training by another recipe ({'; '.join(differ[:4])}); choose "
            "a new folder, or the recipe that it was begun with"
        )


def _try_out(network: VoteNetwork, recipe: Recipe, schema: Schema) -> None:
    """Show the network an empty image of each size; weights and random state stay as they are."""
    sizes = {recipe.size, recipe.first_size} if recipe.first_share else {recipe.size}
    expected = (1, recipe.dimensions), (1, len(schema.columns))
    network.eval()
    for size in sorted(sizes):
        found: object
        try:
            with torch.no_grad(), torch.random.fork_rng(devices=[]):
                found = tuple(tuple(part.shape) for part in network(torch.zeros(1, 3, size, size)))
        except Exception as error:  # each architecture raises its own kinds
            found = str(error)[:300]
        if found != expected:
            raise ConfigError(
                f"{recipe.architecture!r} with options {recipe.options} makes no vector of an "
                f"image of {size} px: {found}; change options, size or first_size"
            )
    network.train()


def optimizer_of(network: VoteNetwork, recipe: Recipe) -> torch.optim.Optimizer:
    """AdamW over what is learned, which leaves biases and scales undecayed."""
    learned = [p for p in network.parameters() if p.requires_grad]
    decayed = [p for p in learned if p.ndim > 1]
    plain = [p for p in learned if p.ndim <= 1]
    groups = [
        {"params": decayed, "weight_decay": recipe.weight_decay},
        {"params": plain, "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=recipe.learning_rate)


def taught(
    training: Training, data: TrainingSet, rows: IntArray, network: VoteNetwork, fabric: Fabric
) -> TrainingSet:
    """The data with the counts a teacher gives the unvoted of ``rows``, if the recipe has one.

    The first process writes them into the training's folder, so that they outlast the teacher.

    Raises
    ------
    ConfigError
        They are there, but damaged or of another data set.
    """
    if not training.recipe.taught_volunteers:
        return data
    path = training.folder / TAUGHT
    if fabric.global_rank == 0 and not path.is_file() and training.teacher is not None:
        load_weights(network, training.teacher.weights, training.teacher.path)
        lesson = teach(network, data, rows, training.recipe, training.schema)
        with replacing(path) as partial, partial.open("wb") as file:
            np.save(file, lesson.counts.numpy())
    fabric.barrier()
    try:
        counts = torch.from_numpy(np.load(path))
    except (EOFError, OSError, TypeError, ValueError) as error:
        raise ConfigError(
            f"{path}, what the teacher gave, cannot be read: {error}; begin a new folder"
        ) from error
    if counts.shape != data.counts.shape:
        raise ConfigError(f"{path} is of {len(counts)} galaxies, not of these {len(data)}")
    return replace(data, counts=counts)
