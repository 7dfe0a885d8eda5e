"""What people put before, around and after a request, beside what ``frames`` holds."""

from __future__ import annotations

BEFORE = [
    "okay, ", "alright then, ", "good evening, ", "good afternoon! ", "hey! ", "heya, ", "hello again, ",
    "kindly ", "ok google, ", "dear gateway, ", "hey bot, ", "bot: ", "hi friend, ", "mate, ", "dude, ",
    "come on, ", "ugh, ", "oh, ", "ah, ", "hmm, ", "er, ", "uh, ", "wait, ", "first of all, ", "by the way, ",
    "btw, ", "urgent: ", "important: ", "fyi: ", "task: ", "request: ", "question for you: ", "a small thing: ",
    "small question: ", "silly question: ", "stupid question, ", "tell me, ", "here's one: ", "another one: ",
    "if you don't mind, ", "when you have a second, ", "if possible, ", "for the record, ", "for work: ",
    "for school: ", "for a quiz: ", "just checking: ", "let me ask: ", "I'd like to ask: ", "my question: ",
    "once more: ", "real quick, ", "no rush, ", "help! ", "hurry up, ", "be a dear, ", "actually, ", "next up: ",
    "moving on, ", "sorry to bother you, ", "good day, ", "morning! ", "evening, ", "hola, ", "ok next, ",
]  # fmt: skip
CONTEXT = [
    "I'm [driving|in the car|at the shop|in the kitchen|on a train|at the gym|in a meeting|in bed|at school|babysitting]. ",
    "I'm [new here|in a rush|really tired|confused|stuck|bored|just checking something]. ",
    "I'm [helping|visiting|working with|arguing with|waiting for] {n}. ",
    "{N} and I [have a bet|are arguing|are planning something|can't agree]. ",
    "{N} [is asking|won't believe me|needs this|sent me this]. ",
    "My [boss|teacher|daughter|son|client|flatmate] [asked|wants to know|needs this]. ",
    "[We're|I'm] [preparing|writing|organising|packing for] [a trip|the {w}|a party|a report|the audit]. ",
    "I [just|only] [woke up|got home|arrived in {c}|came back from {c}]. ",
    "I live in {c}. ",
    "It's [raining|late|been a long day|my birthday|an emergency]. ",
    "My [phone|calculator|computer] is [dead|broken|in the other room]. ",
    "I don't have [a calculator|my glasses|much time]. ",
    "I [never|can't] remember [this|these things]. ",
    "I hate {w}. ",
    "You're [great|my last hope|useful]. ",
    "Here is [a question|something|what I need]. ",
    "For the {w} report I need a number. ",
    "[Don't explain|No long answers|Short answer please]. ",
    "Mommy says you can help. ",
    "I'm [seven|eight|nine] and this is my homework. ",
]
AFTER = [
    ", would you", ", will you", ", ok", ", okay", ", mate", ", my friend", ", quick", ", asap", " ASAP",
    " right away", " when you can", " if possible", " if you don't mind", ", I beg you", ", that's all",
    ", cheers", ", ta", ". Cheers!", ". That's it.", ". That's all.", ". Much appreciated.", ". No hurry.",
    ". Hurry!", ". It's urgent.", ". I have to know.", ". My boss is waiting.", ". {N} asked.", ". It's for {n}.",
    ". I can't do it in my head.", ". I need it for the {w}.", " because I need it for {w}",
    " so I can tell {n}", " since {n} asked", ", as I'm in a hurry", " - thanks", " :)", " - it's for {n}",
    ". We're leaving soon.", ". I keep getting it wrong.", ". Just the answer.", ". Only the result please.",
]  # fmt: skip
AFTER_Q = [
    "? Cheers!", "? It's urgent.", "? I keep forgetting.", "? I never know.", "? Asking for {n}.",
    "? My boss wants to know.", "? {N} and I disagree.", "? I can't work it out.", "? Just the answer.",
    "? Quick!", "? I need it for my {w}.", "? I have no calculator here.", "? It's for school.", " ?", "?!",
    "? We're planning a trip.", "? Please be quick.", "? Much appreciated!", "? I'm on the road.", " :)",
    "? That's all I need.", "? I'd be grateful.",
]  # fmt: skip
BEFORE_ZH = [
    "麻烦你，", "劳驾，", "拜托，", "请教一下，", "在吗，", "哈喽，", "下午好，", "晚上好，", "喂，", "哎，", "诶，", "嘿，",
    "额，", "这个，", "话说，", "顺便问下，", "顺便，", "然后，", "接下来，", "再问一个：", "最后一个问题：", "问题：", "任务：",
    "快点，", "急，", "小助手，", "助手，", "老师，", "亲，", "不好意思，", "打扰了，", "我想问一下，", "我问你，", "你说，",
    "好，", "行，", "谢谢，再", "现在，", "先", "给我", "工作需要：", "帮个忙，", "简单问一句，",
]  # fmt: skip
CONTEXT_ZH = [
    "我在[开车|超市|公司|路上|机场|厨房|上课|开会]。",
    "我[刚起床|刚到家|刚下飞机|快迟到了|很急|没带计算器|数学不好|记性不好]。",
    "[老板|老师|孩子|客户|{n}][问我|要我查|让我问|等着要]。",
    "{n}和我[打赌|争起来了|在讨论]。",
    "[这是|]作业[题|]。",
    "[下周|周末|明天][要出门|要考试|有会|去旅游]。",
    "我住在{c}。",
    "我[总是|老是]记不住。",
    "[不用解释|直接给答案|简单点]。",
    "[今天|刚才]有人问我这个。",
    "我跟{n}在一起。",
]
AFTER_ZH = [
    "，快点", "，急", "，在线等", "，谢啦", "，辛苦了", "，好吗", "，行吗", "，可以吗", "。谢谢你！", "。急！", "。麻烦了",
    "，{n}等着要", "。老板等着呢", "。我算不出来", "。就这些", "，多谢", "，感谢", "。直接给结果", "，我要用", "，{n}问的",
    "。这是作业", "哦", "啊",
]  # fmt: skip
