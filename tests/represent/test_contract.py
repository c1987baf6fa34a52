from __future__ import annotations

import dataclasses
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skerry.errors import ConfigError, ContractError
from skerry.represent.contract import declared, hold, in_words
from skerry.survey import Facts
from skerry.types import Contract

CONTRACT = Contract(
    64, {424: 0.5}, "half", bands=("z", "r", "g"), pixel_scale=0.5, stretch="lupton"
)
FACTS = Facts(128, False, 0.5, ("z", "r", "g"), "lupton", "settings")


def held(facts: Facts = FACTS, crop: float = 0.0, accept: str = "") -> Contract:
    return hold(CONTRACT, facts, "e", crop, accept)


def test_with_both_pixel_scales_known_the_part_kept_shows_the_encoders_field() -> None:
    assert held().crop_of(128) == 0.5
    assert held(dataclasses.replace(FACTS, pixel_scale=0.25)).crop_of(256) == 0.5
    assert held(dataclasses.replace(FACTS, pixel_scale=None)).crop_of(424) == 0.5


@pytest.mark.parametrize(
    ("changes", "term", "both"),
    [
        ({"bands": ("g", "r", "z")}, "bands", ["z, r, g", "another order"]),
        ({"bands": ("VIS",)}, "bands", ["z, r, g", "VIS"]),
        ({"stretch": "linear"}, "stretch", ["lupton", "linear"]),
        ({"pixel_scale": 0.2}, "pixel_scale", ["32 arcsec", "25.6 arcsec"]),
    ],
)
def test_a_mismatch_names_both_sides_until_it_is_accepted(
    changes: dict[str, object], term: str, both: list[str]
) -> None:
    facts = dataclasses.replace(FACTS, **changes)  # type: ignore[arg-type]
    with pytest.raises(ContractError) as error:
        held(facts)
    for word in [term, "settings", *both]:
        assert word in str(error.value)
    assert held(facts, accept=term).size == 64


def test_a_crop_that_shows_another_scale_is_a_mismatch() -> None:
    assert held(crop=0.5) == CONTRACT
    for crop in (0.3, 1.0):
        with pytest.raises(ContractError, match="pixel_scale"):
            held(crop=crop)


def test_what_nobody_says_is_not_held_against_the_survey() -> None:
    unknown = Facts(128, False, None, (), "", "nothing")
    assert held(unknown) == CONTRACT
    unnamed = Contract(64, {}, "whole")
    assert hold(unnamed, FACTS, "e", 0.0, "") == unnamed
    assert "not said" in in_words(CONTRACT, unknown)["bands"]


def test_an_encoders_maker_declares_what_it_learned_from() -> None:
    plain = Contract(64, {}, "whole")
    assert declared(plain, "", "", 0.0) == plain
    found = declared(plain, "z, r,g", "lupton", 0.5)
    assert (found.bands, found.stretch, found.pixel_scale) == (("z", "r", "g"), "lupton", 0.5)
    with pytest.raises(ConfigError, match="has 3"):
        declared(plain, "VIS", "", 0.0)
    with pytest.raises(ConfigError, match="linear"):
        declared(plain, "", "cubic", 0.0)
    with pytest.raises(ConfigError, match="repeats one"):
        declared(plain, "r,r,r", "", 0.0)


@pytest.mark.parametrize("scale", [math.inf, math.nan, -1.0])
def test_a_declared_pixel_scale_is_a_finite_number(scale: float) -> None:
    with pytest.raises(ConfigError, match="expected a finite number"):
        declared(CONTRACT, "", "", scale)


def test_only_terms_can_be_accepted() -> None:
    with pytest.raises(ConfigError, match="pixel_scale, bands, stretch"):
        held(accept="band")


@given(
    st.builds(
        Contract,
        st.integers(16, 512),
        st.dictionaries(st.integers(16, 1000), st.floats(0.01, 1)),
        st.text(),
        st.tuples(st.text(), st.text(), st.text()),
        st.none() | st.floats(0.01, 10),
        st.text(),
    )
)
def test_a_contract_comes_back_from_its_file(contract: Contract) -> None:
    assert Contract.from_dict(contract.to_dict()) == contract
