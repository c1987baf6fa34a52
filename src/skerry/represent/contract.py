"""Whether a survey's images are what an encoder expects, and which part of them it is shown."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping

from skerry.errors import ConfigError, ContractError
from skerry.survey.facts import STRETCHES, Facts
from skerry.types import Contract

UNNAMED = ("red", "green", "blue")
"""Bands of a contract that does not say which filters they were."""

GRAY = ("gray",)
"""Bands of an encoder of one plane."""

TOLERANCE = 0.1
"""Largest relative difference of pixel scales: what augmentation shows an encoder in training."""

TERMS = ("pixel_scale", "bands", "stretch")


def accepted(text: str) -> frozenset[str]:
    """The terms of ``representations.accept``.

    Raises
    ------
    ConfigError
        One is not a term of a contract.
    """
    names = frozenset(t.strip() for t in text.split(",") if t.strip())
    if names - set(TERMS):
        raise ConfigError(
            f"representations.accept is {text!r}; expected some of {', '.join(TERMS)}"
        )
    return names


def declared(contract: Contract, bands: str, stretch: str, pixel_scale: float) -> Contract:
    """The contract with what its maker declares of the images it learned from; empty: not said.

    Raises
    ------
    ConfigError
        Not as many bands as the encoder has planes, one of them twice, an unknown stretch, or a
        pixel scale that is not finite or below 0.
    """
    named = tuple(b.strip() for b in bands.split(",") if b.strip())
    if named and len(named) != len(contract.bands):
        raise ConfigError(f"bands are {bands!r}; the encoder has {len(contract.bands)}")
    if len(set(named)) < len(named):
        raise ConfigError(f"bands are {bands!r}, which repeats one; name each once")
    if stretch and stretch not in STRETCHES:
        raise ConfigError(f"stretch is {stretch!r}; expected one of {', '.join(STRETCHES)}")
    if not (math.isfinite(pixel_scale) and pixel_scale >= 0):
        raise ConfigError(
            f"pixel scale is {pixel_scale} arcsec; expected a finite number, or 0 if not fixed"
        )
    return dataclasses.replace(
        contract,
        bands=named or contract.bands,
        stretch=stretch or contract.stretch,
        pixel_scale=pixel_scale or contract.pixel_scale,
    )


def hold(contract: Contract, facts: Facts, name: str, crop: float, accept: str) -> Contract:
    """The contract for one survey: held against what is known of its images.

    Where both pixel scales are known, the part kept of each image is what shows the encoder's
    field of view. ``crop`` is the share of the width that the user keeps, 0 to go by the
    contract; ``accept`` names terms that may differ.

    Raises
    ------
    ContractError
        Bands, stretch or pixel scale differ and are not accepted; names both sides.
    """
    allowed = accepted(accept)
    for term, expected, found in _differences(contract, facts, crop):
        if term not in allowed:
            raise ContractError(
                f"{term}: encoder {name} expects {expected}; these images have {found} (from "
                f"{facts.source}). Prepare the images as it expects, choose another encoder, or "
                f"set representations.accept={term} to search all the same"
            )
    if crop or "pixel_scale" in allowed or not (contract.pixel_scale and facts.pixel_scale):
        return contract
    return dataclasses.replace(
        contract, kept=contract.size * contract.pixel_scale / facts.pixel_scale
    )


def _differences(contract: Contract, facts: Facts, crop: float) -> list[tuple[str, str, str]]:
    """(term, what the encoder expects, what the images have) for each that differs."""
    found = []
    named = contract.bands not in (UNNAMED, GRAY)
    if named and facts.bands and facts.bands != contract.bands:
        turned = " (the same in another order)" * (sorted(facts.bands) == sorted(contract.bands))
        found.append(("bands", ", ".join(contract.bands), ", ".join(facts.bands) + turned))
    if contract.stretch and facts.stretch and facts.stretch != contract.stretch:
        found.append(("stretch", contract.stretch, facts.stretch))
    if contract.pixel_scale and facts.pixel_scale and facts.side:
        scale = facts.pixel_scale * (crop or 1.0) * facts.side / contract.size
        ratio = scale / contract.pixel_scale
        if ratio < 1 - TOLERANCE or (crop and ratio > 1 + TOLERANCE):
            found.append(
                (
                    "pixel_scale",
                    f"{contract.size} px of {contract.pixel_scale:.3g} arcsec, a field of "
                    f"{contract.size * contract.pixel_scale:.3g} arcsec",
                    f"{facts.pixel_scale:.3g} arcsec a pixel: the part kept shows "
                    f"{scale * contract.size:.3g} arcsec",
                )
            )
    return found


def in_words(contract: Contract, facts: Facts) -> Mapping[str, str]:
    """What the encoder expects of each term and what the survey says, for the report."""
    scale = "scaled to each galaxy, or not said"
    if contract.pixel_scale:
        scale = f"{contract.pixel_scale:.3g} arcsec a pixel at {contract.size} px"
    here = f"{facts.pixel_scale:.3g} arcsec a pixel" if facts.pixel_scale else "not said"
    return {
        "pixel scale": f"encoder: {scale}; images: {here}",
        "bands": f"encoder: {', '.join(contract.bands)}; "
        f"images: {', '.join(facts.bands) or 'not said'}",
        "stretch": f"encoder: {contract.stretch or 'not said'}; "
        f"images: {facts.stretch or 'not said'}",
    }
