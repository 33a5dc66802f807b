"""What a run leaves behind: a folder that can be read at any moment, and continued after any death.

::

    NAME.results/
        case.toml         the text of the case
        provenance.json   versions, mesh hash, seed, derived numbers; at the end times and counts
        curves.csv        one row a time step, in the Battery Data Format
        data.zarr/        for xarray: mesh/ (phases), curves/ (a row for a point), fields/ (a row for a frame),
                          spectra/ (a row for a frequency)
        run.log           what the solver chose and where it had to change its mind
        checkpoint.npz    the state of the solver; how many points, frames and bytes of csv belong to it

**Commit.** :meth:`ResultWriter.append_point` keeps points in memory, and
:meth:`ResultWriter.append_frame` writes chunks that nothing refers to yet. :meth:`ResultWriter.commit` then

1. appends the points to the chunks of ``curves`` and to ``curves.csv``, behind what was committed before;
2. replaces ``data.zarr/zarr.json``, which holds the consolidated metadata of all arrays, with their lengths;
3. replaces ``checkpoint.npz``.

Each replacement is a renaming: a reader sees the old file or the new one, whole. xarray takes the lengths of
all arrays from the one consolidated file, so it never sees arrays of unequal length. ``checkpoint.npz`` alone
says what is committed. Death between 2 and 3 leaves arrays that are longer by one commit;
:meth:`Results.open` does not show the excess, and :meth:`ResultWriter.resume` removes it with every other
trace of what came after the commit. Committed values are never written again. (Each array's own metadata, of
use only to a reader that ignores the consolidated ones, are brought up to date by
:meth:`ResultWriter.finish`: to rename some forty files at every commit would cost more than all the rest.)

This holds against the death of the process (SIGKILL included). Nothing is forced to the disk, so a power cut
may cost as much as the operating system held back.
"""

from catholyte.results.elements import ElementBlock, Elements
from catholyte.results.log import run_log
from catholyte.results.mesh_record import LayerCells, MeshRecord
from catholyte.results.paraview import export_paraview
from catholyte.results.reader import Results
from catholyte.results.spectra import Spectrum
from catholyte.results.writer import ResultWriter

__all__ = [
    "ElementBlock",
    "Elements",
    "LayerCells",
    "MeshRecord",
    "ResultWriter",
    "Results",
    "Spectrum",
    "export_paraview",
    "run_log",
]
