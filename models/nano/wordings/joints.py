"""How two or three requests become one message: between them, before the next one, around all."""

from __future__ import annotations

JOIN = [
    " and ", ", and ", " and also ", ", also ", "; ", " plus ", ", then ", " and then ", " as well as ",
    ", and also ", ", plus ", " & ", ", after that ", ", and after that ", ", and while you're at it, ",
    " and while you're at it ", ", oh and ", " and please ", " and on top of that ", ", next ", ", and finally ",
    " then ", " - and ", " and afterwards ", "; also, ", "; then ", "; and ", "\n", "\nand ", "\n\n", " and secondly ",
    ", and when you're done ", " also ", " and, by the way, ", ", btw ", ", and one more thing: ", " / ", " … and ",
    ", and besides that ", " and at the same time ", ", followed by: ", " -- ",
]  # fmt: skip
START = [
    "Also, ", "And ", "Then ", "", "", "Also: ", "After that, ", "Next, ", "Plus, ", "Oh, and ", "One more thing: ",
    "Another thing: ", "Second, ", "Secondly, ", "While you're at it, ", "By the way, ", "Besides, ", "PS: ",
    "And another question: ", "In addition, ", "I also need this: ", "Then please: ", "And then ", "Oh and ",
    "And one more: ", "Second question: ", "Afterwards, ", "When you're done, ", "Furthermore, ", "Also please: ",
    "And btw, ", "Finally, ", "Once that's done, ", "Additionally, ",
]  # fmt: skip
AROUND = [
    ("First, ", [", then ", "; then ", " and then ", ". Then ", ", and second, "], ""),
    ("first ", [", then ", " and then ", ", after that ", " and after that "], ""),
    ("Two things: ", ["; ", ", and ", " and ", ". And "], ""),
    ("A few things: ", ["; ", ", ", ", and "], ""),
    ("I have two questions: ", [" And ", " and ", "; "], ""),
    ("Please do both: ", [" and ", "; ", ", and "], ""),
    ("I need two things. ", [". ", "; ", ". And "], ""),
    ("both: ", [" and ", " + ", "; "], ""),
]
JOIN_ZH = [
    "，", "，还有", "，另外", "，并且", "；", "，顺便", "，再", "，以及", "。另外，", "，同时", "，然后", "，接着", "，还有就是",
    "，对了，", "，顺便问一下，", "，顺便问下", "，再帮我", "，再问一下", "，也想知道", "，还想知道", "，完了", "，之后", "，最后",
    "；另外", "；还有", "；再", "；然后", "。还有，", "。再", "。对了，", "。顺便，", "\n", "\n还有", "\n\n", "，此外", "，外加",
    "，其次", "，再来", "，顺带", "，与此同时", "。此外，", "。然后", "。接下来，", " ", "、",
]  # fmt: skip
START_ZH = [
    "另外，", "还有，", "再", "", "", "顺便，", "然后，", "接着，", "对了，", "此外，", "还有一件事：", "第二，", "再就是，",
    "最后，", "接下来，", "还有就是，", "再问一个：", "顺便问下，", "同时，", "完了之后，",
]  # fmt: skip
AROUND_ZH = [
    ("先", ["，再", "，然后", "，接着", "，之后再"], ""),
    ("首先，", ["，其次，", "；然后，", "。然后"], ""),
    ("第一，", ["；第二，", "。第二，", "，第二，"], ""),
    ("两件事：", ["；", "，", "，还有"], ""),
    ("两个问题：", ["；", "，还有", "？另外"], ""),
    ("帮我做两件事：", ["；", "，", "，然后"], ""),
    ("我想知道两点：", ["；", "，以及"], ""),
]
