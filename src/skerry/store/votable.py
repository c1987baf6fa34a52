"""VOTables as bytes."""

from __future__ import annotations

import io
from typing import Any


def votable_bytes(file: Any) -> bytes:
    """An astropy ``VOTableFile`` as XML, values as text (the TABLEDATA of VOTable 1.4).

    By astropy's writer in Python: the one in C writes a byte past its buffer where a row takes
    exactly 1,024 bytes or twice that and so on, and the process dies then or later
    (https://github.com/astropy/astropy/issues/20419). Both write the same bytes.
    """
    buffer = io.BytesIO()
    file.to_xml(buffer, tabledata_format="tabledata", _debug_python_based_parser=True)
    return buffer.getvalue()
