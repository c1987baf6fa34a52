from __future__ import annotations

import os
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
    with pytest.raises(
        InputError, match=r"is not what it was when .* was made: a file was changed"
    ):
        reopened(run)
    table.unlink()
    with pytest.raises(InputError, match="put it back where the run found it"):
        reopened(run)
    with pytest.raises(RunError, match="is no folder of a run"):
        reopened(tmp_path)


def test_what_of_an_input_is_another_is_said(moved_run: tuple[Path, Path]) -> None:
    run, survey = moved_run
    catalog = next(survey.glob("*.csv"))
    text = catalog.read_text()
    head, first, second, *rest = text.splitlines()
    image = survey / second.split(",")[head.split(",").index("file_loc")]
    state = image.stat()
    data = image.read_bytes()

    def said() -> str:
        with pytest.raises(InputError, match="is not what it was when") as caught:
            reopened(run)
        return str(caught.value)

    image.unlink()
    assert f"1 file gone, as {image.relative_to(survey)}: put what is gone back" in said()
    image.write_bytes(data)
    assert "a file was changed or replaced since" in said()
    os.utime(image, ns=(state.st_atime_ns, state.st_mtime_ns))
    reopened(run)
    catalog.write_text("\n".join([head, second, *rest]) + "\n")
    assert "1 source gone, as " in said() and "or run 'skerry run' on it again" in said()
    ids = [line.split(",")[head.split(",").index("id_str")] for line in (first, second)]
    catalog.write_text(text.replace(f"\n{ids[0]},", "\nanother,"))
    assert f"1 source gone, as {ids[0]!r} and 1 source new, as 'another'" in said()
    catalog.write_text(text.replace(image.name, "other.jpg"))
    assert f"1 source with another position or image, as {ids[1]!r}" in said()
