"""Turns without a call: small talk, what no tool can do, and questions back."""

from __future__ import annotations

from models.nano.grammar import Source
from models.nano.quantities import clock, clock_zh, number
from models.nano.wordings import people_talk
from models.nano.words import NAMES, THINGS, UNITS, UNITS_ZH, any_word, city

CAN = "I can do arithmetic, tell and convert times, convert units, and keep notes."
CAN_ZH = "我可以做计算、查询和换算时间、换算单位，还能管理笔记。"
CANNOT = "Sorry, I can't do that with my tools."
CANNOT_ZH = "抱歉，我的工具做不到这一点。"

SMALL = [
    (
        "[hi|hello|hey|hi there|hello there|good morning|good evening|good afternoon|howdy|yo|greetings|hiya|hey there][!|.||, how are you?]",
        "Hello! How can I help you?",
    ),
    (
        "[thanks|thank you|thx|cheers|many thanks|thanks a lot|thank you so much|great, thanks|perfect, thank you|ok thanks|awesome, thanks|that's all, thanks|much appreciated][!|.|]",
        "You're welcome!",
    ),
    (
        "[bye|goodbye|see you|good night|see you later|that's all for today, bye|ciao][!|.|]",
        "Goodbye!",
    ),
    (
        "[what can you do|what are you able to do|how can you help me|what can you help me with|what are your features|help|what do you do|who are you|what are you|tell me what you can do|which tools do you have|what tools can you use][?|]",
        CAN,
    ),
    (
        "[how are you|how's it going|how are you doing|how do you do|are you ok|what's up][?| today?|]",
        "I'm fine, thank you. How can I help you?",
    ),
    (
        "[ok|okay|great|cool|nice|perfect|good|alright|got it|I see|fine|well done|good job|very nice][!|.|]",
        "Let me know if you need anything else.",
    ),
    (
        "[tell me a joke|write me a poem|sing a song|tell me a story|write an essay about {w}|make me laugh][.|!| please|]",
        CANNOT,
    ),
    ("[what's|what is|how's|how is] the weather [like |]in {c}[?| today?| tomorrow?]", CANNOT),
    ("[will|does] it rain [in {c}|tomorrow|today][?|]", CANNOT),
    (
        "[book|find|get] [me |][a flight|a hotel|a table|a taxi|a train ticket] [to|in|near] {c}[.|, please|]",
        CANNOT,
    ),
    ("[play|put on|start] [some music|{w}|a song by {w}|my playlist][.|!|]", CANNOT),
    ("[send|write] [an email|a message|a text] to {n}[.| about {w}|]", CANNOT),
    ("[who|when] [wrote|invented|discovered|painted|founded] {w}[?|]", CANNOT),
    ("[what is|what's] the capital of {w}[?|]", CANNOT),
    ("order [me |]{i}[ please| online|]", CANNOT),
    ("translate [{w}|hello|thank you] into [French|German|Spanish|Chinese][.|]", CANNOT),
    ("[turn|switch] [on|off] the [lights|heating|tv|{w}][.| please|]", CANNOT),
    ("[what's|what is] the [stock price|share price|news|score|exchange rate] of {w}[?|]", CANNOT),
    ("how many people live in {c}[?|]", CANNOT),
    ("[what's|what is|explain] {w}[?|]", CANNOT),
    ("[set|create] [a timer|an alarm] for {t}[.|]", CANNOT),
    ("call {n}[.| please|]", CANNOT),
    ("[show|draw|send] me a picture of {w}[.|]", CANNOT),
    (
        "convert [100|50|{v}] [dollars|euros|yen|pounds sterling] [to|into] [dollars|euros|yen|yuan][.|]",
        CANNOT,
    ),
    ("[what is|what's|who is] the [president|king|mayor|coach] of {w}[?|]", CANNOT),
]
SMALL_ZH = [
    ("[你好|您好|嗨|早上好|晚上好|下午好|哈喽|你好呀|在吗][！|。|]", "你好！有什么可以帮你？"),
    ("[谢谢|谢谢你|多谢|非常感谢|感谢|谢啦|好的，谢谢|太好了，谢谢][！|。|]", "不客气！"),
    ("[再见|拜拜|晚安|下次见|回头见][！|。|]", "再见！"),
    (
        "[你能做什么|你会什么|你能帮我做什么|你有什么功能|你是谁|你能干嘛|怎么用你|你有哪些工具|帮助][？|]",
        CAN_ZH,
    ),
    ("[好的|好|明白了|知道了|不错|很好|可以][。|！|]", "还有需要随时告诉我。"),
    ("[讲个笑话|写首诗|唱首歌|讲个故事][吧|。|]", CANNOT_ZH),
    ("{c}[今天|明天|]天气[怎么样|如何|好吗][？|]", CANNOT_ZH),
    ("[帮我|][订|买]一张去{c}的[机票|火车票][。|]", CANNOT_ZH),
    ("[播放|放]一[首歌|点音乐][。|]", CANNOT_ZH),
    ("给{n}发[邮件|短信|消息][。|]", CANNOT_ZH),
    ("[谁写了|谁发明了]{w}[？|]", CANNOT_ZH),
    ("{c}有多少人口[？|]", CANNOT_ZH),
    ("[打开|关掉][灯|空调|电视][。|]", CANNOT_ZH),
    ("[翻译|帮我翻译]“{w}”成英语[。|]", CANNOT_ZH),
    ("{w}是什么意思[？|]", CANNOT_ZH),
    ("{v}[美元|欧元|日元]是多少人民币[？|]", CANNOT_ZH),
    ("[股票|今天的新闻|比分|汇率]怎么样[？|]", CANNOT_ZH),
]
MISSING = [
    ("[convert|change|turn] {v} {u}[.||, please| for me]", "To which unit?"),
    ("[can|could] you convert {v} {u}[?| for me?]", "To which unit?"),
    ("I want to convert {v} {u}[.|]", "To which unit?"),
    ("[convert|change] [something |it |this |]to {u}[.|]", "Which value and unit?"),
    ("how many {u} is that[?|]", "Which value and unit?"),
    ("convert units[.| please|]", "Which value and units?"),
    (
        "[what time is it|what's the time|tell me the time|what is the time|time][?||, please| now| right now]",
        "In which city?",
    ),
    ("[current time|what time is it there|what's the local time][?| please|]", "In which city?"),
    ("[when it's|if it's] {t} in {c}, what time is it[?|]", "In which other city?"),
    ("convert {t} [from {c}|{c} time][.|]", "To which city?"),
    ("convert {t} to {c} time[.|]", "From which city?"),
    ("what is {t} in {c}[?|]", "From which city?"),
    ("[save|make|take|add|write] a note[.||, please]", "What should the note say?"),
    (
        "[can you|I want to|I'd like to] [save|make|take|write] a note[?|.|]",
        "What should the note say?",
    ),
    ("remember something [for me|][.|]", "What should the note say?"),
    ("[search|look through|check] [my |the ]notes[.| please|]", "What should I search for?"),
    ("find a note[.|]", "What should I search for?"),
    ("[delete|remove|erase] [a|my|the|that] note[.||, please]", "Which note number?"),
    ("I want to delete a note[.|]", "Which note number?"),
    (
        "[calculate|compute|do some math|do a calculation|work something out][.| please| for me|]",
        "What should I calculate?",
    ),
    ("[add|multiply|divide] {v}[.|]", "With which other number?"),
    ("[what is|what's] {v} percent[?|]", "Of which number?"),
]
MISSING_ZH = [
    ("[把|换算|转换]{v}{u}[换算一下|]", "换算成什么单位？"),
    ("[帮我|]换算{v}{u}", "换算成什么单位？"),
    ("现在几点[了|][？|]", "哪个城市？"),
    ("几点了[？|]", "哪个城市？"),
    ("当{c}{t}时，是几点[？|]", "换算到哪个城市？"),
    ("[保存|记|写]一条笔记[。|]", "笔记写什么？"),
    ("[帮我|]记[个|一条]笔记", "笔记写什么？"),
    ("[搜索|查找|查一下][我的|]笔记[。|]", "搜索什么内容？"),
    ("删[除|掉][一条|]笔记[。|]", "删除第几条笔记？"),
    ("[计算一下|帮我算算|算个数][。|]", "要计算什么？"),
    ("换算单位[。|]", "什么数值和单位？"),
]

HELLO = "Hello! How can I help you?"
MORE = [
    *((said, CANNOT) for said in people_talk.CANNOT),
    *((said, HELLO) for said in people_talk.GREETING),
    *((said, "You're welcome!") for said in people_talk.THANKED),
    *((said, "Goodbye!") for said in people_talk.PARTING),
    *((said, CAN) for said in people_talk.ABLE),
    *((said, "Let me know if you need anything else.") for said in people_talk.NOTED),
]
MORE_ZH = [
    *((said, CANNOT_ZH) for said in people_talk.CANNOT_ZH),
    *((said, "你好！有什么可以帮你？") for said in people_talk.GREETING_ZH),
    *((said, "不客气！") for said in people_talk.THANKED_ZH),
    *((said, "再见！") for said in people_talk.PARTING_ZH),
    *((said, CAN_ZH) for said in people_talk.ABLE_ZH),
    *((said, "还有需要随时告诉我。") for said in people_talk.NOTED_ZH),
]
MISSING.extend(people_talk.MISSING)
MISSING_ZH.extend(people_talk.MISSING_ZH)


def _fill(source: Source, template: str, chinese: bool) -> str:
    units = source.pick(list((UNITS_ZH if chinese else UNITS).values()))
    fills = {
        "c": city(source, chinese),
        "w": any_word(source),
        "n": source.pick(NAMES),
        "i": source.pick(THINGS),
        "t": clock_zh(source) if chinese else clock(source),
        "v": number(source)[0],
        "u": source.pick(units.split("|")),
    }
    text = source.say(template)
    for slot, word in fills.items():
        text = text.replace("{" + slot + "}", str(word))
    return text.strip()


def small_talk(source: Source, chinese: bool) -> tuple[str, str]:
    """(what the user says, what to answer) where no tool is needed or fits."""
    few, more = (SMALL_ZH, MORE_ZH) if chinese else (SMALL, MORE)
    template, answer = source.pick(few if source.chance(0.5) else more)
    return _fill(source, template, chinese), answer


def missing(source: Source, chinese: bool) -> tuple[str, str]:
    """(a request that lacks a fact, the question back)."""
    template, answer = source.pick(MISSING_ZH if chinese else MISSING)
    return _fill(source, template, chinese), answer
