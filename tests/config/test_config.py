from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skerry.config import (
    ASSUMED,
    Config,
    NullsConfig,
    digest,
    from_mapping,
    load,
    parse_override,
    scales_of,
    to_toml,
)
from skerry.errors import ConfigError


@given(st.integers(20, 60), st.floats(0, 1), st.text(st.characters(codec="utf-8"), max_size=8))
def test_toml_round_trip(k: int, dist: float, name: str) -> None:
    config = from_mapping(
        {"neighbors": {"k": k}, "embedding": {"min_dist": dist}, "sources": {"id_column": name}}
    )
    assert from_mapping(tomllib.loads(to_toml(config))) == config


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"neighbours": {}}, "did you mean 'neighbors'"),
        ({"neighbors": {"kk": 1}}, r"did you mean 'neighbors.k'"),
        ({"neighbors": {"k": "many"}}, "neighbors.k is 'many'; expected int"),
        ({"neighbors": {"k": True}}, "expected int"),
        ({"neighbors": {"k": 0}}, "expected positive"),
        ({"neighbors": 3}, "expected a table"),
        ({"embedding": {"n_neighbors": 90}}, "neighbors.k \\+ 1"),
        ({"sources": {"pixel_scale": float("inf")}}, "sources.pixel_scale is inf; .* finite"),
        ({"sources": {"pixel_scale": float("nan")}}, "sources.pixel_scale is nan; .* finite"),
        ({"embedding": {"seed": -1}}, "embedding.seed is -1"),
        ({"embedding": {"epochs": -1}}, "embedding.epochs is -1; expected 0 or more"),
        ({"classes": {"max_size": 5}}, "at least classes.min_size"),
        (
            {"clusters": {"route": "umap"}},
            "clusters.route is umap; expected one of graph, umap-hdb",
        ),
        ({"clusters": {"min_samples": 31}}, "clusters.min_samples is 31; .* neighbors.k = 30"),
        ({"clusters": {"min_cluster_size": 5}}, "unknown setting 'clusters.min_cluster_size'"),
        ({"nulls": {"n": -1}}, "nulls.n is -1; expected 0"),
        ({"nulls": {"scales": "1,two"}}, "nulls.scales is 1,two; expected numbers above 0"),
        ({"nulls": {"scales": "0,1"}}, "nulls.scales is 0,1; expected numbers above 0"),
        ({"nulls": {"scales": ""}}, "nulls.scales is ; expected numbers above 0"),
        ({"nulls": {"scales": "inf"}}, "nulls.scales is inf; expected numbers above 0"),
        ({"nulls": {"seed": -1}}, "nulls.seed is -1"),
        ({"replication": {"subsamples": -2}}, "replication.subsamples is -2"),
        ({"replication": {"share": 0.4}}, "replication.share is 0.4; expected from 0.5"),
        ({"replication": {"share": 1.0}}, "replication.share is 1.0; expected .* below 1"),
        ({"replication": {"seeds": -1}}, "replication.seeds is -1"),
        ({"replication": {"seed": -1}}, "replication.seed is -1"),
        ({"classes": {"area": -1.0}}, "classes.area is -1.0; expected 0"),
        ({"classes": {"area": float("nan")}}, "classes.area is nan"),
        ({"classes": {"previous": 3}}, "classes.previous is 3; expected str"),
        ({"classes": {"min_persistence": 0.1}}, "unknown setting 'classes.min_persistence'"),
        ({"preset": "walmsley"}, "did you mean 'walmsley2023'"),
    ],
)
def test_what_is_wrong_is_named(values: dict[str, object], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        from_mapping(values)


def test_an_integer_will_do_for_a_number() -> None:
    assert from_mapping({"embedding": {"min_dist": 1}}).embedding.min_dist == 1.0


def test_the_presets() -> None:
    assert from_mapping({}) == Config() == from_mapping({"preset": "skerry"})
    assert Config().clusters.route == "graph"
    paper = from_mapping({"preset": "walmsley2023"})
    assert (paper.preset, paper.clusters.route) == ("walmsley2023", "umap-hdbscan")
    # what is not said stays the preset's, and a preset over others' settings starts anew
    changed = from_mapping({"clusters": {"min_samples": 7}}, paper)
    assert (changed.clusters.min_samples, changed.clusters.route) == (7, "umap-hdbscan")
    assert from_mapping({"preset": "skerry"}, changed) == Config()


@pytest.mark.parametrize(
    ("text", "scales"),
    [("1,2,4", (1, 2, 4)), ("4, 1,1.0", (1, 4)), ("0.5", (0.5,)), ("1,,2", ()), ("nan", ())],
)
def test_scales_are_ascending_and_each_once(text: str, scales: tuple[float, ...]) -> None:
    assert scales_of(NullsConfig(scales=text)) == scales


def test_assumed_values_are_marked_and_exist() -> None:
    text = to_toml(from_mapping({"preset": "walmsley2023"}))
    assert ASSUMED["walmsley2023"]
    for key in ASSUMED["walmsley2023"]:
        section, name = key.split(".")
        assert hasattr(getattr(Config(), section), name)
        block = text.split(f"[{section}]")[1].split("\n\n")[0]
        assert any(x.startswith(f"{name} =") and "assumed" in x for x in block.splitlines())
    assert "assumed" not in to_toml(Config())


def test_overrides() -> None:
    assert parse_override("neighbors.k=30") == {"neighbors": {"k": 30}}
    assert parse_override("sources.id_column=name") == {"sources": {"id_column": "name"}}
    with pytest.raises(ConfigError, match=r"section\.key=value"):
        parse_override("k=3")


def test_unreadable_files(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no configuration file"):
        load(tmp_path / "none.toml")
    (tmp_path / "bad.toml").write_text("a = ")
    with pytest.raises(ConfigError, match="not TOML"):
        load(tmp_path / "bad.toml")


def test_a_file_as_windows_writes_it(tmp_path: Path) -> None:
    text = '\ufeff[sources]\r\nid_column = "Größe"\r\n'
    (tmp_path / "a.toml").write_text(text, encoding="utf-8", newline="")
    assert load(tmp_path / "a.toml") == {"sources": {"id_column": "Größe"}}


def test_digest_is_by_content() -> None:
    assert digest({"a": 1, "b": 2}) == digest({"b": 2, "a": 1})
    assert digest(Config().neighbors) != digest(from_mapping({"neighbors": {"k": 31}}).neighbors)
