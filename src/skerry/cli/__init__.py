"""The command line: arguments in, one call, a table or JSON out."""

from skerry.cli.main import app

__all__ = ["app"]
