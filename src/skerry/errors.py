"""The tree of errors: every one says what was found, what was expected and what to do."""

from __future__ import annotations


class SkerryError(Exception):
    """Base of every error that skerry raises on purpose."""


class ConfigError(SkerryError):
    """A setting is unknown, of the wrong type or out of range."""


class InputError(SkerryError):
    """The input survey cannot be read as it stands."""


class CatalogError(InputError):
    """A catalog lacks a column, repeats an id or is empty."""


class ImageError(InputError):
    """One image cannot be read; becomes a row of ``failures.parquet``."""


class TooManyFailuresError(InputError):
    """More than the allowed share of images could not be read."""


class EncoderError(SkerryError):
    """An encoder file is missing, damaged or does not fit the input."""


class ContractError(EncoderError):
    """A survey's images are not what an encoder expects."""


class RunError(SkerryError):
    """The run folder belongs to another run, is locked or is damaged."""


class DiskError(RunError):
    """The disk is full or cannot be written."""


class DoesNotFitError(SkerryError):
    """A run needs more than this machine has; the message says what would fit."""


class CannotAnswerError(SkerryError):
    """A run lacks what a question needs; the message says what, and what to give."""
