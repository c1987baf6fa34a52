"""Labels in classes by exact tests, and agreement with a full labelling."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom, fisher_exact
from sklearn.metrics import adjusted_mutual_info_score, adjusted_rand_score, mutual_info_score

from skerry.examine.crossmatch.agreement import agreement
from skerry.examine.crossmatch.enrichment import enrichments
from skerry.examine.crossmatch.labels import Labelling, labelling_of

N = 400
GROUPS = [np.arange(20), np.arange(20, 50)]


def planted(share: float, rest: float, seed: int = 0, values: int = 1) -> Labelling:
    """A label that some share of the first class has, and another share of all others."""
    rng = np.random.default_rng(seed)
    inside = np.arange(N) < 20
    has = rng.random(N) < np.where(inside, share, rest)
    return labelling_of("type", np.where(has, "ring", "other").tolist())


def test_a_planted_label_is_enriched_as_fisher_s_test_has_it() -> None:
    labelling = planted(0.8, 0.03)
    found = enrichments([labelling], GROUPS, 0.05)
    ring = next(e for e in found if e.label == "type: ring" and e.number == 0)
    has = labelling.values == "ring"
    k, total = int(has[:20].sum()), int(has.sum())
    table = [[k, 20 - k], [total - k, N - 20 - total + k]]
    expected = fisher_exact(table, alternative="greater")
    assert ring.p == pytest.approx(expected.pvalue)
    assert (ring.having, ring.members, ring.others_having, ring.others) == (k, 20, total - k, 380)
    odds, low, high = ring.odds
    assert 1 < low < odds < high
    # the conditional estimate is nearer to 1 than the cross product
    assert odds == pytest.approx(k * table[1][1] / (table[0][1] * table[1][0]), rel=0.15)
    assert ring.enriched and ring.explains and ring.rediscovered
    assert ring.complete == pytest.approx(k / total)
    other = next(e for e in found if e.label == "type: ring" and e.number == 1)
    assert not other.enriched and not other.rediscovered


def test_only_sources_whose_label_is_known_count() -> None:
    labelling = planted(1.0, 0.05)
    known = labelling.known & (np.arange(N) % 2 == 0)
    half = Labelling("type", labelling.values, known)
    found = enrichments([half], GROUPS, 0.05)
    ring = next(e for e in found if e.label == "type: ring" and e.number == 0)
    assert (ring.having, ring.members, ring.members + ring.others) == (10, 10, 200)
    nothing = Labelling("type", labelling.values, labelling.known & (np.arange(N) >= 20))
    assert {e.number for e in enrichments([nothing], GROUPS, 0.05)} == {1}


def test_half_the_members_make_no_known_type_and_a_common_label_explains_nothing() -> None:
    values = np.full(N, "other", dtype=object)
    values[:10] = "ring"
    found = enrichments([labelling_of("type", values.tolist())], GROUPS, 0.05)
    ring = next(e for e in found if e.label == "type: ring" and e.number == 0)
    assert ring.explains and not ring.rediscovered
    common = np.where(np.arange(N) % 4 == 0, "smooth", "other").astype(object)
    common[:20] = "smooth"
    found = enrichments([labelling_of("type", common.tolist())], GROUPS, 0.05)
    smooth = next(e for e in found if e.label == "type: smooth" and e.number == 0)
    assert smooth.enriched and not smooth.explains and not smooth.rediscovered


def test_labels_that_came_by_chance_explain_nothing() -> None:
    labelling = planted(1.0, 0.02)
    by_chance = Labelling("type", labelling.values, labelling.known, chance=0.6)
    found = enrichments([by_chance], GROUPS, 0.05)
    ring = next(e for e in found if e.label == "type: ring" and e.number == 0)
    assert ring.enriched and not ring.explains
    mostly_right = Labelling("type", labelling.values, labelling.known, chance=0.1)
    assert any(e.rediscovered for e in enrichments([mostly_right], GROUPS, 0.05))


def test_a_part_of_the_others_stands_for_all_of_them() -> None:
    """A service is asked for all members, and for some of the others: shares are of all still."""
    whole = planted(0.8, 0.05)
    asked = np.arange(N) < 120
    part = Labelling("type", np.where(asked, whole.values, ""), asked, weight=350 / 70)
    ring = next(e for e in enrichments([part], GROUPS, 0.05) if e.label == "type: ring")
    has = part.values == "ring"
    assert (ring.members, ring.others) == (20, 70)
    assert ring.others_having == has[50:].sum()
    assert ring.share_of_all == pytest.approx((has[:50].sum() + 5 * has[50:].sum()) / 400)
    assert ring.complete == pytest.approx(ring.having / (ring.share_of_all * 400))
    table = [[ring.having, 20 - ring.having], [ring.others_having, 70 - ring.others_having]]
    assert ring.p == pytest.approx(fisher_exact(table, alternative="greater").pvalue)


def test_shuffled_labels_are_not_enriched() -> None:
    """Of 200 surveys with labels at random, at most the share asked for has any enriched one."""
    false = 0
    for seed in range(200):
        rng = np.random.default_rng(seed)
        labellings = [
            labelling_of(f"type {i}", rng.permutation(["ring"] * 12 + ["merger"] * 30
                                                     + ["other"] * (N - 42)).tolist())
            for i in range(4)
        ]  # fmt: skip
        false += any(e.enriched for e in enrichments(labellings, GROUPS, 0.05))
    assert false <= binom.ppf(0.999, 200, 0.05)


def test_agreement_is_that_of_scikit_learn_and_purity_is_held_against_chance() -> None:
    rng = np.random.default_rng(0)
    values = rng.choice(["a", "b", "c"], N).astype(object)
    values[:18] = "ring"
    values[300:310] = ""
    groups = np.full(N, -1)
    groups[:20], groups[20:50] = 0, 1
    labelling = labelling_of("type", values.tolist())
    found = agreement(labelling, GROUPS, 199, 0)
    assert found is not None
    keep = values != ""
    assert found.ari == pytest.approx(adjusted_rand_score(values[keep], groups[keep]))
    assert found.ami == pytest.approx(adjusted_mutual_info_score(values[keep], groups[keep]))
    assert found.ari_of_members == pytest.approx(adjusted_rand_score(values[:50], groups[:50]))
    most = max(np.unique(values[20:50].astype(str), return_counts=True)[1])
    assert found.purity == pytest.approx((18 + most) / 50)
    assert found.p == pytest.approx(1 / 200) and found.by_chance < 0.6
    assert (found.sources, found.members, found.labels) == (390, 50, 4)


def test_the_p_value_is_that_of_mutual_information() -> None:
    rng = np.random.default_rng(3)
    values = rng.choice(["a", "b", "c"], N).astype(object)
    values[:2] = "a"
    groups = np.full(N, -1)
    groups[:20], groups[20:50] = 0, 1
    found = agreement(labelling_of("type", values.tolist()), GROUPS, 99, 5)
    again = np.random.default_rng(5)
    code = np.unique(values.astype(str), return_inverse=True)[1]
    told = mutual_info_score(code, groups)
    drawn = [mutual_info_score(again.permutation(code), groups) for _ in range(99)]
    assert found is not None and found.p > 1 / 100
    assert found.p == pytest.approx((1 + sum(d >= told - 1e-12 for d in drawn)) / 100)


def test_classes_that_are_the_labels_agree_wholly_and_random_ones_not() -> None:
    values = np.full(N, "sea", dtype=object)
    values[:20], values[20:50] = "ring", "merger"
    found = agreement(labelling_of("type", values.tolist()), GROUPS, 99, 0)
    assert found is not None and found.ari == found.ami == found.purity == 1.0
    rates = []
    for seed in range(60):
        shuffled = np.random.default_rng(seed).permutation(values)
        one = agreement(labelling_of("type", shuffled.tolist()), GROUPS, 99, seed)
        assert one is not None
        rates.append((one.p <= 0.05, one.ari))
    assert sum(low for low, _ in rates) <= binom.ppf(0.999, 60, 0.05)
    assert abs(np.mean([ari for _, ari in rates])) < 0.02


def test_one_class_alone_has_no_agreement_among_its_members() -> None:
    found = agreement(planted(0.9, 0.2), GROUPS[:1], 19, 0)
    assert found is not None and np.isnan(found.ari_of_members)
    nothing = Labelling("type", np.full(N, "", dtype=object), np.ones(N, bool))
    assert agreement(nothing, GROUPS, 19, 0) is None
