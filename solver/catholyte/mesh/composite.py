"""Composites of spheres with coating, dispersed carbon and pores in a matrix, exact in every volume share.

Everything random is drawn in physical units, so the same seed with half the voxel size gives the same
structure, finer. A packing is periodic along all three axes: it has no wall effect at its first and last
layers, and it can stand between sealed or periodic side walls.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from catholyte.errors import InputError
from catholyte.mesh import fields, spheres

Shape = tuple[int, int, int]
Spacing = tuple[float, float, float]


@dataclass(frozen=True)
class SpherePhase:
    """Spheres, as the particles of an active material.

    Parameters
    ----------
    index
        Phase index written to the image.
    share
        Volume share of the whole image.
    median_diameter
        Median of the volume-weighted diameters (D50 of a particle sizer), m.
    spread
        Standard deviation of ln d (lognormal); 0 for equal spheres.
    name
        Name of the phase in the case, for errors.
    """

    index: int
    share: float
    median_diameter: float
    spread: float = 0.0
    name: str = ""


@dataclass(frozen=True)
class CoatingPhase:
    """A shell around the spheres; in patches where the share does not suffice for all of it.

    Parameters
    ----------
    index, share, name
        As in :class:`SpherePhase`.
    thickness
        Thickness of the shell, m; resolved by at least one layer of voxels.
    patch_size
        Mean width of the patches, m; half of the smallest median diameter if not given.
    """

    index: int
    share: float
    thickness: float
    patch_size: float | None = None
    name: str = ""


@dataclass(frozen=True)
class DispersedPhase:
    """Small agglomerates in the matrix, more of them where two spheres come close.

    Parameters
    ----------
    index, share, name
        As in :class:`SpherePhase`.
    diameter
        Diameter of an agglomerate, m; at least a voxel.
    """

    index: int
    share: float
    diameter: float
    name: str = ""


@dataclass(frozen=True)
class VoidPhase:
    """Pores in the matrix, mostly in the crevices between spheres.

    Parameters
    ----------
    index, share, name
        As in :class:`SpherePhase`.
    size
        Domain size of the random field that shapes the pores (:mod:`catholyte.mesh.fields`), m. If not given:
        half of the smallest median diameter, or an eighth of the shortest edge where there are no spheres,
        and three voxels at least.
    """

    index: int
    share: float
    size: float | None = None
    name: str = ""


Phase = SpherePhase | CoatingPhase | DispersedPhase | VoidPhase


def _key(phase: Phase, *parts: str) -> str:
    """Return where the phase, or a part of it, stands in the case."""
    return ".".join(("phases", phase.name or str(phase.index), *parts))


def packing(shape: Shape, spacing: Spacing, *, matrix: int, phases: Sequence[Phase], seed: int) -> NDArray[np.uint8]:
    """Generate a composite: spheres, then coatings, agglomerates and pores in the matrix between them.

    Spheres are placed in physical units (:mod:`catholyte.mesh.spheres`), touch in small necks, and are then
    scaled together until each phase has its share to the voxel. Each phase draws from its own stream of
    random numbers, so that adding pores leaves the spheres where they are.

    Parameters
    ----------
    shape, spacing
        Voxels (z, y, x) and their size, m.
    matrix
        Phase index of what remains (the electrolyte).
    phases
        The other phases. Spheres are made first, then coatings, dispersed phases and voids, each in the order
        given.
    seed
        Same seed, same image.

    Returns
    -------
    NDArray[uint8]
        Phase index of every voxel.

    Raises
    ------
    InputError
        If the shares exceed 1, or a length cannot be met by these voxels or this box.
    MeshError
        If a phase finds no room.
    """
    box = check_box(shape, spacing, "mesh.packing")
    kinds = (SpherePhase, CoatingPhase, DispersedPhase, VoidPhase)
    ordered = sorted((phase for phase in phases if phase.share != 0.0), key=lambda p: kinds.index(type(p)))
    check_shares([phase.share for phase in phases])
    # rounded cumulatively, so that the counts never sum to more than the voxels there are
    ends = [round(end * math.prod(shape)) for end in np.cumsum([phase.share for phase in ordered])]
    count = {phase.index: end - start for phase, start, end in zip(ordered, [0, *ends], ends, strict=False)}
    if len(count) < len(ordered) or not set(count) <= set(range(256)) - {matrix}:
        indices = [phase.index for phase in ordered]
        raise InputError("phases", indices, f"different indices from 0 to 255, none of them {matrix} (the matrix)")

    labels = np.full(shape, matrix, np.uint8)
    solids = [phase for phase in ordered if isinstance(phase, SpherePhase)]
    streams = np.random.SeedSequence(seed).spawn(2 + max((p.index for p in ordered), default=0))
    centres, radii, kind = _place(solids, box, streams[0])
    _paint_spheres(labels, spacing, solids, (centres, radii, kind), count)
    inside = labels != matrix

    usual = min((phase.median_diameter for phase in solids), default=min(box) / 4.0) / 2.0
    for phase in ordered:
        rng = np.random.Generator(np.random.PCG64(streams[1 + phase.index]))
        free = labels == matrix
        match phase:
            case SpherePhase():
                continue
            case CoatingPhase():
                score = _coating_score(phase, inside, spacing, count[phase.index], usual, rng)
            case DispersedPhase():
                score = _dispersed_score(phase, box, shape, spacing, (centres, radii), free, rng)
            case VoidPhase():
                score = _void_score(phase, inside, spacing, usual, rng)
        labels.ravel()[spheres.lowest(score, free, count[phase.index], what=_key(phase))] = phase.index
    return labels


def check_box(shape: Shape, spacing: Spacing, where: str) -> NDArray[np.float64]:
    """Return the edge lengths of the box, m; ``where`` is the table of the case that errors name."""
    if len(shape) != 3 or any(n < 1 for n in shape):
        raise InputError(f"{where}.voxels", shape, "three positive whole numbers")
    if len(spacing) != 3 or not all(h > 0.0 and math.isfinite(h) for h in spacing):
        raise InputError(f"{where}.voxel_size", spacing, "three positive lengths")
    # rounded, so that 32 voxels of 0.5 um and 64 of 0.25 um are the same box to the last bit
    return np.array([float(f"{n * h:.12g}") for n, h in zip(shape, spacing, strict=True)])


def check_shares(shares: Sequence[float]) -> None:
    """Raise InputError unless the volume shares are in [0, 1] and sum to 1 at most."""
    for share in shares:
        if not 0.0 <= share <= 1.0:
            raise InputError("phases.*.volume_share", share, "a number from 0 to 1")
    if sum(shares) > 1.0 + 1e-9:
        raise InputError("phases.*.volume_share", [*shares], f"shares that sum to 1 at most, not {sum(shares):.6g}")


def _place(
    solids: Sequence[SpherePhase], box: NDArray[np.float64], stream: np.random.SeedSequence
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]:
    """Return centres, radii and the number of the phase (its place in ``solids``) of all spheres."""
    radii, kind = [np.empty(0)], [np.empty(0, np.int64)]
    for number, phase in enumerate(solids):
        where = _key(phase, "diameter")
        if not 0.0 < phase.median_diameter <= min(box):
            raise InputError(where, f"{1e6 * phase.median_diameter:.4g} um", _fits(box))
        if not 0.0 <= phase.spread <= 2.0:
            raise InputError(_key(phase, "diameter", "spread"), phase.spread, "a number from 0 to 2")
        volume = phase.share * float(np.prod(box))
        drawn = spheres.diameters(volume, phase.median_diameter, phase.spread, key=where)
        if drawn[0] > min(box):
            raise InputError(
                where,
                f"{1e6 * drawn[0]:.4g} um (the largest)",
                _fits(box) + ", or a smaller spread",
            )
        radii.append(drawn / 2.0)
        kind.append(np.full(len(drawn), number))
    all_radii = np.concatenate(radii)
    if len(all_radii) == 0:
        return np.empty((0, 3)), all_radii, np.concatenate(kind)
    rng = np.random.Generator(np.random.PCG64(stream))
    return spheres.relax(all_radii, box, rng), all_radii, np.concatenate(kind)


def _fits(box: NDArray[np.float64]) -> str:
    return f"a sphere that fits into the domain, {1e6 * min(box):.4g} um at most"


def _paint_spheres(
    labels: NDArray[np.uint8],
    spacing: Spacing,
    solids: Sequence[SpherePhase],
    placed: tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]],
    count: dict[int, int],
) -> None:
    """Give each voxel to the sphere that it is deepest in, and each phase its lowest levels."""
    centres, radii, kind = placed
    if not solids:
        return
    # 1.3 radii hold 2.2 times the volume: enough but for a phase that its neighbours crowd out
    for reach in (1.3, 2.0, 4.0):
        level, owner = spheres.levels(centres, radii, labels.shape, spacing, reach=reach)
        phase_of = np.append(kind, -1)[owner]
        room = [np.count_nonzero(phase_of == number) for number in range(len(solids))]
        if all(count[phase.index] <= held for phase, held in zip(solids, room, strict=True)):
            break
    for number, phase in enumerate(solids):
        cells = spheres.lowest(level, phase_of == number, count[phase.index], what=_key(phase))
        labels.ravel()[cells] = phase.index


def _coating_score(
    phase: CoatingPhase,
    inside: NDArray[np.bool_],
    spacing: Spacing,
    count: int,
    usual: float,
    rng: np.random.Generator,
) -> NDArray[np.float32]:
    """Score the shell of the spheres by a random field, so that the lowest scores make patches."""
    from scipy import ndimage

    key = _key(phase, "thickness")
    written = f"{1e9 * phase.thickness:.4g} nm"
    if not phase.thickness >= 0.5 * max(spacing):
        raise InputError(key, written, f"at least {5e8 * max(spacing):.4g} nm, half a voxel")
    if not inside.any():
        raise InputError(key, written, "spheres to coat")
    layers = [min(n, math.ceil(phase.thickness / h) + 2) for n, h in zip(inside.shape, spacing, strict=True)]
    wrapped = np.pad(~inside, [(n, n) for n in layers], mode="wrap")
    away = ndimage.distance_transform_edt(wrapped, sampling=spacing)
    away = away[tuple(slice(n, -n) for n in layers)]
    # a voxel's centre is half a voxel further from the last centre inside than from the surface
    depth = away - 0.5 * max(spacing)
    shell = ~inside & (depth <= phase.thickness * (1.0 + 1e-9))
    room = int(np.count_nonzero(shell))
    if room < count:
        raise InputError(
            key,
            written,
            f"a shell that holds the share {phase.share:.4g}; this one holds {room / inside.size:.4g} when "
            "complete, so take a thicker coating or a smaller share",
        )
    size = phase.patch_size or max(usual, fields.VOXELS_PER_DOMAIN * max(spacing))
    field = fields.random_field(inside.shape, spacing, size, rng, key=_key(phase, "patch_size"))
    return np.where(shell, field, np.float32(np.inf))


def _dispersed_score(
    phase: DispersedPhase,
    box: NDArray[np.float64],
    shape: Shape,
    spacing: Spacing,
    placed: tuple[NDArray[np.float64], NDArray[np.float64]],
    free: NDArray[np.bool_],
    rng: np.random.Generator,
) -> NDArray[np.float32]:
    """Score voxels by their level in small spheres that sit where two large ones come close."""
    key = _key(phase, "diameter")
    if not max(spacing) * (1.0 - 1e-9) <= phase.diameter <= min(box):
        raise InputError(
            key,
            f"{1e9 * phase.diameter:.4g} nm",
            f"from {1e9 * max(spacing):.4g} nm (one voxel) to {1e9 * min(box):.4g} nm (the domain)",
        )
    volume = phase.share * float(np.prod(box))
    radius = phase.diameter / 2.0
    number = max(1, round(volume / (4.0 / 3.0 * math.pi * radius**3)))
    # ten candidates for each; those most inside a sphere are dropped, the others weighted by closeness
    candidates = rng.random((10 * number, 3)) * box
    luck = rng.gumbel(size=len(candidates))
    centres, radii = placed
    if len(radii) > 1:
        first, second = _gaps(candidates, centres, radii, box)
        gain = np.where(first < 0.0, -np.inf, luck - (first + second) / phase.diameter)
    else:
        gain = luck
    chosen = np.argsort(-gain, kind="stable")[:number]
    small = np.full(number, radius)
    for reach in (2.0, 4.0, 8.0):
        level, _ = spheres.levels(candidates[chosen], small, shape, spacing, reach=reach)
        if np.count_nonzero(np.isfinite(level) & free) >= phase.share * level.size:
            break
    return level


def _gaps(
    points: NDArray[np.float64],
    centres: NDArray[np.float64],
    radii: NDArray[np.float64],
    box: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the distances of points to the two nearest sphere surfaces (negative inside), m."""
    from scipy.spatial import cKDTree

    # among the dozen nearest centres are the two nearest surfaces, unless sizes differ very widely
    tree = cKDTree(np.where(centres >= box, 0.0, centres), boxsize=box)
    distance, sphere = tree.query(points, k=min(12, len(radii)))
    gaps = np.partition(distance - radii[sphere], 1, axis=1)
    return gaps[:, 0], gaps[:, 1]


def _void_score(
    phase: VoidPhase,
    inside: NDArray[np.bool_],
    spacing: Spacing,
    usual: float,
    rng: np.random.Generator,
) -> NDArray[np.float32]:
    """Score by a random field, lowered where much solid is near: pressed powders keep pores in crevices."""
    from scipy import ndimage

    size = phase.size or max(usual, fields.VOXELS_PER_DOMAIN * max(spacing))
    field = fields.random_field(inside.shape, spacing, size, rng, key=_key(phase, "size"))
    if not inside.any():
        return field
    width = [0.5 * size / h for h in spacing]
    solid = ndimage.gaussian_filter(inside.astype(np.float32), width, mode="wrap")
    between = solid[~inside]
    spread = max(float(between.std()), 1e-6)
    return np.asarray(field - (solid - np.float32(between.mean())) / np.float32(spread), np.float32)
