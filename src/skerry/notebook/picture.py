"""A figure as bytes that a notebook shows."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from skerry.store import write_bytes


@dataclass(frozen=True)
class Picture:
    """A figure of a run.

    ``png`` are the very bytes that the report shows; ``caption`` says how to read it, empty
    where the report explains it in its text.
    """

    png: bytes = field(repr=False)
    caption: str = ""

    def save(self, path: str | Path) -> Path:
        """Write the figure as a PNG file.

        Raises
        ------
        DiskError
            The file cannot be written.
        """
        write_bytes(Path(path), self.png)
        return Path(path)

    def _repr_png_(self) -> bytes:
        return self.png
