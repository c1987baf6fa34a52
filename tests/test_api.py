from __future__ import annotations

import pytest

import skerry


def test_the_public_list() -> None:
    assert skerry.__all__ == [
        "Config", "Run", "SkerryError", "__version__", "open", "run", "status",
    ]  # fmt: skip
    for name in skerry.__all__:
        assert getattr(skerry, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = skerry.nothing
