from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from skerry.errors import InputError, RunError
from skerry.reopening import reopened
from tests.conftest import N_PLANTED


def test_a_run_comes_with_its_input(finished: Path, survey_folder: Path) -> None:
    context = reopened(finished, threads=1)
    assert context.survey.path == survey_folder and context.threads == 1
    assert len(context.views(context.searched[:2])) == 2


def test_an_input_that_changed_or_is_gone_is_an_error(
    planted_table: Path, judged: Path, tmp_path: Path
) -> None:
    run = Path(shutil.copytree(judged, tmp_path / "run"))
    table = Path(shutil.copy2(planted_table, tmp_path / "vectors.parquet"))
    config = run / "config.toml"
    config.write_text(config.read_text().replace(str(planted_table), str(table)))
    assert len(reopened(run).survey.sources) == N_PLANTED
    table.touch()
    with pytest.raises(InputError, match=r"is not what it was when .* was made; run 'skerry run'"):
        reopened(run)
    table.unlink()
    with pytest.raises(InputError, match="put it back where the run found it"):
        reopened(run)
    with pytest.raises(RunError, match="is no folder of a run"):
        reopened(tmp_path)
