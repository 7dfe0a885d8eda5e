"""What sums of several steps are put together from (`models.nano.sums`): lists of things, and values to go on with."""

from __future__ import annotations

# (wording of a part, its expression), with the slots of one part.
PARTS = [
    ("{k} {thing} [at|for] {M} [each|apiece|a piece]", "k * m"),
    ("{k} {thing} at {M}", "k * m"),
    ("{k} {thing} that cost {M} each", "k * m"),
    ("{k}x {one} {M}", "k * m"),
    ("{k} x {M}", "k * m"),
    ("a {one} for {M}", "m"),
    ("a {one} at {M}", "m"),
    ("[a|the|one] {one} ({M})", "m"),
    ("{M} for the {one}", "m"),
    ("{M} for {thing}", "m"),
    ("{one} {M}", "m"),
    ("{M}", "m"),
    ("{k} {thing}, {M} each", "k * m"),
]
PARTS_ZH = [
    ("{k}{q}{zh}每{q}{M}", "k * m"),
    ("{k}{q}{zh}，每{q}{M}", "k * m"),
    ("{k}{q}{M}的{zh}", "k * m"),
    ("{zh}{k}{q}，一{q}{M}", "k * m"),
    ("{zh}{M}一{q}，[买|要|拿]{k}{q}", "m * k"),
    ("一{q}{zh}{M}", "m"),
    ("一{q}{M}的{zh}", "m"),
    ("{zh}{M}", "m"),
    ("{M}的{zh}", "m"),
]
HEADS = [
    "I bought ",
    "we got ",
    "[my|the|our] order: ",
    "I need ",
    "[add up|total up|sum up] ",
    "[how much is|how much are|what do I pay for|what's the total for] ",
    "shopping list: ",
    "{name} ordered ",
    "on {d} I bought ",
    "if I take ",
    "say I order ",
    "the receipt says ",
    "",
]
HEADS_ZH = [
    "我买了",
    "[买|要买]",
    "算一下",
    "[清单|订单|购物车]：",
    "[今天|{d}]买了",
    "{name}买了",
    "如果买",
    "一共有",
    "帮我加一下：",
    "点了",
    "",
]
JOINTS = [" and ", ", ", " plus ", ", plus ", " and also ", ", then ", " + ", " as well as "]
LAST_JOINTS = JOINTS[:4]
JOINTS_ZH = ["，", "，再加", "，还有", "和", "加上", "，另外", "、", "，外加", "，再买"]
# (wording, how it changes the sum S); further slots: p a percentage, m5 money, k5 people.
TAILS = [
    (", with {p}[%| percent] off", "(S) * (1 - p / 100)"),
    (", minus {p}[%| percent]", "(S) * (1 - p / 100)"),
    (" plus {p}[%| percent] [tax|VAT|tip|service]", "(S) * (1 + p / 100)"),
    (", {p}% [tax|VAT|service] on top", "(S) * (1 + p / 100)"),
    (", [less|minus] [a coupon of |a voucher of |a voucher over |]{M5}", "S - m5"),
    (", and {M5} off", "S - m5"),
    (", [with|plus] {M5} [shipping|delivery|postage]", "S + m5"),
    (", [split|shared|divided] [between|among|by] {k5} [people|of us|friends|]", "(S) / k5"),
    (", and {k5} of us [split|share] it", "(S) / k5"),
    (", each [month|week|day], for {k5} [of them|months|weeks|days]", "(S) * k5"),
]
TAILS_ZH = [
    ("，打{z}折", "(S) * z"),
    ("，[优惠|便宜|减免]{p}%", "(S) * (1 - p / 100)"),
    ("，加{p}%的[税|服务费]", "(S) * (1 + p / 100)"),
    ("，[减去|用了|用]{M5}的?优惠券", "S - m5"),
    ("，[立减|少收]{M5}", "S - m5"),
    ("，[运费|配送费|打包费]{M5}", "S + m5"),
    ("，{k5}个人[平分|AA|平摊|分摊]", "(S) / k5"),
    ("，这样的来{k5}份", "(S) * k5"),
]
ENDS = [
    "[. What's the total?|, what's that in total?|, how much is it?|, what do I pay?]",
    "?",
    ".",
    "[. How much is that?|, how much altogether?|. Total?|, what does that come to?]",
    "",
    "[ - what's the sum?| = ?| comes to what?| makes how much?|. How much did that cost?]",
]
ENDS_ZH = [
    "，[一共|总共|合计|加起来][多少钱|多少|是多少|花了多少]？",
    "，多少钱",
    "，[算算|算一下][总价|多少钱]",
    "[一共|总共]多少？",
    "，要付多少[钱|]？",
    "",
]
SHARED_ZH = "，每人[多少|多少钱|付多少|出多少]？"
SHARED = [". What does each pay?", ", how much each?", ". How much per person?", ", each pays?"]
# (what is done with a value further, expression), V the value, n4 a number.
ON = [
    (" plus {n4}", "V + n4"),
    (" minus {n4}", "V - n4"),
    (" [times|multiplied by] {n4}", "V * n4"),
    (" divided by {n4}", "V / n4"),
    (" + {n4}", "V + n4"),
    (" - {n4}", "V - n4"),
    (", plus {n4}", "V + n4"),
    (", minus {n4}", "V - n4"),
    (" and [then |]add {n4}", "V + n4"),
    (" less {n4}", "V - n4"),
    (" * {n4}", "V * n4"),
    (" / {n4}", "V / n4"),
]
ON_ZH = [
    ("[加|加上|再加|，再加上]{n4}", "V + n4"),
    ("[减|减去|再减|，再减去]{n4}", "V - n4"),
    ("[乘|乘以|再乘以]{n4}", "V * n4"),
    ("[除以|再除以]{n4}", "V / n4"),
    (" + {n4}", "V + n4"),
    (" - {n4}", "V - n4"),
]
BEFORE = [("{n4} plus ", "n4 + V"), ("{n4} minus ", "n4 - V"), ("{n4} times ", "n4 * V")]
BEFORE_ZH = [("{n4}[加|加上]", "n4 + V"), ("{n4}[减|减去]", "n4 - V"), ("{n4}乘以", "n4 * V")]
