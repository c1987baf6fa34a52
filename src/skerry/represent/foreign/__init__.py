"""Encoders from elsewhere: found, checked, and made into skerry's own file.

Nothing here imports torch until it is needed; what needs it says so where it is missing.
"""

from skerry.represent.foreign.fitting import cutouts
from skerry.represent.foreign.folder import network_from_folder
from skerry.represent.foreign.identifiers import resolve
from skerry.represent.foreign.importing import contract_of, import_encoder, require_output
from skerry.represent.foreign.source import Source, unnormalized
from skerry.represent.foreign.words import describe, describe_shipped

__all__ = [
    "Source",
    "contract_of",
    "cutouts",
    "describe",
    "describe_shipped",
    "import_encoder",
    "network_from_folder",
    "require_output",
    "resolve",
    "unnormalized",
]
