"""What every section of the configuration has in common."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator
from itertools import pairwise
from textwrap import dedent
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Seconds = Annotated[float, Field(gt=0, le=86_400)]


class Section(BaseModel):
    """Frozen, typed, and without unknown keys; a docstring below a field tells the reference about it."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


def describe(base: type[Section] = Section) -> None:
    """Gives the fields of all sections what stands below them as their descriptions, for the reference alone.

    pydantic can do it when a class is made (`use_attribute_docstrings`), but reads all sources for it: half
    of what the settings cost at each start.
    """
    # In the order in which they were defined, so that a section is rebuilt before those that hold it.
    for section in base.__subclasses__():
        for owner in reversed(section.__mro__):
            if owner is not Section and issubclass(owner, Section):
                for name, told in _docstrings(owner):
                    section.model_fields[name].description = told
        section.model_rebuild(force=True)
        describe(section)


def _docstrings(section: type[Section]) -> Iterator[tuple[str, str]]:
    [definition] = ast.parse(dedent(inspect.getsource(section))).body
    body = definition.body if isinstance(definition, ast.ClassDef) else []
    for pair in pairwise(body):
        match pair:
            case (
                ast.AnnAssign(target=ast.Name(id=name)),
                ast.Expr(value=ast.Constant(value=str(told))),
            ):
                yield name, inspect.cleandoc(told)
            case _:
                pass
