"""The command line: check, run, continue, effective, info, plot, export, mesh, schema.

What shows materials, designs cells, evaluates results, validates cases and fits is in :mod:`catholyte.commands`.

Imports are made inside the commands, so that a faulty case is refused before anything heavy is loaded.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from catholyte.commands import design, evaluation, impedance, materials, validation
from catholyte.errors import CatholyteError, InputError, InputErrors, MeshError, nearest

if TYPE_CHECKING:
    from catholyte.build import Built
    from catholyte.simulation import Update

app = typer.Typer(
    help="From the microstructure of a solid-state battery cathode to what a cycler measures.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
mesh_app = typer.Typer(help="Inspect, generate and fetch label images; inspect meshes.", no_args_is_help=True)
app.add_typer(mesh_app, name="mesh")

_out = Console()
_err = Console(stderr=True)

CasePath = Annotated[Path, typer.Argument(help="A case file (.toml).", show_default=False)]
ResultPath = Annotated[Path, typer.Argument(help="A result folder (NAME.results).", show_default=False)]
Overrides = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Change a key, e.g. mesh.packing.seed=8; or @FILE."),
]

ArrayName = Annotated[str | None, typer.Option(help="Array of an .npz or .vti file.")]
RawShape = Annotated[str | None, typer.Option(help="Shape z,y,x of a .raw file.")]
RawType = Annotated[str | None, typer.Option(help="Number type of a .raw file.")]

Threads = Annotated[
    int | None,
    typer.Option(metavar="N", help="Most threads to use; all cores by default. Results do not depend on it."),
]

Quiet = Annotated[bool, typer.Option("--quiet", help="No progress bar.")]
PlotAtEnd = Annotated[bool, typer.Option("--plots", help="Draw the pictures at the end.")]
LogFile = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Append a plain line every time step, for clusters.")
]
LogEvery = Annotated[str, typer.Option(metavar="TIME", help="Wall time between two lines of the log, like '30 s'.")]

#: exit codes: bad input, and a run that could not be finished
BAD_INPUT, NOT_FINISHED = 2, 3


def main() -> None:
    """Run the command line; errors of the user are told in a few lines and end with exit code 2."""
    try:
        app(standalone_mode=True)
    except (InputError, InputErrors, MeshError) as error:
        _tell(error)
        sys.exit(BAD_INPUT)
    except CatholyteError as error:
        _err.print(f"[bold red]stopped:[/] {error}", highlight=False)
        sys.exit(NOT_FINISHED)
    except KeyboardInterrupt:
        _err.print("interrupted; continue with --resume")
        sys.exit(130)


def _tell(error: CatholyteError) -> None:
    from rich.markup import escape

    for line in str(error).splitlines():
        _err.print(f"[bold red]error:[/] {escape(line)}", highlight=False, soft_wrap=True)


def _allow(threads: int | None) -> None:
    if threads is not None:
        from catholyte.solve.threads import allow_threads

        allow_threads(threads)


def _build(case: Path, overrides: list[str] | None, folder: Path | None = None) -> Built:
    from catholyte.build import build
    from catholyte.case import read_case

    return build(read_case(case, overrides or (), folder=folder))


@app.command()
def check(case: CasePath, overrides: Overrides = None) -> None:
    """Validate a case and show the numbers that follow from it; nothing is computed or written."""
    from catholyte.report import check_report

    _out.print(check_report(_build(case, overrides)))


@app.command()
def run(
    case: CasePath,
    overrides: Overrides = None,
    out: Annotated[Path | None, typer.Option(help="Result folder; CASE.results beside the case by default.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Continue a killed run from its last time step.")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an existing result.")] = False,
    plots: PlotAtEnd = False,
    quiet: Quiet = False,
    log: LogFile = None,
    log_every: LogEvery = "0 s",
    threads: Threads = None,
) -> None:
    """Run a case through its protocol."""
    _allow(threads)
    folder = out if out is not None else default_results(case)
    built = _build(case, overrides)
    if resume and not folder.exists():
        raise InputError("--resume", str(folder), "a result folder that a run was killed in")
    if folder.exists() and not resume:
        if not overwrite:
            raise InputError(
                "--out",
                str(folder),
                "a folder that does not exist yet (or --resume to continue, --overwrite to replace)",
            )
        if not (folder / "provenance.json").is_file():
            raise InputError("--overwrite", str(folder), "a result folder; this one is something else and is kept")
        import shutil

        shutil.rmtree(folder)
    with _watched(quiet, log, log_every) as on_update:
        from catholyte.simulation import Simulation

        Simulation(built).run(folder, resume=resume, on_update=on_update)
    _conclude(folder, plots)


@app.command("continue")
def continue_(
    result: ResultPath,
    steps: Annotated[
        list[str] | None,
        typer.Option("--steps", metavar="STEP", help="A step, as in a case file; may be repeated."),
    ] = None,
    case_folder: Annotated[
        Path | None, typer.Option(help="Folder of the case, where it has moved since the run.", show_default=False)
    ] = None,
    plots: PlotAtEnd = False,
    quiet: Quiet = False,
    log: LogFile = None,
    log_every: LogEvery = "0 s",
    threads: Threads = None,
) -> None:
    """Go on from where a run stands: with the rest of its protocol, and then with further steps."""
    _allow(threads)
    from catholyte.build import build
    from catholyte.simulation import continued_case

    built = build(continued_case(result, steps or (), case_folder))
    with _watched(quiet, log, log_every) as on_update:
        from catholyte.simulation import Simulation

        Simulation(built).run(result, extend=True, on_update=on_update)
    _conclude(result, plots)


@contextmanager
def _watched(quiet: bool, log: Path | None, log_every: str) -> Iterator[Callable[[Update], None] | None]:
    from catholyte.progress import watch
    from catholyte.units import to_si

    with watch(_err, quiet=quiet, log=log, every=to_si(log_every, "time", key="--log-every")) as on_update:
        yield on_update


def _conclude(result: Path, plots: bool) -> None:
    """Report a run that has ended, and draw it if that was asked for."""
    from catholyte.report import run_report
    from catholyte.results import Results

    _out.print(run_report(Results.open(result)))
    if plots:
        _plot(result, result / "plots")
    _out.print(f"result in {result}", highlight=False)


@app.command()
def effective(
    source: Annotated[
        str, typer.Argument(metavar="IMAGE|CASE", help="An image file, a name of the catalogue, or a case (.toml).")
    ],
    voxel_size: Annotated[str | None, typer.Option(help="Voxel edge, or z,y,x: '0.4 um'; '0.5, 0.4, 0.4 um'.")] = None,
    sigma: Annotated[
        list[str] | None,
        typer.Option(metavar="LABEL=VALUE", help="What a label conducts: 0=1, 2='0.18 mS/cm'; may be repeated."),
    ] = None,
    phase: Annotated[
        list[str] | None, typer.Option(metavar="LABEL", help="A label that conducts with 1; may be repeated.")
    ] = None,
    axis: Annotated[str, typer.Option(help="z, y, x, or all for the full tensor.")] = "all",
    walls: Annotated[
        str | None, typer.Option(help="Side walls: sealed (default of images) or periodic.", show_default=False)
    ] = None,
    resistance: Annotated[
        list[str] | None,
        typer.Option(metavar="A|B=VALUE", help="Area resistance between labels: '1|2=10 ohm cm2'; may be repeated."),
    ] = None,
    tolerance: Annotated[float, typer.Option(help="Mismatch allowed between the currents at the two plates.")] = 1e-4,
    crop: Annotated[str | None, typer.Option(help="Part of the image, z0:z1,y0:y1,x0:x1.")] = None,
    array: ArrayName = None,
    shape: RawShape = None,
    dtype: RawType = None,
    overrides: Overrides = None,
    save: Annotated[Path | None, typer.Option(metavar="FOLDER", help="Write summary, fields and .vti files.")] = None,
    plots: Annotated[bool, typer.Option("--plots", help="Draw potential and flux, into FOLDER/plots.")] = False,
    form: Annotated[str, typer.Option("--format", help="table or json.")] = "table",
    threads: Threads = None,
) -> None:
    """Effective conductivity or diffusivity, tortuosity factor and interface areas of an image or an electrode."""
    from catholyte import effective as job

    _allow(threads)

    if form not in ("table", "json"):
        raise InputError("--format", form, "'table' or 'json'", nearest(form, ("table", "json")))
    plates = job.Plates(
        job.read_axes(axis), job.read_walls(walls) if walls is not None else None, job.read_tolerance(tolerance)
    )
    options = job.ImageOptions(sigma or (), phase or (), resistance or (), voxel_size, crop, array, shape, dtype)
    if save is not None:
        job.check_folder(save)
    elif plots:
        raise InputError("--plots", True, "--save FOLDER beside it, where the pictures go")
    if job.is_case(source):
        job.refuse_options(options)
        request = job.from_case(Path(source), overrides or (), plates)
    elif overrides:
        raise InputError("--set", overrides[0], "a case (.toml); an image has no keys")
    else:
        request = job.from_image(source, options, plates)
    from catholyte.effective.run import run
    from catholyte.report import effective_report

    with _err.status("effective transport") as status:
        done = run(
            request, save, plots=plots, begin=lambda what, along: status.update(f"{what.title} along {'zyx'[along]}")
        )
    if form == "json":
        sys.stdout.write(json.dumps(done.summary, indent=2, ensure_ascii=False, allow_nan=False) + "\n")
        return
    _out.print(effective_report(done.summary))
    for path in done.files:
        _out.print(f"wrote {path}", highlight=False, soft_wrap=True)


def default_results(case: Path) -> Path:
    """Return where a run of ``case`` is written if nothing else is said: a folder named after case and its folder."""
    name = case.resolve().parent.name if case.name == "case.toml" else case.stem
    return case.parent / f"{name}.results"


@app.command()
def info(result: ResultPath) -> None:
    """Show the outcome of a run: capacities, the split of the polarisation, versions and effort."""
    from catholyte.report import run_report
    from catholyte.results import Results

    _out.print(run_report(Results.open(result)))


@app.command()
def plot(
    result: ResultPath,
    out: Annotated[
        Path | None, typer.Option(help="Folder for the pictures, RESULT/plots by default; a file with --beside.")
    ] = None,
    beside: Annotated[
        Path | None,
        typer.Option(metavar="RESULT", help="Draw where the species are in both results, into the one file --out."),
    ] = None,
) -> None:
    """Draw voltage, polarisation, composition, cuts through lithiation, species and currents, and 3D scenes."""
    if beside is not None:
        _plot_beside(result, beside, out if out is not None else result / "plots" / "species_beside.png")
        return
    _plot(result, out if out is not None else result / "plots")


def _plot(result: Path, folder: Path) -> None:
    from catholyte.plot import plot_all
    from catholyte.results import Results

    for path in plot_all(Results.open(result), folder):
        _out.print(f"wrote {path}", highlight=False, soft_wrap=True)


def _plot_beside(result: Path, beside: Path, out: Path) -> None:
    from catholyte.plot import species_maps
    from catholyte.plot.pictures import FORMATS, save
    from catholyte.results import Results

    form = out.suffix.removeprefix(".")
    if form not in FORMATS:
        raise InputError("--out", str(out), f"a file that ends in {', '.join(f'.{each}' for each in FORMATS)}")
    for path in save(species_maps(Results.open(result), Results.open(beside)), out.parent, out.stem, (form,)):
        _out.print(f"wrote {path}", highlight=False, soft_wrap=True)


@app.command()
def export(
    result: ResultPath,
    out: Annotated[Path | None, typer.Option(help="Folder for the files; RESULT/paraview by default.")] = None,
) -> None:
    """Write the fields for ParaView (.vti or .vtu files and a .pvd collection)."""
    from catholyte.results import Results, export_paraview

    _out.print(f"wrote {export_paraview(Results.open(result), out or result / 'paraview')}", highlight=False)


@app.command()
def schema() -> None:
    """Print the JSON Schema of case files, for editors that complete TOML."""
    from catholyte.case import json_schema

    sys.stdout.write(json.dumps(json_schema(), indent=2) + "\n")


@mesh_app.command("inspect")
def mesh_inspect(
    image: Annotated[
        str, typer.Argument(metavar="FILE", help="An image, a name of the catalogue, or a mesh (.msh, .vtu, …).")
    ],
    array: ArrayName = None,
    shape: RawShape = None,
    dtype: RawType = None,
    unit: Annotated[str, typer.Option(help="Unit of length of a mesh.")] = "um",
    axisymmetric: Annotated[
        bool, typer.Option("--axisymmetric", help="The cells of a flat mesh turn around the axis x = 0.")
    ] = False,
) -> None:
    """Show labels, volume fractions, clusters and percolation of an image; regions, tags and quality of a mesh."""
    from catholyte.effective import read_shape
    from catholyte.mesh.catalogue import catalogue, fetch
    from catholyte.mesh.images import describe, read_image
    from catholyte.mesh.meshfile import SUFFIXES, read_mesh
    from catholyte.report import image_report, quality_report

    path = fetch(image) if image in catalogue() else Path(image)
    if path.suffix.lower() in SUFFIXES:
        from catholyte.mesh.quality import check_mesh
        from catholyte.units import to_si

        length = to_si(f"1 {unit}", "length", key="--unit")
        mesh = read_mesh(path, unit=length, symmetry="axisymmetric" if axisymmetric else "none", key="FILE")
        _out.print(quality_report(mesh, check_mesh(mesh)))
        return
    size = read_shape(shape) if shape is not None else None
    voxels = read_image(path, array=array, shape=size, dtype=dtype)
    _out.print(image_report(describe(voxels), voxels.shape))


@mesh_app.command("generate")
def mesh_generate(
    case: CasePath,
    out: Annotated[
        Path, typer.Argument(help="Where to write: an image to .tif, .npy, .npz or .vti, elements to .msh or .vtu.")
    ],
    overrides: Overrides = None,
) -> None:
    """Write the geometry of a case with its separator and collector: a label image, or an unstructured mesh in um."""
    from catholyte.build.cell import load_materials
    from catholyte.build.geometry import geometry
    from catholyte.build.places import is_unstructured
    from catholyte.build.unstructured import UNITS, unstructured_geometry
    from catholyte.case import read_case
    from catholyte.mesh.images import write_image
    from catholyte.mesh.meshfile import write_mesh

    made = read_case(case, overrides or ())
    materials = load_materials(made)
    if is_unstructured(made):
        mesh = unstructured_geometry(made, materials).mesh
        write_mesh(out, mesh, unit=UNITS["um"])
        size, names = f"{mesh.n_cells:,} cells", f"regions {', '.join(mesh.region_names)}"
    else:
        image = geometry(made, materials)
        write_image(out, image.labels, image.spacing)
        size = f"{' x '.join(map(str, image.labels.shape))} voxels"
        names = "labels " + ", ".join(f"{k} {name}" for k, name in enumerate(image.phase_names))
    _out.print(f"wrote {out}: {size}, {names}", highlight=False)


@mesh_app.command("fetch")
def mesh_fetch(name: Annotated[str, typer.Argument(help="A name of the catalogue.")]) -> None:
    """Bring a public segmented volume into the cache and print its path."""
    from catholyte.mesh.catalogue import fetch

    sys.stdout.write(f"{fetch(name)}\n")


@mesh_app.command("list")
def mesh_list() -> None:
    """List the public segmented volumes of the catalogue."""
    from catholyte.mesh.catalogue import catalogue
    from catholyte.report import listing

    rows = [
        (name, " x ".join(map(str, entry.shape)), entry.licence, entry.title) for name, entry in catalogue().items()
    ]
    _out.print(listing("Catalogue", ("name", "shape", "licence", "what it is"), rows))


materials.register(app)
design.register(app)
evaluation.register(app)
impedance.register(app)
validation.register(app)

if __name__ == "__main__":
    main()
