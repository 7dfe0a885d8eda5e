"""More wordings that ask for two things at once; slots as in ``ask_both``.

``MIXED`` pairs a wording with the two calls it asks for, in order: a tool's short name and the slots that
fill its arguments.  ``{a}``, ``{b}``, ``{c}`` are places, ``{t}`` and ``{t2}`` times, ``{e}`` and ``{e2}`` sums,
``{v} {u}`` and ``{w}`` a quantity and the unit wanted, ``{q}`` what is searched for, ``{i}`` and ``{j}`` numbers
of notes, ``{x}`` the text of one, ``{k}``, ``{l}`` and ``{m}`` plain numbers.
"""

from __future__ import annotations

NOW = [
    "I keep two clocks on my wall, {a} and {b}. What should they show?",
    "one kid in {a}, the other in {b}: what time does each of them have?",
    "{a}? {b}? Times please.",
    "what's it on in {a}, and ditto {b}?",
    "a world clock for {a} plus {b}, please",
    "crew change between {a} and {b}, what's local time in each?",
    "what are the local times, one for {a} and one for {b}?",
    "is it late in {a}? and in {b}? what are their times?",
    "before I call {a} and then {b}, what time have they got?",
    "both {a} time and {b} time, right now",
    "the time in {a} would be great, and the one in {b} as well",
    "I fly {a} to {b}. Current time at both ends?",
    "time at my desk in {a}, time at the client's in {b}?",
    "look at the clock in {a} first and then at the one in {b}",
    "not just {a}, I also need to know what time it is in {b}",
    "my shops in {a} and {b}: what's the time there right now?",
]
THEN = [
    "{t} {a} time, once for {b} and once for {c}",
    "I'm sending invites to {b} and {c} for {t} in {a}. Which times do I write?",
    "one colleague's in {b}, the other in {c}. We meet at {t} {a} time. When's that for each?",
    "from {a}, {t}: give me {b}, then {c}",
    "at {t} in {a}, what do the clocks say in {b} and in {c}?",
    "takeoff {t} in {a}. Tell family in {b} and family in {c} their own times, what are they?",
    "express {t} {a} time in {b} time and also in {c} time",
    "broadcast from {a} at {t}; viewers in {b} tune in when, and viewers in {c}?",
    "{t} {a} time is when in {b}, and when in {c}?",
    "my {t} in {a} is what for {b}? and what for {c}?",
]
THEN2 = [
    "what are {t} and {t2} in {a} in {b} time?",
    "the shop in {a} opens at {t} and shuts at {t2}. What's that in {b}?",
    "convert {t} and also {t2} from {a} to {b}",
    "call starts {t}, ends {t2}, both {a} time. And in {b}?",
    "two slots, {t} or {t2} in {a}. What would they be in {b}?",
    "{t} in {a} is what in {b}? And {t2}?",
    "I leave {a} at {t} or else at {t2}, what time is it in {b} in either case?",
    "when it's {t} in {a}, what time is it in {b}, and when it's {t2}?",
    "lessons are at {t} and at {t2}, {a} time; I'm in {b}, when do I log on?",
    "give me {b} time for {t} and for {t2} in {a}",
    "my pills are at {t} and {t2} in {a}. I'm off to {b}: when do I take them there?",
]
VALUES = [
    "two boards, {v} {u} and {v2} {u}. Both in {w} please.",
    "one is {v} {u}, the other {v2} {u}; what are they in {w}?",
    "between {v} {u} and {v2} {u}, the label says. Give me both ends in {w}.",
    "from {v} to {v2} {u}, how would each end read in {w}?",
    "old value {v} {u}, new value {v2} {u}, both in {w}?",
    "first {v} {u}, then {v2} {u}, each turned into {w}",
    "my two suitcases say {v} {u} and {v2} {u}. In {w} each is?",
    "I need {w} for {v} {u} and for {v2} {u}",
    "{w}, twice: {v} {u}, {v2} {u}",
    "the recipe has {v} {u} of one thing and {v2} {u} of another, my scale wants {w}",
    "yesterday {v} {u}, today {v2} {u}: tell me both in {w}",
]
TARGETS = [
    "some read {w}, some read {w2}: put {v} {u} in both for them",
    "{v} {u}: first {w}, then {w2}",
    "I'd like {v} {u} in two ways, {w} and {w2}",
    "the form asks for {w} and for {w2}, I have {v} {u}",
    "how many {w} is {v} {u}, and how many {w2}?",
    "{v} {u} for the English side in {w}, for the other side in {w2}",
    "take {v} {u}, give me {w}, then do the same with {w2}",
    "convert {v} {u} into {w}, plus a second line in {w2}",
    "what's {v} {u} to a person who uses {w}, and to one who uses {w2}?",
    "{v} {u} equals how many {w}? and how many {w2}?",
]
DELETE = [
    "{a} and {b} are old notes, bin them",
    "two notes to delete: {a}, {b}",
    "both note {a} and note {b} are done, take them out",
    "note {a} goes, note {b} goes",
    "only delete {a} and {b}, keep every other note",
    "first delete note {a}, then note {b}",
    "clean-up time, notes {a} and {b} out please",
    "rm notes {a} {b}",
    "I no longer need note {a}, nor note {b}, so delete both",
    "would you get rid of note {a} as well as note {b}?",
    "the trip's over: notes {a} and {b} can be removed",
    "drop note {a}. Oh, and drop {b}.",
    "delete note number {a} for me and number {b} as well",
]
SEARCH = [
    "two lookups in my notes: {a}; {b}",
    "what do my notes say on {a}, and what on {b}?",
    "is {a} in my notes? is {b}?",
    "find me the note on {a} and the one on {b}",
    "grep my notes, once for {a} and once for {b}",
    "first search my notes for {a}, afterwards for {b}",
    "I wrote something on {a} and something else on {b}, find both in my notes",
    "notes on {a}? notes on {b}?",
    "let me see what I noted about {a} and separately about {b}",
    "have I saved anything about {a}, and anything about {b}?",
]
SAVE = [
    'two separate notes please, one "{a}", one "{b}"',
    'note one: "{a}", note two: "{b}"',
    'first save "{a}", then save "{b}"',
    '"{a}" in one note, "{b}" in another',
    'put down "{a}" for me, and a second note with "{b}"',
    "keep these as two notes:\n* {a}\n* {b}",
    "one note each:\na) {a}\nb) {b}",
    'remember "{a}". Remember "{b}" too.',
    'he said "{a}", she said "{b}", make a note of each',
]
MATH = [
    "{a}, and while we're at it {b}?",
    "check two sums for me, {a} and {b}",
    "problem a: {a}. Problem b: {b}.",
    "I need {a} for the left column and {b} for the right one",
    "give me the results of {a} and of {b}",
    "which is it for {a}, and for {b}?",
    "one: {a}\ntwo: {b}",
    "{a} is? and {b} is?",
    "work out {a} first. Then {b}.",
    "invoice line 1 is {a}, line 2 is {b}, what are they?",
    "row one {a}, row two {b}, results please",
    "the twins are stuck: one on {a}, the other on {b}",
]
MIXED: list[tuple[str, list[tuple[str, ...]]]] = [
    (
        "what time is it in {a}, and what will it be there when it's {t} in {b}?",
        [("now", "a"), ("then", "t", "b", "a")],
    ),
    (
        "I'm ringing {a} at {t} from {b}: what will their time be then, and what is it right now?",
        [("then", "t", "b", "a"), ("now", "a")],
    ),
    (
        "Time in {a} please, and if we start at {t} in {a}, what's that in {b}?",
        [("now", "a"), ("then", "t", "a", "b")],
    ),
    (
        "the kickoff is {t} in {a}; when is that in {b}, and what time is it in {c} now?",
        [("then", "t", "a", "b"), ("now", "c")],
    ),
    (
        "{t} {a} time in {b} please, and {t2} {c} time in {b} as well",
        [("then", "t", "a", "b"), ("then", "t2", "c", "b")],
    ),
    (
        "the sheet for the trip says {v} {u}, so how much is that in {w}, and what time is it in {a} now?",
        [("units", "v"), ("now", "a")],
    ),
    (
        "Packing for {a}: what time is it there, and how much is {v} {u} in {w}?",
        [("now", "a"), ("units", "v")],
    ),
    (
        "convert {v} {u} to {w} and tell me {t} {a} time in {b}",
        [("units", "v"), ("then", "t", "a", "b")],
    ),
    (
        "what's {e}, and how many {w} is {v} {u}?",
        [("math", "e"), ("units", "v")],
    ),
    (
        "turn {v} {u} into {w}, then work out {e} for me",
        [("units", "v"), ("math", "e")],
    ),
    (
        "{e} is how much, and how late is it in {a}?",
        [("math", "e"), ("now", "a")],
    ),
    (
        "If it's {t} in {a}, when is it in {b}, and what's {e}?",
        [("then", "t", "a", "b"), ("math", "e")],
    ),
    (
        "can you do {e} and, if you're still with me, look for {q} in my notes?",
        [("math", "e"), ("search", "q")],
    ),
    (
        "find my note on {q} and calculate {e}",
        [("search", "q"), ("math", "e")],
    ),
    (
        "do my notes mention {q}, and what time have they got in {a}?",
        [("search", "q"), ("now", "a")],
    ),
    (
        "Is it night in {a}? And have I noted anything about {q}?",
        [("now", "a"), ("search", "q")],
    ),
    (
        "look up {q} in my notes, and get rid of note {i}",
        [("search", "q"), ("delete", "i")],
    ),
    (
        "note {i} can go, but show me what I have on {q}",
        [("delete", "i"), ("search", "q")],
    ),
    (
        "remove note {i}, and how much is {e}?",
        [("delete", "i"), ("math", "e")],
    ),
    (
        "how many {w} is {v} {u}? You can also bin note {i}.",
        [("units", "v"), ("delete", "i")],
    ),
    (
        "delete note {i} since it's {t} in {a} already, and what's that in {b}?",
        [("delete", "i"), ("then", "t", "a", "b")],
    ),
    (
        "scrap note {i} and put this in its place: {x}",
        [("delete", "i"), ("save", "x")],
    ),
    (
        "note {i} is out of date. Delete it and save a new one: {x}",
        [("delete", "i"), ("save", "x")],
    ),
    (
        "have I got {q} in my notes already? And add a note: {x}",
        [("search", "q"), ("save", "x")],
    ),
    (
        "what time is it in {a}? Also write this down: {x}",
        [("now", "a"), ("save", "x")],
    ),
    (
        "I need {e}, and then take a note: {x}",
        [("math", "e"), ("save", "x")],
    ),
    (
        "{v} {u} in {w}, please, and keep a note that says: {x}",
        [("units", "v"), ("save", "x")],
    ),
    (
        'save "{x}" and tell me what time it is in {a}',
        [("save", "x"), ("now", "a")],
    ),
    (
        'put "{x}" in my notes, then work out {e}',
        [("save", "x"), ("math", "e")],
    ),
    (
        'write down "{x}", and by the way how many {w} are there in {v} {u}?',
        [("save", "x"), ("units", "v")],
    ),
    (
        'please note "{x}", after which you can delete note {i}',
        [("save", "x"), ("delete", "i")],
    ),
    (
        'keep "{x}" for me and check whether I already noted something on {q}',
        [("save", "x"), ("search", "q")],
    ),
    (
        'add "{x}" to my notes; and when it is {t} in {a}, what time is it in {b}?',
        [("save", "x"), ("then", "t", "a", "b")],
    ),
    (
        "{k} times {l}, and {m} divided by {l}, what are they?",
        [("calc", "k * l"), ("calc", "m / l")],
    ),
    (
        "what's {k} plus {l}, and what's {k} minus {l}?",
        [("calc", "k + l"), ("calc", "k - l")],
    ),
    (
        "a {k} by {l} room: how big is the floor, and how long is the skirting all the way round?",
        [("calc", "k * l"), ("calc", "2 * (k + l)")],
    ),
    (
        "I need both the square of {k} and the square root of {l}",
        [("calc", "k ** 2"), ("calc", "sqrt(l)")],
    ),
    (
        "add {k} to {l} for me, and tell me what hour it is in {a}",
        [("calc", "l + k"), ("now", "a")],
    ),
    (
        "bill's {m}, we're {k}: each pays what? And what time is it back home in {a}?",
        [("calc", "m / k"), ("now", "a")],
    ),
    (
        "how much is {k} percent of {m}, and how many {w} is {v} {u}?",
        [("calc", "k / 100 * m"), ("units", "v")],
    ),
    (
        "half of {m} please, and a third of {k}",
        [("calc", "m / 2"), ("calc", "k / 3")],
    ),
    (
        "{k} boxes of {l} make how many, and did I note anything about {q}?",
        [("calc", "k * l"), ("search", "q")],
    ),
    (
        "it's {t} here in {a}; what's the time in {b} then, and does my notebook have {q} in it?",
        [("then", "t", "a", "b"), ("search", "q")],
    ),
    (
        "My plane's a mess of numbers: {v} {u} in {w}, and {k} minus {l}?",
        [("units", "v"), ("calc", "k - l")],
    ),
    (
        "I owe {k} people {l} each, how much is that, and please delete note {i} with the old list",
        [("calc", "k * l"), ("delete", "i")],
    ),
    (
        "homework: first {e}, then {v} {u} in {w}",
        [("math", "e"), ("units", "v")],
    ),
]
NOW_ZH = [
    "墙上挂两个钟，一个{a}一个{b}，各该几点？",
    "大的在{a}，小的在{b}，两个孩子那边现在几点？",
    "{a}？{b}？都几点了？",
    "我从{a}飞{b}，两头现在各几点？",
    "不光{a}，{b}几点我也要知道",
    "先看{a}的钟，再看{b}的钟，报给我",
    "{a}跟{b}的店，那边眼下都几点？",
    "打给{a}之前问一下几点，{b}也一起问了",
    "{a}的时间要一个，{b}的时间也要一个",
    "{a}睡了没？{b}呢？都看一下几点",
    "{a}跟{b}現在各是幾點？",
    "幫我查{a}和{b}的時間",
]
THEN_ZH = [
    "邀请发给{b}和{c}，开会是{a}{t}，分别写几点？",
    "{a}{t}直播，{b}观众几点看，{c}观众几点看？",
    "一个同事在{b}，一个在{c}，约{a}时间{t}，他们各是几点？",
    "{a}{t}，{b}要一份，{c}要一份，换算一下",
    "我{a}这里{t}，对{b}是几点，对{c}又是几点？",
    "{t}从{a}起飞，告诉我那时{b}几点、{c}几点",
    "{a}的{t}，換成{b}跟{c}各是幾點？",
]
THEN2_ZH = [
    "{a}的店{t}开门{t2}关门，{b}时间各是几点？",
    "{a}时间{t}和{t2}，换到{b}分别几点？",
    "会从{t}开到{t2}，都是{a}时间，{b}是几点到几点？",
    "两个档期，{a}{t}或者{t2}，在{b}各几点？",
    "{a}{t}是{b}几点？{t2}呢？",
    "药在{a}是{t}和{t2}吃，到{b}该几点吃？",
    "把{a}的{t}和{t2}都换成{b}时间",
    "{a}的{t}跟{t2}，換成{b}時間各是幾點？",
]
VALUES_ZH = [
    "两块板，{v}{u}和{v2}{u}，都要{w}的数",
    "旧的{v}{u}，新的{v2}{u}，换成{w}各多少？",
    "一个箱子{v}{u}，另一个{v2}{u}，各是几{w}？",
    "标签写{v}{u}到{v2}{u}，两头换成{w}分别多少？",
    "先换{v}{u}，再换{v2}{u}，都换成{w}",
    "昨天{v}{u}，今天{v2}{u}，用{w}说分别是多少？",
    "{w}要两个：{v}{u}的，{v2}{u}的",
    "{v}{u}跟{v2}{u}各等於多少{w}？",
]
TARGETS_ZH = [
    "{v}{u}，给我{w}的，也给我{w2}的",
    "表上两栏，{w}和{w2}，我有{v}{u}，分别填多少？",
    "有人看{w}有人看{w2}，{v}{u}两种都写一下",
    "{v}{u}先换{w}，再换{w2}",
    "{v}{u}等于几{w}，再算算几{w2}",
    "{v}{u}是幾{w}？又是幾{w2}？",
]
DELETE_ZH = [
    "{a}和{b}这两条笔记，都清掉",
    "先删第{a}条笔记，接着删第{b}条",
    "只删笔记{a}和{b}，别的留着",
    "笔记{a}办完了，笔记{b}也办完了，都去掉",
    "出差回来了，{a}号和{b}号笔记可以删了",
    "{a}、{b}，两条笔记，删",
    "除了笔记{a}，{b}号也一起删掉",
    "第{a}則和第{b}則筆記都刪掉",
]
SEARCH_ZH = [
    "我的笔记，先查{a}，后查{b}",
    "笔记里有{a}没？有{b}没？",
    "记{a}的那条和记{b}的那条都给我找出来",
    "{a}和{b}，分两次在笔记里搜",
    "我写过{a}吗？写过{b}吗？翻翻笔记",
    "筆記裡幫我找{a}，也找{b}",
]
SAVE_ZH = [
    "分两条记：“{a}”，“{b}”",
    "第一条“{a}”，第二条“{b}”，都存笔记",
    "“{a}”记一条，“{b}”另记一条",
    "他说“{a}”，她说“{b}”，各记一条",
    "存两条：\n- {a}\n- {b}",
    "幫我記兩則：「{a}」跟「{b}」",
]
MATH_ZH = [
    "左边填{a}，右边填{b}，各是多少？",
    "第一题{a}，第二题{b}",
    "帮忙核两个数：{a}，还有{b}",
    "{a}得几？那{b}得几？",
    "哥哥卡在{a}，弟弟卡在{b}，各等于多少？",
    "一：{a}\n二：{b}",
    "發票兩行，{a}和{b}，各多少？",
]
MIXED_ZH: list[tuple[str, list[tuple[str, ...]]]] = [
    ("{a}现在几点，等{b}到{t}的时候{a}又是几点？", [("now", "a"), ("then", "t", "b", "a")]),
    ("{a}{t}是{b}几点？顺带说下{c}现在几点", [("then", "t", "a", "b"), ("now", "c")]),
    ("去{a}要带什么先不管，那边几点，{v}{u}是多少{w}？", [("now", "a"), ("units", "v")]),
    ("{v}{u}换成{w}，再看看{a}几点了", [("units", "v"), ("now", "a")]),
    ("{v}{u}等于几{w}，{e}又等于几？", [("units", "v"), ("math", "e")]),
    ("算完{e}，把{v}{u}也换成{w}", [("math", "e"), ("units", "v")]),
    ("{e}得多少，{a}这会儿几点？", [("math", "e"), ("now", "a")]),
    ("{a}{t}换成{b}时间，还要{e}的结果", [("then", "t", "a", "b"), ("math", "e")]),
    ("笔记里找一下{q}，另外算{e}", [("search", "q"), ("math", "e")]),
    ("{a}是不是半夜？我有没有记过{q}？", [("now", "a"), ("search", "q")]),
    ("{i}号笔记删了，把写{q}的找出来", [("delete", "i"), ("search", "q")]),
    ("查查{q}的笔记，再把第{i}条笔记删掉", [("search", "q"), ("delete", "i")]),
    ("删掉笔记{i}，{e}是多少？", [("delete", "i"), ("math", "e")]),
    ("{v}{u}是多少{w}？还有笔记{i}不要了，删掉", [("units", "v"), ("delete", "i")]),
    ("笔记{i}过期了，删掉，换成这条：{x}", [("delete", "i"), ("save", "x")]),
    ("{a}几点了？另外记一下：{x}", [("now", "a"), ("save", "x")]),
    ("先算{e}，然后记笔记：{x}", [("math", "e"), ("save", "x")]),
    ("{v}{u}换{w}，再存一条笔记：{x}", [("units", "v"), ("save", "x")]),
    ("笔记里搜{q}，没有也没关系，再加一条：{x}", [("search", "q"), ("save", "x")]),
    ("记下“{x}”，再告诉我{a}几点", [("save", "x"), ("now", "a")]),
    ("把“{x}”存笔记，{e}也算一下", [("save", "x"), ("math", "e")]),
    ("“{x}”记一下，{i}号笔记删一下", [("save", "x"), ("delete", "i")]),
    ("记“{x}”，还有{a}{t}是{b}几点？", [("save", "x"), ("then", "t", "a", "b")]),
    ("{k}乘{l}多少，{m}除以{l}又多少？", [("calc", "k * l"), ("calc", "m / l")]),
    ("长{k}宽{l}的房间，面积多少，周长多少？", [("calc", "k * l"), ("calc", "2 * (k + l)")]),
    ("{m}块{k}个人分，一人多少？还有{a}现在几点？", [("calc", "m / k"), ("now", "a")]),
    ("{m}的百分之{k}是多少？{v}{u}是几{w}？", [("calc", "k / 100 * m"), ("units", "v")]),
    ("{k}箱每箱{l}瓶一共多少？笔记里有{q}吗？", [("calc", "k * l"), ("search", "q")]),
    ("{k}加{l}跟{k}减{l}，各是多少？", [("calc", "k + l"), ("calc", "k - l")]),
    ("{a}現在幾點？{v}{u}是多少{w}？", [("now", "a"), ("units", "v")]),
    ("幫我刪掉筆記{i}，再查{a}幾點", [("delete", "i"), ("now", "a")]),
    ("幫我算{e}，然後找{q}的筆記", [("math", "e"), ("search", "q")]),
    ("{a}{t}是{b}的幾點？順便幫我記：{x}", [("then", "t", "a", "b"), ("save", "x")]),
]
