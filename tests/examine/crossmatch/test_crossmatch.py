"""Classes against existing labels, other catalogs and rankings of single odd objects."""

from __future__ import annotations

import socket
from pathlib import Path

import numpy as np
import pytest
from astropy.table import Table
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from skerry.answer import Answer
from skerry.errors import CannotAnswerError, ConfigError, InputError
from skerry.examine import ExamineConfig, Subject
from skerry.examine.crossmatch import crossmatch
from tests.examine.made import subject_of
from tests.survey.vo_server import Service, served

N = 300
GROUPS = [np.arange(15), np.arange(15, 30)]
QUICK = {"permutations": 19}


def vectors(seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    found = rng.normal(size=(N, 6))
    for i, group in enumerate(GROUPS):
        found[group] = 2 * (i + 1) * np.eye(6)[i] + 0.1 * rng.normal(size=(len(group), 6))
    found[30] = 30.0
    return found.astype(np.float32)


def types(seed: int = 0) -> list[str]:
    """13 of the first class are rings, as are 6 others; the second class is of no type."""
    kinds = np.array(["galaxy"] * N, dtype=object)
    kinds[[*range(13), *range(100, 106)]] = "ring"
    kinds[200:215] = "merger"
    return kinds.tolist()


def subject(**given: object) -> Subject:
    return subject_of(vectors(), GROUPS, **{"words": {"type": types()}, **given})  # type: ignore[arg-type]


def rows(answer: Answer, table: str, **like: object) -> list[dict[str, object]]:
    return [
        row
        for row in answer.tables[table].to_pylist()
        if all(row[name] == value for name, value in like.items())
    ]


def test_a_planted_type_is_rediscovered_and_the_rest_is_left_unexplained() -> None:
    answer = crossmatch(subject(), ExamineConfig(**QUICK))
    (ring,) = rows(answer, "labels", class_id="SKR-s000", label="type: ring")
    assert (ring["having"], ring["members"]) == (13, 15)
    assert ring["rediscovered"] and ring["completeness"] == pytest.approx(13 / 19)
    assert ring["share_of_all"] == pytest.approx(19 / N)
    assert not any(row["rediscovered"] for row in rows(answer, "labels", class_id="SKR-s015"))
    members = rows(answer, "members", class_id="SKR-s000")
    assert {r["id_str"] for r in members if r["status"] == "unexplained"} == {"s013", "s014"}
    assert {r["status"] for r in rows(answer, "members", class_id="SKR-s015")} == {"unexplained"}
    assert "1 of 2 classes are known types rediscovered (type: ring)" in answer.sentence
    assert "explain 13 of 30 labeled members" in answer.sentence
    assert "A known type rediscovered: type: ring, which 13 of 15" in answer.of_class["SKR-s000"]
    assert "2 members are explained by no label" in answer.of_class["SKR-s000"]
    assert "None of 3 labels is more common" in answer.of_class["SKR-s015"]
    plot = answer.class_plots["SKR-s000"]
    assert plot.y_ticks[-1] == "type: ring" and plot.series[0].x[-1] == pytest.approx(13 / 15)


def test_agreement_is_given_of_a_full_labelling_alone() -> None:
    some = [kind if i % 2 else "" for i, kind in enumerate(types())]
    made = subject(words={"type": types(), "survey": some})
    answer = crossmatch(made, ExamineConfig(**QUICK))
    (row,) = rows(answer, "agreement")
    assert row["labelling"] == "type" and row["sources"] == N
    assert any("adjusted Rand index" in note for note in answer.notes)


def test_lone_outliers_are_listed_apart_from_classes() -> None:
    answer = crossmatch(subject(), ExamineConfig(**QUICK))
    outliers = [row["id_str"] for row in rows(answer, "outliers")]
    assert outliers[0] == "s030"
    assert not set(outliers) & {f"s{i:03d}" for i in range(30)}
    standing = rows(answer, "anomalies", class_id="SKR-s000")
    assert {row["method"] for row in standing} == {"isolation forest", "local outlier factor"}
    assert "of 300 single sources would have shown 0 of 2 classes" in answer.sentence


def test_a_scattered_class_would_have_been_shown_by_anomalies() -> None:
    far = vectors()
    far[:15] = 8 * np.random.default_rng(1).normal(size=(15, 6))
    answer = crossmatch(subject_of(far, GROUPS), ExamineConfig(**QUICK))
    assert any(row["surfaced"] for row in rows(answer, "anomalies", class_id="SKR-s000"))
    assert "would have shown 1 of 2 classes" in answer.sentence


def test_without_labels_anomalies_are_answered_and_what_to_give_is_said() -> None:
    answer = crossmatch(subject_of(vectors(), GROUPS), ExamineConfig(**QUICK))
    assert answer.answered and "No labels were there" in answer.sentence
    assert any("labels=NAME" in note for note in answer.notes)
    assert "labels" not in answer.tables and "anomalies" in answer.tables
    assert {row["status"] for row in rows(answer, "members")} == {"unlabeled"}


def test_truth_of_a_simulation_is_not_looked_at_unless_named() -> None:
    made = subject(words={"truth_kind": types()})
    assert "No labels were there" in crossmatch(made, ExamineConfig(**QUICK)).sentence
    named = crossmatch(made, ExamineConfig(labels="truth_kind", **QUICK))
    assert "rediscovered (truth_kind: ring)" in named.sentence


@settings(max_examples=3, phases=[Phase.generate])
@given(seed=st.integers(0, 1000))
def test_the_order_of_the_rows_changes_nothing(seed: int) -> None:
    order = np.random.default_rng(seed).permutation(N)
    where = np.argsort(order)
    moved = subject_of(
        vectors()[order],
        [where[group] for group in GROUPS],
        words={"type": [types()[i] for i in order]},
        ids=[f"s{i:03d}" for i in order],
    )
    one, other = (crossmatch(made, ExamineConfig(**QUICK)) for made in (subject(), moved))
    assert one.sentence == other.sentence and one.of_class == other.of_class
    assert one.notes == other.notes
    for name, table in one.tables.items():
        # by text, as NaN is not equal to itself
        assert str(table.to_pylist()) == str(other.tables[name].to_pylist()), name


def test_labels_at_random_rediscover_nothing_at_the_stated_rate() -> None:
    """In 100 surveys of labels that tell nothing, classes are explained in at most 5%."""
    from scipy.stats import binom

    from skerry.examine.crossmatch.enrichment import enrichments
    from skerry.examine.crossmatch.labels import own_labels

    made = subject()
    false = 0
    for seed in range(100):
        shuffled = np.random.default_rng(seed).permutation(made.attributes.words["type"])
        labellings, _ = own_labels(type(made.attributes)({}, {"type": shuffled}), "")
        false += any(e.explains for e in enrichments(labellings, made.members, 0.05))
    assert false <= binom.ppf(0.99, 100, 0.05)


def sky(seed: int = 3) -> np.ndarray:
    return np.array([150.0, 2.0]) + 0.5 * np.random.default_rng(seed).random((N, 2))


def known(seed: int = 4) -> Table:
    """A catalog with the first class as rings, a quarter of the others as galaxies, and more."""
    own, rng = sky(), np.random.default_rng(seed)
    there = np.r_[0:13, 30:90]
    entries = own[there] + 0.2 / 3600 * rng.normal(size=(len(there), 2))
    others = np.array([150.0, 2.0]) + 0.5 * rng.random((150, 2))
    places = np.vstack([entries, others])
    kinds = ["ring"] * 13 + ["galaxy"] * 60 + ["ring"] * 10 + ["galaxy"] * 140
    return Table({"ra": places[:, 0], "dec": places[:, 1], "kind": kinds})


def test_another_catalog_by_position_from_a_file_or_a_service(tmp_path: Path) -> None:
    path = tmp_path / "known.csv"
    known().write(path)
    made = subject(positions=sky())
    answer = crossmatch(made, ExamineConfig(catalog=str(path), **QUICK))
    (ring,) = rows(answer, "labels", class_id="SKR-s000", label="kind: ring")
    assert (ring["having"], ring["members"], ring["rediscovered"]) == (13, 13, True)
    # a quarter of all sources are in the catalog: that alone explains nothing
    (there,) = rows(answer, "labels", class_id="SKR-s000", label="in known.csv")
    assert there["enriched"] and not there["explains"] and there["having"] == 13
    assert len(rows(answer, "labels", rediscovered=True)) == 1
    # s013 and s014 are not in it: nothing is known of what they are
    statuses = {r["id_str"]: r["status"] for r in rows(answer, "members", class_id="SKR-s000")}
    assert statuses.pop("s013") == statuses.pop("s014") == "unlabeled"
    assert set(statuses.values()) == {"explained"}
    assert len(rows(answer, "matches")) >= 73 and "within 1 arcsec" in answer.notes[0]
    assert max(row["separation"] for row in rows(answer, "matches")) <= 1.0  # type: ignore[type-var]
    with served(Service(known())) as service:
        asked = crossmatch(made, ExamineConfig(catalog=service.address + "#known", **QUICK))
    for name in ("members", "matches", "anomalies"):
        left = asked.tables[name].drop_columns(
            [c for c in ("labels", "explained_by") if c in asked.tables[name].column_names]
        )
        assert left.equals(answer.tables[name].select(left.column_names)), name


def test_matches_by_chance_are_counted_and_explain_nothing(tmp_path: Path) -> None:
    """A crowded catalog that has nothing to do with the sources, but for being where they are."""
    rng = np.random.default_rng(5)
    places = np.array([149.9, 1.9]) + 0.7 * rng.random((30_000, 2))
    crowd = tmp_path / "crowd.csv"
    Table({"ra": places[:, 0], "dec": places[:, 1], "kind": rng.choice(["a", "b"], 30_000)}).write(
        crowd
    )
    answer = crossmatch(
        subject(positions=sky()), ExamineConfig(catalog=str(crowd), radius=8.0, **QUICK)
    )
    assert "too many for its labels to explain a class" in answer.notes[0]
    assert not rows(answer, "labels", explains=True)
    assert not rows(answer, "members", status="explained")


def test_a_service_that_fails_is_said_and_no_answer_is_given() -> None:
    made = subject(positions=sky())
    with served(Service(known(), "error")) as service, pytest.raises(InputError, match="closed"):
        crossmatch(made, ExamineConfig(catalog=service.address, **QUICK))


def test_no_connection_is_made_unless_an_address_is_given(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def refuse(*args: object, **kwargs: object) -> None:
        raise AssertionError("a connection was made")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "create_connection", refuse)
    path = tmp_path / "known.csv"
    known().write(path)
    made = subject(positions=sky())
    assert crossmatch(made, ExamineConfig(**QUICK)).answered
    assert crossmatch(made, ExamineConfig(catalog=str(path), **QUICK)).answered


def test_what_cannot_be_answered_is_said(tmp_path: Path) -> None:
    with pytest.raises(CannotAnswerError, match="no class and no candidate"):
        crossmatch(subject_of(vectors(), []), ExamineConfig(**QUICK))
    with pytest.raises(ConfigError, match="no column 'colour'"):
        crossmatch(subject(), ExamineConfig(labels="colour", **QUICK))
    path = tmp_path / "known.csv"
    known().write(path)
    with pytest.raises(CannotAnswerError, match="no positions"):
        crossmatch(subject(), ExamineConfig(catalog=str(path), **QUICK))
    with pytest.raises(ConfigError, match=r"known\.csv has no column 'kin', and the run's catalog"):
        crossmatch(
            subject(positions=sky()), ExamineConfig(catalog=str(path), labels="kin", **QUICK)
        )


def test_how_many_sources_have_positions_is_said_and_no_more(tmp_path: Path) -> None:
    path = tmp_path / "known.csv"
    known().write(path)
    places = sky()
    places[100:150] = np.nan
    answer = crossmatch(subject(positions=places), ExamineConfig(catalog=str(path), **QUICK))
    assert "Of all 300 sources 250 have positions." in answer.notes[0]
    assert "at random" not in answer.notes[0]


def test_a_catalog_with_no_entry_of_any_source_labels_nobody(tmp_path: Path) -> None:
    path = tmp_path / "elsewhere.csv"
    path.write_text("ra,dec\n10.0,-40.0\n")
    answer = crossmatch(subject(positions=sky()), ExamineConfig(catalog=str(path), **QUICK))
    assert "labels explain 0 of 0 labeled members" in answer.sentence
    assert "No member has a known label." in answer.of_class["SKR-s000"]
