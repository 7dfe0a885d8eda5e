"""English word problems for ``calculate``: (story, expression); slots as in ``math_en``.

``{c}``, ``{d}`` and ``{day}`` are places, times and days that have nothing to do with the answer.
"""

from __future__ import annotations

SHOPPING = [
    (
        "[A|one] {one} [is|costs] {M1}. [How much for|What would I pay for|What do I pay for] {k1}?",
        "k1 * m1",
    ),
    ("{k1} {thing} at {M1} [each|apiece|a piece][?|, total?| makes what?]", "k1 * m1"),
    ("what will {k1} {thing} cost me if one [is|costs] {M1}", "k1 * m1"),
    ("how much do I [pay|owe] for {k1} {thing} [priced at|at] {M1} each", "k1 * m1"),
    ("at {M1} per {one}, how much [are|would] {k1} [of them|] [be|cost|come to]", "k1 * m1"),
    (
        "{N} [ordered|bought|needs] {k1} {thing}, each {M1}. [What's the bill?|What does {n} pay?|Total?]",
        "k1 * m1",
    ),
    (
        "I'm [ordering|getting|buying] {k1} {thing} for the [office|party|class], {M1} each. [How much will it cost?|What will that be?]",
        "k1 * m1",
    ),
    (
        "If {k1} {thing} cost {M1}, [what does one cost?|how much is a single {one}?|what's the unit price?]",
        "m1 / k1",
    ),
    (
        "a pack of {k1} {thing} is {M1}, [so how much per {one}?|what's that per {one}?|how much is one?]",
        "m1 / k1",
    ),
    ("I paid {M1} for {k1} {thing}. [What did each cost?|How much was each one?]", "m1 / k1"),
    (
        "[How many|how many] {thing} can I [buy|get|afford] for {M1} if [one|each] costs {M2}?",
        "m1 / m2",
    ),
    ("{thing} are {M1} each. I have {M2}, how many can I [buy|get]?", "m2 / m1"),
    (
        "I [bought|got] a {one} for {M1} and another [one |]for {M2}. [What did I spend?|How much altogether?]",
        "m1 + m2",
    ),
    (
        "my [basket|cart|receipt] [has|shows|says] {M1}, {M2} and {M3}. [Add it up|What's the sum?|How much is that?]",
        "m1 + m2 + m3",
    ),
    (
        "groceries were {M1}, [gas|petrol|fuel] {M2}[,| and] lunch {M3}, [so how much did I spend|what did {day} cost me|total]?",
        "m1 + m2 + m3",
    ),
    (
        "the {one} is {M1} plus {M2} [shipping|delivery|postage]. [What's the total?|What do I pay?]",
        "m1 + m2",
    ),
    (
        "{k1} {thing} at {M1} each plus {M2} [shipping|delivery], [what do I pay|how much is it in all]?",
        "k1 * m1 + m2",
    ),
    (
        "{k1} {thing} at {M1} and {k2} at {M2}, [what's the total|how much is that together]?",
        "k1 * m1 + k2 * m2",
    ),
    (
        "I gave the [cashier|seller|driver] {M1} for a {one} that [is|was|costs] {M2}. [What change do I get?|How much should I get back?|How much change is that?]",
        "m1 - m2",
    ),
    ("the total is {M1} and I pay with {M2}, what's my change", "m2 - m1"),
    ("it costs {M1}, I hand over {M2}. how much back?", "m2 - m1"),
    ("the {one} was {M1}, now it's {M2}. [How much do I save?|What's the difference?]", "m1 - m2"),
    (
        "I have {M1} but the {one} costs {M2}. [How much am I short?|How much more do I need?]",
        "m2 - m1",
    ),
    (
        "I want to buy a {one} for {M1} and have saved {M2}[, how much is missing?|. How much do I still need?]",
        "m1 - m2",
    ),
]
PERCENT = [
    ("[what's|how much is] the sale price of a {M1} {one} at {p}% off", "m1 - p / 100 * m1"),
    (
        "there's {p}[%| percent] off [today|this week|everything]. What's a {M1} {one} now?",
        "m1 - p / 100 * m1",
    ),
    (
        "I have a {p}% [coupon|voucher|discount code] and the {one} is {M1}. [What do I pay?|How much will it be?]",
        "m1 - p / 100 * m1",
    ),
    (
        "a {M1} {one} is reduced by {p}[%| percent], [what does it cost|how much is it] now?",
        "m1 - p / 100 * m1",
    ),
    ("how much do I save with {p}[%| percent] off {M1}", "p / 100 * m1"),
    ("the {one} costs {M1}. How much is the {p}[%| percent] discount?", "p / 100 * m1"),
    (
        "the [dinner|meal|bill|cab ride] was {M1}, I'd like to [leave|give|tip] {p}[%| percent]. [How much is the tip?|How much is that?]",
        "p / 100 * m1",
    ),
    ("how much should I tip on {M1} if I [leave|give] {p}[%| percent]", "p / 100 * m1"),
    ("what's {p}[%| percent] tip on a {M1} [dinner|bill|check|tab]", "p / 100 * m1"),
    (
        "[bill|check]: {M1}, tip: {p}%. [Total?|How much in total?|What do I pay altogether?]",
        "m1 + p / 100 * m1",
    ),
    ("what's the total with a {p}[%| percent] tip on {M1}", "m1 + p / 100 * m1"),
    (
        "the price is {M1} before tax and the tax is {p}[%| percent]. [What's the final price?|What do I pay?]",
        "m1 + p / 100 * m1",
    ),
    ("how much [tax|VAT] is on {M1} at {p}[%| percent]", "p / 100 * m1"),
    (
        "my [salary|rent|wage|pay] of {M1} [goes up|rises|increases] by {p}[%| percent][, what is it then?|. What's the new amount?]",
        "m1 + p / 100 * m1",
    ),
    (
        "I got a {p}[%| percent] raise, I used to make {M1}. [What do I make now?|How much is it now?]",
        "m1 + p / 100 * m1",
    ),
    (
        "[the bank pays|I get] {p}[%| percent] interest on {M1}[, how much is that a year?|. How much is that per year?]",
        "p / 100 * m1",
    ),
    ("how much interest do I [get|earn|pay] on {M1} at {p}[%| percent] a year", "p / 100 * m1"),
    (
        "{M1} at {p}% for {k1} years, simple interest, how much interest is that",
        "p / 100 * m1 * k1",
    ),
    ("what becomes of {M1} after {k1} years at {p}% compound interest", "m1 * (1 + p / 100) ** k1"),
    (
        "if I invest {M1} at {p}% a year, compounded, what do I have after {k1} years?",
        "m1 * (1 + p / 100) ** k1",
    ),
    (
        "I [scored|got] {n1} out of {n2} [points|marks|questions]. [What percentage is that?|How many percent is that?|what's that in percent?]",
        "n1 / n2 * 100",
    ),
    (
        "{k1} of [the |our |]{k2} [guests|students|tickets|votes] [came|passed|were sold|were yes], [what percentage is that|how many percent]?",
        "k1 / k2 * 100",
    ),
    ("{n1} is what percent of {n2}", "n1 / n2 * 100"),
    ("what share of {n2} is {n1}, in percent", "n1 / n2 * 100"),
    ("how many percent of {n2} [is|are] {n1}", "n1 / n2 * 100"),
    (
        "{p}[%| percent] of our {n1} [students|members|customers|seats] [are new|said no|are taken], how many is that?",
        "p / 100 * n1",
    ),
    (
        "[the|our] class has {k1} [kids|students] and {p}% are [sick|away|girls]. How many is that?",
        "p / 100 * k1",
    ),
    ("the price went from {M1} to {M2}. By what percentage did it change?", "(m2 - m1) / m1 * 100"),
    (
        "{N} [takes|keeps|wants] {p}[%| percent] of [the |my |our |]{M1}. How much is that?",
        "p / 100 * m1",
    ),
]
SHARING = [
    (
        "{k1} of us [ate|had dinner] for {M1}[. What does everyone owe?|, what's my share?|. What's each person's share?]",
        "m1 / k1",
    ),
    (
        "we're {k1} [friends|colleagues|people] and the [taxi|hotel|gift|pizza] [is|was|cost] {M1}. [What does each pay?|How much each?|How much per head?]",
        "m1 / k1",
    ),
    ("{M1} between {k1} people, [how much each|what's that each|how much per person]?", "m1 / k1"),
    (
        "the [present|trip|house|boat] costs {M1}, {k1} people chip in equally, [how much does everybody pay?|what's it per person?]",
        "m1 / k1",
    ),
    (
        "{N} wants to give {M1} to {k1} [kids|grandchildren|charities] equally. How much [does each get|is it for each]?",
        "m1 / k1",
    ),
    (
        "[Our|the] rent is {M1} and [we're|there are] {k1} flatmates. [What's my part?|What's one share?]",
        "m1 / k1",
    ),
    (
        "there are {k1} {thing} for {k2} [children|kids|players|guests], how many does [each|every one] get?",
        "k1 / k2",
    ),
    (
        "{k1} {thing} shared [fairly|equally|evenly] by {k2} [kids|friends|people][, that's how many each?|. How many per person?]",
        "k1 / k2",
    ),
    ("how many {thing} does each child get if I have {k1} {thing} and {k2} children?", "k1 / k2"),
    (
        "I want to pack {n1} {thing} into boxes of {k1}, how many boxes [do I need|is that]?",
        "n1 / k1",
    ),
    ("{n1} [people|students|guests] at tables of {k1}, how many tables is that", "n1 / k1"),
    ("how many times does {k1} go into {n1}", "n1 / k1"),
    (
        "the bill's {M1}. Add {p}% tip and split it by {k1}. [How much each?|What does each pay?]",
        "(m1 + p / 100 * m1) / k1",
    ),
    (
        "dinner was {M1} plus {p}[%| percent] tip, {k1} of us. What do we each pay?",
        "(m1 + p / 100 * m1) / k1",
    ),
]
COUNTING = [
    (
        "{name} has {k1} {thing}. {name2} gives [her|him|them] {k2} more. How many [now|are there now|in all]?",
        "k1 + k2",
    ),
    (
        "I had {k1} {thing} and [found|bought|got] {k2} more[, how many do I have?|. How many now?]",
        "k1 + k2",
    ),
    (
        "{k1} {thing} in one bag and {k2} in the other[, how many is that?|. How many altogether?]",
        "k1 + k2",
    ),
    (
        "on Monday {k1} people came, on Tuesday {k2}[,| and] on Wednesday {k3}. [How many in total?|Total?]",
        "k1 + k2 + k3",
    ),
    ("we sold {n1} tickets on {day} and {n2} the day after, how many together?", "n1 + n2"),
    (
        "{name} had {k1} {thing} and gave {k2} to {name2}. How many [are left|does {name} have now|remain]?",
        "k1 - k2",
    ),
    (
        "there were {n1} [people|birds|cars] and {n2} left, how many [stayed|are still there|remain]?",
        "n1 - n2",
    ),
    ("{n1} seats, {n2} are taken. How many are free?", "n1 - n2"),
    (
        "my book has {n1} pages and I'm on page {n2}, how many [are left|to go|do I still have to read]?",
        "n1 - n2",
    ),
    (
        "{name} is {k1} and {name2} is {k2}. [What's the age difference?|How many years apart are they?]",
        "k1 - k2",
    ),
    ("somebody born in {y1} is how old in {y2}", "y2 - y1"),
    ("I was born in {y1}. How old [will I be|am I] in {y2}?", "y2 - y1"),
    ("how many years [are|lie] between {y1} and {y2}", "y2 - y1"),
    (
        "[each|every] [box|shelf|bus|row] [holds|has|takes] {k1} {thing}, how many [are in|fit in|do we have in] {k2}?",
        "k1 * k2",
    ),
    ("{k1} teams of {k2} players, how many players", "k1 * k2"),
    ("{k1} [people|workers|kids] with {k2} {thing} each, that's how many?", "k1 * k2"),
    (
        "I read {k1} pages [a|per|every] day, how many [is that|pages do I read] in {k2} days?",
        "k1 * k2",
    ),
    ("how many eggs are {k1} dozen", "k1 * 12"),
    ("{k1} dozen {thing}, how many is that", "k1 * 12"),
    ("{k1} bags with {k2} {thing} in each, and {k3} loose ones. How many {thing}?", "k1 * k2 + k3"),
    ("I baked {k1} trays of {k2} cookies and we ate {k3}. How many are left?", "k1 * k2 - k3"),
    (
        "[she|he|{name}] has {k1} times as many {thing} as {name2}, who has {k2}. How many is that?",
        "k1 * k2",
    ),
    (
        "a recipe for {k1} people needs {n1} {thing}, how many [for|do I need for] {k2} people?",
        "n1 / k1 * k2",
    ),
]
MEASURE = [
    ("I drove {n1} [km|kilometers|miles] in {k1} hours. What was my average speed?", "n1 / k1"),
    ("how fast was I if I [ran|cycled|drove] {n1} [km|miles] in {k1} hours", "n1 / k1"),
    (
        "a train [goes|does|travels] {n1} [km|miles] per hour, how far does it get in {k1} hours?",
        "n1 * k1",
    ),
    ("at {n1} [km|miles] an hour, how long [do|will] {n2} [km|miles] take?", "n2 / n1"),
    ("{n1} [km|miles] to {c} at {n2} an hour, how many hours is that?", "n1 / n2"),
    ("the car needs {n1} liters per 100 km. How much for {n2} km?", "n1 / 100 * n2"),
    ("fuel is {M1} a [liter|gallon] and I need {n1}. What do I pay?", "n1 * m1"),
    (
        "[my|the|our] [garden|kitchen|field|wall|carpet] [is|measures] {n1} by {n2}. What's the area?",
        "n1 * n2",
    ),
    (
        "a wall {n1} [m|meters|feet] wide and {n2} high, how many square [meters|feet] [is that|do I paint]?",
        "n1 * n2",
    ),
    (
        "how [big|large] is a [room|plot|rectangle|screen] of {n1} times {n2} [meters|m|feet]?",
        "n1 * n2",
    ),
    ("rectangle, sides {n1} and {n2}: area?", "n1 * n2"),
    ("I'm fencing a {n1} by {n2} [garden|field|yard], how much fence do I need?", "2 * (n1 + n2)"),
    (
        "a square [has sides of|with side length|with sides of] {n1}[, area?|, what's its area?]",
        "n1 ** 2",
    ),
    ("a square room has an area of {n1}, how long is one side", "sqrt(n1)"),
    (
        "the pool is {n1} long, {n2} wide and {n3} deep. [What's its volume?|How much fits in?]",
        "n1 * n2 * n3",
    ),
    ("a circle has a radius of {n1}. [What's its area?|How big is it?]", "pi * n1 ** 2"),
    ("a board of {n1} [cm|inches|m] cut into {k1} equal pieces, how long is each?", "n1 / k1"),
    (
        "it was {n1} degrees and [rose|went up|warmed up] by {n2}. What's the temperature now?",
        "n1 + n2",
    ),
    ("it was {n1} degrees and [fell|dropped] by {n2}. What is it now?", "n1 - n2"),
]
WORK = [
    (
        "I [work|worked] {n1} hours at {M1} an hour. [How much do I get?|What did I earn?|What's my pay?]",
        "n1 * m1",
    ),
    ("{N} [earns|gets|charges] {M1} an hour and worked {n1} hours, how much is that?", "n1 * m1"),
    ("{M1} a month, what's that [per|a] year", "m1 * 12"),
    ("I make {M1} a year, how much is that [a|per] month?", "m1 / 12"),
    ("the subscription is {M1} [a|per] month, what does a year cost?", "m1 * 12"),
    ("rent is {M1} a month, so for {k1} months?", "m1 * k1"),
    (
        "the loan is {M1} [over|in] {k1} [months|rates|instalments], what do I pay [each time|each month|every month]?",
        "m1 / k1",
    ),
    ("I [put|save] {M1} [aside |]every [week|month], what do I have after {k1}?", "m1 * k1"),
    ("a hotel is {M1} a night. What do {k1} nights cost?", "k1 * m1"),
    ("{k1} nights in {c} at {M1} [a night|each], how much in total?", "k1 * m1"),
    ("{k1} tickets to {c} at {M1}, total?", "k1 * m1"),
    (
        "my account has {M1}, {M2} goes out for rent. [What's left?|How much stays?|What remains?]",
        "m1 - m2",
    ),
    ("income {M1}, expenses {M2}. [What's the profit?|Profit?|What's left over?]", "m1 - m2"),
    ("budget {M1}, spent {M2} so far, how much is left", "m1 - m2"),
    (
        "started [the month |]with {M1}, spent {M2} on food and {M3} on [rent|fuel|fun]. [How much is left?|What have I got left?]",
        "m1 - m2 - m3",
    ),
    (
        "we made {M1} in {k1} [days|weeks|months], what's the average per [day|week|month]?",
        "m1 / k1",
    ),
    (
        "my [grades|scores|times|results] [are|were] {n1}, {n2} and {n3}. What's [my|the] average?",
        "(n1 + n2 + n3) / 3",
    ),
    ("the temperatures were {n1}, {n2} and {n3}, what's the mean?", "(n1 + n2 + n3) / 3"),
    (
        "I ran {n1}, {n2} and {n3} km this week, [what's the total|how far is that in all]?",
        "n1 + n2 + n3",
    ),
    (
        "[I think of a number|take a number]: {n1}. Double it and add {n2}. What [comes out|do I get]?",
        "n1 * 2 + n2",
    ),
    ("if you take {n1} and subtract {n2}, what's left?", "n1 - n2"),
    ("what must I add to {n1} to get {n2}?", "n2 - n1"),
    ("what times {n1} is {n2}?", "n2 / n1"),
    ("how much bigger is {n1} than {n2}", "n1 - n2"),
    ("how many more is {n1} than {n2}", "n1 - n2"),
]
STORIES = [*SHOPPING, *PERCENT, *SHARING, *COUNTING, *MEASURE, *WORK]
