"""Several requests in one message: in one sentence, in several, as a list."""

from __future__ import annotations

from collections.abc import Callable

from models.nano.grammar import Ask, Source
from models.nano.wordings import joints, people_around

JOIN = joints.JOIN + people_around.JOIN
START = joints.START + people_around.START
AROUND = joints.AROUND + people_around.AROUND
JOIN_ZH = joints.JOIN_ZH + people_around.JOIN_ZH
START_ZH = joints.START_ZH + people_around.START_ZH
AROUND_ZH = joints.AROUND_ZH + people_around.AROUND_ZH
_MARKS = [("1. ", "2. ", "3. "), ("1) ", "2) ", "3) "), ("- ", "- ", "- "), ("* ", "* ", "* "),
          ("a) ", "b) ", "c) "), ("• ", "• ", "• "), ("", "", "")]  # fmt: skip
_MARKS_ZH = [("1. ", "2. ", "3. "), ("1、", "2、", "3、"), ("一、", "二、", "三、"), ("- ", "- ", "- "),
             ("（1）", "（2）", "（3）"), ("①", "②", "③"), ("", "", "")]  # fmt: skip


def join(
    source: Source, asks: list[Ask], texts: list[str], end: Callable[[Source, str, Ask], str]
) -> str:
    """The texts as one message.

    ``end`` closes a sentence. After the free text of a note comes a full stop or a new line most of
    the time: where it ends can be seen.
    """
    rng, chinese = source.rng, asks[0].chinese
    kind = rng.random()
    told = any(ask.form == "n" for ask in asks[:-1])
    stands = any(ask.form == "x" for ask in asks[:-1])
    if kind < 0.07:
        marks = rng.choice(_MARKS_ZH if chinese else _MARKS)
        gap = "\n" if told or not marks[0] or source.chance(0.7) else " "
        return gap.join(mark + text for mark, text in zip(marks, texts, strict=False))
    if kind < 0.16 and not told and not stands:
        before, between, after = source.pick(AROUND_ZH if chinese else AROUND)
        return before + rng.choice(between).join(texts) + after
    if kind < 0.7 and not stands and not (told and source.chance(0.7)):
        said = texts[0]
        for text in texts[1:]:
            said += str(source.pick(JOIN_ZH if chinese else JOIN)) + text
        return said
    return _sentences(source, asks, texts, end)


def _sentences(
    source: Source, asks: list[Ask], texts: list[str], end: Callable[[Source, str, Ask], str]
) -> str:
    chinese = asks[0].chinese
    ends = [end(source, text, ask) for text, ask in zip(texts, asks, strict=True)]
    full = "。" if chinese else "."
    ends[:-1] = [text if text[-1:] in "?？.。!！" else text + full for text in ends[:-1]]
    starts = START_ZH if chinese else START
    ends[1:] = [str(source.pick(starts)) + text for text in ends[1:]]
    if chinese:
        return ("\n" if source.chance(0.08) else "").join(ends)
    ends = [  # an argument at the start keeps its spelling
        text[0].upper() + text[1:] if source.chance(0.7) and ask.wording[0] != "{" else text
        for text, ask in zip(ends, asks, strict=True)
    ]
    return ("\n" if source.chance(0.08) else " ").join(ends)
