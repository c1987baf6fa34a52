"""Products: catalogs, contact sheets, figures and the report."""

from skerry.publish.findings import Findings, Images
from skerry.publish.report import write_report
from skerry.publish.sheets import shown_ids, write_sheets
from skerry.publish.tables import write_products

__all__ = ["Findings", "Images", "shown_ids", "write_products", "write_report", "write_sheets"]
