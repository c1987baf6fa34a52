"""One class of a finished run, which shows itself in a notebook."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from skerry.config import Config
from skerry.gathering import stored_findings
from skerry.notebook.gallery import Gallery, gallery_of
from skerry.notebook.products import of_class, product
from skerry.publish import answered, galleries
from skerry.publish.rendering import rendered
from skerry.store import read_table
from skerry.types import RareClass

if TYPE_CHECKING:
    from astropy.table import Table


@dataclass(frozen=True)
class ClassView:
    """A class of a run: its verdict, what was measured of it, its members and its images.

    In a notebook it is shown as on its page in the report. ``rare_class`` is the class as data.
    """

    rare_class: RareClass
    path: Path = field(repr=False)
    config: Config = field(repr=False)

    @property
    def class_id(self) -> str:
        """Its id, after its most central member."""
        return self.rare_class.class_id

    @property
    def verdict(self) -> str:
        """``confirmed``, ``tentative``, ``rejected`` or ``unjudged``."""
        return self.rare_class.verdict

    @property
    def reasons(self) -> tuple[str, ...]:
        """Sentences that give the verdict's reasons."""
        return self.rare_class.reasons

    @property
    def members(self) -> Table:
        """One row a member, the most central first, as in ``run.members``."""
        return of_class(product(self.path, "members"), self.class_id)

    @property
    def checks(self) -> Table:
        """One row a check, as in ``run.checks``."""
        return of_class(product(self.path, "checks"), self.class_id)

    @cached_property
    def gallery(self) -> Gallery:
        """Its images, read from the run's input once; where there are none it says why."""
        return gallery_of(self.path, self.config, self.rare_class)

    @cached_property
    def answers(self) -> dict[str, str]:
        """What ``skerry examine`` said of this class, by question; empty before it was asked."""
        told = stored_findings(self.path, self.config).answers
        return {a.question: a.of_class[self.class_id] for a in told if self.class_id in a.of_class}

    def _repr_html_(self) -> str:
        context = {
            "found": self.rare_class,
            "row": self._row(),
            "answers": [(answered.title_of(name), said) for name, said in self.answers.items()],
            "gallery_of": self.gallery,
            "side": galleries.SIDE,
        }
        return rendered("view_class.html.j2", context)

    def _row(self) -> dict[str, Any]:
        rows = read_table(self.path / "products" / "classes.parquet").to_pylist()
        return next(row for row in rows if row["class_id"] == self.class_id)
