"""Label images: read and write the usual formats, crop, coarsen, relabel, describe.

Every image is indexed [z, y, x]; axis 0 is the through-plane direction, from the counter electrode (low
index) to the current collector (high index), once :func:`orient` has put it there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from catholyte.errors import InputError, nearest
from catholyte.mesh import formats

AXES = ("z", "y", "x")

#: suffixes that :func:`read_image` understands
READABLE = (".tif", ".tiff", ".zip", ".npy", ".npz", ".raw", ".vti")

#: suffixes that :func:`write_image` understands
WRITABLE = (".tif", ".tiff", ".npy", ".npz", ".vti")

#: voxels worked on at once where a step needs more memory a voxel than the image itself
_SLAB_VOXELS = 1 << 24


def _slabs(image: NDArray[Any]) -> Iterator[slice]:
    """Cut axis 0 into slices of about ``_SLAB_VOXELS`` voxels."""
    layers = max(1, _SLAB_VOXELS // max(1, image[0].size)) if len(image) else 1
    for start in range(0, len(image), layers):
        yield slice(start, start + layers)


def require_file(path: Path) -> None:
    """Refuse a file that is not there, naming the one beside it with the most similar name."""
    if not path.is_file():
        names = [entry.name for entry in path.parent.iterdir()] if path.parent.is_dir() else []
        raise InputError(str(path), path.name, "an existing file", nearest(path.name, names))


def read_image(
    path: str | Path,
    *,
    array: str | None = None,
    shape: Sequence[int] | None = None,
    dtype: str | None = None,
) -> NDArray[Any]:
    """Read a three-dimensional label image.

    Parameters
    ----------
    path
        A TIFF stack (.tif, .tiff, or a .zip that holds one), .npy, .npz, .raw or .vti file.
    array
        Name of the array in an .npz or .vti file; without it the file must hold only one that is
        three-dimensional.
    shape
        Shape [z, y, x] of a .raw file, whose bytes run along x first.
    dtype
        numpy name of the type of a .raw file, such as "uint8" or ">u2".

    Returns
    -------
    NDArray
        Labels [z, y, x] with the integer type they have in the file; true/false images become 1/0 (uint8).

    Raises
    ------
    InputError
        If the file is missing, of an unknown kind or damaged, or does not hold a 3D image of whole numbers.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    require_file(path)
    if suffix not in READABLE:
        raise InputError(str(path), path.suffix, f"one of {', '.join(READABLE)}", nearest(suffix, READABLE))
    if suffix == ".zip":
        image = formats.read_zipped_tiff(path)
    elif suffix == ".npy":
        image = formats.read_npy(path)
    elif suffix == ".npz":
        image = formats.read_npz(path, array)
    elif suffix == ".raw":
        image = formats.read_raw(path, shape, dtype)
    elif suffix == ".vti":
        image = formats.read_vti(path, array)
    else:
        image = formats.read_tiff(path, path)
    if image.ndim != 3:
        raise InputError(str(path), f"shape {image.shape}", "a three-dimensional image")
    if image.size == 0:
        raise InputError(str(path), f"shape {image.shape}", "at least one voxel")
    if image.dtype == np.bool_:
        return image.view(np.uint8)
    if not np.issubdtype(image.dtype, np.integer):
        raise InputError(str(path), str(image.dtype), "whole-number labels (a segmented image, not grey values)")
    return image


def orient(image: NDArray[Any], axis: int | str = 0, *, flip: bool = False) -> NDArray[Any]:
    """Put the through-plane direction on axis 0.

    Parameters
    ----------
    image
        Labels, three axes.
    axis
        The image axis that is through-plane, 0 … 2 or "z", "y", "x" for the same; the other two keep their
        order.
    flip
        Turn the image over, so that its last layer faces the counter electrode.

    Returns
    -------
    NDArray
        A view, not a copy.
    """
    number = AXES.index(axis) if axis in AXES else axis
    if number not in (0, 1, 2) or isinstance(number, bool):
        raise InputError("mesh.image.axis", axis, "0, 1, 2 or 'z', 'y', 'x'")
    turned = np.moveaxis(image, int(number), 0)
    return turned[::-1] if flip else turned


def crop(image: NDArray[Any], ranges: Sequence[Sequence[int]]) -> NDArray[Any]:
    """Cut a box [[z0, z1], [y0, y1], [x0, x1]] (end excluded) out of an oriented image; returns a view."""
    if len(ranges) != 3 or any(len(pair) != 2 for pair in ranges):
        raise InputError("mesh.image.crop", ranges, "three ranges [[z0, z1], [y0, y1], [x0, x1]]")
    for name, length, (start, stop) in zip(AXES, image.shape, ranges, strict=True):
        if not 0 <= start < stop <= length:
            raise InputError(
                "mesh.image.crop",
                [start, stop],
                f"0 <= {name}0 < {name}1 <= {length}, the image's size along {name}",
            )
    return image[tuple(slice(start, stop) for start, stop in ranges)]


def downsample(image: NDArray[Any], factor: int) -> NDArray[Any]:
    """Coarsen by the commonest label of every block of factor³ voxels; a tie goes to the lowest label.

    Blocks that the image's end would cut are dropped, so up to ``factor - 1`` layers are lost along an axis.
    """
    if isinstance(factor, bool) or int(factor) != factor or not 1 <= factor <= min(image.shape):
        raise InputError("mesh.image.downsample", factor, f"a whole number from 1 to {min(image.shape)}")
    if factor == 1:
        return image
    nz, ny, nx = (length // factor for length in image.shape)
    labels = sorted(count_labels(image))
    coarse = np.empty((nz, ny, nx), image.dtype)
    for layer in range(nz):
        block = image[layer * factor : (layer + 1) * factor, : ny * factor, : nx * factor]
        most = np.zeros((ny, nx), np.int64)
        for label in labels:
            count = (block == label).reshape(factor, ny, factor, nx, factor).sum(axis=(0, 2, 4))
            better = count > most
            coarse[layer][better] = label
            most[better] = count[better]
    return coarse


def count_labels(image: NDArray[Any]) -> dict[int, int]:
    """Return the number of voxels of every label in the image, by ascending label."""
    counts: dict[int, int] = {}
    for slab in _slabs(image):
        if image.dtype in (np.uint8, np.uint16):
            histogram = np.bincount(image[slab].ravel())
            values = np.flatnonzero(histogram)
            numbers = histogram[values]
        else:
            values, numbers = np.unique(image[slab], return_counts=True)
        for value, number in zip(values.tolist(), numbers.tolist(), strict=True):
            counts[value] = counts.get(value, 0) + number
    return dict(sorted(counts.items()))


def relabel(
    image: NDArray[Any], index_of: Mapping[int, int], *, key_of: Mapping[int, str] | None = None
) -> NDArray[np.uint8]:
    """Replace the labels of a file by phase indices.

    Parameters
    ----------
    image
        Labels [z, y, x].
    index_of
        Phase index (0 … 255) of every label; several labels may share one.
    key_of
        Where each label was written in the case ("phases.active.label"); used in the error.

    Returns
    -------
    NDArray[uint8]
        Phase index of every voxel.

    Raises
    ------
    InputError
        If a label asked for is not in the image, or one in the image was not asked for.
    """
    counts = count_labels(image)
    present = ", ".join(str(label) for label in counts)
    for label in index_of:
        if label not in counts:
            near = min(counts, key=lambda held: (abs(held - label), held))
            raise InputError((key_of or {}).get(label, "label"), label, f"one of {present}", str(near))
    if unnamed := [label for label in counts if label not in index_of]:
        shares = ", ".join(f"{label} ({counts[label] / image.size:.4%} of the voxels)" for label in unnamed)
        raise InputError("mesh.image", f"label {shares}", f"a phase for every label of the image ({present})")
    phases = np.empty(image.shape, np.uint8)
    if image.dtype in (np.uint8, np.uint16):
        table = np.zeros(np.iinfo(image.dtype).max + 1, np.uint8)
        for label, index in index_of.items():
            table[label] = index
        for slab in _slabs(image):
            np.take(table, image[slab], out=phases[slab], mode="clip")
    else:
        for label, index in index_of.items():
            phases[image == label] = index
    return phases


@dataclass(frozen=True)
class LabelSummary:
    """What one label of an image amounts to.

    Parameters
    ----------
    voxels, fraction
        Its number of voxels, absolute and relative to the image.
    clusters
        Number of its face-connected clusters; image borders do not connect.
    largest_share
        Share of its voxels that lie in its largest cluster.
    percolates
        Whether one cluster reaches from the first to the last layer along z, y, x.
    """

    voxels: int
    fraction: float
    clusters: int
    largest_share: float
    percolates: tuple[bool, bool, bool]


def describe(image: NDArray[Any]) -> dict[int, LabelSummary]:
    """Return a :class:`LabelSummary` of every label in the image."""
    from scipy import ndimage

    summaries = {}
    for label, voxels in count_labels(image).items():
        clusters, number = ndimage.label(image == label)
        sizes = np.zeros(number + 1, np.int64)
        for slab in _slabs(clusters):
            sizes += np.bincount(clusters[slab].ravel(), minlength=number + 1)
        through = []
        for axis in range(3):
            first, last = (np.unique(clusters.take(end, axis)) for end in (0, -1))
            shared = np.intersect1d(first, last, assume_unique=True)
            through.append(bool(np.any(shared > 0)))
        summaries[label] = LabelSummary(
            voxels=voxels,
            fraction=voxels / image.size,
            clusters=int(number),
            largest_share=float(sizes[1:].max() / voxels),
            percolates=(through[0], through[1], through[2]),
        )
    return summaries


def write_image(path: str | Path, labels: NDArray[Any], spacing: Sequence[float]) -> None:
    """Write a label image with its voxel size.

    Parameters
    ----------
    path
        .tif (ImageJ's metadata), .npy (no voxel size), .npz (arrays ``labels`` and ``spacing``) or .vti
        (cell data ``labels``); replaced if it exists.
    labels
        Labels [z, y, x]; .tif takes uint8 and uint16.
    spacing
        Voxel size (dz, dy, dx), m.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix not in WRITABLE:
        raise InputError(str(path), path.suffix, f"one of {', '.join(WRITABLE)}", nearest(suffix, WRITABLE))
    if not path.parent.is_dir():
        raise InputError(str(path), str(path.parent), "an existing folder")
    if suffix == ".npy":
        np.save(path, labels)
    elif suffix == ".npz":
        np.savez_compressed(path, labels=labels, spacing=np.asarray(spacing, dtype=np.float64))
    elif suffix == ".vti":
        formats.write_vti(path, labels, spacing)
    else:
        formats.write_tiff(path, labels, spacing)
