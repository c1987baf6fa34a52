"""What each setting may be."""

from __future__ import annotations

import math

from skerry.config.settings import DEVICES, ON_DEVICE, ROUTES, Config, scales_of
from skerry.errors import ConfigError

_CUML_SAMPLES = 682
"""cuML takes 1,023 at most, and repeated searches go up to three halves."""


def validate(config: Config) -> None:
    """That all settings are in range, by themselves and beside each other.

    Raises
    ------
    ConfigError
        One is not; says what it may be.
    """
    rules = [
        ("sources.max_failed", 0 <= config.sources.max_failed <= 1, "between 0 and 1"),
        (
            "sources.pixel_scale",
            0 <= config.sources.pixel_scale < math.inf,
            "0 (not known) or more, and finite",
        ),
        ("representations.crop", 0 <= config.representations.crop <= 1, "between 0 and 1"),
        ("representations.shard_size", config.representations.shard_size > 0, "positive"),
        *(
            (f"{s}.device", getattr(config, s).device in DEVICES, f"one of {', '.join(DEVICES)}")
            for s in (*ON_DEVICE, "embedding")
        ),
        ("neighbors.k", config.neighbors.k > 0, "positive"),
        ("neighbors.exact_below", config.neighbors.exact_below >= 0, "0 or more"),
        (
            "embedding.n_neighbors",
            2 <= config.embedding.n_neighbors <= config.neighbors.k + 1,
            f"between 2 and neighbors.k + 1 = {config.neighbors.k + 1}",
        ),
        ("embedding.epochs", config.embedding.epochs >= 0, "0 or more"),
        ("embedding.seed", 0 <= config.embedding.seed < 2**32, "from 0 to 2**32 - 1"),
        ("embedding.whole_below", config.embedding.whole_below >= 100, "100 or more"),
        ("embedding.n_components", config.embedding.n_components > 0, "positive"),
        ("embedding.min_dist", 0 <= config.embedding.min_dist <= 1, "between 0 and 1"),
        ("embedding.map_min_dist", 0 <= config.embedding.map_min_dist <= 1, "between 0 and 1"),
        ("clusters.route", config.clusters.route in ROUTES, f"one of {', '.join(ROUTES)}"),
        (
            "clusters.min_samples",
            1 <= config.clusters.min_samples <= config.neighbors.k,
            f"from 1 to neighbors.k = {config.neighbors.k}",
        ),
        (
            "clusters.min_samples",
            config.embedding.device == "cpu" or config.clusters.min_samples <= _CUML_SAMPLES,
            f"{_CUML_SAMPLES} or less with embedding.device = cuda",
        ),
        ("nulls.n", config.nulls.n >= 0, "0 (none) or more"),
        (
            "nulls.scales",
            bool(scales_of(config.nulls)),
            "numbers above 0, as 1,2,4, no two alike in six digits",
        ),
        ("nulls.seed", config.nulls.seed >= 0, "0 or more"),
        ("nulls.sources", config.nulls.sources >= 500, "500 or more"),
        ("replication.subsamples", config.replication.subsamples >= 0, "0 (none) or more"),
        ("replication.share", 0.5 <= config.replication.share < 1, "from 0.5 to below 1"),
        ("replication.seeds", config.replication.seeds >= 0, "0 (none) or more"),
        ("replication.seed", config.replication.seed >= 0, "0 or more"),
        ("replication.whole_below", config.replication.whole_below >= 0, "0 or more"),
        ("classes.min_size", config.classes.min_size >= 2, "2 or more"),
        (
            "classes.max_size",
            config.classes.max_size >= config.classes.min_size,
            f"at least classes.min_size = {config.classes.min_size}",
        ),
        ("classes.max_share", 0 < config.classes.max_share <= 1, "above 0, at most 1"),
        ("classes.area", 0 <= config.classes.area < 41_253, "0 (unknown) to the whole sky, deg2"),
        ("classes.exemplars", config.classes.exemplars >= 1, "1 or more"),
    ]
    for key, holds, expected in rules:
        if not holds:
            section, name = key.split(".")
            found = getattr(getattr(config, section), name)
            raise ConfigError(f"{key} is {found}; expected {expected}")
