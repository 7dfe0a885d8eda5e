"""Wordings with one verb and two of everything; slots as in ``ask_both``."""

from __future__ import annotations

NOW = [
    "what time is it in {a} and [in |]{b}[?| right now?| now]",
    "what's the time in {a} and [in |]{b}?",
    "[current |local |]time in {a} and {b}",
    "time in {a}, time in {b}",
    "[tell|give|show] me the [current |]time in {a} and [in |]{b}[.|, please|]",
    "[compare|check|look up] the times in {a} and {b}",
    "I need the [current |]time in both {a} and {b}",
    "what time is it in {a}? And in {b}?",
    "what time is it in {a}, and what about {b}?",
    "what time is it in {a} and what time in {b}?",
    "how late is it in {a} and in {b}?",
    "my team is in {a} and {b}. What time is it there?",
    "{a} and {b}: what time is it there?",
    "I have friends in {a} and in {b}, what time is it for them?",
]
THEN = [
    "what is {t} in {a} in {b} and [in |]{c}?",
    "convert {t} {a} time to {b} and {c} time",
    "convert {t} from {a} to {b} and [to |]{c}",
    "when it's {t} in {a}, what time is it in {b} and [in |]{c}?",
    "what time is it in {b} and in {c} when it's {t} in {a}?",
    "the call is at {t} {a} time, [when|what time] is that in {b} and {c}?",
    "it's {t} in {a}. What time is it in {b}? And in {c}?",
]
VALUES = [
    "convert {v} and {v2} {u} [to|into] {w}",
    "convert {v} {u} and {v2} {u} [to|into] {w}",
    "how many {w} are {v} {u} and {v2} {u}?",
    "what are {v} {u} and {v2} {u} in {w}?",
    "{v} {u} and {v2} {u} in {w}, separately",
    "[I need|give me] {v} {u} in {w}, and {v2} {u} too",
    "{v} {u} in {w}? And {v2} {u}?",
    "what's {v} {u} in {w}, and what's {v2}?",
]
TARGETS = [
    "convert {v} {u} to {w} and [to |]{w2}",
    "what is {v} {u} in {w} and [in |]{w2}?",
    "how much is {v} {u} in {w} and in {w2}?",
    "[give|tell] me {v} {u} in {w} and also in {w2}",
    "{v} {u} in {w} and {w2}",
    "{v} {u} in {w}? And in {w2}?",
    "I need {v} {u} both in {w} and in {w2}",
]
DELETE = [
    "[delete|remove|erase|trash] notes {a} and {b}[.| please|]",
    "[delete|remove] note {a} and note {b}",
    "[delete|remove] note {a} and [also |]{b}",
    "[delete|remove] note {a}, and {b} too",
    "get rid of notes {a} and {b}",
    "notes {a} and {b} can [go|be deleted]",
    "I don't need notes {a} and {b} any more, delete them",
    "[delete|remove] notes number {a} and {b}",
    "[can|could] you delete notes {a} and {b}?",
    "delete both note {a} and note {b}",
]
SEARCH = [
    "search my notes for {a} and for {b}",
    "search my notes for {a}, then for {b}",
    "find my notes about {a} and [my notes |the ones |]about {b}",
    "look for {a} in my notes, and for {b} too",
    "do I have notes about {a}, and about {b}?",
    "what did I write about {a}? And about {b}?",
    "show me my notes on {a} and my notes on {b}",
]
SAVE = [
    'save two notes: "{a}" and "{b}"',
    'make two notes, "{a}" and "{b}"',
    'note "{a}" and also note "{b}"',
    'add "{a}" and "{b}" to my notes as two notes',
    "two notes:\n- {a}\n- {b}",
    "save these notes:\n1. {a}\n2. {b}",
]
MATH = [
    "[calculate|compute|work out|solve|do] {a} and {b}",
    "what's {a} and what's {b}?",
    "what is {a}? And {b}?",
    "how much is {a} and how much is {b}?",
    "{a} and {b}?",
    "first {a}, then {b}",
    "two sums: {a} and {b}",
    "{a}; {b}",
    "[calculate|compute] both {a} and {b}",
    "{a} = ? {b} = ?",
]
NOW_ZH = [
    "{a}和{b}[现在|][是|分别是|各是|]几点[了|]？",
    "{a}、{b}现在[分别|各|]几点？",
    "现在{a}几点，{b}[几点|呢]？",
    "[查一下|告诉我|帮我看看]{a}和{b}[现在|当前|]的时间",
    "{a}现在几点？{b}呢？",
    "我在{a}和{b}都有[同事|朋友|客户]，[那边|他们那儿]现在几点？",
    "{a}几点了，还有{b}",
    "[对比|比较]一下{a}和{b}的当前时间",
]
THEN_ZH = [
    "{a}{t}的时候，{b}和{c}[分别|各|][是|]几点？",
    "{a}{t}，{b}几点，{c}呢？",
    "把{a}时间{t}换算成{b}和{c}时间",
    "会议是{a}时间{t}，{b}和{c}[分别|]是几点？",
    "当{a}是{t}，{b}是几点？{c}呢？",
]
VALUES_ZH = [
    "{v}{u}和{v2}{u}[分别|各][是|等于]多少{w}？",
    "把{v}{u}和{v2}{u}[换算成|换成]{w}",
    "{v}{u}是多少{w}？{v2}{u}呢？",
    "{v}{u}等于多少{w}，{v2}{u}呢",
]
TARGETS_ZH = [
    "{v}{u}[是|等于]多少{w}和多少{w2}？",
    "把{v}{u}[换算成|换成]{w}和{w2}",
    "{v}{u}是多少{w}，又是多少{w2}？",
    "{v}{u}等于多少{w}？多少{w2}？",
]
DELETE_ZH = [
    "[删除|删掉|移除]笔记{a}和[笔记|]{b}",
    "[删除|删掉]第{a}条和第{b}条笔记",
    "把笔记{a}和{b}[都|]删[了|掉]",
    "把{a}号和{b}号笔记都删[了|掉]",
    "笔记{a}和{b}[都|]不要了，删掉",
    "第{a}条笔记删了，第{b}条也删了",
    "删掉笔记{a}，还有{b}",
]
SEARCH_ZH = [
    "[搜索|查找|找]关于{a}的笔记和关于{b}的笔记",
    "在笔记里[搜|找|查]{a}，再[搜|找|查]{b}",
    "我有没有{a}的笔记？{b}的呢？",
    "[找一下|查一下]{a}的笔记，还有{b}的",
    "笔记里关于{a}写了什么，关于{b}呢",
]
SAVE_ZH = [
    "记两条笔记：“{a}”和“{b}”",
    "记下“{a}”，再记一条“{b}”",
    "保存“{a}”，还有“{b}”",
    "两条笔记：\n1. {a}\n2. {b}",
]
MATH_ZH = [
    "[算一下|计算|帮我算]{a}和{b}",
    "{a}[等于多少|是多少]，{b}呢？",
    "{a}等于几？{b}等于几？",
    "{a}和{b}[分别|各]是多少？",
    "先算{a}，再算{b}",
    "{a}=？{b}=？",
]
