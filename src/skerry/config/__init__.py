"""Every setting of a run, read from and written to TOML."""

from skerry.config.reading import from_mapping, load, parse_override
from skerry.config.settings import (
    ASSUMED,
    DEVICES,
    ON_DEVICE,
    PRESETS,
    ROUTES,
    ClassesConfig,
    ClustersConfig,
    Config,
    EmbeddingConfig,
    NeighborsConfig,
    NullsConfig,
    ReplicationConfig,
    RepresentationsConfig,
    SourcesConfig,
    asks_for_gpu,
    scales_of,
)
from skerry.config.writing import digest, to_toml, toml_key, toml_value

__all__ = [
    "ASSUMED",
    "DEVICES",
    "ON_DEVICE",
    "PRESETS",
    "ROUTES",
    "ClassesConfig",
    "ClustersConfig",
    "Config",
    "EmbeddingConfig",
    "NeighborsConfig",
    "NullsConfig",
    "ReplicationConfig",
    "RepresentationsConfig",
    "SourcesConfig",
    "asks_for_gpu",
    "digest",
    "from_mapping",
    "load",
    "parse_override",
    "scales_of",
    "to_toml",
    "toml_key",
    "toml_value",
]
