"""From a template and what it shows to a page."""

from __future__ import annotations

from functools import cache
from typing import Any

from skerry.publish import words


def rendered(template: str, context: dict[str, Any]) -> str:
    """A page of ``templates/``: everything is escaped, and what is missing is an error."""
    return str(_environment().get_template(template).render(context))


@cache
def _environment() -> Any:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("skerry.publish"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["percent"] = words.percent
    return environment
