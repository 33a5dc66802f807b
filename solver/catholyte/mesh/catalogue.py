"""Public segmented volumes by name: what they are, and how to get them onto this machine.

The manifest is ``catalogue.toml`` beside this file. The volumes themselves are not part of the package; they
are taken from the folder that the environment variable ``CATHOLYTE_DATA`` names, or downloaded once into the
user's cache.
"""

from __future__ import annotations

import functools
import hashlib
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from types import MappingProxyType

from catholyte.errors import CatholyteError, InputError, nearest

#: environment variable: a folder that holds volumes of the catalogue, anywhere below it
DATA_FOLDER = "CATHOLYTE_DATA"


class FetchError(CatholyteError):
    """A volume of the catalogue could not be brought to this machine; the message says what to do."""


@dataclass(frozen=True)
class Entry:
    """One volume of the catalogue.

    Parameters
    ----------
    name, title, description, remarks
        Its name in case files, what it is, and what it is not.
    file, url, sha256, bytes
        File name in the source repository, address, checksum and size.
    licence, source, citation
        SPDX name of the licence, where it comes from, what to cite.
    shape
        Voxels along the axes of the file.
    voxel_size
        Edge of a (cubic) voxel, m; None where the source gives none.
    axis
        The axis of the file that is through-plane.
    labels
        Label value of each named phase.
    """

    name: str
    title: str
    description: str
    file: str
    url: str
    sha256: str
    bytes: int
    licence: str
    source: str
    citation: str
    shape: tuple[int, int, int]
    voxel_size: float | None
    axis: int
    labels: Mapping[str, int]
    remarks: str


@functools.cache
def catalogue() -> Mapping[str, Entry]:
    """Return the entries of the manifest by name."""
    text = resources.files("catholyte.mesh").joinpath("catalogue.toml").read_text(encoding="utf-8")
    entries = {}
    for name, table in tomllib.loads(text).items():
        voxel_size_um = table.pop("voxel_size_um", None)
        table["shape"] = tuple(table["shape"])
        table["labels"] = MappingProxyType(table["labels"])
        entries[name] = Entry(name=name, voxel_size=None if voxel_size_um is None else 1e-6 * voxel_size_um, **table)
    return MappingProxyType(entries)


def entry(name: str) -> Entry:
    """Return one entry; an unknown name is an InputError with the nearest known one."""
    entries = catalogue()
    if name not in entries:
        raise InputError("mesh.image.name", name, f"one of {', '.join(entries)}", nearest(name, entries))
    return entries[name]


def fetch(name: str) -> Path:
    """Return the path of a volume's file, downloading it if need be.

    It is looked for below the folder ``CATHOLYTE_DATA`` (under its own name, or that with a prefix ending in
    "_"), then in the user's cache, then at its address. Whatever is returned has the manifest's checksum.

    Raises
    ------
    InputError
        If the name is unknown or ``CATHOLYTE_DATA`` is not a folder.
    FetchError
        If the file cannot be had, or is not the one the manifest describes.
    """
    wanted = entry(name)
    folder = os.environ.get(DATA_FOLDER)
    if folder:
        found = _find(wanted, Path(folder))
        if found is not None:
            return found
    return _download(wanted)


def _find(wanted: Entry, folder: Path) -> Path | None:
    if not folder.is_dir():
        raise InputError(DATA_FOLDER, str(folder), "an existing folder")
    candidates = sorted(
        path
        for path in folder.rglob(f"*{wanted.file}")
        if path.name == wanted.file or path.name.endswith(f"_{wanted.file}")
    )
    for path in candidates:
        if path.stat().st_size == wanted.bytes and _sha256(path) == wanted.sha256:
            return path
    if candidates:
        raise FetchError(
            f"{candidates[0]} is not the file that the catalogue knows as {wanted.name!r} (sha256 "
            f"{_sha256(candidates[0])}, expected {wanted.sha256}): replace it by {wanted.url}, or remove it"
        )
    return None


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _download(wanted: Entry) -> Path:
    import pooch

    cache = Path(pooch.os_cache("catholyte"))
    try:
        path = pooch.retrieve(
            wanted.url, known_hash=f"sha256:{wanted.sha256}", fname=f"{wanted.name}_{wanted.file}", path=cache
        )
    except ValueError as error:  # pooch's report of a wrong checksum
        raise FetchError(
            f"what {wanted.url} returned is not the file that the catalogue knows as {wanted.name!r} "
            f"(expected sha256 {wanted.sha256}): {error}"
        ) from error
    except OSError as error:  # requests' errors are OSErrors too
        raise FetchError(
            f"cannot download {wanted.name!r}: {error}. Download {wanted.url} by other means and save it as "
            f"{cache / f'{wanted.name}_{wanted.file}'}, or put it into a folder named by {DATA_FOLDER}"
        ) from error
    return Path(path)
