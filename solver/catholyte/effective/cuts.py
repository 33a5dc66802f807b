"""Planes through the middle of an image, for pictures of what flows."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from catholyte.effective.request import Quantity, Request
from catholyte.effective.store import flux_in
from catholyte.mesh.images import AXES
from catholyte.models.effective import EffectiveTransport
from catholyte.plot.effective import TransportCut


def cut(request: Request, quantity: Quantity, transport: EffectiveTransport) -> TransportCut:
    """Take the plane along the direction of the plates and the wider of the other two, through the middle."""
    assert transport.potential is not None
    axis = transport.axis
    edges = [n * h for n, h in zip(request.labels.shape, request.spacing, strict=True)]
    lateral, across = sorted((a for a in range(3) if a != axis), key=lambda a: -edges[a])
    box = [slice(None)] * 3
    middle = request.labels.shape[across] // 2
    box[across] = slice(middle, middle + 1)
    plane = (box[0], box[1], box[2])
    flux = np.linalg.norm(flux_in(request, quantity, transport, plane), axis=0)

    def flat(values: NDArray[Any]) -> NDArray[Any]:
        return values.squeeze(across).T if axis < lateral else values.squeeze(across)

    return TransportCut(
        axes=(AXES[axis], AXES[lateral]),
        size=(edges[axis], edges[lateral]) if request.voxel_size is not None else None,
        labels=flat(request.labels[plane]),
        potential=flat(transport.potential[plane]),
        flux=flat(flux),
    )
