"""Files of a Hugging Face repository: from the cache where they are in it, else fetched."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from skerry.errors import EncoderError
from skerry.represent.foreign.source import require_train


@dataclass(frozen=True)
class Snapshot:
    """One revision of a repository ``owner/name``."""

    repository: str
    revision: str
    offline: bool
    cache: Path | None

    def __post_init__(self) -> None:
        owner, _, name = self.repository.partition("/")
        if not owner or not name or "/" in name:
            raise EncoderError(
                f"{self.repository!r} is no repository of the hub; expected hf_hub:owner/name"
            )
        require_train("huggingface_hub")

    def file(self, name: str) -> Path:
        """A file's path in the cache, fetched first if it is not there.

        Raises
        ------
        EncoderError
            It is not in the cache and cannot or may not be fetched, or there is none.
        """
        found = self._cached(name) or self._fetched(name)
        if found is None:
            raise EncoderError(f"{self} has no file {name}; is it an encoder in timm's format?")
        return found

    def first(self, names: Sequence[str]) -> Path:
        """The first of some files that the repository has; cached ones come before others."""
        cached = (path for name in names if (path := self._cached(name)) is not None)
        if (found := next(cached, None)) is not None:
            return found
        fetched = (path for name in names if (path := self._fetched(name)) is not None)
        if (found := next(fetched, None)) is not None:
            return found
        raise EncoderError(f"{self} has no weights; expected one of {', '.join(names)}")

    def __str__(self) -> str:
        return f"hf_hub:{self.repository}@{self.revision}"

    def _folder(self) -> str:
        from huggingface_hub import constants

        # read anew: the library looks at the variable only when it is imported
        return str(self.cache or os.environ.get("HF_HUB_CACHE") or constants.HF_HUB_CACHE)

    def _cached(self, name: str) -> Path | None:
        from huggingface_hub import errors, try_to_load_from_cache

        try:
            found = try_to_load_from_cache(
                self.repository, name, cache_dir=self._folder(), revision=self.revision
            )
        except errors.HFValidationError as error:
            raise EncoderError(f"{self.repository!r} is no name on the hub: {error}") from error
        return Path(found) if isinstance(found, str) else None

    def _fetched(self, name: str) -> Path | None:
        """The path of a file after fetching it; None where the repository has none."""
        from huggingface_hub import errors, hf_hub_download

        if self.offline or _offline():
            raise EncoderError(
                f"{name} of {self} is not in the cache and this is offline; fetch it once with "
                f"the network ('hf download {self.repository}') or copy the hub's cache here"
            )
        try:
            return Path(
                hf_hub_download(
                    self.repository, name, cache_dir=self._folder(), revision=self.revision
                )
            )
        except errors.LocalEntryNotFoundError as error:
            raise self._unreachable(name, error) from error
        except errors.EntryNotFoundError:
            return None
        except (errors.RepositoryNotFoundError, errors.RevisionNotFoundError) as error:
            raise EncoderError(
                f"the hub has no {self}, or it is private: check owner, name and revision, and "
                "log in with 'hf auth login' if it is yours"
            ) from error
        except Exception as error:  # the HTTP library's errors share no base with the hub's
            raise self._unreachable(name, error) from error

    def _unreachable(self, name: str, error: Exception) -> EncoderError:
        return EncoderError(
            f"{name} of {self} is not in the cache and the hub could not be reached "
            f"({type(error).__name__}); try again with the network, or copy the hub's cache here"
        )


def _offline() -> bool:
    return os.environ.get("HF_HUB_OFFLINE", "").upper() in ("1", "ON", "YES", "TRUE")
