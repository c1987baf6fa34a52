"""What an open question about a run is answered with: words, tables, and figures as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import pyarrow as pa

from skerry.types import DoubleArray

Mark = Literal["points", "line", "intervals", "bars", "segments", "cells"]


@dataclass(frozen=True)
class Series:
    """One thing drawn in a plot, all arrays float64.

    ``points``, ``line`` and ``bars`` at ``x``, ``y`` (n,). ``intervals``: points with a line from
    ``low`` to ``high`` (n,), along y, or along x where ``across``. ``segments``: lines from
    ``x``, ``y`` to ``low``, ``high`` (n,) (their ends' x and y). ``cells``: ``y`` (n,) are the
    values of a matrix, row by row, ``x`` (2,) its number of rows and of columns; text is written
    into the cells. ``text``: a word for each point, or none.
    """

    mark: Mark
    x: DoubleArray
    y: DoubleArray
    label: str = ""
    low: DoubleArray | None = None
    high: DoubleArray | None = None
    text: tuple[str, ...] = ()
    across: bool = False


@dataclass(frozen=True)
class Plot:
    """One figure as data.

    ``caption`` tells a reader what is drawn and how to read it; ``x`` and ``y`` label the axes
    with units. ``x_ticks`` and ``y_ticks`` name the whole numbers from 0 up; empty: numbers.
    ``at_x`` and ``at_y`` are reference lines.
    """

    caption: str
    x: str
    y: str
    series: tuple[Series, ...]
    x_ticks: tuple[str, ...] = ()
    y_ticks: tuple[str, ...] = ()
    at_x: tuple[float, ...] = ()
    at_y: tuple[float, ...] = ()
    x_log: bool = False
    y_log: bool = False


@dataclass(frozen=True)
class Answer:
    """The answer to one question about a run.

    ``sentence`` says it in words, with its numbers; ``caveat`` is what an expert would ask for.
    ``tables`` by name, the main one first; ``of_class`` has a sentence for each class that the
    question says something of, and ``class_plots`` a figure, by ``class_id``. ``notes`` say
    what was missing or left out. ``answered`` is False where the run lacks what the question
    needs: ``sentence`` says what.
    """

    question: str
    sentence: str
    caveat: str = ""
    tables: Mapping[str, pa.Table] = field(default_factory=dict)
    plots: tuple[Plot, ...] = ()
    of_class: Mapping[str, str] = field(default_factory=dict)
    class_plots: Mapping[str, Plot] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    answered: bool = True


def array(values: object) -> DoubleArray:
    """Numbers as float64, for a :class:`Series`."""
    return np.asarray(values, dtype=np.float64)
