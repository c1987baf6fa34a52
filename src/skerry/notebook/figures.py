"""Every figure of a run's report, drawn when it is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from skerry.answer import Answer, Plot
from skerry.config import Config
from skerry.errors import InputError
from skerry.gathering import stored_findings
from skerry.notebook.picture import Picture
from skerry.publish import Findings
from skerry.publish.figures import map_figure, size_figure
from skerry.publish.null_figure import null_figure
from skerry.publish.plot_figure import plot_figure


@dataclass(frozen=True)
class Figures:
    """The figures of a finished run's report, byte for byte; the run's input is not needed."""

    path: Path
    config: Config

    def map(self) -> Picture:
        """All sources on the UMAP plane in gray, the classes colored and numbered by rank.

        Raises
        ------
        InputError
            The run made no map.
        """
        if not self._findings.has_map:
            raise InputError(f"no map was made in {self.path}")
        return Picture(
            map_figure(self._findings),
            "Each gray point is a source; those that look alike to the encoder lie close together. "
            "Distances between groups mean nothing by themselves.",
        )

    def sizes(self) -> Picture:
        """Overdensity against size of each class; rejected candidates are crosses.

        The report has it where there are five classes or more.

        Raises
        ------
        InputError
            There is no class.
        """
        if not self._findings.classes:
            raise InputError(f"no class was found in {self.path}, so there is none to draw")
        return Picture(
            size_figure(self._findings),
            "Size and containment of each class; numbers are ranks. Small groups are the easiest "
            "to find by chance.",
        )

    def nulls(self) -> Picture:
        """What was found, in black, beside what the same search finds in featureless data.

        Raises
        ------
        InputError
            No featureless data was searched.
        """
        if not self._findings.null_containment:
            raise InputError(
                f"no featureless data was searched in {self.path}; set nulls.n above 0 and start "
                "'skerry run' again"
            )
        return Picture(
            null_figure(self._findings),
            "Groups that are at least as well contained: found, in black, and by chance, a colored "
            "line for each kind of featureless data.",
        )

    def answer(self, question: str, number: int = 0, *, class_id: str = "") -> Picture:
        """A figure of an answer that ``skerry examine`` gave.

        Parameters
        ----------
        question : its name, as ``properties``
        number : which of the answer's figures, from 0
        class_id : the figure of this class instead

        Raises
        ------
        InputError
            The run has no such answer, or the answer no such figure.
        """
        answer = self._answer(question)
        plot = _plot(answer, number, class_id)
        return Picture(plot_figure(plot), plot.caption)

    @cached_property
    def _findings(self) -> Findings:
        return stored_findings(self.path, self.config)

    def _answer(self, question: str) -> Answer:
        by_name = {answer.question: answer for answer in self._findings.answers}
        if question not in by_name:
            known = ", ".join(by_name) or "none yet"
            raise InputError(
                f"{self.path} has no answer to {question!r}; answered: {known}. Run 'skerry "
                f"examine RUN {question}' first"
            )
        return by_name[question]


def _plot(answer: Answer, number: int, class_id: str) -> Plot:
    if class_id:
        if class_id not in answer.class_plots:
            known = ", ".join(answer.class_plots) or "none"
            raise InputError(
                f"the answer to {answer.question} has no figure of {class_id!r}; of: {known}"
            )
        return answer.class_plots[class_id]
    if not 0 <= number < len(answer.plots):
        raise InputError(
            f"the answer to {answer.question} has {len(answer.plots)} figures, counted from 0; "
            f"asked for {number}"
        )
    return answer.plots[number]
