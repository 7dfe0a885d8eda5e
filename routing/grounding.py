"""How far the arguments of a call stand in the conversation: a number from 0 to 1 a value. Pure.

A small model that copies wrongly writes values that nobody said. Values that a model has to work out
("tomorrow", the sum of two prices) are not said either, so grounding is evidence beside other evidence,
never a verdict.

What counts as said: user messages and results of tools, whatever the case, width and spelling of their
numbers and units. Instructions and the model's own words don't count. What is not judged: truth values,
null, and what a schema lists (`enum`, `const`), which is chosen and not copied.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, cast

from mistral_common.protocol.instruct.messages import ChatMessage, ToolMessage, UserMessage

from routing.numerals import numbers, plain, readings

_WORD = re.compile(r"[^\W\d_\u3400-\u9fff]+|[\u3400-\u9fff]+")
_LONGEST = 20_000
"""Characters of conversation that are looked through, the newest: the work stays bounded."""
_MOST_VALUES = 64
_UNITS = (
    "m meter metre 米",
    "km kilometer kilometre 公里 千米",
    "cm centimeter centimetre 厘米",
    "mm millimeter millimetre 毫米",
    "mi mile 英里",
    "ft foot feet 英尺",
    "in inch inche 英寸",
    "g gram 克",
    "kg kilogram kilo 公斤 千克",
    "lb pound 磅",
    "oz ounce 盎司",
    "l liter litre 升",
    "ml milliliter millilitre 毫升",
    "s sec second 秒",
    "min minute 分钟",
    "h hr hour 小时",
    "c °c celsius degc 摄氏度",
    "f °f fahrenheit degf 华氏度",
    "usd dollar $ 美元",
    "eur euro € 欧元",
    "cny yuan rmb 元 人民币",
)
_SPELLINGS = {word: frozenset(line.split()) for line in _UNITS for word in line.split()}


@dataclass(frozen=TYPE_CHECKING, unsafe_hash=True, slots=True)
class Grounding:
    """`lowest` and `mean` over the values that can be judged, 1 when there are none.

    `ungrounded` are the JSON paths of values of which less than half was said.
    """

    lowest: float = 1.0
    mean: float = 1.0
    ungrounded: tuple[str, ...] = ()


@dataclass(frozen=TYPE_CHECKING, unsafe_hash=True, slots=True)
class Said:
    """What was said: as text, as words and as numbers.

    `asked` are the readings of each number in the last user message.
    """

    text: str
    words: frozenset[str]
    numbers: frozenset[str]
    asked: frozenset[frozenset[str]]

    @classmethod
    def of(cls, messages: Sequence[ChatMessage]) -> Said:
        """From a canonical conversation."""
        texts: list[str] = []
        asked: frozenset[frozenset[str]] | None = None
        room = _LONGEST
        for message in reversed(messages):
            if room <= 0:
                break
            if isinstance(message, UserMessage | ToolMessage):
                texts.append(_folded(_text(message.content)[:room]))
                room -= len(texts[-1])
                if asked is None and isinstance(message, UserMessage):
                    asked = readings(texts[-1])
        whole = "\n".join(texts)
        words = frozenset(map(_stem, _WORD.findall(whole)))
        return cls(whole, words, numbers(whole), asked or frozenset())

    def grounding(self, arguments: object, schema: Mapping[str, Any] | None = None) -> Grounding:
        """Of a call's arguments. `schema` tells which values were chosen from a list."""
        shares = {path: self._share(value) for path, value in _values(arguments, schema)}
        if not shares:
            return Grounding()
        return Grounding(
            min(shares.values()),
            sum(shares.values()) / len(shares),
            tuple(path for path, share in shares.items() if share < 0.5),
        )

    def coverage(self, arguments: Sequence[object]) -> float:
        """The share of the numbers in the last user message that the arguments of all calls use."""
        if not self.asked:
            return 1.0
        used = frozenset[str]().union(
            *(
                numbers(_folded(str(value)))
                for each in arguments
                for _, value in _values(each, None)
            )
        )
        return sum(not used.isdisjoint(each) for each in self.asked) / len(self.asked)

    def _share(self, value: str | float) -> float:
        """1 when the value was said whole, else the share of its words and numbers that were."""
        if not isinstance(value, str):
            return float(plain(repr(value)).removeprefix("-") in self.numbers)
        folded = _folded(value)
        if _stands_in(folded, self.text):
            return 1.0
        parts = [self._is_said(word) for word in _WORD.findall(folded)]
        parts += [number in self.numbers for number in numbers(folded)]
        return sum(parts) / len(parts) if parts else 1.0

    def _is_said(self, word: str) -> bool:
        if word >= "\u3400":  # Chinese has no spaces: by pairs of characters
            pairs = [a + b for a, b in pairwise(word)] or [word]
            return sum(pair in self.text for pair in pairs) * 2 > len(pairs)
        stem = _stem(word)
        spellings = _SPELLINGS.get(stem, ())
        return stem in self.words or any(
            _stands_in(spelling, self.text) or spelling in self.words for spelling in spellings
        )


def _stands_in(value: str, text: str) -> bool:
    """Whether `value` is in `text` and not a part of a longer word or number there."""
    at = text.find(value)
    while at >= 0 and (_joined(text, at) or _joined(text, at + len(value))):
        at = text.find(value, at + 1)
    return at >= 0


def _joined(text: str, at: int) -> bool:
    if not 0 < at < len(text):
        return False
    left, right = text[at - 1], text[at]
    if left.isdigit() and right.isdigit():
        return True
    return left.isalpha() and right.isalpha() and max(left, right) < "\u3400"


def _folded(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def _stem(word: str) -> str:
    """Without a plural's `s`: enough for units and nouns, applied to both sides alike."""
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word


def _values(
    arguments: object, schema: Mapping[str, Any] | None
) -> Iterator[tuple[str, str | float]]:
    """Path and value of each string and number that was not chosen from a list."""
    waiting: list[tuple[str, object, Mapping[str, Any]]] = [("$", arguments, schema or {})]
    found = 0
    while waiting and found < _MOST_VALUES:
        path, value, known = waiting.pop()
        match value:
            case _ if "enum" in known or "const" in known:
                pass
            case bool() | None:
                pass
            case str() | int() | float():
                found += 1
                yield path, value
            case Mapping():
                members = cast("Mapping[str, object]", value)
                kinds = _schema(known.get("properties"))
                waiting += [(f"{path}.{k}", v, _schema(kinds.get(k))) for k, v in members.items()]
            case list():
                items = cast("list[object]", value)[:_MOST_VALUES]
                kind = _schema(known.get("items"))
                waiting += [(f"{path}[{n}]", item, kind) for n, item in enumerate(items)]
            case _:
                pass


def _schema(value: object) -> Mapping[str, Any]:
    return cast("Mapping[str, Any]", value) if isinstance(value, Mapping) else {}


def _text(content: object) -> str:
    if isinstance(content, str):
        return content
    parts = cast("list[object]", content) if isinstance(content, list) else []
    return "\n".join(str(getattr(part, "text", "")) for part in parts)
