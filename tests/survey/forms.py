"""The same sources in every form that a survey has: a folder, tars, Parquet, HATS."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq


@dataclass(frozen=True)
class Source:
    id_str: str
    ra: float
    dec: float
    image: bytes


def drawn(n: int, seed: int = 0, side: int = 32) -> list[Source]:
    """Sources with images of noise, JPEG and PNG by turns."""
    rng = np.random.default_rng(seed)
    found = []
    for i in range(n):
        pixels = rng.integers(0, 256, (side, side, 3), dtype=np.uint8)
        data = cv2.imencode(suffix(i), pixels)[1].tobytes()
        found.append(
            Source(f"g{i:04d}", float(rng.uniform(0, 360)), float(rng.uniform(-90, 90)), data)
        )
    return found


def suffix(i: int) -> str:
    return ".jpg" if i % 2 else ".png"


def write_folder(folder: Path, sources: Sequence[Source]) -> Path:
    """Images beside a catalog."""
    (folder / "images").mkdir(parents=True)
    lines = ["id_str,ra,dec,file_loc"]
    for i, source in enumerate(sources):
        name = f"images/{source.id_str}{suffix(i)}"
        (folder / name).write_bytes(source.image)
        lines.append(f"{source.id_str},{source.ra!r},{source.dec!r},{name}")
    (folder / "catalog.csv").write_text("\n".join(lines) + "\n")
    return folder


def write_tar(path: Path, files: Mapping[str, bytes] | Sequence[tuple[str, bytes]]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    items = files.items() if isinstance(files, Mapping) else files
    with tarfile.open(path, "w") as tar:
        for name, data in items:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return path


def samples(sources: Sequence[Source], start: int = 0) -> list[tuple[str, bytes]]:
    """Files of a tar: the image and its metadata, whose key is not the id."""
    files = []
    for i, source in enumerate(sources, start):
        said = {"id_str": source.id_str, "ra": source.ra, "dec": source.dec, "mag": 20 + i}
        files += [
            (f"{i:06d}{suffix(i)}", source.image),
            (f"{i:06d}.json", json.dumps(said).encode()),
        ]
    return files


def write_tars(folder: Path, sources: Sequence[Source], shard: int = 10) -> Path:
    for number, start in enumerate(range(0, len(sources), shard)):
        part = sources[start : start + shard]
        write_tar(folder / f"train-{number:03d}.tar", samples(part, start))
    return folder


def as_table(sources: Sequence[Source]) -> pa.Table:
    """As Hugging Face's datasets hold images."""
    kind = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    images = [{"bytes": s.image, "path": None} for s in sources]
    return pa.table(
        {
            "id_str": [s.id_str for s in sources],
            "ra": [s.ra for s in sources],
            "dec": [s.dec for s in sources],
            "image": pa.array(images, kind),
        }
    )


def write_parquet(folder: Path, sources: Sequence[Source], shard: int = 10, group: int = 4) -> Path:
    """Shards as ``data/train-00000-of-00002.parquet``."""
    (folder / "data").mkdir(parents=True)
    starts = range(0, len(sources), shard)
    for number, start in enumerate(starts):
        name = f"train-{number:05d}-of-{len(starts):05d}.parquet"
        table = as_table(sources[start : start + shard])
        pq.write_table(table, folder / "data" / name, row_group_size=group)
    (folder / "README.md").write_text("# A data set\n")
    return folder


def write_hats(
    folder: Path, sources: Sequence[Source], order: int = 0, group: int = 4, **said: object
) -> Path:
    """A HATS catalog without its package: pixels of NESTED HEALPix by astropy-free arithmetic
    would be long, so sources go to pixels by turns; nothing that reads images looks at that."""
    table = as_table(sources).rename_columns(["id_str", "RAJ", "DEJ", "image"])
    pixels = sorted({i % 3 for i in range(len(sources))})
    for pixel in pixels:
        rows = [i for i in range(len(sources)) if i % 3 == pixel]
        path = folder / f"dataset/Norder={order}/Dir=0/Npix={pixel}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        part = table.take(rows).append_column("_healpix_29", pa.array(rows, pa.int64()))
        pq.write_table(part, path, row_group_size=group)
    listed = "".join(f"{order},{pixel},0\n" for pixel in pixels)
    (folder / "partition_info.csv").write_text("Norder,Npix,Dir\n" + listed)
    pq.write_table(table.slice(0, 2), folder / "dataset/data_thumbnail.parquet")
    settings = {
        "obs_collection": "drawn",
        "dataproduct_type": "object",
        "hats_nrows": len(sources),
        "hats_col_ra": "RAJ",
        "hats_col_dec": "DEJ",
        "hats_col_healpix": "_healpix_29",
        **said,
    }
    text = "#HATS catalog\n" + "".join(f"{k}={v}\n" for k, v in settings.items())
    (folder / "hats.properties").write_text(text)
    return folder
