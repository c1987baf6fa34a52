from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skerry.errors import ConfigError
from skerry.simulate import KINDS, SEA, Sky, fragments, sky_of
from skerry.simulate.footprint import Footprint, conditions, placed
from skerry.simulate.plan import Planned, drawing_stream, plan

MANY = dict.fromkeys(KINDS, 0.01) | {"shredded": 0.03}
SMALL = {"size": 48, "width": 4.0}


def of_kind(sources: tuple[Planned, ...], kind: str) -> list[Planned]:
    own = [source for source in sources if source.kind == kind]
    return sorted(own, key=lambda source: (source.number, source.fragment))


@given(
    n=st.integers(1, 500),
    seed=st.integers(0, 2**40),
    kinds=st.dictionaries(st.sampled_from(KINDS), st.floats(0, 0.04), max_size=6),
)
@settings(max_examples=15)
def test_every_kind_takes_its_share(n: int, seed: int, kinds: dict[str, float]) -> None:
    sky = sky_of("sdss", n=n, seed=seed, kinds={k: v for k, v in kinds.items() if k != "shredded"})
    sources = plan(sky)
    counts = Counter(source.kind for source in sources)
    for kind, share in sky.kinds:
        assert counts.pop(kind, 0) == round(share * n)
    assert counts.pop(SEA, 0) > 0
    assert not counts
    assert [source.id_str for source in sources] == [f"SIM-{i:06d}" for i in range(n)]
    assert {source.parent for source in sources} == {""}


def test_shredded_galaxies_are_recorded_whole() -> None:
    sky = sky_of("sdss", n=400, kinds={"shredded": 0.05})
    own = of_kind(plan(sky), "shredded")
    parents = Counter(source.parent for source in own)
    assert 20 <= len(own) < 20 + 8
    assert len(own) - parents[own[-1].parent] < 20
    for source in own:
        whole = fragments(drawing_stream(sky.seed, "shredded", source.number), sky)
        assert parents[source.parent] == len(whole) > source.fragment
    assert len({(source.parent, source.fragment) for source in own}) == len(own)


def test_fragments_lie_where_their_cutouts_show_it() -> None:
    # the same pixels of the sky, found by position in two cutouts, are the same
    sky = sky_of("decals", n=40, size=96, kinds={"shredded": 0.1})
    first, second = of_kind(plan(sky), "shredded")[:2]
    assert first.field == second.field
    east = (second.ra - first.ra) * np.cos(np.radians(first.dec)) * 3600
    columns = -east / sky.pixel_scale
    rows = (second.dec - first.dec) * 3600 / sky.pixel_scale
    right, up = round(columns), round(rows)
    assert max(abs(columns - right), abs(rows - up)) < 0.05
    here, there = first.drawn(sky).image, second.drawn(sky).image
    overlap = here[:, max(0, up) : 96 + min(0, up), max(0, right) : 96 + min(0, right)]
    same = there[:, max(0, -up) : 96 + min(0, -up), max(0, -right) : 96 + min(0, -right)]
    assert overlap.size > 1000
    np.testing.assert_array_equal(overlap, same)


def test_an_image_does_not_depend_on_the_other_sources() -> None:
    few = sky_of("sdss", n=120, seed=5, kinds=MANY, **SMALL)
    many = sky_of("sdss", n=200, seed=5, kinds={"arc": 0.1, **MANY}, **SMALL)
    for kind in (SEA, "ring", "shredded"):
        mine, theirs = of_kind(plan(few), kind)[0], of_kind(plan(many), kind)[0]
        image = replace(theirs, night=mine.night).drawn(many).image
        np.testing.assert_array_equal(mine.drawn(few).image, image)


def test_no_two_sources_are_drawn_alike() -> None:
    sky = sky_of("sdss", n=120, kinds=MANY, **SMALL)
    images = {source.drawn(sky).image.tobytes() for source in plan(sky)[:60]}
    assert len(images) == 60


def test_the_ids_tell_nothing_of_the_kind() -> None:
    sky = sky_of("sdss", n=3000, kinds=MANY)
    sources = plan(sky)
    for kind in (SEA, *KINDS):
        at = np.array([i for i, source in enumerate(sources) if source.kind == kind])
        assert abs(at.mean() - 1499.5) < 3.5 * 3000 / np.sqrt(12 * len(at))
        numbers = [sources[i].number for i in at]
        assert abs(np.corrcoef(at, numbers)[0, 1]) < 3.5 / np.sqrt(len(at))


def test_place_and_night_are_those_of_the_field() -> None:
    sky, footprint = sky_of("decals", n=80), Footprint((10.0, 14.0), (-32.0, -29.0))
    sources = plan(sky, footprint)
    ra, dec = np.array([(s.ra, s.dec) for s in sources]).T
    where, found = placed(ra, dec, footprint), conditions(footprint, sky.bands, sky.seed)
    assert [s.field for s in sources] == where.field.tolist()
    assert [s.detector for s in sources] == where.detector.tolist()
    assert [s.brick for s in sources] == where.brick.tolist()
    for source in sources:
        assert source.night.psf_fwhm == tuple(found.psf_fwhm[source.field])
        assert source.night.depth == tuple(found.depth[source.field])


def test_a_seed_gives_one_plan() -> None:
    sky = sky_of("sdss", n=150, kinds=MANY)
    assert plan(sky) == plan(sky)
    assert plan(sky) != plan(replace(sky, seed=1))


def test_visibility_is_of_the_planted() -> None:
    sources = plan(sky_of("sdss", n=100, kinds={"ring": 0.1}, visibility=0.4))
    assert {(s.kind, s.visibility) for s in sources} == {(SEA, 1.0), ("ring", 0.4)}


def test_more_than_there_are_is_refused() -> None:
    sky: Sky = sky_of("sdss", n=10, kinds={"shredded": 0.6, "ring": 0.39})
    with pytest.raises(ConfigError, match="n is 10, but with whole galaxies"):
        plan(sky)
