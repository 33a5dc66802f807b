"""What all tables of a case file have in common."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field, GetJsonSchemaHandler, model_validator
from pydantic_core import CoreSchema


def key(description: str, *examples: Any, default: Any = ...) -> Any:
    """Describe a key; without a default it must be given."""
    return Field(default, description=description, examples=list(examples))


class Table(BaseModel):
    """Base of all tables: frozen, and an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)

    #: the key that is meant where the table is written as a mere text
    shorthand: ClassVar[str | None] = None

    @model_validator(mode="before")
    @classmethod
    def _expand(cls, data: Any) -> Any:
        return {cls.shorthand: data} if cls.shorthand is not None and isinstance(data, str) else data

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        table = handler(schema)
        if cls.shorthand is None:
            return table
        target = handler.resolve_ref_schema(table)
        short = {k: w for k, w in target["properties"][cls.shorthand].items() if k in ("type", "examples")}
        return {"anyOf": [short, table], "x-shorthand": cls.shorthand}
