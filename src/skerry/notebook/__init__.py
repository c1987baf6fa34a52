"""A finished run in a notebook: frames, classes that show themselves, and the report's figures."""

from skerry.notebook.class_view import ClassView
from skerry.notebook.figures import Figures
from skerry.notebook.frames import frame
from skerry.notebook.gallery import Gallery
from skerry.notebook.overview import overview
from skerry.notebook.picture import Picture

__all__ = ["ClassView", "Figures", "Gallery", "Picture", "frame", "overview"]
