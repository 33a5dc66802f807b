"""Print how long the same effective transport takes here and in other programs, one process after the other.

python -m benchmarks.peers [--sizes 64 128] [--image packing] [--only catholyte pyamg] [--threads 2] [--limit 600]
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.isolate import Outcome, measure
from benchmarks.peers.adapters import OURS, PEERS, Peer, chosen
from benchmarks.tables import Column, machine, show

WORKER = "benchmarks.peers.worker"
#: tolerance of the reference, and where its processes may stop
REFERENCE = 1e-7

COLUMNS = (
    Column("peer", "solver"),
    Column("version", "version"),
    Column("time", "time s"),
    Column("us/voxel", "µs/voxel"),
    Column("ratio", "ours = 1"),
    Column("peak MiB", "peak MiB", ",.0f"),
    Column("B/voxel", "B/voxel", ".0f"),
    Column("iterations", "iter.", "d"),
    Column("normalised tau", "τ", ".5f"),
    Column("deviation", "deviation", "+.1e"),
    Column("mismatch", "mismatch", ".0e"),
    Column("own tau", "τ as printed", ".5f"),
    Column("not counted", "import, warm-up, matrix s"),
    Column("note", "note"),
)


def main(arguments: list[str] | None = None) -> None:
    """Read the command line, measure, print."""
    options = _parser().parse_args(arguments)
    try:
        peers = chosen([name for names in options.only or () for name in names.split(",")])
    except KeyError as error:
        sys.exit(f"no peer is called {error.args[0]!r}; there are {', '.join(PEERS)}")
    results, spent = [], {}
    for size in options.sizes or ([64, 128] if options.image == "packing" else [None]):
        with tempfile.TemporaryDirectory() as folder:
            image, described = _image(options, size, Path(folder) / "image.npy")
            rows = list(_rows(options, peers, image, described["phase"], spent))
        title = f"{described['name']}; currents matched to {options.tolerance:g}"
        show(rows, COLUMNS, title=title, markdown=options.markdown)
        results.append({"image": described["name"], "rows": rows})
    print(f"\n{machine(options.threads)}")
    if options.json:
        options.json.write_text(json.dumps(results, indent=1), encoding="utf-8")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.peers", description=__doc__.partition("\n")[0])
    parser.add_argument("--sizes", type=int, nargs="+", metavar="N", help="voxels along an edge (64 128)")
    parser.add_argument(
        "--image", default="packing", help="'packing' or a name of the catalogue (cut to --sizes, if given)"
    )
    parser.add_argument("--phase", help="phase of a catalogued image that conducts (its last one)")
    parser.add_argument("--axis", type=int, default=0, choices=(0, 1, 2), help="axis of a catalogued image (0)")
    parser.add_argument("--only", nargs="+", metavar="NAME", help=f"some of: {', '.join(PEERS)}; or families of them")
    parser.add_argument("--tolerance", type=float, default=1e-4, help="mismatch of the plates' currents (1e-4)")
    parser.add_argument("--threads", type=int, default=1, help="threads of every program that has some (1)")
    parser.add_argument("--limit", type=float, default=600.0, help="seconds for each process (600)")
    parser.add_argument("--memory", type=float, default=16.0, help="GiB for each process (16)")
    parser.add_argument("--petsc-python", help="interpreter that has petsc4py (this one, or the system's)")
    parser.add_argument("--markdown", action="store_true", help="print Markdown")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the numbers as well")
    return parser


def _image(options: argparse.Namespace, size: int | None, path: Path) -> tuple[Path, dict[str, Any]]:
    """Make the image in a process of its own and return its file and what it is."""
    if options.image == "packing":
        outcome = measure(f"{WORKER}:packing", {"voxels": size, "path": str(path)})
    else:
        job = {"name": options.image, "phase": options.phase, "axis": options.axis, "voxels": size, "path": str(path)}
        outcome = measure(f"{WORKER}:volume", job)
    if outcome.result is None:
        sys.exit(f"no image: {outcome.failure}")
    return path, outcome.result


def _rows(
    options: argparse.Namespace, peers: list[Peer], image: Path, phase: int, spent: dict[str, str]
) -> Iterator[dict[str, Any]]:
    """Measure every peer; ``spent`` remembers who ran into a limit at a smaller size."""

    def run(peer: Peer, **job: Any) -> Outcome:
        print(f"  {peer.name} …", file=sys.stderr, flush=True)
        return measure(
            f"{WORKER}:measure",
            {"peer": peer.name, "image": str(image), "phase": phase, "tolerance": options.tolerance} | job,
            threads=options.threads,
            limit=options.limit,
            memory=options.memory * 2**30,
            python=_petsc_python(options.petsc_python) if peer.module == "petsc" else sys.executable,
        )

    references, ours = {}, None
    for plates in sorted({"faces"} | {peer.plates for peer in peers}, reverse=True):
        outcome = run(PEERS[OURS], tolerance=REFERENCE, plates=plates, once=True)
        if outcome.result is None:
            yield {"peer": f"reference, {plates}", "note": outcome.failure}
        else:
            references[plates] = outcome.result["tau"]
    for peer in peers:
        if peer.name in spent:
            yield {"peer": peer.name, "note": f"not tried: {spent[peer.name]} at a smaller size"}
            continue
        outcome = run(peer)
        if outcome.result is None:
            assert outcome.failure is not None
            if outcome.exhausted:
                spent[peer.name] = outcome.failure
            yield {"peer": peer.name, "note": outcome.failure}
            continue
        row = dict(outcome.result)
        ours = row["time"] if peer.name == OURS else ours
        yield row | _derived(row, peer, references, ours)


def _derived(
    row: dict[str, Any], peer: Peer, references: dict[str, float], ours: float | None
) -> dict[str, float | str | None]:
    """Return the columns that follow from a measurement, the reference and our own time."""
    reference, faces = references.get(peer.plates), references.get("faces")
    known = reference is not None and faces is not None
    return {
        "us/voxel": 1e6 * row["time"] / row["voxels"],
        "ratio": row["time"] / ours if ours else None,
        "peak MiB": row["peak"] / 2**20,
        "B/voxel": (row["peak"] - row["before"]) / row["voxels"],
        "deviation": row["tau"] / reference - 1.0 if known else None,
        # From the peer's plates to the outer faces by the ratio that the reference has, which is exact.
        "normalised tau": row["tau"] * faces / reference if known else row["tau"],
        "not counted": ", ".join(f"{row[part]:.2g}" for part in ("import", "warm-up", "assembly") if part in row),
        "note": None if known or peer.plates == "faces" else "plates in the first centres, not normalised",
    }


def _petsc_python(wanted: str | None) -> str:
    """Return the first interpreter that has petsc4py: the wanted one, this one, the system's."""
    if wanted:
        return wanted
    for python in (sys.executable, shutil.which("python3", path="/usr/bin:/bin")):
        if (
            python
            and subprocess.run([python, "-c", "import petsc4py"], capture_output=True, check=False).returncode == 0
        ):
            return python
    return sys.executable


if __name__ == "__main__":
    main()
