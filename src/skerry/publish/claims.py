"""What the verdicts of a run allow to be claimed."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from skerry.discover.checks import Q_BELOW, REPLICATED
from skerry.publish.findings import Findings
from skerry.publish.words import count, percent

_NOTHING = (
    "Nothing was found that is small, tight and apart from the rest. That is a result for these "
    "settings, and no proof that the survey holds no rare class."
)


@dataclass(frozen=True)
class Claim:
    """What may be said of the classes of one ``verdict``; empty for all of them."""

    verdict: str
    text: str


def standing(findings: Findings) -> list[Claim]:
    """What may be claimed, for each verdict that there is."""
    if not findings.classes:
        return [Claim("", _NOTHING)]
    verdicts = Counter[str](c.verdict for c in findings.classes)
    texts = {
        "confirmed": _confirmed(findings),
        "tentative": (
            f"Chance does not explain it (q is below {Q_BELOW}), but a check failed or no search "
            "was repeated. Worth a look; not to be cited as a class."
        ),
        "rejected": (
            f"Chance may well explain it (q is {Q_BELOW} or more): featureless data gives such "
            "groups too. It is listed so that nothing is hidden, and may not be cited."
        ),
        "unjudged": (
            "No featureless data has been searched, so it is not known how many such classes "
            "chance gives, and none may be cited as real yet. Treat each as a suggestion of what "
            "to look at."
        ),
    }
    claims = [Claim(verdict, text) for verdict, text in texts.items() if verdicts[verdict]]
    if verdicts["confirmed"] or verdicts["unjudged"]:
        return claims
    return [Claim("", "No class is confirmed, so none may be cited as real."), *claims]


def _confirmed(findings: Findings) -> str:
    confirmed = [c for c in findings.classes if c.verdict == "confirmed"]
    largest = max((c.q_value or 0.0 for c in confirmed), default=0.0)
    kinds = len(findings.null_containment)
    searches = count(kinds * findings.n_nulls, "featureless data set")
    part = f" ({findings.config.nulls.sources:,} sources each)" if findings.null_times > 1 else ""
    return (
        f"The same search was run on {searches} made from this survey{part}, {findings.n_nulls} of "
        f"each of {count(kinds, 'kind')}; held against the kind that gives the most, at most "
        f"{percent(largest)} of the confirmed classes are expected to be chance (the largest q "
        f"among them; below {Q_BELOW} is asked for). Repeated searches, on other samples and with "
        f"other settings, found each again at least {REPLICATED:.0%} of the time, and every "
        "check passed. A confirmed class may be cited as a group of sources that look alike to "
        "this encoder. That it is a physical class, and no artifact and no piece of a common "
        "kind, is for you to see in its images."
    )
