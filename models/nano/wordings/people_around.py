"""Who is asking, and why: what stands before and after a request; and how two of them are joined.

As in ``around`` and ``joints``. Nothing here asks for anything, and its numbers belong to no request.
"""

from __future__ import annotations

BEFORE = [
    "psst, ", "over to you: ", "young man, ", "love, ",
    "captain here, ", "from ward B: ", "kitchen calling: ", "if you'd be so good, ",
    "off topic, but ", "serious question: ", "for my daughter: ", "asking again: ", "before I forget: ",
    "between us, ", "just so I know, ", "my turn now: ", "one for the road: ", "today's question: ",
]  # fmt: skip
CONTEXT = [
    "I'm on a [ladder|bike|bus|treadmill|roof] and can't type. ",
    "I've got flour all over my hands. ",
    "I'm a nurse on nights. ",
    "I'm a carpenter, not a mathematician. ",
    "I drive a lorry for a living. ",
    "We run a small shop. ",
    "I'm eighty-four and new to this. ",
    "Grandma here. ",
    "I'm doing the books tonight. ",
    "The [tax office|auditor|landlord|customs officer] wants to see something. ",
    "Customer at the counter, please be brief. ",
    "There's a queue behind me. ",
    "We're about to [board|close|take off|kick off|serve]. ",
    "I'm at gate B12. ",
    "Table 9 is getting impatient. ",
    "I've asked three people already. ",
    "My head is spinning. ",
    "I promised {n} an answer. ",
    "{N} swears I'm wrong. ",
    "The [baby|dog|cat] has just fallen asleep, so keep it short. ",
    "It's my first day [on the ward|in the office|at the garage]. ",
    "I left my reading glasses in {c}. ",
    "Our group is spread over half the world. ",
    "I'm training for a marathon. ",
    "I've an exam in ten minutes. ",
    "The app I used for this is gone. ",
    "I speak little English, sorry. ",
    "This may sound odd. ",
    "I'm revising a spreadsheet. ",
    "I have asked you this yesterday too. ",
    "The wifi here in {c} is terrible. ",
    "I'm writing documentation. ",
]
AFTER = [
    ", there's a dear", ", darling", ", captain", ", over", ", if it's no trouble", ", nothing more",
    ". {N} is at the door.", ". The customer's waiting.", ". We're about to board.", ". I've flour on my hands.",
    ". I'm no good with numbers.", ". It's for the logbook.", ". It's going into the report.",
    ". My grandson set this up for me.", ". I lost the bet otherwise.", ". Then I'll leave you alone.",
    ", or {n} will be cross", ". I want to close the books.", ". The shop shuts soon.", ", I'm stirring",
]  # fmt: skip
AFTER_Q = [
    "? I'm on a ladder.", "? My hands are full.", "? The customer is waiting.", "? It's for the logbook.",
    "? Grandma wants to know.", "? Over.", "? I've asked everybody else.", "? The kids keep asking.",
    "? Shift starts soon.", "? I'm about to sign.", "? No need to explain.", "? A number will do.",
    "? Ta, love.", "? We're at the gate.", "? I lost my notes on how to do it.",
]  # fmt: skip
BEFORE_ZH = [
    "喂喂，", "听我说，", "孩子，", "小伙子，", "亲爱的，", "机长问，", "护士站问：", "后厨问：", "替我妈问一句，", "正经问一下，",
    "插一句，", "多问一句，", "轮到我了：", "今天的问题：", "再确认一下，", "欸，", "請問一下，", "不好意思，想請教，", "哈囉，",
]  # fmt: skip
CONTEXT_ZH = [
    "我手上全是面粉。",
    "我骑着车，打不了字。",
    "我是夜班护士。",
    "我是木匠，算数不行。",
    "我开货车的。",
    "我们开个小店。",
    "我七十多了，刚学用这个。",
    "奶奶我眼神不好。",
    "今晚在对账。",
    "顾客就站在柜台前。",
    "后面排着队呢。",
    "马上要[登机|打烊|开赛|开饭|交班]了。",
    "我在B12登机口。",
    "9号桌在催。",
    "问了三个人都不知道。",
    "答应了人家要给个准数。",
    "孩子刚睡着，小声点。",
    "今天第一天上班。",
    "老花镜落在{c}了。",
    "在备战马拉松。",
    "十分钟后就考试。",
    "我中文不太好。",
    "可能有点奇怪。",
    "税务局等着要。",
    "我在北京上班，忙疯了。",
    "我是台灣來的學生。",
    "手機快沒電了。",
]
AFTER_ZH = [
    "，我在梯子上", "，手上都是面", "，顾客等着", "，写日志要用", "，奶奶想知道", "，别解释", "。给个数就行", "。马上登机了",
    "。孩子一直问", "。签字前确认下", "。我眼睛花", "。排队呢", "，謝謝", "，拜託了", "。感恩",
]  # fmt: skip
JOIN = [
    "; on a different note, ", ", and since you're there, ", ", and lastly ", " … also ", ", and separately, ",
    ", while I have you, ", "; second thing: ", ", and as a follow-up ", ", and for {n} ", " + ", ", oh, and while I think of it, ",
    "; the other thing is ", ", and once you've done that, ", ", and to finish, ", "; unrelated, ",
]  # fmt: skip
START = [
    "On another note: ", "Different topic: ", "While I have you, ", "Before you go: ", "And the other thing: ",
    "Right, next: ", "Lastly, ", "Unrelated: ", "Now for something else: ", "Second item: ", "{N} also asks: ",
    "Oh wait, also: ", "And for my colleague: ", "Last thing: ",
]  # fmt: skip
AROUND = [
    ("one, ", ["; two, ", ", and two, "], ""),
    ("on the one hand ", [", on the other ", "; on the other hand "], ""),
    ("kill two birds with one stone: ", [" and ", "; ", " + "], ""),
    ("in this order: ", [", then ", "; ", " -> "], ""),
    ("", [", and the moment that's done, ", ", followed straight away by "], ""),
    ("Item one: ", [". Item two: ", "; item two: "], ""),
    ("I've a double question. ", [" And ", "; "], ""),
]
JOIN_ZH = [
    "，换个话题，", "，趁你在，", "；第二件，", "，跟这个无关，", "，弄完再", "，末了", "，还得", "，再一个，", "，替同事问一下，",
    "，另外再", "，順便", "，還有", "，然後", "。另外想請問，",
]  # fmt: skip
START_ZH = [
    "换个话题，", "还没完，", "趁你在，", "最后一件，", "再替同事问一句，", "跟上面无关，", "下一个：", "等等，还有，", "還有，",
    "另外想問，",
]  # fmt: skip
AROUND_ZH = [
    ("一是", ["，二是", "；二是"], ""),
    ("按顺序来：", ["，然后", "；"], ""),
    ("一次问两个：", ["；", "，还有"], ""),
    ("前一件，", ["；后一件，"], ""),
    ("我有兩個問題：", ["；", "，還有"], ""),
]
