"""One image beside a run: encoded as the run's were, and shown with what is like it."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from skerry.config import Config
from skerry.context import VIEW_SIZE, Context
from skerry.errors import ConfigError, InputError, SkerryError
from skerry.notices import image_warnings
from skerry.progress import silent
from skerry.publish.sheets import contact_sheet
from skerry.reopening import reopened
from skerry.represent.encode import encode
from skerry.store import read_manifest
from skerry.survey import view
from skerry.survey.open_files import IMAGE_SUFFIXES
from skerry.types import ByteArray, FloatArray
from skerry.using.placing import carried, open_new
from skerry.using.similar import Similar


def vector_of(run: Path, config: Config, image: Path) -> tuple[FloatArray, tuple[str, ...]]:
    """The representation of an image by the run's encoder, as the run's images were prepared.

    Returns
    -------
    vector : float32 (d,)
    warnings : what a user must know of how it was read

    Raises
    ------
    InputError
        The run was made without an encoder or with another than there is now, or the image
        cannot be read.
    ContractError
        The image is not what the encoder expects.
    """
    with _opened(run, config, image) as context:
        assert context.encoder is not None  # the run's images had one
        settings = context.config.representations
        stream = encode(
            context.survey, context.encoder, [range(1)], contract=context.contract,
            crop=settings.crop, threads=1,
        )  # fmt: skip
        _, found = next(iter(stream))
        if found.failures:
            raise InputError(
                f"{image} cannot be read: {found.failures[0].reason}; give a JPEG, PNG or FITS "
                "image as the run's are"
            )
        told = (
            *context.survey.notes,
            *carried(config, context),
            *image_warnings(context, {int(found.sides[0]): 1}),
        )
        return found.vectors[0], told


@contextmanager
def _opened(run: Path, config: Config, image: Path) -> Iterator[Context]:
    """A survey of the one image, held against the encoder's contract."""
    made = read_manifest(run / "representations")
    if made is None or made.inputs.get("encoder") == "given":
        raise InputError(
            f"the run in {run} was made from given representations: without an encoder no image "
            "can be compared; name a source by its id or its position"
        )
    if not image.is_file():
        raise InputError(f"there is no file {image}; give a JPEG, PNG or FITS image")
    if image.suffix.lower() not in IMAGE_SUFFIXES:
        raise InputError(f"{image} is no image file; give a JPEG, PNG or FITS image")
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / f"image{image.suffix}"
        shutil.copyfile(image, copy)
        try:
            context = open_new(run, Path(folder), config, None, 1, silent)
        except SkerryError as error:  # of the user's file, not of the copy's folder
            told = str(error).replace(str(copy), str(image)).replace(folder, str(image))
            raise type(error)(told) from error
        yield context


def sheet_of(run: Path, config: Config, similar: Similar) -> bytes:
    """A contact sheet, as JPEG: the query, then what is like it.

    Raises
    ------
    InputError
        The run's images are not where they were, or not what they were.
    ConfigError
        The run was made from representations, so that there are none.
    """
    try:
        context = reopened(run, threads=1)
    except InputError as error:
        raise InputError(f"{error}, or leave --sheet out") from error
    if context.encoder is None:
        raise ConfigError(
            f"the run in {run} was made from given representations: there are no images to show; "
            "leave --sheet out"
        )
    rows = similar.sources.to_pylist()
    query = similar.query.get("id_str")
    ids = [*([query] if query else []), *(row["id_str"] for row in rows)]
    images = context.views(ids)
    first = images[query] if query else _view(run, config, Path(similar.query["image"]))
    captions = [
        f"{row['id_str']}\n{row['rank']}: {row['distance']:.3f} {row['class_id']}" for row in rows
    ]
    name = query or Path(similar.query["image"]).name
    return contact_sheet(
        [first, *(images[row["id_str"]] for row in rows)],
        [f"{name}\nthe query", *captions],
        f"Most like {name}",
    )


def _view(run: Path, config: Config, image: Path) -> ByteArray:
    with _opened(run, config, image) as context:
        assert context.contract is not None
        crop = context.config.representations.crop
        return view(image.read_bytes(), image.name, VIEW_SIZE, context.contract, crop)
