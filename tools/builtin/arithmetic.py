"""`calculate`: exact arithmetic on what people write.

What it is: a small grammar evaluated over fractions, so that `0.1 + 0.2` is 0.3. Functions whose values
are no fractions (`sin`, `sqrt(2)`) go on in 60-digit decimals or floats and are shown with 16 digits.
What it is not: Python. There is no `eval`, no names beyond the listed ones, and every number that would
grow beyond 2,000 digits is refused before it is computed.

Understood besides `+ - * / // % ** ( )`: `×`, `÷`, `^` (power), Unicode minus, `15%` (a hundredth part,
when no operand follows), `20% of 50`, thousands separators as in `1,250.50`, `pi`, `e`, and the functions of
`tools.builtin.mathematics`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NoReturn

from tools.builtin import mathematics
from tools.builtin.mathematics import Number
from tools.errors import ToolFailed

MAX_CHARACTERS = 1_000
_MAX_NESTING = 50

_TOKEN = re.compile(
    r"\s*(?:(?P<number>\d{1,3}(?:,\d{3})+(?!\d)(?:\.\d+)?|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)"
    r"|(?P<name>[^\W\d]\w*)|(?P<sign>\*\*|//|[-+*/%^(),!√])|(?P<end>\Z)|(?P<other>.))",
    re.DOTALL,
)
_SPELLINGS = str.maketrans(
    {"×": "*", "·": "*", "÷": "/", "−": "-", "–": "-", "—": "-", "（": "(", "）": ")", "，": ",",
     "＋": "+", "－": "-", "＊": "*", "／": "/", "％": "%", "π": " pi ", "²": "**2", "³": "**3"}
)  # fmt: skip
_WORDS = {"of": "*", "x": "*", "times": "*", "plus": "+", "minus": "-", "mod": "%"}


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str


def calculate(expression: str) -> str:
    """The value of an expression as decimal text: exact where it is finite, else 16 digits.

    Raises `ToolFailed` for what is no expression, what has no value and what would be too large.
    """
    if len(expression) > MAX_CHARACTERS:
        raise ToolFailed(
            f"the expression has {len(expression)} characters, {MAX_CHARACTERS} are allowed"
        )
    text = expression.translate(_SPELLINGS).strip().removesuffix("=").removesuffix("?").rstrip(" =")
    return mathematics.as_text(_Parser(text).result())


class _Parser:
    """Recursive descent. Binding, loosest first: + -, * / // %, signs, powers, postfix % and !."""

    def __init__(self, text: str) -> None:
        self._tokens = list(_tokens(text))
        self._at = 0
        self._nesting = 0

    def result(self) -> Number:
        value = self._sum()
        if self._next.kind != "end":
            self._unexpected()
        return value

    @property
    def _next(self) -> _Token:
        return self._tokens[self._at]

    def _take(self, *signs: str) -> str | None:
        token = self._next
        if token.kind == "sign" and token.text in signs:
            self._at += 1
            return token.text
        return None

    def _sum(self) -> Number:
        self._nesting += 1
        if self._nesting > _MAX_NESTING:
            raise ToolFailed("the expression is nested too deep: simplify it")
        value = self._product()
        while sign := self._take("+", "-"):
            value = mathematics.apply(sign, value, self._product())
        self._nesting -= 1
        return value

    def _product(self) -> Number:
        value = self._signed()
        while sign := self._take("*", "/", "//", "%"):
            value = mathematics.apply(sign, value, self._signed())
        return value

    def _signed(self) -> Number:
        negative = False
        while sign := self._take("+", "-"):
            negative ^= sign == "-"
        value = self._power()
        return -value if negative else value

    def _power(self) -> Number:
        base = self._postfix()
        if not self._take("**", "^"):
            return base
        self._nesting += 1
        if self._nesting > _MAX_NESTING:
            raise ToolFailed("the expression is nested too deep: simplify it")
        exponent = self._signed()
        self._nesting -= 1
        return mathematics.power(base, exponent)

    def _postfix(self) -> Number:
        value = self._atom()
        while True:
            if self._take("!"):
                value = mathematics.call("factorial", [value])
            elif self._next.text == "%" and not self._operand_follows():
                self._at += 1
                value = mathematics.apply("/", value, mathematics.whole(100))
            else:
                return value

    def _operand_follows(self) -> bool:
        after = self._tokens[self._at + 1]
        return after.kind in ("number", "name") or after.text in ("(", "√")

    def _atom(self) -> Number:
        token = self._next
        if token.kind == "number":
            self._at += 1
            return mathematics.number(token.text.replace(",", ""))
        if self._take("("):
            value = self._sum()
            self._close()
            return value
        if self._take("√"):
            return mathematics.call("sqrt", [self._atom()])
        if token.kind == "name":
            self._at += 1
            name = token.text.lower()
            return self._called(name) if self._take("(") else mathematics.constant(name)
        return self._unexpected()

    def _called(self, name: str) -> Number:
        arguments = [self._sum()]
        while self._take(","):
            arguments.append(self._sum())
        self._close()
        return mathematics.call(name, arguments)

    def _close(self) -> None:
        if not self._take(")"):
            self._unexpected()

    def _unexpected(self) -> NoReturn:
        token = self._next
        if token.kind == "end":
            raise ToolFailed(
                "the expression ends in the middle: give it whole, such as (2 + 3) * 4"
            )
        raise ToolFailed(
            f"can't read {token.text[:20]!r} here: give an arithmetic expression, such as (2 + 3) * 4"
        )


def _tokens(text: str) -> Iterator[_Token]:
    """Tokens, `end` last. Inside a function's parentheses a comma separates arguments."""
    position, previous = 0, ""
    calls: list[bool] = []
    while True:
        match = _TOKEN.match(text, position)
        if match is None or match.lastgroup is None:
            raise ToolFailed("can't read the expression")
        kind, piece = match.lastgroup, match.group(match.lastgroup)
        if kind == "other":
            raise ToolFailed(
                f"can't read {piece!r}: give an arithmetic expression, such as (2 + 3) * 4"
            )
        if kind == "name" and piece.lower() in _WORDS:
            kind = "sign"
        if kind == "number" and "," in piece and any(calls):
            piece = piece.partition(",")[0]  # max(1,250): two arguments
        position = match.start(match.lastgroup) + len(piece)
        piece = _WORDS.get(piece.lower(), piece)
        if piece == "(":
            calls.append(previous == "name")
        elif piece == ")" and calls:
            calls.pop()
        yield _Token(kind, piece)
        if kind == "end":
            return
        previous = kind
