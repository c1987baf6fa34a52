"""Columns are found by usual names in a fixed order, or by the name the user gives."""

from __future__ import annotations

import pytest

from skerry.errors import CatalogError
from skerry.survey.columns import choose, choose_vectors, families


@pytest.mark.parametrize(
    ("role", "column"),
    [
        ("id", "OBJID"), ("id", "IAUName"), ("ra", "Right Ascension"), ("ra", "_RAJ2000"),
        ("dec", "DELTA_J2000"), ("dec", "DEdeg".replace("deg", "J2000")), ("image", "File-Loc"),
    ],
)  # fmt: skip
def test_usual_names_match_whatever_their_case(role: str, column: str) -> None:
    assert choose(role, ["flux", column], "", "t").column == column


def test_no_usual_name_is_no_column() -> None:
    assert choose("ra", ["flux", "era"], "", "t").column is None


def test_preferred_name_wins_and_the_others_are_noted() -> None:
    choice = choose("id", ["name", "objid", "id_str"], "", "t")
    assert choice.column == "id_str"
    assert choice.passed_over == ("objid", "name")
    (note,) = choice.note("id")
    assert "'objid', 'name'" in note
    assert "sources.id_column" in note


def test_configured_name_wins_without_a_note() -> None:
    choice = choose("id", ["id_str", "mine"], "mine", "t")
    assert choice.column == "mine"
    assert choice.note("id") == ()


def test_missing_configured_column_suggests_the_nearest() -> None:
    with pytest.raises(CatalogError, match=r"nearest is 'objid'.*Columns: 'ra', 'objid'"):
        choose("id", ["ra", "objid"], "obj_id", "t")


def test_repeated_column_is_refused_only_where_chosen() -> None:
    assert choose("id", ["id", "x", "x"], "", "t").column == "id"
    with pytest.raises(CatalogError, match="two columns named 'id'"):
        choose("id", ["id", "x", "id"], "", "t")


def test_only_usable_columns_are_looked_at() -> None:
    assert choose("image", ["image", "file"], "", "t", ["file"]).column == "file"


def test_families_are_in_numeric_order() -> None:
    names = ["feat_10", "feat_2", "feat_1", "lone_3", "z"]
    assert families(names) == {"feat_": ["feat_1", "feat_2", "feat_10"]}


def pick(numbered: list[str], configured: str = "", lists: list[str] | None = None) -> object:
    lists = lists or []
    return choose_vectors(numbered, lists, configured, [*numbered, *lists, "id"], "t")


def test_the_only_family_is_taken() -> None:
    assert pick([f"feat_{i}" for i in range(11)]) == [f"feat_{i}" for i in range(11)]
    assert pick(["a_1", "a_2", "b_7"]) == ["a_1", "a_2"]
    assert pick(["mag"], lists=["vector"]) == ["vector"]
    assert pick(["mag"]) is None


def test_several_families_need_a_choice() -> None:
    numbered = ["feat_0", "feat_1", "feat_pca_0", "feat_pca_1"]
    with pytest.raises(CatalogError, match=r"'feat_', 'feat_pca_'; set sources.vector_prefix"):
        pick(numbered)
    assert pick(numbered, "feat_") == ["feat_0", "feat_1"]
    assert pick(numbered, "vector", ["vector"]) == ["vector"]
    with pytest.raises(CatalogError, match="nearest is 'feat_pca_'"):
        pick(numbered, "feat_pc_")


@pytest.mark.parametrize("numbers", [(0, 1, 3), (2, 3, 4), (0, 1, 1)])
def test_numbers_with_gaps_are_refused(numbers: tuple[int, ...]) -> None:
    names = [f"f{'0' * i if i == 2 else ''}{n}" for i, n in enumerate(numbers)]
    with pytest.raises(CatalogError, match="not numbered without gaps"):
        pick(names)
