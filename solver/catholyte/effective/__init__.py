"""Effective transport of an image or of the electrode of a case: the request, the answers, and what is kept of them."""

from catholyte.effective.options import (
    ImageOptions,
    check_folder,
    read_axes,
    read_shape,
    read_tolerance,
    read_walls,
    refuse_options,
)
from catholyte.effective.request import Plates, Quantity, Request, from_case, from_image, is_case

__all__ = [
    "ImageOptions",
    "Plates",
    "Quantity",
    "Request",
    "check_folder",
    "from_case",
    "from_image",
    "is_case",
    "read_axes",
    "read_shape",
    "read_tolerance",
    "read_walls",
    "refuse_options",
]
