"""The numbers behind `calculate`: exact while they can be, bounded always.

What it is: `Fraction` as long as a value is rational, a 60-digit `Decimal` from there on; operators,
functions and constants over both; and the text of a result.
What it is not: parsing (`tools.builtin.arithmetic`).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from decimal import Context, Decimal, InvalidOperation, Overflow, localcontext
from fractions import Fraction
from typing import NoReturn

from tools.errors import ToolFailed

Number = Fraction | Decimal

MAX_DIGITS = 2_000
_MAX_BITS = int(MAX_DIGITS * 3.33)
_SHOWN = 16
_CONTEXT = Context(prec=60, Emax=MAX_DIGITS, Emin=-MAX_DIGITS)
_PI = Decimal("3.14159265358979323846264338327950288419716939937510582097494459")
_E = Decimal("2.71828182845904523536028747135266249775724709369995957496696763")
_CONSTANTS = {"pi": _PI, "e": _E, "tau": _PI * 2}


def whole(value: int) -> Number:
    """An exact integer."""
    return Fraction(value)


def number(text: str) -> Number:
    """An unsigned decimal literal, exactly. Raises `ToolFailed` beyond the bounds."""
    _, _, exponent = text.lower().partition("e")
    if len(text) > MAX_DIGITS or (exponent and abs(int(exponent)) > MAX_DIGITS):
        _too_large()
    return Fraction(text)


def constant(name: str) -> Number:
    """`pi`, `e` or `tau`. Raises `ToolFailed` for another name."""
    if name in _CONSTANTS:
        return _CONSTANTS[name]
    if name in _FUNCTIONS:
        raise ToolFailed(f"{name} needs parentheses: {name}(…)")
    raise ToolFailed(
        f"unknown name {name[:40]!r}: known are {', '.join((*_CONSTANTS, *_FUNCTIONS))}"
    )


def apply(sign: str, left: Number, right: Number) -> Number:
    """One of + - * / // %. Raises `ToolFailed` on division by zero and beyond the bounds."""
    if sign in "//%" and right == 0:
        raise ToolFailed("division by zero has no value")
    if isinstance(left, Fraction) and isinstance(right, Fraction):
        return _bounded(_exact(sign, left, right))
    with localcontext(_CONTEXT):
        one, two = as_decimal(left), as_decimal(right)
        try:
            match sign:
                case "+":
                    return one + two
                case "-":
                    return one - two
                case "*":
                    return one * two
                case "/":
                    return one / two
                case "//":
                    return (one / two).to_integral_value(rounding="ROUND_FLOOR")
                case _:
                    return one - two * (one / two).to_integral_value(rounding="ROUND_FLOOR")
        except (Overflow, InvalidOperation):
            return _too_large()


def _exact(sign: str, left: Fraction, right: Fraction) -> Fraction:
    match sign:
        case "+":
            return left + right
        case "-":
            return left - right
        case "*":
            return left * right
        case "/":
            return left / right
        case "//":
            return Fraction(left // right)
        case _:
            return left % right


def power(base: Number, exponent: Number) -> Number:
    """`base ** exponent`, exact for whole exponents. The size is judged before it is computed."""
    if base == 0 and exponent < 0:
        raise ToolFailed("division by zero has no value")
    if isinstance(base, Fraction) and isinstance(exponent, Fraction) and exponent.denominator == 1:
        times = exponent.numerator
        bits = max(base.numerator.bit_length(), base.denominator.bit_length())
        if bits > 1 and abs(times) * (bits - 1) > _MAX_BITS:
            _too_large()
        return _bounded(base ** (times if abs(base) != 1 else times % 2))
    if base < 0:
        raise ToolFailed("a fractional power of a negative number is not real")
    if base == 0:
        return Fraction(0)
    if isinstance(exponent, Fraction) and exponent == Fraction(1, 2):
        return _sqrt(base)
    with localcontext(_CONTEXT):
        try:
            return as_decimal(base) ** as_decimal(exponent)
        except (Overflow, InvalidOperation):
            return _too_large()


def call(name: str, arguments: list[Number]) -> Number:
    """A function's value. Raises `ToolFailed` for an unknown name, a wrong count or no value."""
    if name not in _FUNCTIONS:
        raise ToolFailed(f"unknown function {name[:40]!r}: known are {', '.join(_FUNCTIONS)}")
    function, low, high = _FUNCTIONS[name]
    if not low <= len(arguments) <= high:
        counts = str(low) if low == high else f"{low} or more" if high > 9 else f"{low} to {high}"
        raise ToolFailed(f"{name} takes {counts} arguments, {len(arguments)} were given")
    try:
        with localcontext(_CONTEXT):
            return function(*arguments)
    except (ValueError, InvalidOperation) as error:
        given = ", ".join(as_text(each) for each in arguments)
        raise ToolFailed(f"{name}({given}) has no real value") from error
    except (OverflowError, Overflow):
        return _too_large()


def as_decimal(value: Number) -> Decimal:
    """A value with sixty digits."""
    if isinstance(value, Decimal):
        return value
    return _CONTEXT.divide(Decimal(value.numerator), Decimal(value.denominator))


def as_text(value: Number) -> str:
    """Exact digits when the decimal expansion ends within reason, else sixteen significant digits."""
    if isinstance(value, Fraction):
        if value.denominator == 1:
            return str(value.numerator)
        if (exact := _finite_expansion(value)) is not None:
            return exact
    rounded = Context(prec=_SHOWN).plus(as_decimal(value))
    return _plain(rounded)


def _finite_expansion(value: Fraction) -> str | None:
    rest, places = value.denominator, 0
    for prime in (2, 5):
        count = 0
        while rest % prime == 0:
            rest //= prime
            count += 1
        places = max(places, count)
    if rest != 1 or places > 30:
        return None
    digits = str(abs(value.numerator) * (10**places // value.denominator)).rjust(places + 1, "0")
    return f"{'-' if value < 0 else ''}{digits[:-places]}.{digits[-places:]}"


def _plain(value: Decimal) -> str:
    if value == 0:
        return "0"
    if not -7 < value.adjusted() < 40:
        return str(value.normalize(Context(prec=_SHOWN))).replace("E+", "e").replace("E", "e")
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _bounded(value: Fraction) -> Fraction:
    if max(value.numerator.bit_length(), value.denominator.bit_length()) > _MAX_BITS:
        _too_large()
    return value


def _too_large() -> NoReturn:
    raise ToolFailed(
        f"the value has more than {MAX_DIGITS} digits: that is too large to compute here"
    )


def _sqrt(value: Number) -> Number:
    if value < 0:
        raise ValueError("negative")
    if isinstance(value, Fraction):
        top, bottom = math.isqrt(value.numerator), math.isqrt(value.denominator)
        if top * top == value.numerator and bottom * bottom == value.denominator:
            return Fraction(top, bottom)
    return as_decimal(value).sqrt(_CONTEXT)


def _factorial(value: Number) -> Number:
    if not isinstance(value, Fraction) or value.denominator != 1 or value < 0:
        raise ToolFailed("factorial takes a whole number from 0 on")
    if value > 800:
        _too_large()
    return Fraction(math.factorial(value.numerator))


def _round(value: Number, places: Number = Fraction(0)) -> Number:
    """Half away from zero, as people round."""
    if not isinstance(places, Fraction) or places.denominator != 1 or abs(places) > 100:
        raise ToolFailed("round takes a whole number of places, at most 100")
    scale = Fraction(10) ** places.numerator
    scaled = abs(Fraction(value)) * scale
    rounded = math.floor(scaled + Fraction(1, 2)) / scale
    return -rounded if value < 0 else rounded


def _floor(value: Number) -> Number:
    return Fraction(math.floor(value))


def _ceil(value: Number) -> Number:
    return Fraction(math.ceil(value))


def _absolute(value: Number) -> Number:
    return abs(value)


def _exactly(value: Number) -> Fraction:
    return Fraction(value)


def _smallest(*values: Number) -> Number:
    return min(values, key=_exactly)


def _largest(*values: Number) -> Number:
    return max(values, key=_exactly)


def _sum(*values: Number) -> Number:
    total: Number = Fraction(0)
    for value in values:
        total = apply("+", total, value)
    return total


def _mean(*values: Number) -> Number:
    return apply("/", _sum(*values), Fraction(len(values)))


def _median(*values: Number) -> Number:
    ordered = sorted(values, key=_exactly)
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else _mean(ordered[middle - 1], ordered[middle])


def _whole_pair(one: Number, two: Number) -> tuple[int, int]:
    if Fraction(one).denominator != 1 or Fraction(two).denominator != 1:
        raise ToolFailed("takes whole numbers only")
    return Fraction(one).numerator, Fraction(two).numerator


def _gcd(one: Number, two: Number) -> Number:
    return Fraction(math.gcd(*_whole_pair(one, two)))


def _lcm(one: Number, two: Number) -> Number:
    return _bounded(Fraction(math.lcm(*_whole_pair(one, two))))


def _log(value: Number, base: Number | None = None) -> Number:
    if value <= 0 or (base is not None and (base <= 0 or base == 1)):
        raise ValueError("outside the domain")
    if base is None:
        return as_decimal(value).ln(_CONTEXT)
    return _near_whole(
        apply("/", as_decimal(value).log10(_CONTEXT), as_decimal(base).log10(_CONTEXT))
    )


def _log10(value: Number) -> Number:
    return _log(value, Fraction(10))


def _log2(value: Number) -> Number:
    return _log(value, Fraction(2))


def _exp(value: Number) -> Number:
    return as_decimal(value).exp(_CONTEXT)


def _cbrt(value: Number) -> Number:
    root = power(abs(value), Fraction(1, 3))
    return -_near_whole(root) if value < 0 else _near_whole(root)


def _near_whole(value: Number) -> Number:
    """log10(1000) is 3 and not 2.99…: sixty digits leave no doubt at fifty."""
    nearest = round(value)
    return Fraction(nearest) if abs(as_decimal(value) - nearest) < Decimal("1e-50") else value


def _by_float(function: Callable[[float], float]) -> Callable[[Number], Number]:
    def through(value: Number) -> Number:
        found = function(float(value))
        return Fraction(round(found)) if abs(found - round(found)) < 1e-15 else Decimal(repr(found))

    return through


_FUNCTIONS: dict[str, tuple[Callable[..., Number], int, int]] = {
    "sqrt": (_sqrt, 1, 1),
    "cbrt": (_cbrt, 1, 1),
    "abs": (_absolute, 1, 1),
    "round": (_round, 1, 2),
    "floor": (_floor, 1, 1),
    "ceil": (_ceil, 1, 1),
    "min": (_smallest, 1, 100),
    "max": (_largest, 1, 100),
    "sum": (_sum, 1, 100),
    "mean": (_mean, 1, 100),
    "average": (_mean, 1, 100),
    "median": (_median, 1, 100),
    "factorial": (_factorial, 1, 1),
    "gcd": (_gcd, 2, 2),
    "lcm": (_lcm, 2, 2),
    "pow": (power, 2, 2),
    "exp": (_exp, 1, 1),
    "log": (_log, 1, 2),
    "ln": (_log, 1, 1),
    "log10": (_log10, 1, 1),
    "log2": (_log2, 1, 1),
    "sin": (_by_float(math.sin), 1, 1),
    "cos": (_by_float(math.cos), 1, 1),
    "tan": (_by_float(math.tan), 1, 1),
    "asin": (_by_float(math.asin), 1, 1),
    "acos": (_by_float(math.acos), 1, 1),
    "atan": (_by_float(math.atan), 1, 1),
    "degrees": (_by_float(math.degrees), 1, 1),
    "radians": (_by_float(math.radians), 1, 1),
}
