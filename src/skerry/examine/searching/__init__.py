"""Searches made once more: of altered representations, with other settings, of nulls."""
