"""Whether a survey can be added to a run: new sources, read and represented as the run's were."""

from __future__ import annotations

from pathlib import Path

from skerry.adding.earlier import Earlier, maker
from skerry.adding.joint import NAMED, parts_of
from skerry.context import Context
from skerry.dependencies import outside_of
from skerry.errors import InputError
from skerry.represent.contract import hold
from skerry.survey import Facts, Survey, facts
from skerry.survey.facts import AGREE


def require_new(known: Survey, survey: Survey, run: Path) -> None:
    """That none of a survey's sources is in the run's.

    Raises
    ------
    InputError
        All are, or some: a few are named.
    """
    ids = survey.sources["id_str"].to_pylist()
    twice = sorted(set(ids).intersection(known.sources["id_str"].to_pylist()))
    if not twice:
        return
    if len(twice) == len(ids):
        raise InputError(
            f"nothing is new: all {len(ids)} sources of {survey.path} are in the run in {run} "
            f"already ({_few(twice)}); give the survey with those to add"
        )
    raise InputError(
        f"{len(twice)} of the {len(ids)} sources of {survey.path} are in the run in {run} already: "
        f"{_few(twice)}; expected ids that it does not have. Leave these out of "
        f"{survey.path.name}, or, where it has other images of them, give these other ids"
    )


def _few(ids: list[str]) -> str:
    return ", ".join(ids[:NAMED]) + (", ..." if len(ids) > NAMED else "")


def require_fitting(before: Context, survey: Survey, run: Path) -> None:
    """That a survey holds what the run's does, in like columns, and that its images are alike.

    Raises
    ------
    InputError
        It does not; says what was found and expected.
    ContractError
        The images are not what the run's encoder expects.
    """
    first = parts_of(before.survey)[0]
    holds = ["representations" if s.kind == "vectors" else "images" for s in (survey, first)]
    if holds[0] != holds[1]:
        raise InputError(
            f"{survey.path} holds {holds[0]}, the run in {run} was made from {holds[1]}; give "
            f"{holds[1]}"
        )
    _require_columns(first, survey, run)
    if first.kind == "vectors":
        mine, its = (s.vectors(slice(0, 1))[0].shape[1] for s in (survey, first))
        if mine != its:
            raise InputError(
                f"the vectors of {survey.path} have {mine} dimensions, those of the run in {run} "
                f"{its}; give vectors of the same encoder"
            )
        return
    encoder, settings = before.encoder, before.config.representations
    here = facts(survey, before.config.sources)
    if encoder is not None:
        hold(encoder.contract, here, encoder.name, settings.crop, settings.accept)
    for term, found, expected in _differences(here, before.facts):
        raise InputError(
            f"{term}: the images of {survey.path} have {found}, those of the run in {run} "
            f"{expected}; distances between them would show that. Bring the new images to what "
            "the run's are, or search them by themselves with 'skerry run'"
        )


def _require_columns(first: Survey, survey: Survey, run: Path) -> None:
    """An ``.npy`` has no columns: its choices are names of files."""
    if ".npy" in (first.path.suffix.lower(), survey.path.suffix.lower()):
        return
    # of tars the choice of images only says what their names end in
    by_name = {"image"} if survey.kind == first.kind == "tars" else set()
    roles = sorted({*first.choices, *survey.choices} - by_name)
    differ = [r for r in roles if first.choices.get(r) != survey.choices.get(r)]
    if not differ:
        return
    role = differ[0]
    found, expected = (s.choices.get(role) for s in (survey, first))
    if survey.kind != first.kind or bool(survey.catalogs) != bool(first.catalogs):
        raise InputError(
            f"{survey.path} is read in another way than the input of the run in {run} ({role}: "
            f"{found}, not {expected}); expected the same form: a folder of images to a folder of "
            "images, a catalog to a catalog, tars to tars, Parquet to Parquet"
        )
    raise InputError(
        f"{survey.path} has {_column(found)} for {role}, the run in {run} has {_column(expected)}; "
        "expected the same columns: name them alike in the new catalog"
    )


def _column(name: str | None) -> str:
    return "no column" if name is None else repr(name)


def _differences(found: Facts, expected: Facts) -> list[tuple[str, str, str]]:
    """(term, what the new images have, what the run's have) for each that differs."""
    differ = []
    for term, mine, its in (
        ("bands", ", ".join(found.bands) or "not said", ", ".join(expected.bands) or "not said"),
        ("stretch", found.stretch or "not said", expected.stretch or "not said"),
        ("color", "gray" * found.gray or "color", "gray" * expected.gray or "color"),
    ):
        if mine != its:
            differ.append((term, mine, its))
    mine_scale, its_scale = found.pixel_scale, expected.pixel_scale
    known = mine_scale is not None and its_scale is not None
    alike = abs(mine_scale / its_scale - 1) < AGREE if mine_scale and its_scale else not known
    if (mine_scale is None) != (its_scale is None) or not alike:
        differ.append(("pixel_scale", _scale(mine_scale), _scale(its_scale)))
    return differ


def _scale(scale: float | None) -> str:
    return "none that is said" if scale is None else f"{scale:.4g} arcsec"


def require_encoded_alike(context: Context, run: Path) -> None:
    """That the encoder there is now is the one that the run was made by, and computes as it did.

    Raises
    ------
    InputError
        It is another.
    """
    made, now = Earlier(run).made_by("representations"), outside_of("representations", context)
    if made != maker(now):
        differ = sorted(k for k in {*made, *maker(now)} if made.get(k) != maker(now).get(k))
        said = "; ".join(f"{k} {made.get(k, 'none')}, now {now.get(k, 'none')}" for k in differ)
        raise InputError(
            f"the run in {run} was encoded otherwise than new sources would be ({said}); such "
            "representations cannot be compared: bring that encoder back, or start 'skerry run' "
            "on the run's input again first"
        )
