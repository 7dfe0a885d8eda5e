"""Which Python tools run in processes of their own because the settings say so."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase

from gateway.compose.error import CompositionError
from gateway.settings.isolation import IsolationSettings
from tools.errors import RegistrationError
from tools.executor import Executor
from tools.spec import ToolSpec


class Isolating:
    """`tools.isolate`, for one tool after the other; `finish` tells what was for none."""

    def __init__(self, entries: Sequence[IsolationSettings]) -> None:
        self._entries = entries
        self._unmatched = {(n, glob) for n, entry in enumerate(entries) for glob in entry.tools}
        self._unmatched -= {(n, "*") for n in range(len(entries))}

    def apply(self, spec: ToolSpec, executor: Executor) -> tuple[ToolSpec, Executor]:
        """The tool within what is meant for it. Raises `CompositionError` where that can't be had."""
        if not self._entries:
            return spec, executor
        from tools.executors.fence import Bounds, fenced

        bounds: list[Bounds] = []
        for n, entry in enumerate(self._entries):
            matched = [glob for glob in entry.tools if fnmatchcase(spec.name, glob)]
            self._unmatched -= {(n, glob) for glob in matched}
            if matched and not any(fnmatchcase(spec.name, glob) for glob in entry.exclude):
                fields = entry.model_dump(exclude={"tools", "exclude"})
                bounds.append(Bounds(**fields))
        try:
            return fenced(spec, executor, bounds)
        except RegistrationError as error:
            raise CompositionError(
                f"tools.isolate: {spec.name}: {error.why}",
                "name it under `exclude` to let it run in the gateway's own process",
            ) from error

    def finish(self, known: Iterable[str]) -> None:
        """Raises `CompositionError` for a name or pattern that no Python tool has: it would bound nothing."""
        if self._unmatched:
            n, glob = min(self._unmatched)
            raise CompositionError(
                f"tools.isolate[{n}].tools: no Python tool matches {glob}, built-in ones aside",
                f"there are: {', '.join(known) or 'none'}",
            )
