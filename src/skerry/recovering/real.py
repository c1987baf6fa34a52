"""The images of a run's own survey, read again."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from skerry.adding.joint import open_inputs
from skerry.context import Context
from skerry.errors import InputError
from skerry.progress import silent
from skerry.recovering.opened import Opened
from skerry.store.runfolder import open_folder
from skerry.survey import Survey, view
from skerry.types import ByteArray, Contract, Failure


@dataclass(frozen=True)
class RealCutouts:
    """The images of a run's own survey, by the rows of its space."""

    survey: Survey
    contract: Contract
    crop: float
    rows: tuple[int, ...]
    lock: threading.Lock

    def read(self, wanted: Sequence[int], size: int) -> Iterator[ByteArray]:
        """What the encoder saw of some sources, uint8 (size, size, 3), in the order given.

        Raises
        ------
        InputError
            One could be read before and cannot now.
        """
        rows = sorted({self.rows[i] for i in wanted})
        names = self.survey.sources["location"].take(rows).to_pylist()
        with self.lock:  # a survey is read by one thread at a time
            raw = list(self.survey.images(rows))
        data = dict(zip(rows, zip(names, raw, strict=True), strict=True))
        for i in wanted:
            name, found = data[self.rows[i]]
            if isinstance(found, Failure):
                raise InputError(f"{name} was readable before, now it is not: {found.reason}")
            yield view(found, name, size, self.contract, self.crop)


def real_cutouts(opened: Opened) -> RealCutouts:
    """The images of the run's survey.

    Raises
    ------
    InputError
        The survey is not as it was, or holds no images.
    """
    folder = open_folder(opened.path)
    survey = open_inputs(folder.inputs, opened.config.sources)
    context = Context(folder, survey, opened.config, silent)
    if opened.manifest("sources").inputs.get("input") != context.fingerprint:
        raise InputError(
            f"the survey {folder.input} is not as it was when the run in {opened.path} was made; "
            "start 'skerry run' again with the same input and folder"
        )
    if context.contract is None:
        raise InputError(f"the survey {folder.input} holds no images; make the run from images")
    row_of = {name: row for row, name in enumerate(survey.sources["id_str"].to_pylist())}
    rows = tuple(row_of[name] for name in opened.ids)
    crop = opened.config.representations.crop
    return RealCutouts(survey, context.contract, crop, rows, threading.Lock())
