"""Rows of training data: one conversation each, behind a prefix of tools that many share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from models.nano import after_search, invented, outcomes, render, talk
from models.nano.ask_both import ask_both
from models.nano.ask_math import ask_math
from models.nano.ask_notes import ask_note
from models.nano.ask_time import ask_now, ask_then
from models.nano.ask_units import ask_units
from models.nano.batch import Row
from models.nano.frames import utter
from models.nano.grammar import Ask, Source
from models.nano.render import Call, Round

ASKS: list[tuple[Callable[[Source, bool], Ask], float]] = [
    (ask_math, 5.2),
    (ask_now, 1.6),
    (ask_then, 2.2),
    (ask_units, 2.8),
    (ask_note, 3.3),
]
KINDS = {
    "one": 50,
    "two": 22,
    "three": 1,
    "talk": 8,
    "missing": 4,
    "told": 20,
    "searched": 12,
}
SYSTEM = [
    "You are a helpful assistant.",
    "Be concise.",
    "You are a helpful assistant. Use the tools when they help.",
    "Answer briefly.",
    "You are a friendly assistant of a small company.",
    "Use tools whenever possible.",
    "You help people with small everyday tasks. Be polite and short.",
    "Today is a nice day. Answer in the user's language.",
    "You are an agent. Call tools to get facts, never guess.",
    "你是一个有用的助手。",
    "请简短回答。",
    "Respond in one sentence.",
]


@dataclass(frozen=True)
class Turn:
    """A conversation up to the answer to learn: calls, or a text."""

    kind: str
    said: str
    target: list[Call] | str
    system: str = ""
    rounds: tuple[Round, ...] = ()

    def row(self, source: Source) -> Row:
        """Token ids; calls made before carry ids, those to learn don't."""
        prompt = self.prompt(source)
        wanted = self.target
        ids = render.answer(wanted) if isinstance(wanted, str) else render.calls(wanted)
        return Row(prompt + ids, len(prompt))

    def prompt(self, source: Source) -> list[int]:
        """Everything after the shared prefix and before the answer."""
        ids = render.user(self.said, self.system)
        for round_ in self.rounds:
            ids += render.finished(round_, source.rng)
        return ids


def _asks(source: Source, offered: set[str], chinese: bool, n: int, sums: float = 1.0) -> list[Ask]:
    """n requests that the offered tools serve; the free text of a note mostly comes last.

    ``sums`` is a factor on the share of those for the calculator.
    """
    makers = [maker for maker, _ in ASKS]
    weights = [share * (sums if maker is ask_math else 1) for maker, share in ASKS]
    found: list[Ask] = []
    while len(found) < n:
        ask = source.rng.choices(makers, weights)[0](source, chinese)
        free = ask.form in "nx" and n > 1 and len(found) < n - 1
        if (
            ask.call[0] in offered
            and not (ask.form == "n" and free and source.chance(0.6))
            and not (free and source.chance(0.6))
        ):
            found.append(ask)
    return found


def _language(source: Source) -> bool:
    return source.chance(0.4)


def _system(source: Source) -> str:
    return str(source.rng.choice(SYSTEM)) if source.chance(0.2) else ""


def builtin_turn(source: Source, offered: set[str], kind: str | None = None) -> Turn:
    """A conversation with the gateway's own tools (``offered`` names, at least one of them)."""
    chinese, rng = _language(source), source.rng
    weights = [share * (source.told if each == "told" else 1) for each, share in KINDS.items()]
    kind = kind or rng.choices(list(KINDS), weights)[0]
    language = " zh" if chinese else ""
    if kind in ("talk", "missing"):
        said, text = (talk.small_talk if kind == "talk" else talk.missing)(source, chinese)
        return Turn(kind + language, said, text, _system(source))
    if kind == "searched":
        if {"search_notes", "delete_note"} < offered:
            return _searched(source, offered, language, chinese)
        kind = "one"
    n = rng.choice([1, 2, 2, 2]) if kind == "told" else {"one": 1, "two": 2, "three": 3}[kind]
    sums = 1.0 if kind == "told" else source.sums
    asks = _asks(source, offered, chinese, n, sums) if n != 2 or source.chance(0.8) else []
    if not asks:
        both = ask_both(source, chinese)
        asked = {both.call[0], *(name for name, _ in both.more)}
        asks = [both] if asked <= offered else _asks(source, offered, chinese, n, sums)
    said, calls = utter(source, asks)
    if kind == "told":
        results = tuple(outcomes.returned(source, call, chinese) for call in calls)
        told = outcomes.sentences(calls, results, chinese)
        text = ("" if chinese else " ").join(told)
        rounds = (Round(tuple(calls), results),)
        return Turn(kind + language, said, text, _system(source), rounds)
    label = calls[0][0] if n == 1 else kind
    return Turn(label + language, said, calls, _system(source))


def _searched(source: Source, offered: set[str], language: str, chinese: bool) -> Turn:
    kind = after_search.draw(source.rng)
    asks = [after_search.ask(source, kind, chinese)]
    if source.chance(0.3):  # something else is asked for with it
        if kind == "found" and source.chance(0.2):
            asks.append(after_search.ask(source, kind, chinese))
        else:
            asks += _asks(source, offered - {"search_notes", "delete_note"}, chinese, 1)
            if asks[-1].form != "n" and source.chance(0.4):
                asks.reverse()
    said, calls = utter(source, asks)
    if kind == after_search.FIRST:
        return Turn(kind + language, said, calls, _system(source))
    rounds, target = after_search.follow(source, kind, calls, chinese)
    return Turn(kind + language, said, target, _system(source), rounds)


def invented_turn(source: Source, tools: list[invented.Invented], chinese: bool) -> Turn:
    """A conversation with tools that don't exist."""
    rng = source.rng
    kind = rng.choices(["one", "two", "none", "missing", "told"], [78, 9, 5, 3, 5])[0]
    language = " zh" if chinese else ""
    chosen = rng.choice(tools)
    if kind == "none":
        said, text = talk.small_talk(source, chinese)
        return Turn(
            "invented none" + language,
            said,
            text
            if text not in (talk.CAN, talk.CAN_ZH)
            else (talk.CANNOT_ZH if chinese else talk.CANNOT),
        )
    if kind == "missing" and len(chosen.required) == 1 and len(chosen.parameters) == 1:
        label = chosen.parameters[0].label
        said = f"{chosen.verb}{chosen.noun}" if chinese else f"{chosen.verb} the {chosen.noun}"
        text = f"请问{label}是什么？" if chinese else f"Which {label}?"
        return Turn("invented missing" + language, said, text)
    said, call = invented.request(source, chosen, chinese)
    if kind == "two":
        other = rng.choice(tools)
        also, second = invented.request(source, other, chinese)
        joint = rng.choice(
            ["；", "，还有", "。另外，"]
            if chinese
            else [" and also ", "; ", ". Also, ", ", then ", ". And "]
        )
        return Turn("invented two" + language, said + joint + also, [call, second], _system(source))
    if source.chance(0.15):
        said = ("请问" if chinese else "hi, ") + said
    if kind == "told":
        from models.nano.words import any_word

        keys = [any_word(source) for _ in range(rng.randint(1, 3))]
        values = {k: rng.randint(0, 9999) if source.chance(0.4) else any_word(source) for k in keys}
        shown = ", ".join(f"{k} {v}" for k, v in values.items())
        text = f"完成：{shown}。" if chinese else f"Done: {shown}."
        done = (Round((call,), (values,)),)
        return Turn("invented told" + language, said, text, "", done)
    return Turn("invented one" + language, said, [call], _system(source))
