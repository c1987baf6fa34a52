"""FITS products pass fitsverify, VOTables STILTS's votlint, where these are installed."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest

from skerry.publish.footprint import write_footprint
from skerry.publish.tables import write_products


@pytest.fixture(scope="module", params=["judged", "nothing found"])
def products(request: pytest.FixtureRequest, judged, make, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("valid")
    if request.param == "judged":
        odd = {c.class_id: "é \x07 ≥ <1> & 'x'" for c in judged.classes}
        found = replace(judged, distinctive=odd)
    else:
        found = make(0, n=200)
        alone = {"id_str": ["a"], "nearest_class": [""], "reason": ["in the sea"]}
        alone |= {"distance_ratio": [float("nan")], "membership": [0.0]}
        found = replace(found, unclustered=pa.table(alone))
    write_products(found, folder)
    assert len(write_footprint(found, folder)) == 2
    return folder


def run(*arguments: object) -> str:
    done = subprocess.run([str(a) for a in arguments], capture_output=True, text=True, check=False)
    return f"{done.stdout}{done.stderr}exit {done.returncode}"


@pytest.mark.skipif(not shutil.which("fitsverify"), reason="fitsverify is not installed")
def test_fits_passes_fitsverify(products: Path) -> None:
    files = sorted(products.glob("*.fits"))
    assert len(files) == 5
    for path in files:
        said = run("fitsverify", path)
        assert "0 warning(s) and 0 error(s)" in said, said


@pytest.mark.skipif(not shutil.which("stilts"), reason="stilts is not installed")
def test_votables_pass_votlint(products: Path) -> None:
    path = sorted(products.glob("*.vot"))
    assert len(path) == 4
    for one in path:
        assert run("stilts", "votlint", one) == "exit 0"
