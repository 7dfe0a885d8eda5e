"""Numbers and times of day, as people write them and as arguments hold them."""

from __future__ import annotations

from models.nano.grammar import Source
from models.nano.spoken import number_in_words, spelled


def whole(source: Source, most_digits: int = 4) -> int:
    """A whole number from 2 on, small ones often."""
    digits = source.rng.choice([1, 2, 2, 2, 3, 3, 4, 5, 6, 7][: 3 + most_digits])
    return source.rng.randint(max(2, 10 ** (digits - 1)), 10**digits - 1)


def number(source: Source, words: bool = False, negative: bool = False) -> tuple[str, str]:
    """(as written, as an argument): ``("1,250", "1250")``, ``("3.75", "3.75")``, ``("ten", "10")``."""
    rng, kind = source.rng, source.rng.random()
    if words and kind < 0.09:
        return number_in_words(source)
    if kind < 0.55:
        value = whole(source, 3)
    elif kind < 0.65:
        value = rng.choice([10, 20, 25, 50, 75, 100, 120, 150, 200, 250, 500, 1000, 2000, 5000])
    elif kind < 0.75:
        value = whole(source, 7)
    else:
        text = f"{rng.choice([0, rng.randint(0, 9), rng.randint(1, 99), rng.randint(1, 999)])}"
        text += "." + "".join(str(rng.randint(0, 9)) for _ in range(rng.choice([0, 0, 1, 1, 2])))
        text += str(rng.randint(1, 9))
        return ("-" + text, "-" + text) if negative and source.chance(0.1) else (text, text)
    if negative and source.chance(0.12):
        return f"-{value}", f"-{value}"
    if value >= 1000 and source.chance(0.4):
        return f"{value:,}", str(value)
    return str(value), str(value)


def number_zh(source: Source) -> tuple[str, str]:
    """As ``number``, now and then a Chinese numeral or ten thousands."""
    rng = source.rng
    if source.chance(0.05):
        value = str(rng.randint(2, 10))
        return spelled(source, value, chinese=True) or value, value
    if source.chance(0.05):
        value = str(
            rng.choice([rng.randint(11, 99), rng.randint(100, 999), 1000 * rng.randint(1, 9)])
        )
        return spelled(source, value, chinese=True) or value, value
    if source.chance(0.02):
        value = rng.choice([str(rng.randint(1, 99)), f"{rng.randint(1, 9)}.{rng.randint(1, 9)}"])
        return f"{value}万", str(round(float(value) * 10000))
    return number(source, negative=True)


def price(source: Source) -> tuple[str, str]:
    """An amount of money without its sign."""
    rng = source.rng
    if source.chance(0.5):
        value = rng.choice([rng.randint(2, 99), rng.randint(10, 999), rng.randint(100, 9999)])
        written = f"{value:,}" if source.chance(0.4) else str(value)
        return written, str(value)
    text = f"{rng.choice([rng.randint(1, 99), rng.randint(1, 999)])}.{rng.randint(0, 99):02d}"
    return text, text


def clock(source: Source) -> str:
    """A time of day in English, copied as written into the call."""
    rng = source.rng
    hour, minute = rng.randint(1, 12), rng.choice([0, 15, 30, 45, rng.randint(1, 59)])
    half = rng.choice(["am", "pm", "am", "pm", "AM", "PM", "a.m.", "p.m."])
    gap = rng.choice(["", " "])
    kind = rng.random()
    if kind < 0.32:
        return f"{hour}{gap}{half}"
    if kind < 0.58:
        return f"{hour}:{minute:02d}{gap}{half}"
    if kind < 0.84:
        hour = rng.randint(0, 23)
        return f"{hour:02d}:{minute:02d}" if source.chance(0.5) else f"{hour}:{minute:02d}"
    part = rng.choice(["in the morning", "in the afternoon", "in the evening"])
    part = part if hour < 12 else ""
    return rng.choice(
        [
            *["noon", "midnight", "midday", f"{hour} o'clock", f"{hour}"],
            f"{hour} o'clock {part}".strip(),
            f"{hour} {part}".strip(),
            f"{hour}:{minute:02d} {part}".strip(),
            f"{hour}.{minute:02d}{gap}{half}",
            f"{rng.randint(0, 23):02d}{minute:02d}",
            f"{rng.randint(0, 23):02d}:{minute:02d}h",
            f"{rng.randint(13, 23)}h{minute:02d}",
        ]
    )


def clock_zh(source: Source) -> str:
    """A time of day in Chinese: ``下午3点半``, ``21:15``."""
    rng = source.rng
    if source.chance(0.25):
        return (
            clock(source)
            if source.chance(0.3)
            else f"{rng.randint(0, 23)}:{rng.randint(0, 59):02d}"
        )
    half = rng.choice(
        ["上午", "下午", "早上", "晚上", "中午", "凌晨", "傍晚", "", "", "半夜", "夜里", "清晨"]
    )
    numerals = [*"一二三四五六七八九十", "十一", "十二"]
    hour = rng.randint(1, 12)
    said = numerals[hour - 1] if source.chance(0.4) else str(hour)
    if hour == 2 and said == "二":
        said = "两"
    minutes = rng.choice(
        [
            "",
            "",
            "",
            "半",
            "一刻",
            "三刻",
            "钟",
            f"{rng.randint(1, 59)}分",
            "整",
            "十分",
            "四十五分",
        ]
    )
    return f"{half}{said}点{minutes}"
