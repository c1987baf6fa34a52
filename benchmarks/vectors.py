"""From the images of a survey, as files' bytes, to vectors: by encoder, timm network or pixels.

What a run does from file to file with ``representations.crop = 0.75`` is done here in memory and
with the same functions: the vectors of a shipped encoder are those of a run.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from skerry.executors.local import map_ordered
from skerry.represent.encoder import Encoder, load
from skerry.survey.prepare import view
from skerry.types import ByteArray, FloatArray

ENCODERS = ("efficientnet_b0", "maxvit_pico")
"""Those that ship, the default first."""

CROP = 0.75
"""Share of a cutout's width that is shown: the field of view the encoders learned from."""

SIDE = 64
"""Of the pixels of the control, as the encoders see them."""

COMPONENTS = 64
_FITTED = 4000
_SEEN = 32
"""Images that a thread shows a network at a time."""

Shown = Callable[[Sequence[bytes]], FloatArray]


@dataclass(frozen=True)
class Look:
    """A way from images, as files' bytes, to vectors: its name, which says what made them.

    ``alone``: an image's vector hangs on no other image.
    """

    name: str
    show: Shown
    alone: bool = True


def by_encoder(name: str, crop: float = CROP) -> Look:
    """An encoder that ships; ``crop`` 0 goes by its contract, as a run does."""
    encoder = load(name)

    def shown(images: Sequence[bytes]) -> FloatArray:
        def task(batch: Sequence[bytes]) -> FloatArray:
            return encoder.encode(_pixels(batch, encoder, encoder.contract.size, crop))[0]

        return np.concatenate(list(map_ordered(task, _batches(images)))).astype(np.float32)

    return Look(f"{name}-{encoder.sha256[:8]}", shown)


def by_pixels() -> Look:
    """The first principal components of the pixels: what needs no network to be seen."""
    return Look(f"pixels-{COMPONENTS}", lambda images: principal(pixels(images)), alone=False)


def pixels(images: Sequence[bytes], crop: float = CROP) -> ByteArray:
    """Each image as the encoders are given it, uint8 (n, SIDE, SIDE, 3) RGB."""
    encoder = load(ENCODERS[0])
    parts = map_ordered(lambda batch: _pixels(batch, encoder, SIDE, crop), _batches(images))
    return np.concatenate(list(parts))


def principal(images: ByteArray) -> FloatArray:
    """The first components of images, float32 (n, COMPONENTS), fitted on 4,000 of them."""
    from sklearn.decomposition import PCA

    rng = np.random.default_rng(0)
    some = np.sort(rng.permutation(len(images))[:_FITTED])
    model = PCA(COMPONENTS, svd_solver="randomized", random_state=0)
    model.fit(_flat(images[some]))
    parts = [model.transform(_flat(images[i : i + 500])) for i in range(0, len(images), 500)]
    return np.concatenate(parts).astype(np.float32)


def by_timm(name: str, weights: Path | None, side: int = 0) -> Look:
    """A network of timm, by the vectors it gives its last layer; untrained without ``weights``.

    ``weights`` is a state dict of timm for it. Images are shown at its own size, unless ``side``
    is given, and in its own normalization.
    """
    import timm
    import torch

    torch.manual_seed(0)
    network = timm.create_model(name, pretrained=False)
    if weights is not None:
        network.load_state_dict(torch.load(weights, map_location="cpu", weights_only=True))
    network.reset_classifier(0)
    network.eval()
    expected = timm.data.resolve_model_data_config(network)
    side = side or int(expected["input_size"][-1])
    mean, std = (torch.tensor(expected[what])[:, None, None] for what in ("mean", "std"))
    encoder = load(ENCODERS[0])

    def shown(images: Sequence[bytes]) -> FloatArray:
        made = []
        for batch in _batches(images):
            raw = torch.from_numpy(_pixels(batch, encoder, side, CROP)).permute(0, 3, 1, 2)
            with torch.inference_mode():
                made.append(network((raw.float() / 255 - mean) / std).numpy())
        return np.concatenate(made).astype(np.float32)

    made_by = "untrained" if weights is None else digest(weights.read_bytes())
    return Look(f"{name}-{side}px-{made_by}", shown)


def by_network(checkpoint: Path | None) -> Look:
    """What a training's network itself gives, of unit length; without one an untrained default."""
    import torch

    from skerry.represent.network import VoteNetwork
    from skerry.represent.training.checkpoint import read_trained
    from skerry.represent.trees.schema import GZ2_TRAINED

    torch.manual_seed(0)
    network = (
        VoteNetwork("efficientnet_b0", GZ2_TRAINED).eval()
        if checkpoint is None
        else read_trained(checkpoint).network()
    )

    def shown(images: Sequence[bytes]) -> FloatArray:
        seen = torch.from_numpy(pixels(images)).permute(0, 3, 1, 2)
        with torch.inference_mode():
            made = [network(part.float() / 255)[0].numpy() for part in seen.split(_SEEN)]
        return np.concatenate(made).astype(np.float32)

    made_by = "untrained" if checkpoint is None else digest(checkpoint.read_bytes())
    return Look(f"network-{made_by}", shown)


def principal_of(vectors: FloatArray, k: int) -> FloatArray:
    """The first k principal components of vectors (n, d)."""
    from sklearn.decomposition import PCA

    model = PCA(k, svd_solver="full")
    return np.asarray(model.fit_transform(vectors.astype(np.float64)), np.float32)


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:8]


def _batches(images: Sequence[bytes]) -> Iterator[Sequence[bytes]]:
    for start in range(0, len(images), _SEEN):
        yield images[start : start + _SEEN]


def _pixels(images: Sequence[bytes], encoder: Encoder, side: int, crop: float) -> ByteArray:
    return np.stack([view(image, "source", side, encoder.contract, crop) for image in images])


def _flat(images: ByteArray) -> FloatArray:
    return images.reshape(len(images), -1).astype(np.float32) / np.float32(255)
