"""An encoder in plain words and numbers."""

from __future__ import annotations

from typing import Any

from skerry.represent import encoder as runtime
from skerry.represent.foreign.importing import contract_of
from skerry.represent.foreign.source import Source, require_train


def describe(source: Source) -> dict[str, Any]:
    """What a source is: identifier, kind, hash, architecture, dimensions, votes and contract.

    Raises
    ------
    EncoderError
        It cannot be loaded or built.
    """
    found: dict[str, Any] = {
        "identifier": source.identifier,
        "kind": source.kind,
        "sha256": source.sha256,
        "architecture": source.architecture,
    }
    if source.kind == "skerry":
        encoder = runtime.load(source.identifier)
        return {
            **found,
            "source": encoder.source,
            "dimensions": encoder.dimensions,
            "votes": list(encoder.vote_columns),
            "contract": encoder.contract.to_dict(),
        }
    require_train()
    from skerry.represent.foreign.network import build

    network, notes = build(source)
    return {
        **found,
        "revision": source.revision,
        "notes": notes,
        "dimensions": network.features,
        "votes": [],
        "contract": contract_of(source).to_dict(),
    }


def describe_shipped() -> list[dict[str, Any]]:
    """Name, size, dimensions, number of votes and hash of each shipped encoder."""
    found = []
    for name in runtime.shipped():
        encoder = runtime.load(name)
        found.append(
            {
                "name": name,
                "default": name == runtime.DEFAULT,
                "megabytes": round(runtime.file_of(name).stat().st_size / 1e6, 2),
                "dimensions": encoder.dimensions,
                "votes": len(encoder.vote_columns),
                "sha256": encoder.sha256,
            }
        )
    return found
