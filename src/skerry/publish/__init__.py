"""Products: catalogs, contact sheets, figures and the report."""

from skerry.publish.citation import write_citation
from skerry.publish.findings import Findings, Images
from skerry.publish.footprint import write_footprint
from skerry.publish.galleries import shown_ids
from skerry.publish.pages import FOLDER as PAGES
from skerry.publish.pages import write_pages
from skerry.publish.regions import write_regions
from skerry.publish.report import write_report
from skerry.publish.sheets import write_sheets
from skerry.publish.tables import write_products

FORMAT = 2
"""Raised whenever the products of the same run would be written otherwise; 1 had none of its own.

Other than the format of all stages it makes no search again: a finished run is used as it is, and
the next ``skerry run`` or ``skerry examine`` makes its products anew."""

__all__ = [
    "FORMAT",
    "PAGES",
    "Findings",
    "Images",
    "shown_ids",
    "write_citation",
    "write_footprint",
    "write_pages",
    "write_products",
    "write_regions",
    "write_report",
    "write_sheets",
]
