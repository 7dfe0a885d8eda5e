"""Requests for ``current_time`` and ``convert_time``."""

from __future__ import annotations

from models.nano.grammar import Ask, Source
from models.nano.quantities import clock, clock_zh
from models.nano.spoken import clock_in_words
from models.nano.wordings import people_time_en, people_time_zh, time_en, time_zh
from models.nano.words import NAMES, NAMES_ZH, city

NOW_Q = [
    "[what time is it|what's the time|what is the time|what time's it|what's the current time|what's the local time] [right now |now |currently |at the moment |]in {c}",
    "[what time is it|what's the time] in {c} [right now|now|at the moment|currently|at present]",
    "what time do they have in {c}",
    "what's the time over in {c}",
    "how late is it in {c}",
    "what is the [current|local|exact] time in {c}",
    "[do you know|any idea] what time it is in {c}",
    "[can|could|would|will] you tell me [what time it is|the time|the current time|the local time] in {c}",
    "what hour is it in {c}",
    "what does the clock say in {c}",
    "what day is it in {c}",
    "what's [today's date|the date] in {c}",
    "what's the date [today |right now |]in {c}",
    "is it [morning|night|late|already evening|still daytime] in {c} [right now|now|]",
    "which day [of the week |]is it in {c}",
    "what [date and time|time and date] is it in {c}",
    "in {c}, what time is it [now|right now|]",
    "[what's the|] {c} time [right now|now|]",
    "what time would it be in {c} [now|right now]",
    "what's the time for people in {c}",
    "do you have the time in {c}",
    "what time is it for [someone|people] in {c}",
    "what is the time of day in {c}",
    "what time have they got in {c}",
    "how early is it in {c}",
    "has it gone midnight in {c} yet",
    "what is today in {c}",
]
NOW_I = [
    "[tell|give] me the [time|current time|local time|time of day|date and time|date] in {c}",
    "[show|get|find] [me |]the [time|current time|local time] in {c}",
    "current time in {c}",
    "time in {c}",
    "time in {c} [now|right now]",
    "[check|look up] the [time|current time|clock] in {c}",
    "{c} time",
    "local time {c}",
    "I need the [time|current time|local time] in {c}",
    "tell me what time it is in {c}",
    "let me know [what time it is|the time] in {c}",
    "I'd like to know [the time|what time it is] in {c}",
    "the time in {c}",
    "time now in {c}",
    "find out what time it is in {c}",
    "tell me what day it is in {c}",
    "[I want|I'd like] to know what time it is in {c} [now|right now|at the moment]",
]
NOW_X = [
    "[I want to|I need to|I'm about to|I'd like to|can I|should I] [call|phone|ring|message|text] {n} in {c}[, what time is it there?|. What time is it there?|. What's the time there?|, what's the time there now?]",
    "{N} [lives|is|works|moved to live] in {c}[, what time is it there?|. What time is it there now?|. What time is it for them?|, what's the local time there?]",
    "[I'm|we're] flying to {c} [tomorrow|next week|soon|tonight], what time is it there [now|right now|at the moment|]?",
    "[I just landed|I've just arrived|We landed] in {c}[. What time is it here?|, what's the local time?|. What's the time?]",
    "Is it too late to [call|phone] {n} in {c}? [What time is it there?|What's the time there?]",
    "[My flight|The flight|the game|the show] is in {c}. [What time is it there|what's the time there] [now|right now|]?",
    "[Our office|My team|a colleague|our client] is in {c}, what's [the time|their time|the local time] there [now|]?",
    "{c}: what time is it there[ now|]?",
    "what's the time? I mean in {c}",
    "what time is it there in {c}?",
]
THEN_Q = [
    "when it is {t} in {a}[,|] what time is it in {b}",
    "when it's {t} in {a}[,|] what time is it in {b}",
    "if it's {t} in {a}, what time is it in {b}",
    "if it is {t} in {a}[,|] what's the time in {b}",
    "what time is it in {b} when it [is|'s] {t} in {a}",
    "what time is it in {b} if it's {t} in {a}",
    "what's the time in {b} when it's {t} in {a}",
    "what is {t} {a} time in {b}",
    "what's {t} {a} time in {b} time",
    "what's {t} in {a} in {b} time",
    "what time is {t} {a} time in {b}",
    "what time would {t} in {a} be in {b}",
    "what would {t} in {a} be in {b}",
    "{t} in {a} is what time in {b}",
    "{t} {a} time is what time in {b}",
    "what time in {b} is {t} in {a}",
    "what time will it be in {b} when it's {t} in {a}",
    "what time does {t} in {a} correspond to in {b}",
    "at {t} in {a}, what time is it in {b}",
    "what time is it in {b} at {t} {a} time",
    "[can|could|would] you [tell me what|work out what] {t} in {a} is in {b}",
    "[can|could] you convert {t} [from {a} time|{a} time|in {a}] to {b} time",
    "[do you know|any idea] what time it is in {b} when it's {t} in {a}",
    "when the clock says {t} in {a}, what does it say in {b}",
    "how late is it in {b} when it's {t} in {a}",
    "if it were {t} in {a}, what time would it be in {b}",
    "what's {t} from {a} in {b}",
    "when {a} has {t}, what time does {b} have",
]
THEN_I = [
    "convert {t} from {a} to {b}",
    "convert {t} {a} time to {b} [time|]",
    "convert {t} in {a} to {b} time",
    "translate {t} {a} time [to|into] {b} time",
    "{t} {a} to {b}",
    "{t} {a} time in {b}",
    "{t} in {a} to {b} time",
    "tell me what time it is in {b} when it's {t} in {a}",
    "give me the {b} time for {t} in {a}",
    "[tell|give] me {t} {a} time in {b} time",
    "I need {t} {a} time in {b} time",
    "change {t} {a} time to {b} time",
    "work out what {t} in {a} is in {b}",
    "I'd like to know what time it is in {b} when it is {t} in {a}",
    "show me what {t} in {a} is in {b}",
    "find the time in {b} [when it is|for] {t} in {a}",
    "turn {t} {a} time into {b} time",
    "switch {t} from {a} to {b} time",
]
THEN_X = [
    "[My|Our|The] [meeting|call|interview|webinar|exam|game|match|show|class|flight] [is|starts|begins] at {t} [in {a}|{a} time][, what time is that in {b}?|. What time is that in {b}?|. When is that in {b}?|, when is that in {b} time?|. What time would that be in {b}?]",
    "[There's|I have|We have] a [meeting|call|webinar|stream|concert|lecture] at {t} {a} time[. What time is it in {b}?|. What time is that in {b}?|, what's that in {b}?|. What's that in {b} time?|. When should I join from {b}?]",
    "It's {t} in {a}. What time is it in {b}?",
    "It is {t} here in {a}, [what time is it in {b}?|what's the time in {b}?]",
    "I'm in {a} and it's {t}. What time is it in {b}?",
    "I live in {b}. [A|The] [stream|game|sale] starts at {t} in {a}, [when is that for me?|what time is that for me?|what time is that here?]",
    "{N} will call me at {t} {a} time[. What time is that in {b}?|, what time is that in {b}?]",
    "[The|My] [flight|train|bus|plane] leaves {a} at {t}[. What time is that in {b}?|, what time is it in {b} then?|. What time is it in {b} at that moment?]",
    "if I [call|phone] {n} in {b} at {t} [from {a}|my time in {a}], what time is it [there|for them]?",
    "I'm in {a}. If I [call|ring] {b} at {t} my time, what time is it there?",
    "[the|our] [deadline|launch|release] is {t} {a} time, [what is|what's] that in {b}?",
    "{N} in {a} [wants to|can] meet at {t} [their|local] time. [What time is that in {b}?|When is that in {b}?]",
    "{t} in {a}, what time in {b}?",
    "{t} {a} time = ? in {b}",
    "{a} {t} -> {b}?",
]
NOW_ZH = [
    "{c}现在[是|]几点[了|钟|]",
    "现在{c}[是|]几点[了|钟|]",
    "{c}[现在|当前|目前]的时间[是多少|是几点|]",
    "[请问|想知道|告诉我]{c}现在几点",
    "{c}[的|]当地时间[是多少|是几点|]",
    "{c}几点了",
    "[查一下|查查|看一下|帮我查|帮我看看]{c}[的时间|现在几点|当前时间|现在的时间]",
    "[我想知道|能告诉我|你知道]{c}现在[几点|什么时间|是什么时候]吗",
    "{c}今天[星期几|几号|是几号]",
    "{c}那边现在几点",
    "[此刻|这会儿|眼下]{c}[是|]几点",
    "{c}时间",
    "{c}现在是[白天还是晚上|早上还是晚上|什么时候]",
    "现在是{c}[的|]几点",
    "{c}那边[几点了|是几点|什么时间了]",
    "在{c}现在几点",
    "告诉我{c}的[时间|当前时间|现在时间]",
    "{c}[现在|]是星期几",
    "{c}今天是什么日期",
    "请告诉我现在{c}的时间",
]
NOW_X_ZH = [
    "我[想|要|准备]给{c}的{n}打电话，那边现在几点？",
    "{n}在{c}，[那边|那里]现在几点[了|]？",
    "我[明天|下周|马上]要[飞|去]{c}，那里现在几点？",
    "我们在{c}有[客户|办公室|同事]，那边现在几点了？",
    "{n}住在{c}，现在那边是几点？",
    "我刚到{c}，现在几点？",
]
THEN_ZH = [
    "{a}{t}的时候{b}[是|]几点",
    "{a}{t}[时|，]{b}[是|]几点",
    "当{a}是{t}时，{b}是几点",
    "{a}[时间|]{t}是{b}[的|]几点",
    "如果{a}是{t}，{b}[是|]几点",
    "{a}时间{t}[，|对应|等于]{b}[时间|]几点",
    "把{a}[时间|的]{t}[换算成|转换成|换成]{b}时间",
    "{a}{t}，{b}几点",
    "{t}在{a}，那{b}是几点",
    "{a}现在{t}，那么{b}是几点",
    "[请问|想知道|告诉我]{a}{t}时{b}几点",
    "{a}的{t}[相当于|是|对应]{b}[的|]几点",
    "将{a}时间{t}转换[为|成|到]{b}时间",
    "{b}在{a}{t}的时候是几点",
    "{a}时间{t}，{b}那边[是|]几点",
    "等{a}到{t}，{b}是几点",
    "{a}[是|]{t}，请问{b}[时间是多少|几点]",
]
THEN_X_ZH = [
    "[会议|电话会|比赛|直播|面试|航班]在{a}时间{t}[开始|]，{b}[是|那时]几点？",
    "我在{a}，[会议|电话会]是{t}，{b}[那边|的{n}]是几点？",
    "{n}约我{a}时间{t}[开会|通话]，{b}是几点？",
    "{a}的[比赛|发布会|演唱会]{t}开始，{b}时间是几点？",
    "我在{b}，{a}{t}有个会，我这边是几点？",
]

NOW_Q.extend(time_en.NOW_Q + people_time_en.NOW_Q)
NOW_I.extend(time_en.NOW_I + people_time_en.NOW_I)
NOW_X.extend(time_en.NOW_X + people_time_en.NOW_X)
THEN_Q.extend(time_en.THEN_Q + people_time_en.THEN_Q)
THEN_I.extend(time_en.THEN_I + people_time_en.THEN_I)
THEN_X.extend(time_en.THEN_X + people_time_en.THEN_X)
NOW_ZH.extend(time_zh.NOW + people_time_zh.NOW)
NOW_X_ZH.extend(time_zh.NOW_X + people_time_zh.NOW_X)
THEN_ZH.extend(time_zh.THEN + people_time_zh.THEN)
THEN_X_ZH.extend(time_zh.THEN_X + people_time_zh.THEN_X)


def ask_now(source: Source, chinese: bool = False) -> Ask:
    """One request for ``current_time``."""
    place = city(source, chinese)
    if chinese:
        table, form = (NOW_X_ZH, "x") if source.chance(0.3) else (NOW_ZH, "q")
    else:
        table, form = source.rng.choice([(NOW_Q, "q"), (NOW_Q, "q"), (NOW_I, "i"), (NOW_X, "x")])
    name = source.pick(NAMES_ZH if chinese else NAMES)
    fills = {"c": place, "n": name, "N": name[0].upper() + name[1:], "o": city(source, chinese)}
    return Ask(
        source.say(source.pick(table)), fills, ("current_time", {"timezone": place}), form, chinese
    )


def ask_then(source: Source, chinese: bool = False) -> Ask:
    """One request for ``convert_time``."""
    a, b = city(source, chinese), city(source, chinese)
    time = said = clock_zh(source) if chinese else clock(source)
    if not chinese and source.chance(0.12):
        said, time = clock_in_words(source)
    if chinese:
        table, form = (THEN_X_ZH, "x") if source.chance(0.3) else (THEN_ZH, "q")
    else:
        table, form = source.rng.choice(
            [(THEN_Q, "q"), (THEN_Q, "q"), (THEN_I, "i"), (THEN_X, "x")]
        )
    name = source.pick(NAMES_ZH if chinese else NAMES)
    fills = {"a": a, "b": b, "t": said, "n": name, "N": name[0].upper() + name[1:]}
    call = ("convert_time", {"time": time, "from_timezone": a, "to_timezone": b})
    return Ask(source.say(source.pick(table)), fills, call, form, chinese)
