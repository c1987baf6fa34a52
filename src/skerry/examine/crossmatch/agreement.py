"""How far classes agree with a full labelling: Rand's index, mutual information, purity."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from skerry.examine.crossmatch.labels import Labelling
from skerry.types import IntArray


@dataclass(frozen=True)
class Agreement:
    """Classes against one full labelling.

    ``ari`` and ``ami`` are 0 for classes drawn at random and 1 where they are the labels; over all
    labeled sources, those in no class as one more group, and over the members alone (NaN of fewer
    than two classes). ``p``: how often shuffled labels have as much mutual information with the
    classes. ``purity``: the share of members that have their class's commonest label, ``by_chance``
    its mean over shuffled labels, which is high where one label is common.
    """

    labelling: str
    labels: int
    sources: int
    members: int
    ari: float
    ami: float
    ari_of_members: float
    ami_of_members: float
    purity: float
    by_chance: float
    p: float


def agreement(
    labelling: Labelling, members: Sequence[IntArray], permutations: int, seed: int
) -> Agreement | None:
    """Hubert & Arabie's (1985) adjusted Rand index, the adjusted mutual information of Vinh et al.
    (2010, JMLR 11, 2837; mean of the entropies), its permutation test, and purity; None where no
    member is labeled.
    """
    from sklearn.metrics import adjusted_mutual_info_score, adjusted_rand_score

    labeled = np.flatnonzero(labelling.values != "")
    names, code = np.unique(labelling.values[labeled].astype(str), return_inverse=True)
    group = np.full(len(labelling.values), -1, dtype=np.int64)
    for number, rows in enumerate(members):
        group[rows] = number
    group = group[labeled]
    inside = group >= 0
    if not inside.any():
        return None
    several = len(np.unique(group[inside])) > 1
    nan = float("nan")
    told = _information(code, group + 1)
    rng = np.random.default_rng(seed)
    reached, chance = 0, 0.0
    for _ in range(permutations):
        shuffled = rng.permutation(code)
        # sums in another order differ by a rounding
        reached += _information(shuffled, group + 1) >= told - 1e-9
        chance += _purity(shuffled[inside], group[inside], len(names)) / permutations
    return Agreement(
        labelling.name,
        len(names),
        len(labeled),
        int(inside.sum()),
        float(adjusted_rand_score(code, group)),
        float(adjusted_mutual_info_score(code, group)),
        float(adjusted_rand_score(code[inside], group[inside])) if several else nan,
        float(adjusted_mutual_info_score(code[inside], group[inside])) if several else nan,
        _purity(code[inside], group[inside], len(names)),
        chance,
        (1 + reached) / (1 + permutations),
    )


def _information(code: IntArray, group: IntArray) -> float:
    """What of mutual information (Shannon 1948) shuffling changes: the sum of n ln n over all cells
    of the table of groups by labels, as its margins stay."""
    from scipy.special import xlogy

    counts = np.bincount(group * (code.max() + 1) + code).astype(np.float64)
    return float(xlogy(counts, counts).sum())


def _purity(code: IntArray, group: IntArray, n_labels: int) -> float:
    counts = np.bincount(group * n_labels + code, minlength=(group.max() + 1) * n_labels)
    return float(counts.reshape(-1, n_labels).max(axis=1).sum() / len(code))
