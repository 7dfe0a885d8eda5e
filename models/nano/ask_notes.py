"""Requests for ``save_note``, ``search_notes`` and ``delete_note``."""

from __future__ import annotations

import re

from models.nano.grammar import Ask, Source
from models.nano.quantities import clock, clock_zh, number, price
from models.nano.spoken import ordinal
from models.nano.wordings import notes_gone, people_words
from models.nano.wordings.notes import (
    ABOUT,
    ABOUT_ZH,
    DELETE,
    DELETE_ZH,
    QUOTED,
    QUOTED_ZH,
    SAVE,
    SAVE_TO,
    SAVE_ZH,
    SEARCH_I,
    SEARCH_Q,
    SEARCH_ZH,
    TEXTS,
    TEXTS_ZH,
    TO,
)
from models.nano.words import (
    NAMES,
    NAMES_ZH,
    THINGS,
    THINGS_ZH,
    TOPICS,
    TOPICS_ZH,
    any_chinese,
    any_text,
    any_word,
    city,
    invented,
)

_DAYS = (
    "Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday|tomorrow|next week|the weekend".split(
        "|"
    )
)
_DAYS_ZH = "周一|周二|周三|周四|周五|周六|周日|星期三|星期五|明天|后天|下周|月底".split("|")
_MONTHS = (
    "January|February|March|April|May|June|July|August|September|October|November|December".split(
        "|"
    )
)

# Topics that stand after "the" as well ("the boiler service", not "the Lena's birthday").
_PLAIN = [t for t in TOPICS if t.count(" ") < 2 and "'" not in t and not t[0].isdigit()]
_PLAIN_ZH = [t for t in TOPICS_ZH if len(t) <= 5]
_ALONE = re.compile(r"\w'|^(where|who|what|when|my) |\d$")
_DETERMINER = re.compile(r"^(the|an?|my|his|her|their) ")


def _code(source: Source) -> str:
    kind = source.rng.random()
    if kind < 0.3:
        return str(source.rng.randint(10, 99999))
    alphabet = "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789-"
    if kind < 0.6:
        return "".join(source.rng.choice(alphabet) for _ in range(source.rng.randint(4, 9))).strip(
            "-"
        )
    return invented(source) + str(source.rng.randint(1, 999))


def free_text(source: Source, chinese: bool = False, to: bool = False) -> str:
    """What somebody keeps a note of; never ends in a full stop."""
    pick, rng = source.pick, source.rng
    if not to and source.nonsense(0.2):
        return any_text(source, chinese)
    if not to and source.chance(0.25):
        return str(pick(people_words.NOTES_ZH if chinese else people_words.NOTES))
    if chinese:
        template, words = pick(TEXTS_ZH), [any_chinese(source, 2, 3), *rng.sample(_PLAIN_ZH, 2)]
        rng.shuffle(words)
        fills = dict(zip("ijk", rng.sample(THINGS_ZH, 3), strict=True))
        fills |= {
            "n": pick(NAMES_ZH),
            "d": pick(_DAYS_ZH),
            "t": clock_zh(source),
            "c": city(source, True),
        }
    else:
        template = pick(TO if to else TEXTS)
        words = [any_word(source) if source.chance(0.5) else pick(_PLAIN) for _ in range(3)]
        fills = dict(zip("ijk", rng.sample(THINGS, 3), strict=True))
        name = any_word(source).capitalize() if source.chance(0.2) else pick(NAMES)
        fills |= {"n": name, "N": name[0].upper() + name[1:], "d": pick(_DAYS)}
        fills |= {"m": pick(_MONTHS), "t": clock(source), "c": city(source)}
    fills |= {
        "w": words[0],
        "w2": words[1],
        "w3": words[-1],
        "x": _code(source),
        "o": str(rng.randint(1, 12)),
    }
    fills |= {
        "v": str(rng.randint(1, 400) if source.chance(0.7) else number(source)[1]),
        "p": price(source)[0],
    }
    text = source.say(template).strip()
    for slot, word in fills.items():
        text = text.replace("{" + slot + "}", word)
    if source.chance(0.18):
        joint = "，" if chinese else rng.choice([" and ", ", ", "; "])
        text += joint + free_text(source, chinese, to)
    if not chinese and not to and source.chance(0.35):
        text = text[0].upper() + text[1:]
    return text


def topic(source: Source, chinese: bool = False) -> str:
    """What notes are searched for."""
    if chinese:
        if source.nonsense(0.4):
            return any_chinese(source, 2, 4)
        return city(source, True) if source.chance(0.15) else str(source.pick(TOPICS_ZH))
    if source.nonsense(0.4):
        words = [any_word(source) for _ in range(source.rng.choice([1, 1, 2, 2, 3]))]
        if source.chance(0.15):
            words.append(str(source.rng.randint(1, 9999)))
        return " ".join(words)
    kind = source.rng.random()
    if kind < 0.75:
        return str(source.pick(TOPICS))
    return _DETERMINER.sub("", source.pick(THINGS)) if kind < 0.88 else city(source)


def search(source: Source, chinese: bool = False) -> Ask:
    """To look for notes, and no more than that."""
    query = topic(source, chinese)
    form = "q" if chinese or source.chance(0.45) else "i"
    template = source.pick(SEARCH_ZH if chinese else SEARCH_Q if form == "q" else SEARCH_I)
    return Ask(
        source.say(_plain(template, query)),
        {"q": query},
        ("search_notes", {"query": query}),
        form,
        chinese,
    )


def delete_about(source: Source, chinese: bool = False) -> Ask:
    """To delete a note that is named by its content: the first step is to search for it."""
    query = topic(source, chinese)
    template = _plain(source.pick(ABOUT_ZH if chinese else ABOUT), query)
    call = ("search_notes", {"query": query})
    return Ask(source.say(template), {"q": query}, call, "i", chinese)


def note_about(source: Source, query: str, chinese: bool = False) -> str:
    """The text of a note that a search for ``query`` finds."""
    pick, rng = source.pick, source.rng
    template = source.say(pick(notes_gone.TEXTS_ZH if chinese else notes_gone.TEXTS))
    words = (any_chinese(source, 2, 3) if chinese else any_word(source) for _ in range(2))
    fills = {
        "t": free_text(source, chinese),
        "d": str(pick(_DAYS_ZH if chinese else _DAYS)),
        "h": clock_zh(source) if chinese else clock(source),
        "w2": next(words),
        "w": next(words),
        "x": _code(source),
        "n": str(pick(NAMES_ZH if chinese else NAMES)),
        "p": price(source)[0],
        "q": query if chinese or rng.random() < 0.7 else query[0].upper() + query[1:],
    }
    for slot, word in fills.items():
        template = template.replace("{" + slot + "}", word)
    return template


def _plain(template: str, query: str) -> str:
    """Without "the" and "my" before what can't bear them."""
    return template.replace("[the |my |]", "") if _ALONE.search(query) else template


def ask_note(source: Source, chinese: bool = False) -> Ask:
    """One request about notes: half saves, the rest searches and deletions."""
    kind = source.rng.random()
    name = str(source.pick(NAMES_ZH if chinese else NAMES))
    fills = {"n": name, "N": name[0].upper() + name[1:]}
    fills["d"] = str(source.pick(_DAYS_ZH if chinese else _DAYS))
    if kind < 0.5:
        to = not chinese and source.chance(0.3)
        text = free_text(source, chinese, to)
        call = ("save_note", {"text": text})
        if source.chance(0.2) and not set(text) & set("\"'“”"):
            template = source.pick(QUOTED_ZH if chinese else QUOTED)
            return Ask(source.say(template), {"t": text}, call, "i", chinese)
        template = source.pick(SAVE_ZH if chinese else SAVE_TO if to else SAVE)
        return Ask(source.say(template), fills | {"t": text}, call, "n", chinese)
    if kind < 0.75:
        return (delete_about if source.chance(0.05) else search)(source, chinese)
    number_ = source.rng.randint(1, source.rng.choice([9, 20, 99, 999, 9999]))
    template = source.say(source.pick(DELETE_ZH if chinese else DELETE))
    fills |= {"n": str(number_), "th": ordinal(source, number_)}
    return Ask(template, fills, ("delete_note", {"note_id": number_}), "i", chinese)
