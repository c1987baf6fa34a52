"""Cutouts of a run's sources, decoded one at a time when they are asked for."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from PIL import Image

from skerry.config import Config
from skerry.context import Context
from skerry.errors import ImageError, InputError, SkerryError
from skerry.publish.sheets import jpeg
from skerry.reopening import reopened
from skerry.survey import Survey, view
from skerry.types import Contract, Failure

SIDE = 192
"""Pixels a side."""

KEPT = 512
"""Cutouts held in memory."""


@dataclass
class Opened:
    """The survey of a run, opened when first needed; ``reason`` says why it cannot be."""

    run: Path
    config: Config
    _lock: threading.RLock = field(default_factory=threading.RLock, repr=False)
    _once: list[tuple[Context | None, str]] = field(default_factory=list, repr=False)

    @property
    def _found(self) -> tuple[Context | None, str]:
        with self._lock:
            if not self._once:
                try:
                    self._once.append((reopened(self.run, threads=1), ""))
                except SkerryError as error:
                    why = f"Images and the catalog's columns cannot be shown: {error}."
                    self._once.append((None, why))
            return self._once[0]

    @property
    def reason(self) -> str:
        """Why the run's input cannot be read, or is not what it was; empty where it is."""
        return self._found[1]

    @property
    def survey(self) -> Survey | None:
        """The run's input; None where it is gone or changed."""
        context = self._found[0]
        return context.survey if context else None

    @cached_property
    def contract(self) -> Contract | None:
        """What of an image the encoder saw; None where there are no images.

        Raises
        ------
        SkerryError
            The encoder is gone.
        """
        context = self._found[0]
        return context.contract if context else None


class Cutouts:
    """JPEG bytes by id, the part of the image that the encoder saw; the last ``KEPT`` are kept.

    Safe for several threads, which wait for each other: a survey is read by one at a time.
    """

    def __init__(self, opened: Opened) -> None:
        self._opened = opened
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, bytes] = OrderedDict()

    @cached_property
    def _row_of(self) -> dict[str, int]:
        survey = self._opened.survey
        assert survey is not None  # asked only of a survey that was opened
        return {name: i for i, name in enumerate(survey.sources["id_str"].to_pylist())}

    def __call__(self, id_str: str) -> bytes:
        """A cutout.

        Raises
        ------
        InputError
            There is no such source, or its image cannot be read now.
        """
        with self._lock:
            if id_str in self._kept:
                self._kept.move_to_end(id_str)
                return self._kept[id_str]
            found = self._kept[id_str] = self._read(id_str)
            if len(self._kept) > KEPT:
                self._kept.popitem(last=False)
            return found

    def _read(self, id_str: str) -> bytes:
        survey, contract = self._opened.survey, self._opened.contract
        if survey is None or contract is None:
            raise InputError(self._opened.reason or "this run began with representations")
        if id_str not in self._row_of:
            raise InputError(f"{survey.path} has no source {id_str!r} now; was it changed?")
        row = self._row_of[id_str]
        raw = next(iter(survey.images([row])))
        if isinstance(raw, Failure):
            raise InputError(f"{raw.location} cannot be read: {raw.reason}")
        where = survey.sources["location"][row].as_py()
        crop = self._opened.config.representations.crop
        try:
            return jpeg(Image.fromarray(view(raw, where, SIDE, contract, crop)), quality=85)
        except ImageError as error:
            raise InputError(f"{where} cannot be read: {error}") from error
