"""Requests for ``save_note``, ``search_notes`` and ``delete_note``."""

from __future__ import annotations

import re

from models.nano.grammar import Ask, Source
from models.nano.quantities import clock, clock_zh, number, price
from models.nano.spoken import ordinal
from models.nano.wordings import (
    notes_en,
    notes_find_en,
    notes_gone,
    notes_zh,
    people_notes_en,
    people_notes_zh,
    people_words,
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

TEXTS = [
    "buy {i}",
    "buy {i} and {j}",
    "buy {i}, {j} and {k}",
    "call {n} [tomorrow|on {d}|at {t}|about the {w}|back]",
    "pick up {i} [at {t}|from {n}|after work|on {d}|]",
    "{N}'s birthday is [on|] {m} {o}",
    "the {w} code is {x}",
    "the wifi password is {x}",
    "{N} owes me {p} [euros|dollars|pounds]",
    "I owe {n} {p} [euros|dollars]",
    "return {i} to {n}",
    "pay [{n}|the {w} bill] by {d}",
    "meeting with {n} [on {d}|] at {t}",
    "dentist [appointment|] [on|] {d} at {t}",
    "the flight to {c} leaves at {t}",
    "[my|the] locker number is {x}",
    "ask {n} about the {w}",
    "send {n} the {w} [before {d}|by {d}|]",
    "water the plants [on {d}|every {d}|]",
    "the spare key is [under|behind|in|with] the {w}",
    "{N} likes {i}",
    "{N} is allergic to {i}",
    "parked on level {v}, spot {x}",
    "book a table for {v} at {t}",
    "take {i} to {n}",
    "the {w} is at {v} {w2} Street",
    "{N} said the {w} is {w2}",
    "{w} {w2} {w3}",
    "order {i} for {n}",
    "check the {w} before {d}",
    "renew the {w} in {m}",
    "room {v} is {w2}",
    "the {w} costs {p}",
    "my {w} is {x}",
    "the door code is {v}",
    "train to {c} at {t}, platform {v}",
    "call the {w} [on|at] 555-{v}",
    "read {w} {w2} by {n}",
    "leave at {t} to get {i}",
    "{d}: {w} with {n}",
    "the {w} needs {i}",
    "fix the {w}",
    "cancel the {w} [subscription|order|]",
    "{N} moved to {c}",
    "finish the {w} report by {d}",
    "bring {i} and {j} to the {w}",
    "check {v} {w} and {w2}",
    "idea: a {w} for {w2}",
    "{v} {w} are in the {w2}",
    "the {w} opens at {t} on {d}",
]
TO = [
    t
    for t in TEXTS
    if t.split()[0]
    in "buy call pick return pay ask send water book take order check renew read leave fix cancel finish bring".split()
]
TEXTS_ZH = [
    "买{i}",
    "买{i}和{j}",
    "[明天|{d}]给{n}打电话",
    "{n}的生日是{o}月{v}号",
    "无线密码是{x}",
    "{w}密码是{x}",
    "{n}欠我{p}[元|块钱]",
    "{d}{t}[开会|看牙医|和{n}吃饭|去机场]",
    "把{i}还给{n}",
    "{d}之前交{w}",
    "去{c}的[飞机|火车]{t}[出发|起飞|发车]",
    "备用钥匙在{w}下面",
    "{n}喜欢{i}",
    "{n}对{i}过敏",
    "车停在{v}层{x}",
    "记得{d}浇花",
    "问{n}关于{w}的事",
    "[取|拿]{i}",
    "{w}的地址是{w2}路{v}号",
    "{n}说{w}要{w2}",
    "下{d}去{c}出差",
    "订{d}的[票|餐厅|酒店]",
    "{w}{w2}",
    "门禁密码是{v}",
    "每天{t}吃药",
    "{d}{t}接{n}",
    "给{n}发{w}",
    "修{w}",
    "{n}搬到{c}了",
    "{d}交{p}元[房租|电费|学费]",
]
SAVE = [
    "[save|make|take|add|create|write] a note: {t}",
    "note: {t}",
    "note that {t}",
    "[please |]remember that {t}",
    "remember: {t}",
    "write down: {t}",
    "write down that {t}",
    "write this down: {t}",
    "jot down: {t}",
    "jot down that {t}",
    "jot this down: {t}",
    "[save|add|make|create|leave] a note [saying|that says|that reads|with the text] {t}",
    "save a note that {t}",
    "make a note that {t}",
    "take a note that {t}",
    "save [\"{t}\"|'{t}'|“{t}”] [as a note|to my notes|in my notes]",
    'note "{t}"',
    'save a note: "{t}"',
    'add "{t}" to my notes',
    "add to my notes: {t}",
    "add to my notes that {t}",
    "put this in my notes: {t}",
    "put in my notes that {t}",
    "[save|keep|store] this: {t}",
    "save this note: {t}",
    "new note: {t}",
    "new note - {t}",
    "note to self: {t}",
    "keep in mind that {t}",
    "don't let me forget that {t}",
    "don't forget: {t}",
    "[can|could|would|will] you [save|make|take|write] a note: {t}",
    "[can|could|would] you [note|write|jot] down that {t}",
    "[can|could|would] you remember that {t}",
    "I want to save a note: {t}",
    "I need a note [that says|saying] {t}",
    "record [that|this:|a note:] {t}",
    "store a note [saying|with|that] {t}",
    "memo: {t}",
    "keep a note that {t}",
    "for my notes: {t}",
    "save the following note: {t}",
    "I'd like you to remember that {t}",
    "make sure I remember that {t}",
    "save note {t}",
    "please save: {t}",
    "log this: {t}",
    "note this: {t}",
    "I should remember that {t}, save it",
    "save as a note: {t}",
    "{t}. Save that as a note",
    "{t} - [note that down|please note that|write that down|save this]",
]
SAVE_TO = [
    "remind me to {t}",
    "make a note to {t}",
    "note to {t}",
    "write a note to {t}",
    "don't let me forget to {t}",
    "I need to {t}[, make a note|, note that down|, write that down|, please note it]",
    "save a note to {t}",
    "remember to {t}",
    "add a [note|reminder] to {t}",
    "take a note to {t}",
    "note down to {t}",
    "leave me a note to {t}",
    "[can|could] you make a note to {t}",
    "[can|could] you note that I [have|need] to {t}",
    "put down a note to {t}",
    "jot down to {t}",
    "help me remember to {t}",
    "I must not forget to {t}, save a note",
]
SEARCH_Q = [
    "[do I have|have I got|are there] any notes [about|on|regarding|mentioning] [the |my |]{q}",
    "what did I [write|note|save|jot] [about|on] [the |my |]{q}",
    "what do my notes say about [the |my |]{q}",
    "did I [write|note|save] [anything|something] about [the |my |]{q}",
    "which notes mention [the |my |]{q}",
    "is there a note about [the |my |]{q}",
    "[can|could|would] you [search|look through|check|go through] my notes for [the |my |]{q}",
    "[can|could] you find [my|the] note[s|] [about|on] [the |my |]{q}",
    "do my notes mention [the |my |]{q}",
    "have I [noted|saved|written] anything [about|on] [the |my |]{q}",
    "where did I [note|write down|save] [the |my |]{q}",
    "what notes do I have [on|about] [the |my |]{q}",
    "is there anything about [the |my |]{q} in my notes",
    "did I make a note about [the |my |]{q}",
    "what have I got on [the |my |]{q} in my notes",
    "what was that note about [the |my |]{q}",
    "any notes on [the |my |]{q}",
]
SEARCH_I = [
    "search my notes for [the |my |]{q}",
    "search notes for {q}",
    "search the notes for {q}",
    "find [my |the |all |any |]notes [about|on|mentioning|with|containing] [the |my |]{q}",
    "look for {q} in my notes",
    "look up [the |my |]{q} in my notes",
    "[show|get|give|list] me my notes [about|on] [the |my |]{q}",
    "look through my notes for [the |my |]{q}",
    "find [my|the] note about [the |my |]{q}",
    "check my notes for [the |my |]{q}",
    "search for [the |my |]{q} in my notes",
    "search for notes about [the |my |]{q}",
    "[show|list|find] all notes about [the |my |]{q}",
    "pull up my notes on [the |my |]{q}",
    "bring up the note about [the |my |]{q}",
    'search my notes for "{q}"',
    'find notes with "{q}"',
    "go through my notes and find {q}",
    "notes about {q}",
    "find {q} in my notes",
    "tell me what I wrote about [the |my |]{q}",
    "I'm looking for my note about [the |my |]{q}",
    "I need my notes on [the |my |]{q}",
    "see if I have notes about [the |my |]{q}",
    "look in my notes for [the |my |]{q}",
    "dig out my note on [the |my |]{q}",
]
DELETE = [
    "[delete|remove|erase] note {n}",
    "[delete|remove|erase] note [number|no.|nr|#|id] {n}",
    "[delete|remove|erase|drop] note #{n}",
    "get rid of note [number |#|]{n}",
    "[delete|remove] the note with [id|number|the id|the number] {n}",
    "throw away note {n}",
    "trash note {n}",
    "[delete|remove] my note [number |]{n}",
    "please delete note {n}",
    "note {n} can be deleted",
    "I don't need note {n} any[more| more], [delete|remove] it",
    "I no longer need note [number |]{n}[, please delete it|. Delete it|. Remove it]",
    "note {n} can go",
    "[can|could|would] you [delete|remove|erase] note [number |]{n}",
    "scrap note {n}",
    "discard note {n}",
    "wipe note {n}",
    "delete number {n} from my notes",
    "remove {n} from my notes",
    "clear note {n}",
    "del note {n}",
    "kill note {n}",
    "delete note_id {n}",
    "[delete|remove] note number {n} for good",
    "I want note {n} deleted",
    "I'd like to delete note {n}",
    "take out note {n}",
    "bin note {n}",
    "delete the saved note {n}",
    "permanently delete note {n}",
    "let's delete note {n}",
]
ABOUT = [
    "[delete|remove|erase] [my|the] note about [the |my |]{q}",
    "get rid of the note [on|about] [the |my |]{q}",
]
ABOUT_ZH = ["[删除|删掉]关于{q}的笔记", *notes_gone.ABOUT_ZH, *people_notes_zh.ABOUT]
SAVE_ZH = [
    "[记一下|记下来|记录一下|记住|请记住|帮我记一下|记个笔记|做个笔记|保存笔记|新建笔记|添加笔记|写个笔记|存个笔记|加个备忘|帮我记住|备忘|记笔记|保存一条笔记|帮我保存一条笔记|新笔记|帮我记录|笔记][：|:|，]{t}",
    "[记一下|记住|请记住|帮我记住|帮我记一下]{t}",
    "[把|将][“{t}”|「{t}」][记下来|存为笔记|保存到笔记|加到笔记里]",
    "把“{t}”[记下来|存为笔记|保存到笔记里|加到笔记里]",
    "提醒我{t}",
    "别让我忘了{t}",
    "别忘了{t}，记一下",
    "保存笔记“{t}”",
    "写下来：{t}",
    "[请|麻烦]记录：{t}",
    "在笔记里[写上|加上|记上]：{t}",
    "我要记一条笔记：{t}",
    "笔记里加一条：{t}",
    "{t}，[帮我|请]记下来",
    "{t}，记一下",
]
SEARCH_ZH = [
    "[搜索|查找|找|查一下|搜一下|帮我找|帮我查|帮我搜索|找一下|翻翻][关于|有关]{q}的笔记",
    "[我|]有没有[关于|]{q}的笔记",
    "[查一下|看看|搜一下|找找]我的笔记里有没有{q}",
    "[在|]笔记里[搜索|查找|找]{q}",
    "[在|从]我的笔记[里|中][找|搜|查]{q}",
    "我[记过|写过|存过|记了]{q}[吗|的笔记吗|什么]",
    "[我的|]笔记里[关于|有关]{q}[写了什么|怎么说的|的内容]",
    "搜索笔记：{q}",
    "[找出|列出|显示][所有|][关于|]{q}的笔记",
    "哪些笔记提到[了|]{q}",
    "我之前[记的|写的|存的]{q}[在哪|是什么]，查一下笔记",
    "关于{q}我[记了|写了]什么",
    "搜一下“{q}”",
    "帮我在笔记里搜{q}",
    "笔记里有{q}吗",
    "查{q}的笔记",
]
DELETE_ZH = [
    "[删除|删掉|移除|清除|去掉]笔记{n}",
    "[删除|删掉|移除]第{n}条笔记",
    "[删除|删掉]{n}号笔记",
    "[请|帮我|麻烦]把笔记{n}[删了|删掉|删除]",
    "把第{n}条[笔记|][删了|删掉|删除]",
    "笔记{n}不[要|需要]了，[删了吧|删掉|删除它]",
    "把{n}号笔记[删了|删掉|移除]",
    "[删除|删掉]编号[为|是|]{n}的笔记",
    "我不需要笔记{n}了，删[掉|除]",
    "永久删除笔记{n}",
    "帮我删[除|掉]笔记{n}",
    "[删除|移除]ID[为|是|]{n}的笔记",
    "笔记{n}可以删了",
]
TEXTS.extend(notes_en.TEXTS + people_notes_en.TEXTS)
TO.extend(notes_en.TO + people_notes_en.TO)
TEXTS_ZH.extend(notes_zh.TEXTS + people_notes_zh.TEXTS)
SAVE.extend(notes_en.SAVE + people_notes_en.SAVE)
SAVE_TO.extend(notes_en.SAVE_TO + people_notes_en.SAVE_TO)
SEARCH_Q.extend(notes_find_en.SEARCH_Q + people_notes_en.SEARCH_Q)
SEARCH_I.extend(notes_find_en.SEARCH_I + people_notes_en.SEARCH_I)
DELETE.extend(notes_find_en.DELETE + people_notes_en.DELETE)
SAVE_ZH.extend(notes_zh.SAVE + people_notes_zh.SAVE)
SEARCH_ZH.extend(notes_zh.SEARCH + people_notes_zh.SEARCH)
DELETE_ZH.extend(notes_zh.DELETE + people_notes_zh.DELETE)
ABOUT.extend(notes_gone.ABOUT + people_notes_en.ABOUT)
QUOTED = notes_en.QUOTED + people_notes_en.QUOTED
QUOTED_ZH = notes_zh.QUOTED + people_notes_zh.QUOTED
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
