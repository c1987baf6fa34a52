"""``python -m skerry``."""

from skerry.cli import app

app()
