"""Strategies as a configuration writes them: names, numbers and names of options, `|`, `&`, brackets.

    invalid_after_repair | low_margin(1.5, effect="write") & budget_left(0.2)

What it is: a reader of that notation; Python's own grammar, of which everything else is refused.
`&` binds more tightly than `|`.
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from routing.escalation import (
    BackendDown,
    BudgetLeft,
    ContextTooLong,
    InvalidAfterRepair,
    InvalidOutput,
    NoProgress,
    OwnWish,
    Strategy,
    ToolErrors,
    UnknownToolTwice,
)
from routing.escalation_calls import CALL_STRATEGIES, EFFECTS, Calibrated, LowProbability

Factory = Callable[..., Strategy]

DEFAULT: Mapping[str, Factory] = {
    "own_wish": OwnWish,
    "backend_down": BackendDown,
    "context_too_long": ContextTooLong,
    "unknown_tool": UnknownToolTwice,
    "invalid_after_repair": InvalidAfterRepair,
    "invalid_output": InvalidOutput,
    "no_progress": NoProgress,
    "tool_errors": ToolErrors,
    "ungrounded": CALL_STRATEGIES["ungrounded"],
}
"""What is consulted when nothing is configured, in this order."""

STRATEGIES: Mapping[str, Factory] = {
    **DEFAULT,
    **CALL_STRATEGIES,
    "low_probability": LowProbability,
    "budget_left": BudgetLeft,
}
"""Every name that ships. `low_probability` needs a calibration, and is a default where there is one."""

MEASURING = frozenset({"low_margin", "low_value", "unmeasured", "low_probability"})
"""Those that read log-probabilities."""

_LONGEST = 2_000


class ExpressionError(ValueError):
    """Not a strategy. The text says what is wrong with it."""


def read(
    text: str,
    calibration: Calibrated | None = None,
    thresholds: Mapping[str, float] | None = None,
) -> Strategy:
    """The strategy that `text` spells. Raises `ExpressionError`.

    `calibration` and `thresholds` (probabilities by glob of tool names) are for `low_probability`.
    """
    known = dict(STRATEGIES)
    if calibration is not None:
        known["low_probability"] = partial(LowProbability, calibration, thresholds=thresholds)
    else:
        known["low_probability"] = _uncalibrated
    return _Reader(known).strategy(_parsed(text))


def names_in(text: str) -> frozenset[str]:
    """The names of the strategies in an expression. Raises `ExpressionError` when it is none."""
    return frozenset(node.id for node in ast.walk(_parsed(text)) if isinstance(node, ast.Name))


def any_of(strategies: Sequence[Strategy]) -> Strategy:
    """All of them joined with `|`; at least one."""
    first, *rest = strategies
    for other in rest:
        first = first | other
    return first


def default(
    calibration: Calibrated | None = None, thresholds: Mapping[str, float] | None = None
) -> Strategy:
    """What ships, joined with `|`."""
    shipped = [factory() for factory in DEFAULT.values()]
    if calibration is not None:
        shipped.append(LowProbability(calibration, thresholds=thresholds))
    return any_of(shipped)


def _parsed(text: str) -> ast.expr:
    if len(text) > _LONGEST:
        raise ExpressionError(f"an expression has at most {_LONGEST} characters")
    try:
        return ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise ExpressionError(f"can't be read: {text[:200]!r}") from None


class _Reader:
    """Makes strategies of a parsed expression."""

    def __init__(self, known: Mapping[str, Factory]) -> None:
        self._known = known

    def strategy(self, node: ast.expr) -> Strategy:
        match node:
            case ast.BinOp(left=left, op=ast.BitOr(), right=right):
                return self.strategy(left) | self.strategy(right)
            case ast.BinOp(left=left, op=ast.BitAnd(), right=right):
                return self.strategy(left) & self.strategy(right)
            case ast.Name(id=name):
                return self._made(name, (), {})
            case ast.Call(func=ast.Name(id=name), args=args, keywords=keywords):
                options = {option.arg or "**": _constant(option.value) for option in keywords}
                return self._made(name, [_constant(each) for each in args], options)
            case _:
                raise ExpressionError(
                    f"`{ast.unparse(node)}` is no strategy: names joined with | and & are"
                )

    def _made(self, name: str, args: Sequence[Any], options: Mapping[str, Any]) -> Strategy:
        factory = self._known.get(name)
        if factory is None:
            raise ExpressionError(f"there is no strategy `{name}`")
        if options.get("effect", "read") not in EFFECTS:
            raise ExpressionError(f"`{name}`: an effect is one of {', '.join(EFFECTS)}")
        takes = inspect.signature(factory).parameters
        if any(option not in takes or option == "thresholds" for option in options):
            told = ", ".join(each for each in takes if each not in {"calibration", "thresholds"})
            raise ExpressionError(f"`{name}` takes {told or 'nothing'}")
        if not all(isinstance(each, int | float) for each in args):
            raise ExpressionError(
                f"`{name}`: what is not a number is given by name, as tool='pay_*'"
            )
        try:
            return factory(*args, **options)
        except TypeError as error:
            raise ExpressionError(f"`{name}`: {error}") from None


def _constant(node: ast.expr) -> Any:
    """A number or a text."""
    try:
        value = ast.literal_eval(node)
    except ValueError:
        value = None
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ExpressionError(f"`{ast.unparse(node)}` is neither a number nor a text")
    return value


def _uncalibrated(*_: Any, **__: Any) -> Strategy:
    raise ExpressionError("`low_probability` needs `escalation.calibration`")
