"""What each column of the products and other tables means: unit, description and UCD."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pyarrow as pa

from skerry.types import CHECKS_SCHEMA, CLASSES_SCHEMA, MEMBERS_SCHEMA, UNCLUSTERED_SCHEMA


@dataclass(frozen=True)
class Column:
    """A column's description, its UCD (IVOA UCD1+) and its unit, empty if it has none."""

    description: str
    ucd: str
    unit: str = ""


_PER_AREA = "deg-2"
_DENSE = "src.density;stat."
_CLASS = Column("Class the row belongs to", "meta.id.parent")

_CLASSES = {
    "class_id": Column("Class, named after a most central member", "meta.id;meta.main"),
    "rank": Column("1 for the first: by verdict, then containment", "stat.rank"),
    "verdict": Column("confirmed, tentative, rejected or unjudged", "meta.code.class"),
    "containment": Column("deviations by which fewer edges leave it than usual", "stat.value"),
    "overdensity": Column("sources around a member, times those without the class", "stat.value"),
    "isolation": Column("ln of 5th neighbor distance, outside to inside", "stat.value"),
    "p_value": Column("Chance that featureless data gives such a one", "stat.probability"),
    "q_value": Column("Share by chance of those as isolated", "stat.falsePositive"),
    "replication": Column("Share of repeated searches that find it", "stat.confidenceLevel"),
    "size": Column("Number of members", "meta.number"),
    "core": Column("Members that it was judged by", "meta.number"),
    "prevalence": Column("Members as a share of the sources searched", "meta.number;arith.ratio"),
    "prevalence_low": Column("Lower end of its 95% interval", "meta.number;arith.ratio;stat.min"),
    "prevalence_high": Column("Upper end of its 95% interval", "meta.number;arith.ratio;stat.max"),
    "surface_density": Column("Members per area of sky", "src.density", _PER_AREA),
    "surface_density_low": Column("Lower end of its 95% interval", _DENSE + "min", _PER_AREA),
    "surface_density_high": Column("Upper end of its 95% interval", _DENSE + "max", _PER_AREA),
    "persistence": Column("1 - lambda(birth) / lambda(death) of its branch; 0: none", "stat.value"),
    "route": Column("How it was found", "meta.code"),
    "central_id": Column("Its most central member", "meta.id.assoc"),
    "exemplars": Column("Ids of its exemplars, as a JSON list", "meta.id.assoc"),
    "distinctive": Column("Votes that set it apart from all sources", "meta.note"),
    "reasons": Column("Why the verdict is what it is", "meta.note"),
    "history": Column("What it was in the previous run", "meta.note"),
    "n_checks": Column("Number of checks made", "meta.number"),
    "n_checks_passed": Column("Number of checks passed", "meta.number"),
}
SOURCE = Column("Source", "meta.id;meta.main")
RA = Column("Right ascension, ICRS", "pos.eq.ra;meta.main", "deg")
DEC = Column("Declination, ICRS", "pos.eq.dec;meta.main", "deg")
NEAREST = Column("Class it is nearest to", "meta.id.assoc")
RATIO = Column("Distance to it, 1 for a typical member", "pos.distance;arith.ratio")
_MEMBERS = {
    "id_str": SOURCE,
    "class_id": _CLASS,
    "ra": RA,
    "dec": DEC,
    "probability": Column("Membership: how often it came back, or depth", "stat.probability"),
    "order": Column("1 for the most central member", "stat.rank"),
    "core": Column("Is it one of those the class was judged by?", "meta.code"),
    "exemplar": Column("Is it an exemplar of its class?", "meta.code"),
}
_CHECKS = {
    "class_id": _CLASS,
    "check": Column("What was tested", "meta.id"),
    "value": Column("What was measured", "stat.value"),
    "threshold": Column("What it was held against", "stat.value"),
    "passed": Column("Did it pass?", "meta.code.status"),
    "sentence": Column("The outcome in words", "meta.note"),
}
_UNCLUSTERED = {
    "id_str": SOURCE,
    "nearest_class": NEAREST,
    "distance_ratio": RATIO,
    "reason": Column("Why it is in no class", "meta.code"),
    "membership": Column("Soft membership in that class", "stat.probability"),
}
_PRODUCTS = {
    "classes": (CLASSES_SCHEMA, _CLASSES),
    "members": (MEMBERS_SCHEMA, _MEMBERS),
    "checks": (CHECKS_SCHEMA, _CHECKS),
    "unclustered": (UNCLUSTERED_SCHEMA, _UNCLUSTERED),
}


def described(name: str) -> dict[str, Column]:
    """The columns of a product, in order."""
    return _PRODUCTS[name][1]


def schema(name: str) -> pa.Schema:
    """The schema of a product, with unit, description and UCD as metadata of its fields."""
    return with_meaning(*_PRODUCTS[name])


def with_meaning(plain: pa.Schema, columns: Mapping[str, Column]) -> pa.Schema:
    """A schema with unit, description and UCD as metadata of its fields."""
    return pa.schema([f.with_metadata(_metadata(columns[f.name])) for f in plain])


def _metadata(column: Column) -> dict[str, str]:
    words = {"description": column.description, "ucd": column.ucd, "unit": column.unit}
    return {key: value for key, value in words.items() if value}
