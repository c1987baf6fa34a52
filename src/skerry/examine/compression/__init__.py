"""Is a class an artifact of UMAP?"""

from skerry.examine.compression.answer import compression

__all__ = ["compression"]
