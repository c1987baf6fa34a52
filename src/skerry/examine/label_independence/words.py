"""The answer on votes and representation, in words."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from skerry.examine.label_independence.classes import ALL, Alike, ByVotes, best
from skerry.examine.label_independence.conditional_gain import WORLDS
from skerry.examine.label_independence.independence_tests import LEARNED
from skerry.examine.label_independence.principal_directions import Predicted
from skerry.examine.label_independence.votes_of_classes import BY_VOTES, UNTOLD

CAVEAT = (
    "Null: the target is independent of the representation given the nuisance and the shares that "
    "many volunteers would give, of this source and of sources that look so. It is a statement "
    "about the columns named: what a catalog measures badly, as a size, any representation sees "
    "better, and that counts as a gain. Regressions are not perfect, so the p-value is also held "
    f"against the gains of {WORLDS} simulated representations that hold the votes alone. Predicted "
    "votes are functions of the representation and share its errors; observed ones are noisy, so "
    "that directions and classes look less explained by them than they are. That the encoder never "
    "saw the target is taken from you."
)


def sentence(
    rows: Sequence[dict[str, object]], directions: Sequence[Predicted], classes: Sequence[ByVotes],
    nuisance: Collection[str],
) -> str:  # fmt: skip
    """``rows`` are those of the table of tests."""
    explained = " and ".join(f"the {d.kind} votes explain {d.total:.0%}" for d in directions)
    parts = [_tested(rows, nuisance)]
    parts.append(f"{explained[0].upper()}{explained[1:]} of the representation's variance.")
    if classes:
        one_each = _by_class(classes)
        called = sum(best(found).verdict == BY_VOTES for found in one_each.values())
        parts.append(f"Of {len(one_each)} classes the votes explain {called}.")
    return " ".join(parts)


def _tested(all_rows: Sequence[dict[str, object]], nuisance: Collection[str]) -> str:
    rows = [row for row in all_rows if row["what"] == LEARNED]
    if not rows:
        return "Whether the representation holds more than the votes was not tested."
    more = [row for row in rows if row["more_than_votes"]]
    given = f"the votes and {', '.join(nuisance)}" if nuisance else "the votes"
    if not more:
        return (
            f"Nothing tells the representation from the votes: given {given} it adds to none of "
            f"{_targets(rows)}."
        )
    top = max(more, key=lambda row: _number(row["gain"]))
    return (
        f"The representation holds more than the votes, in {len(more)} of {len(rows)} tests (of "
        f"{_targets(rows)}): given {given} it explains {_number(top['gain']):.0%} "
        f"({_number(top['gain_low']):.0%} to {_number(top['gain_high']):.0%}) of the variance of "
        f"{top['target']} that the {top['votes']} votes leave (p = {_number(top['p_value']):.2g})"
        f"{_beside(top, all_rows)}."
    )


def _beside(top: dict[str, object], rows: Sequence[dict[str, object]]) -> str:
    """What representations that learned nothing explain of the same."""
    found = [
        f"{row['what']} {_number(row['gain']):.0%}"
        for row in rows
        if row["what"] != LEARNED and all(row[k] == top[k] for k in ("votes", "target"))
    ]
    return f"; {' and '.join(found)}" if found else ""


def _targets(rows: Sequence[dict[str, object]]) -> str:
    return ", ".join(dict.fromkeys(str(row["target"]) for row in rows))


def _by_class(classes: Sequence[ByVotes]) -> dict[str, list[ByVotes]]:
    found: dict[str, list[ByVotes]] = {}
    for one in classes:
        found.setdefault(one.class_id, []).append(one)
    return found


def class_sentences(classes: Sequence[ByVotes], alikes: Sequence[Alike]) -> dict[str, str]:
    """A sentence for each class."""
    return {
        class_id: _of_class(found, [a for a in alikes if a.of == class_id])
        for class_id, found in _by_class(classes).items()
    }


def _of_class(found: Sequence[ByVotes], alikes: Sequence[Alike]) -> str:
    one = best(found)
    told, learned = one.by_votes, one.by_vectors
    if one.verdict == UNTOLD:
        return (
            f"{_capital(UNTOLD)}: from one part of its members the others are not found (average "
            f"precision {told.precision:.2f} by votes, {learned.precision:.2f} by representation)."
        )
    text = (
        f"{_capital(one.verdict)}: the {one.kind} votes tell its members with an average precision "
        f"of {told.precision:.2f}, the representation with {learned.precision:.2f}, so votes "
        f"explain {told.share:.0%} ({told.share_low:.0%} to {told.share_high:.0%}) of its identity."
    )
    others = [f"{o.by_votes.share:.0%} by {o.kind} votes" for o in found if o is not one]
    if others:
        text += f" ({', '.join(others)}.)"
    text += (
        f" Of the galaxies whose votes are nearest to a member's {one.own_by_votes:.0%} are "
        f"members, of the nearest in the representation {one.own_by_vectors:.0%}"
    )
    alike = [a.likeness.value for a in alikes if a.kind == one.kind]
    return text + (f"; likeness of those with the same votes {alike[0]:.2f}." if alike else ".")


def notes_of(rows: Sequence[dict[str, object]], alikes: Sequence[Alike]) -> list[str]:
    """What the controls say, and how alike those with the same votes are."""
    found = []
    for row in rows:
        if row["votes_alone"]:
            found.append(
                f"Control, {row['target']} given the {row['votes']} votes: of {row['votes_alone']} "
                f"simulated representations that hold the votes alone the randomization by itself "
                f"would reject {row['votes_alone_rejected']}; the most that one gains is "
                f"{_number(row['most_of_votes_alone']):.2%}."
            )
        elif row["what"] != LEARNED:
            found.append(
                f"Control, {row['target']} given the {row['votes']} votes: {row['what']} gain "
                f"{_number(row['gain']):.1%} ({_number(row['gain_low']):.1%} to "
                f"{_number(row['gain_high']):.1%})."
            )
    for a in alikes:
        if a.of == ALL:
            found.append(
                f"Sources with the nearest {a.kind} votes look alike to {a.likeness.value:.2f} "
                f"({a.likeness.low:.2f} to {a.likeness.high:.2f}; 1: as nearest neighbors in the "
                f"representation, 0: as sources at random); they share {a.likeness.shared:.0%} of "
                "these neighbors."
            )
    return found


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]


def _number(value: object) -> float:
    assert isinstance(value, float)
    return value
