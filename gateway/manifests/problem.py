"""One thing that is wrong with a manifest, and where."""

from __future__ import annotations

from dataclasses import dataclass

from tools.yaml_marks import Mark, Path


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """`line` and `column` count from 1. `path` is a JSON path into the file's document. In the order of a file."""

    file: str
    line: int
    column: int
    path: str
    why: str
    remedy: str = ""

    @classmethod
    def at(cls, file: str, mark: Mark, path: Path, told: tuple[str, str]) -> Problem:
        """`told` is what is wrong and what to do, which may be said by the former."""
        return cls(file, *mark, path_text(path), *told)

    def __str__(self) -> str:
        told = f"{self.why}; {self.remedy}" if self.remedy else self.why
        return f"{self.file}:{self.line}:{self.column}: {self.path}: {told}"


def path_text(path: Path) -> str:
    """`("parameters", "a key", 0)` as `$.parameters['a key'][0]`."""
    return "$" + "".join(step_text(part) for part in path)


def step_text(part: str | int) -> str:
    """A step of a path, spelled as registration spells it."""
    if isinstance(part, int):
        return f"[{part}]"
    return f".{part}" if part.replace("$", "").isidentifier() else f"['{part[:80]}']"
