from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skerry.config import (
    ASSUMED,
    Config,
    digest,
    from_mapping,
    load,
    parse_override,
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
        ({"classes": {"max_size": 5}}, "at least classes.min_size"),
        ({"preset": "walmsley"}, "did you mean 'walmsley2023'"),
    ],
)
def test_what_is_wrong_is_named(values: dict[str, object], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        from_mapping(values)


def test_an_integer_will_do_for_a_number() -> None:
    assert from_mapping({"embedding": {"min_dist": 1}}).embedding.min_dist == 1.0


def test_assumed_values_are_marked_and_exist() -> None:
    text = to_toml(Config())
    for key in ASSUMED["walmsley2023"]:
        section, name = key.split(".")
        assert hasattr(getattr(Config(), section), name)
        block = text.split(f"[{section}]")[1].split("\n\n")[0]
        assert any(x.startswith(f"{name} =") and "assumed" in x for x in block.splitlines())


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


def test_digest_is_by_content() -> None:
    assert digest({"a": 1, "b": 2}) == digest({"b": 2, "a": 1})
    assert digest(Config().neighbors) != digest(from_mapping({"neighbors": {"k": 31}}).neighbors)
