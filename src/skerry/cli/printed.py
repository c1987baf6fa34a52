"""Text of others, as ids and reasons, as it may go to a terminal."""

from __future__ import annotations

from collections.abc import Iterable


def printable(text: str) -> str:
    """A text with what is not printable as Python's escapes, line ends too.

    A terminal would obey control characters. What has to be exact is in files and ``--json``.
    """
    return "".join(
        c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text
    )


def printable_lines(text: str) -> str:
    """The same, line ends kept."""
    return "\n".join(printable(line) for line in text.split("\n"))


def print_warnings(warnings: Iterable[str]) -> None:
    from rich.console import Console

    console = Console()
    for warning in warnings:
        console.print(f"Warning: {printable_lines(warning)}", markup=False)
