from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import numpy as np

from skerry.gathering import findings_of, stored_findings
from skerry.publish import shown_ids, write_report
from skerry.reopening import reopened


def test_a_finished_run_gives_the_report_again(
    finished: Path, judged: Path, tmp_path: Path
) -> None:
    for run in (finished, judged):
        context = reopened(run)
        findings = findings_of(context)
        images = None if context.encoder is None else context.views(shown_ids(findings))
        write_report(findings, images, tmp_path / "report.html")
        assert (tmp_path / "report.html").read_bytes() == (run / "report.html").read_bytes()


def test_what_is_stored_is_the_same_as_far_as_it_goes(judged: Path) -> None:
    context = reopened(judged)
    stored, all_of_it = stored_findings(judged, context.config), findings_of(context)
    left_out = {"distinctive", "provenance", "warnings", "unclustered", "area"}
    for name in {field.name for field in fields(stored)} - left_out - {"map", "null_containment"}:
        assert getattr(stored, name) == getattr(all_of_it, name), name
    np.testing.assert_array_equal(stored.map, all_of_it.map)
    assert stored.null_containment.keys() == all_of_it.null_containment.keys()
    assert stored.unclustered is None and all_of_it.unclustered is not None
