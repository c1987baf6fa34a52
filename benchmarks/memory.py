"""Peak memory of ``skerry run``, and whether encoding needs more for more images.

    python benchmarks/memory.py DATA/gz2_train [-o benchmarks/memory.md]

Each run is a process of its own; its peak resident memory is what the kernel reports. For the
second table the encoder reads the first quarter, half and all of the Parquet files.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

ENCODE = """
import sys
from pathlib import Path
from skerry.config import SourcesConfig
from skerry.represent.encode import encode
from skerry.represent.encoder import load
from skerry.survey import open_survey
survey = open_survey(Path(sys.argv[1]), SourcesConfig())
rows = range(0, len(survey.sources), 2048)
shards = [range(r, min(r + 2048, len(survey.sources))) for r in rows]
print(sum(len(part) for _, part in encode(survey, load(), shards)))
"""


def peak(command: list[str]) -> tuple[float, str]:
    """Peak resident memory in MB of a process, and what it printed."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    out = process.stdout.read() if process.stdout else ""
    _, code, usage = os.wait4(process.pid, 0)
    if code:
        raise SystemExit(f"{command} failed")
    return usage.ru_maxrss / 1024, out


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("survey", type=Path, help="folder of Parquet files")
    parser.add_argument("-o", "--output", type=Path)
    args = parser.parse_args()
    lines = ["| what | images | peak memory, MB |", "|---|---|---|"]
    files = sorted(args.survey.glob("*.parquet"))
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        for share in (4, 2, 1):
            folder = scratch / f"part-{share}"
            folder.mkdir()
            for path in files[: len(files) // share]:
                (folder / path.name).symlink_to(path.resolve())
            used, out = peak([sys.executable, "-c", ENCODE, str(folder)])
            lines.append(f"| encoding alone | {int(out)} | {used:.0f} |")
            print(lines[-1], flush=True)
        command = [sys.executable, "-m", "skerry", "run", str(args.survey), "-o",
                   str(scratch / "run"), "--json"]  # fmt: skip
        used, _ = peak(command)
        lines.append(f"| `skerry run`, all stages | {int(out)} | {used:.0f} |")
    text = "\n".join(lines) + "\n"
    print(text)
    if args.output:
        args.output.write_text("# Memory\n\n`benchmarks/memory.py`\n\n" + text)


if __name__ == "__main__":
    main()
