"""What each column of the products means: unit, description and UCD."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

from skerry.types import CHECKS_SCHEMA, CLASSES_SCHEMA, MEMBERS_SCHEMA


@dataclass(frozen=True)
class Column:
    """A column's description, its UCD (IVOA UCD1+) and its unit, empty if it has none."""

    description: str
    ucd: str
    unit: str = ""


_CLASS = Column("Class the row belongs to", "meta.id.parent")

_CLASSES = {
    "class_id": Column("Class, named after its most central member", "meta.id;meta.main"),
    "rank": Column("1 for the most persistent class", "stat.rank"),
    "verdict": Column("unjudged, confirmed, tentative or rejected", "meta.code.class"),
    "p_value": Column("p-value against the null; empty if none was run", "stat.probability"),
    "q_value": Column("False discovery rate over all classes", "stat.falsePositive"),
    "size": Column("Number of members", "meta.number"),
    "prevalence": Column("Members as a share of the sources searched", "meta.number;arith.ratio"),
    "prevalence_low": Column("Lower end of its 95% interval", "meta.number;arith.ratio;stat.min"),
    "prevalence_high": Column("Upper end of its 95% interval", "meta.number;arith.ratio;stat.max"),
    "persistence": Column("1 - lambda(birth) / lambda(death) of its cluster", "stat.value"),
    "replication": Column("Share of repeated searches that find it", "stat.confidenceLevel"),
    "route": Column("How it was found", "meta.code"),
    "central_id": Column("Its most central member", "meta.id.assoc"),
    "exemplars": Column("Ids of its exemplars, as a JSON list", "meta.id.assoc"),
    "distinctive": Column("Votes that set it apart from all sources", "meta.note"),
    "n_checks": Column("Number of checks made", "meta.number"),
    "n_checks_passed": Column("Number of checks passed", "meta.number"),
}
_MEMBERS = {
    "id_str": Column("Source", "meta.id;meta.main"),
    "class_id": _CLASS,
    "ra": Column("Right ascension, ICRS", "pos.eq.ra;meta.main", "deg"),
    "dec": Column("Declination, ICRS", "pos.eq.dec;meta.main", "deg"),
    "probability": Column("Membership probability", "stat.probability"),
    "order": Column("1 for the most central member", "stat.rank"),
    "exemplar": Column("Is it an exemplar of its class?", "meta.code"),
    "replication": Column("Share of repeated searches with it", "stat.confidenceLevel"),
}
_CHECKS = {
    "class_id": _CLASS,
    "check": Column("What was tested", "meta.id"),
    "value": Column("What was measured", "stat.value"),
    "threshold": Column("What it was held against", "stat.value"),
    "passed": Column("Did it pass?", "meta.code.status"),
    "sentence": Column("The outcome in words", "meta.note"),
}


def described(name: str) -> dict[str, Column]:
    """The columns of ``classes``, ``members`` or ``checks``, in order."""
    return {"classes": _CLASSES, "members": _MEMBERS, "checks": _CHECKS}[name]


def schema(name: str) -> pa.Schema:
    """The schema of a product, with unit, description and UCD as metadata of its fields."""
    plain = {"classes": CLASSES_SCHEMA, "members": MEMBERS_SCHEMA, "checks": CHECKS_SCHEMA}[name]
    columns = described(name)
    return pa.schema([f.with_metadata(_metadata(columns[f.name])) for f in plain])


def _metadata(column: Column) -> dict[str, str]:
    words = {"description": column.description, "ucd": column.ucd, "unit": column.unit}
    return {key: value for key, value in words.items() if value}
