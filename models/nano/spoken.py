"""Numbers and times in words, as people write them out and as dictation hears them."""

from __future__ import annotations

from models.nano.grammar import Source

_ONES = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
    "sixteen seventeen eighteen nineteen"
).split()
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()
_DIGITS = "零一二三四五六七八九"
_ORDINALS = "second third fourth fifth sixth seventh eighth ninth tenth".split()


def in_words(value: int, hyphen: str = "-", link: str = " and ") -> str:
    """A whole number below a million: ``three hundred and forty-two``."""
    if value < 20:
        return _ONES[value]
    if value < 100:
        tens, ones = divmod(value, 10)
        return _TENS[tens - 2] + (hyphen + _ONES[ones] if ones else "")
    size, name, joint = (100, " hundred", link) if value < 1000 else (1000, " thousand", " ")
    many, rest = divmod(value, size)
    if size == 1000 and rest < 100:
        joint = link
    words = in_words(many, hyphen, link) + name
    return words + (joint + in_words(rest, hyphen, link) if rest else "")


def in_characters(value: int) -> str:
    """A whole number below ten thousand in Chinese numerals: 三百零五."""
    said, gap = "", False
    for size, name in ((1000, "千"), (100, "百"), (10, "十"), (1, "")):
        digit, value = divmod(value, size)
        if not digit:
            gap = bool(said)
            continue
        said += ("零" if gap else "") + _DIGITS[digit] + name
        gap = False
    return (said.removeprefix("一") if said.startswith("一十") else said) or "零"


def spelled(source: Source, written: str, chinese: bool) -> str | None:
    """``"25"`` as ``twenty five``, ``"3.5"`` as ``three point five``; None for what nobody spells out."""
    number, _, decimals = written.partition(".")
    if not number.isdigit() or not (decimals == "" or decimals.isdigit()):
        return None
    value = int(number)
    if value > 9999 or len(decimals) > 2:
        return None
    if chinese:
        said = in_characters(value)
        return said + ("点" + "".join(_DIGITS[int(d)] for d in decimals) if decimals else "")
    said = in_words(value, source.rng.choice(["-", " "]), source.rng.choice([" and ", " "]))
    return said + (" point " + " ".join(_ONES[int(d)] for d in decimals) if decimals else "")


def number_in_words(source: Source) -> tuple[str, str]:
    """(as said, as an argument) of a number in words: ``("two and a half", "2.5")``."""
    rng, kind = source.rng, source.rng.random()
    if kind < 0.15:
        value = rng.randint(1, 12)
        return rng.choice([in_words(value), str(value)]) + " and a half", f"{value}.5"
    if kind < 0.3:
        value, (name, size) = rng.randint(1, 20), rng.choice([("hundred", 100), ("thousand", 1000)])
        return f"{rng.choice([in_words(value), str(value)])} {name}", str(value * size)
    value = (
        rng.randint(2, 20)
        if kind < 0.65
        else rng.choice([rng.randint(21, 99)] * 3 + [rng.randint(100, 999)])
    )
    return in_words(value, rng.choice(["-", " "]), rng.choice([" and ", " "])), str(value)


def ordinal(source: Source, value: int) -> str:
    """``3rd`` or ``third``."""
    if 2 <= value <= 10 and source.chance(0.6):
        return _ORDINALS[value - 2]
    suffix = (
        "th" if value % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(value % 10, "th")
    )
    return f"{value}{suffix}"


def clock_in_words(source: Source) -> tuple[str, str]:
    """(as said, in digits as ``convert_time`` reads it): ``("half past three pm", "3:30 pm")``."""
    rng = source.rng
    hour = rng.randint(1, 12)
    after = rng.choice(
        ["", "", "", " am", " pm", " in the morning", " in the afternoon", " in the evening"]
    )
    if hour == 12:
        after = ""
    name = in_words(hour) if source.chance(0.7) else str(hour)
    kind = rng.random()
    if kind < 0.3:
        return f"half past {name}{after}", f"{hour}:30{after}"
    if kind < 0.5:
        minute, said = rng.choice(
            [(15, "a quarter"), (15, "quarter"), (10, "ten"), (20, "twenty"), (5, "five")]
        )
        return f"{said} past {name}{after}", f"{hour}:{minute:02d}{after}"
    if kind < 0.65:
        minute, said = rng.choice([(45, "a quarter"), (45, "quarter"), (50, "ten"), (40, "twenty")])
        before = 12 if hour == 1 else hour - 1
        after = "" if hour == 1 else after
        return f"{said} to {name}{after}", f"{before}:{minute}{after}"
    if kind < 0.8:
        minute = rng.choice([15, 30, 45, 20, 10, 50])
        return f"{in_words(hour)} {in_words(minute)}{after}", f"{hour}:{minute}{after}"
    after = after or rng.choice([" am", " pm", " o'clock"])
    return f"{in_words(hour)}{after}", f"{hour}{after}"
