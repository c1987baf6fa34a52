"""The atlas: the map of a finished run to pan, zoom, select from and review, in a browser.

``serve(chart_of(run))`` gives it over HTTP on this machine; ``export(chart_of(run), folder)``
writes a folder that opens without a server.
"""

from skerry.atlas.chart import Chart, Columns
from skerry.atlas.export import export
from skerry.atlas.opening import chart_of
from skerry.atlas.server import AtlasServer, serve

__all__ = ["AtlasServer", "Chart", "Columns", "chart_of", "export", "serve"]
