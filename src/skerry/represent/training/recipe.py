"""Every choice of a training, read from TOML and checked before anything is read or built."""

from __future__ import annotations

import difflib
import math
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_type_hints

from skerry import config
from skerry.errors import ConfigError
from skerry.represent.options import forbidden
from skerry.represent.trees.schema import TRAINED, Schema, get

LARGEST_SEED = 2**43
"""Times the stride of a step's own seed, it still is one that PyTorch takes."""

VOTE_KINDS = ("auto", "counts", "fractions", "conditional")


@dataclass(frozen=True)
class Recipe:
    """Every choice of a training; ``docs/training.md`` says what each does.

    Sizes are in pixels, shares of a width or a whole between 0 and 1, steps are batches, the
    learning rate is AdamW's. ``schema`` names the tree, or the file that holds it.
    """

    architecture: str = "efficientnet_b0"
    dimensions: int = 128
    size: int = 96
    stored_size: int = 112
    first_size: int = 64
    first_share: float = 0.65
    volunteers: float = 40.0
    steps: int = 8_000
    stop_after: int = 0
    batch: int = 64
    voted_share: float = 0.4
    votes_weight: float = 0.125
    labels_weight: float = 1.0
    contrast_weight: float = 0.0
    temperature: float = 0.15
    redundancy_weight: float = 0.0
    structure_dimensions: int = 0
    structure_share: float = 0.65
    structure_weight: float = 5.0
    taught_volunteers: float = 0.0
    shown: float = 1.0
    noise: float = 0.0
    options: dict[str, Any] = field(default_factory=dict)
    learning_rate: float = 2e-3
    warmup_steps: int = 500
    weight_decay: float = 0.05
    dropout: float = 0.2
    drop_path: float = 0.1
    average_decay: float = 0.996
    held_out: float = 0.05
    checkpoint_every: int = 250
    seed: int = 20231205
    schema: str = TRAINED
    votes: str = "auto"
    bands: int = 3
    crop: float = 1.0
    patience: int = 0
    learns: str = "all"
    unlabeled_weight: float = 1.0

    @property
    def views(self) -> int:
        """How many views of a galaxy a step shows: two where they are compared."""
        return 2 if self.contrast_weight or self.redundancy_weight else 1

    @property
    def unsupervised(self) -> bool:
        """Whether there is something to learn where nobody voted."""
        return self.views == 2 or self.structure_dimensions > 0


def refused_options(options: Mapping[str, Any]) -> list[str]:
    """Those of timm's options that a recipe may not set: other fields decide the bands."""
    return [k for k in options if k == "in_chans" or k in forbidden(options)]


def tree_of(recipe: Recipe) -> Schema:
    """The decision tree that a recipe's ``schema`` names.

    Raises
    ------
    ConfigError
        There is no such tree.
    """
    return get(recipe.schema)


def doubts(recipe: Recipe) -> list[str]:
    """What a recipe may hold and hardly means."""
    if recipe.warmup_steps < recipe.steps:
        return []
    return [
        f"warmup_steps = {recipe.warmup_steps} of steps = {recipe.steps}: the learning rate "
        "rises to the end; set warmup_steps to a tenth of steps or less"
    ]


def read_recipe(path: Path | None, settings: Sequence[str] = ()) -> Recipe:
    """The defaults, over them the file's values, over these ``settings`` (``steps=500``).

    Raises
    ------
    ConfigError
        The file is missing or no TOML, or a value is unknown, of the wrong type or out of range.
    """
    values = dict(config.load(path)) if path is not None else {}
    for text in settings:
        for key, value in _setting(text).items():
            held = values.get(key)
            if isinstance(held, dict) and isinstance(value, dict):
                value = {**held, **value}
            values[key] = value
    return recipe_from(values, str(path) if path is not None else "the recipe")


def _setting(text: str) -> dict[str, Any]:
    """One ``key=value`` or ``options.key=value``; what is no TOML value is taken as text."""
    key, equals, value = text.partition("=")
    if not equals or not key.strip():
        raise ConfigError(f"{text!r} is no setting; write key=value, as steps=500")
    for written in (value.strip(), config.toml_value(value.strip())):
        try:
            return tomllib.loads(f"{key.strip()} = {written}")
        except tomllib.TOMLDecodeError:
            continue
    raise ConfigError(f"{text!r} is no setting; write key=value, as steps=500")


def recipe_from(values: Mapping[str, Any], where: str) -> Recipe:
    """A recipe from its fields by name; what is not named keeps its default.

    Raises
    ------
    ConfigError
        A field is unknown (the nearest is suggested), of the wrong type or out of range.
    """
    known = get_type_hints(Recipe)
    for key, value in values.items():
        if not isinstance(key, str):
            raise ConfigError(f"{where}: {key!r} is no name of a setting")
        if key not in known:
            near = difflib.get_close_matches(key, known, n=1, cutoff=0.0)[0]
            raise ConfigError(f"{where}: unknown setting {key!r}; did you mean {near!r}?")
        kind = getattr(known[key], "__origin__", known[key])
        allowed = (int, float) if kind is float else (kind,)
        if isinstance(value, bool) or not isinstance(value, allowed):
            raise ConfigError(f"{where}: {key} is {value!r}; expected {kind.__name__}")
        if isinstance(value, float) and not math.isfinite(value):
            raise ConfigError(f"{where}: {key} is {value!r}; expected a finite number")
    typed: dict[str, Any] = {k: float(v) if known[k] is float else v for k, v in values.items()}
    recipe = Recipe(**typed)
    _check(recipe, where)
    return recipe


def _check(r: Recipe, where: str) -> None:
    positive = (
        "dimensions size stored_size first_size volunteers steps temperature checkpoint_every"
    )
    not_negative = (
        "votes_weight labels_weight contrast_weight redundancy_weight structure_weight noise "
        "taught_volunteers learning_rate warmup_steps weight_decay patience unlabeled_weight"
    )
    below_one = "dropout drop_path average_decay"
    within = "voted_share first_share"
    refused = refused_options(r.options)
    smallest = r.stored_size * min(r.first_size, r.size) / max(r.size, 1)
    rules = [
        *((key, getattr(r, key) > 0, "more than 0") for key in positive.split()),
        *((key, getattr(r, key) >= 0, "0 or more") for key in not_negative.split()),
        *((key, 0 <= getattr(r, key) < 1, "from 0 to below 1") for key in below_one.split()),
        *((key, 0 <= getattr(r, key) <= 1, "from 0 to 1") for key in within.split()),
        *((key, 0 < getattr(r, key) <= 1, "above 0, at most 1") for key in ("shown", "crop")),
        *((k, 0 < getattr(r, k) < 1, "between 0 and 1") for k in ("held_out", "structure_share")),
        ("batch", r.batch >= 2, "2 or more"),
        ("stop_after", 0 <= r.stop_after <= r.steps, f"from 0 to steps = {r.steps}"),
        ("bands", r.bands in (1, 3), "1 or 3"),
        ("learns", r.learns in ("all", "heads"), "all or heads"),
        ("seed", 0 <= r.seed <= LARGEST_SEED, f"from 0 to {LARGEST_SEED}"),
        ("options", not refused, f"them without {', '.join(refused)}"),
        ("stored_size", round(smallest) >= 1, f"more for first_size = {r.first_size}"),
        (
            "shown",
            round(r.stored_size * r.shown) >= 1,
            f"1 px or more of stored_size = {r.stored_size}",
        ),
        (
            "size",
            r.size <= round(r.stored_size * r.shown),
            f"at most stored_size x shown = {round(r.stored_size * r.shown)}, of which images are "
            "made smaller, never larger",
        ),
        ("votes", r.votes in VOTE_KINDS, f"one of {', '.join(VOTE_KINDS)}"),
        (
            "structure_dimensions",
            0 <= r.structure_dimensions <= 96 and r.structure_dimensions < r.dimensions,
            f"from 0 to 96 and below dimensions = {r.dimensions}",
        ),
    ]
    for key, holds, expected in rules:
        if not holds:
            raise ConfigError(f"{where}: {key} is {getattr(r, key)!r}; expected {expected}")
