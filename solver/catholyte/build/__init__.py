"""The one place that turns a case into objects: image, graph, parameters, model, derived numbers."""

from catholyte.build.assemble import Built, build
from catholyte.build.design import Design

__all__ = ["Built", "Design", "build"]
