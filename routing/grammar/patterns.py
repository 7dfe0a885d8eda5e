r"""Regular expressions of JSON Schema as llguidance reads them.

Rust's syntax lacks look-around and back-references, llguidance also anchors in mid-pattern, and its
classes are Unicode where the gateway's are ASCII: `\d` must not bring an Arabic digit that the
validator then refuses. What a negated class leaves out is Unicode here, so that `\S` brings no no-break
space, which other validators take for a space. A pattern that would mean something else is not
expressible.
"""

from __future__ import annotations

import re

_CLASSES = {"d": "0-9", "w": "A-Za-z0-9_", "s": " \\t\\n\\r\\f\\v"}
_SPACES = r" \t-\r\x1c-\x1f\u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufeff"
_NEGATED = {"d": r"\p{Nd}", "w": r"\w\p{N}", "s": _SPACES}
"""All that Python, ECMA-262 or RE2 take for a digit, a letter or a space."""
_FOREIGN = re.compile(r"\(\?(?:[=!>]|<[=!]|P=|P>|R|#)|[*+?}]\+")
_SAME_MEANING = frozenset("nrtfvxup")
"""Letters that mean the same behind a backslash everywhere; others anchor, refer back, or differ."""
_META = frozenset(r"\.+*?()|[]{}^$#&-~/")


def expressible_pattern(pattern: object) -> str | None:
    """`pattern` in ASCII classes, or None when llguidance can't express it."""
    if not isinstance(pattern, str) or _FOREIGN.search(_without_escapes(pattern)):
        return None
    result: list[str] = []
    in_class = negated = False
    depth = position = 0
    while position < len(pattern):
        char = pattern[position]
        if char == "\\":
            letter = pattern[position + 1 : position + 2]
            written = _escape(letter, in_class=in_class, negated=negated)
            if written is None:
                return None
            result.append(written)
            position += 2
            continue
        if char == "[" and in_class:
            result.append("\\[")  # a set in Rust, a plain bracket elsewhere
        elif char in "^$" and not in_class and (depth or not _is_at_an_end(pattern, position)):
            return None
        else:
            result.append(char)
            depth += 0 if in_class else (char == "(") - (char == ")")
        if char == "[" and not in_class:
            negated = pattern[position + 1 : position + 2] == "^"
        in_class = (in_class and char != "]") or (char == "[")
        position += 1
    return None if in_class else "".join(result)


def _escape(letter: str, *, in_class: bool, negated: bool) -> str | None:
    if letter in _CLASSES:
        inside = (_NEGATED if in_class and negated else _CLASSES)[letter]
        return inside if in_class else f"[{inside}]"
    if letter.lower() in _NEGATED:
        return None if in_class else f"[^{_NEGATED[letter.lower()]}]"
    if letter in _SAME_MEANING or letter in _META:
        return f"\\{letter}"
    return None if not letter or letter.isalnum() else letter


def _is_at_an_end(pattern: str, position: int) -> bool:
    """Whether the anchor at `position` stands where it can only mean the value's beginning or end."""
    if pattern[position] == "^":
        return position == 0 or pattern[position - 1] == "|"
    return position == len(pattern) - 1 or pattern[position + 1] == "|"


def _without_escapes(pattern: str) -> str:
    return re.sub(r"\\.", "", pattern, flags=re.DOTALL)
