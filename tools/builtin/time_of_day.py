"""A time of day as people write it: `15:30`, `9 am`, `noon`, `下午3点`, `15点30分`.

What it is: one function from text to hour and minute.
What it is not: dates. A text that is no time of day is an error that shows the forms understood.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import time

from tools.errors import ToolFailed

_WESTERN = re.compile(
    r"(?:at )?(?P<hour>\d{1,2})(?:[:.h](?P<minute>\d{2})(?::00)?)?\s*(?:h|hrs?|hours|o'?clock)?\s*"
    r"(?P<half>a\.?m\.?|p\.?m\.?|in the morning|in the afternoon|in the evening|at night)?"
)
_MILITARY = re.compile(
    r"(?P<hour>[01]\d|2[0-3])(?P<minute>[0-5]\d)(?:\s*h(?:rs?|ours)?)?(?P<half>)"
)
_CHINESE = re.compile(
    r"(?P<half>凌晨|清晨|早上|早晨|上午|中午|下午|傍晚|晚上|夜里|半夜)?(?P<hour>\d{1,2}|[零〇一二两三四五六七八九十]{1,3})"
    r"(?:[点點时時:](?:(?P<word>半|整|一刻|三刻)|(?P<minute>\d{1,2}|[零〇一二两三四五六七八九十]{1,4})分?)?钟?)"
)
_WORDS = {"noon": time(12), "midday": time(12), "midnight": time(0), "正午": time(12), "中午": time(12),
          "午夜": time(0), "零点": time(0), "半夜": time(0)}  # fmt: skip
_MINUTES = {"半": 30, "整": 0, "一刻": 15, "三刻": 45}
_DIGITS = {character: value for value, character in enumerate("零一二三四五六七八九")} | {
    "〇": 0,
    "两": 2,
}
_AFTERNOON = ("p", "in the afternoon", "in the evening", "at night", "下午", "傍晚", "晚上", "夜里")
_MORNING = ("a", "in the morning", "凌晨", "清晨", "早上", "早晨", "上午", "半夜")


def read_time(said: str) -> time:
    """The time of day, to the minute. Raises `ToolFailed` for anything else."""
    text = " ".join(unicodedata.normalize("NFKC", said[:60]).casefold().replace("：", ":").split())
    if text in _WORDS:
        return _WORDS[text]
    for form in (_MILITARY, _WESTERN, _CHINESE):
        if (match := form.fullmatch(text)) is not None:
            return _read(said, match)
    if (whole := text.removeprefix("12 ")) in ("noon", "midnight"):
        return _WORDS[whole]
    raise _unreadable(said)


def _read(said: str, match: re.Match[str]) -> time:
    parts = match.groupdict()
    hour = _number(parts["hour"])
    minute = _MINUTES.get(parts.get("word") or "", _number(parts["minute"] or "0"))
    half = parts["half"] or ""
    if half and hour > 12 and not half.startswith(_AFTERNOON):
        raise _unreadable(said)
    if half.startswith(("at night", "晚上", "夜里")) and hour == 12:
        hour = 0
    elif half.startswith(_AFTERNOON) and hour < 12:
        hour += 12
    elif (half.startswith(_MORNING) and hour == 12) or (hour == 24 and minute == 0):
        hour = 0
    elif half == "中午" and hour < 3:
        hour += 12
    if hour > 23 or minute > 59:
        raise _unreadable(said)
    return time(hour, minute)


def _number(text: str) -> int:
    """Digits, or Chinese numerals up to 99."""
    if text.isdecimal():
        return int(text)
    tens, ten, ones = text.partition("十")
    if ten:
        return (_DIGITS.get(tens, 1) if tens else 1) * 10 + (_DIGITS.get(ones, 0) if ones else 0)
    return int("".join(str(_DIGITS[character]) for character in text))


def _unreadable(said: str) -> ToolFailed:
    return ToolFailed(
        f"{said[:60]!r} is no time of day: give it as 15:30, 9 am, noon or 下午3点, without a date"
    )
