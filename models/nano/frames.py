"""What people put around a request: greetings, politeness, context, haste, typing errors."""

from __future__ import annotations

import json
import re
from functools import partial
from typing import Any

from models.nano.grammar import Ask, Source
from models.nano.joints import join
from models.nano.wordings import around, people_around, people_words
from models.nano.words import NAMES, any_word, city

BEFORE = [
    "hi, ",
    "hello, ",
    "hey, ",
    "hi! ",
    "hey there, ",
    "Hello! ",
    "good morning, ",
    "please ",
    "quick question: ",
    "Quick one: ",
    "ok, ",
    "ok so ",
    "so, ",
    "um, ",
    "well, ",
    "one more thing: ",
    "hey gateway, ",
    "hi there! ",
    "excuse me, ",
    "sorry, ",
    "now ",
    "and now, ",
    "also, ",
    "next: ",
    "hm, ",
    "right, ",
    "dear assistant, ",
    "assistant, ",
    "yo ",
    "pls ",
    "alright, ",
    "listen, ",
    "just curious, ",
    "for my homework: ",
    "Question: ",
    "thanks! now ",
    "great. ",
    "oh and ",
]
CONTEXT = [
    "I'm [cooking|travelling|at work|in a hurry|planning a trip|doing my homework|on the phone|at the airport|a bit lost|writing a report]. ",
    "I [need|want] this for {w}. ",
    "My {w} asked me this. ",
    "{N} asked me something. ",
    "I have a question. ",
    "I hope you can help me. ",
    "I can't do this in my head. ",
    "We are planning our holiday. ",
    "I've a [meeting|exam|trip] tomorrow. ",
    "It's for a {w} project. ",
    "I keep forgetting this. ",
    "I was talking to {n}. ",
    "I'm from {c}. ",
    "I'm not good at this. ",
    "This is for school. ",
    "I was wondering: ",
    "Help me out here. ",
    "Let's see. ",
]
AFTER = [
    " please",
    ", please",
    " for me",
    ", thanks",
    " thanks",
    ", thank you",
    ". Thanks!",
    ". Thank you!",
    " pls",
    ", pretty please",
    " for me please",
    " quickly",
    " exactly",
    ", thx",
    " now",
    ". I need it for {w}.",
    ". I'm in a hurry.",
    ". It's for my {w}.",
    ". {N} wants to know.",
    " real quick",
    ", if you can",
]
AFTER_Q = [
    "? Thanks!",
    "? thanks",
    "? Thank you.",
    "? I need it for {w}.",
    "? I'm in a hurry.",
    "? {N} wants to know.",
    "? please",
    "??",
    "? Please.",
    "? It's for {w}.",
    "? Just curious.",
]
BEFORE_ZH = [
    "你好，",
    "您好，",
    "请问，",
    "请",
    "麻烦",
    "嗨，",
    "快速问一下：",
    "问一下，",
    "帮我",
    "那个，",
    "好的，",
    "另外，",
    "还有，",
    "对了，",
    "想问下，",
    "嗯，",
    "早上好，",
]
CONTEXT_ZH = [
    "我在做饭。",
    "我要出差。",
    "我正在写作业。",
    "我有点着急。",
    "{n}问我一个问题。",
    "我需要这个做报告。",
    "我明天要去{c}。",
    "我不太会算。",
    "我在准备旅行。",
    "有个问题。",
]
AFTER_ZH = ["，谢谢", "，谢谢！", "。谢谢", "，麻烦了", "，拜托", "，急用", "。多谢！", "吧"]
BEFORE.extend(around.BEFORE + people_around.BEFORE)
CONTEXT.extend(around.CONTEXT + people_around.CONTEXT)
AFTER.extend(around.AFTER + people_around.AFTER)
AFTER_Q.extend(around.AFTER_Q + people_around.AFTER_Q)
BEFORE_ZH.extend(around.BEFORE_ZH + people_around.BEFORE_ZH)
CONTEXT_ZH.extend(around.CONTEXT_ZH + people_around.CONTEXT_ZH)
AFTER_ZH.extend(around.AFTER_ZH + people_around.AFTER_ZH)
_NEEDS_ORDER = {
    "please",
    "pls",
    "now",
    "kindly",
    "请",
    "麻烦",
    "帮我",
    "给我",
    "先",
    "谢谢，再",
    "thanks! now",
}
_FOR = re.compile(r"\bfor (my |the |)\{w\}(?! (?:project|report))")
_PAUSES = str.maketrans("", "", '?!,;:"“”？！，。；：「」、')


def _fill(source: Source, text: str) -> str:
    name = str(source.pick(NAMES))
    if source.chance(0.5):
        job = source.pick(people_words.JOBS)
        text = _FOR.sub(lambda match: f"for {match[1] or 'my '}{job}", text)
    for slot, word in {"w": any_word(source), "n": name, "N": name[0].upper() + name[1:]}.items():
        text = text.replace("{" + slot + "}", word)
    return text.replace("{c}", city(source)) if "{c}" in text else text


def typo(source: Source, text: str) -> str:
    """One slip of the finger in a literal part of a wording."""
    places = [m.start() for m in re.finditer(r"[a-z]{4,}", text)]
    if not places:
        return text
    at = source.rng.choice(places) + source.rng.randint(1, 2)
    kind = source.rng.randint(0, 2)
    if kind == 0:
        return text[:at] + text[at + 1 :]
    if kind == 1:
        return text[:at] + text[at + 1] + text[at] + text[at + 2 :]
    return text[:at] + text[at] + text[at:]


def lower(arguments: dict[str, Any]) -> dict[str, Any]:
    """The arguments of a request that was typed in lower case."""
    return json.loads(
        json.dumps(arguments, ensure_ascii=False),
        object_hook=lambda d: {
            key: value.lower() if isinstance(value, str) else value for key, value in d.items()
        },
    )


def _end(source: Source, text: str, ask: Ask) -> str:
    """Close one sentence the way its form allows."""
    if text[-1:] in "?？.。!！" or ask.form == "n":
        return text
    question = ask.form == "q"
    if ask.chinese:
        return text + source.rng.choice(
            ["？", "？", "？", "", "?"] if question else ["。", "", "", "！"]
        )
    return text + source.rng.choice(["?", "?", "?", ""] if question else [".", "", "", "", "!"])


def _around(source: Source, text: str, ask: Ask, first: Ask) -> str:
    """Words before and after one sentence; nothing after the free text of a note.

    `ask` stands at its end, `first` at its beginning: an argument there is not written otherwise.
    """
    rng, copied = source.rng, first.wording.startswith("{")
    chinese, closed = ask.chinese, text[-1:] in "?？.。!！"
    if source.chance(0.22):
        after = source.pick(
            AFTER_ZH if chinese else AFTER_Q if ask.form == "q" and source.chance(0.6) else AFTER
        )
        if (
            ask.form != "n"
            and not (closed and not chinese)
            and not (chinese and after in "吧哦啊" and ask.form in "qx")
        ):
            text = (text.rstrip("？。") if chinese else text) + after
        elif closed and not chinese and ask.form != "n":
            text += rng.choice(
                [
                    " Thanks!",
                    " Thanks",
                    " Thank you!",
                    " Please.",
                    " {N} wants to know.",
                    " I need it for {w}.",
                ]
            )
    else:
        text = _end(source, text, ask)
    if copied and first.call[0] == "save_note":  # where a note begins can be seen
        return text
    if source.chance(0.2):
        before = str(source.pick(BEFORE_ZH if chinese else BEFORE))
        if before.strip() not in _NEEDS_ORDER or ask.form == "i":
            text = before + (
                text[0].lower() + text[1:]
                if not chinese
                and not copied
                and text[1:2].islower()
                and ask.form != "n"
                and text[0] != "I"
                else text
            )
    if source.chance(0.12):
        before = source.say(source.pick(CONTEXT_ZH if chinese else CONTEXT))
        text = before + (text if copied else text[0].upper() + text[1:])
    return text


def utter(source: Source, asks: list[Ask]) -> tuple[str, list[tuple[str, dict[str, Any]]]]:
    """One message that makes the requests in order, and its calls."""
    rng, calls = source.rng, [call for ask in asks for call in (ask.call, *ask.more)]
    chinese = asks[0].chinese
    if source.chance(0.04):
        return _dictated(source, asks, calls)
    slips = not chinese and source.chance(0.06)
    texts = [ask.text(partial(typo, source)) if slips else ask.text() for ask in asks]
    if len(asks) == 1:
        text = _around(source, texts[0], asks[0], asks[0])
    else:
        text = join(source, asks, texts, _end)
        if "\n" not in text:
            text = _around(source, text, asks[-1], asks[0])
    text = _fill(source, text).strip()
    style = rng.random()
    if not chinese:
        if style < 0.12:
            text, calls = text.lower(), [(tool, lower(arguments)) for tool, arguments in calls]
        elif style < 0.55 and not asks[0].wording.startswith("{") and text[0].islower():
            text = text[0].upper() + text[1:]
    return text, calls


def _dictated(
    source: Source, asks: list[Ask], calls: list[tuple[str, dict[str, Any]]]
) -> tuple[str, list[tuple[str, dict[str, Any]]]]:
    """As speech recognition writes it: no signs but those inside the arguments, English in lower case."""
    chinese = asks[0].chinese
    texts = [ask.text(lambda text: text.translate(_PAUSES)) for ask in asks]
    joints = (
        ["还有", "然后", "另外", "再", "顺便"]
        if chinese
        else [" and ", " and then ", " also ", " and also ", " then ", " plus "]
    )
    text = texts[0]
    for following in texts[1:]:
        text += source.rng.choice(joints) + following
    text = text.strip()
    if chinese:
        return text, calls
    return text.lower(), [(tool, lower(arguments)) for tool, arguments in calls]
