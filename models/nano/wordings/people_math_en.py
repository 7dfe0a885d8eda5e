"""More English wordings for ``calculate``, each as one particular person would put it.

Pairs and frames as in ``math_en``; slots as in ``math_slots``.
"""

from __future__ import annotations

PHRASES = [
    ("{n1} lots of {n2}", "n1 * n2"),
    ("{k1} groups of {n1}", "k1 * n1"),
    ("{k1} sets of {k2} reps", "k1 * k2"),
    ("{k1} rounds of {n1}", "k1 * n1"),
    ("{n1} doubled, plus {n2}", "n1 * 2 + n2"),
    ("{n1} halved, minus {n2}", "n1 / 2 - n2"),
    ("{n1} off {n2}", "n2 - n1"),
    ("{n1} with {n2} knocked off", "n1 - n2"),
    ("{n1} and another {n2} and another {n3}", "n1 + n2 + n3"),
    ("{n1} a day for a week", "n1 * 7"),
    ("{n1} a week for a year of 52 weeks", "n1 * 52"),
    ("{n1} short of {n2}", "n2 - n1"),
    ("a sixth of {n1}", "n1 / 6"),
    ("one twelfth of {M1}", "m1 / 12"),
    ("a hundredth of {n1}", "n1 / 100"),
    ("a thousand times {n1}", "1000 * n1"),
    ("ten times {n1} less {n2}", "10 * n1 - n2"),
    ("{n1} times {n2} over {n3}", "n1 * n2 / n3"),
    ("{n1} squared times {n2}", "n1 ** 2 * n2"),
    ("the square root of the sum of {n1} and {n2}", "sqrt(n1 + n2)"),
    ("the square root of {n1} divided by {n2}", "sqrt(n1) / n2"),
    ("{M1} net plus {p}[%| percent] VAT", "m1 + p / 100 * m1"),
    ("{p}[%| percent] of {M1} plus {M2}", "p / 100 * m1 + m2"),
    ("{M1} times {k1}, less {M2}", "m1 * k1 - m2"),
    ("the area of a square {n1} on each side", "n1 ** 2"),
    ("the circumference of a wheel of diameter {n1}", "pi * n1"),
    ("the volume of a cylinder with radius {n1} and height {n2}", "pi * n1 ** 2 * n2"),
]
VERBS = [
    ("take {n1} and triple it", "n1 * 3"),
    ("start at {n1} and go up by {n2}", "n1 + n2"),
    ("count {n1} and {n2} together, then halve it", "(n1 + n2) / 2"),
    ("scale {n1} up by a factor of {n2}", "n1 * n2"),
    ("scale {n1} down by a factor of {k1}", "n1 / k1"),
    ("give me {p}[%| percent] of {n1} and add {n2}", "p / 100 * n1 + n2"),
    ("mark {M1} up by {p}[%| percent]", "m1 + p / 100 * m1"),
    ("mark {M1} down by {p}[%| percent]", "m1 - p / 100 * m1"),
    ("whack {p}[%| percent] onto {M1}", "m1 + p / 100 * m1"),
    ("slice {n1} into {k1} equal bits", "n1 / k1"),
    ("put {n1}, {n2} and {n3} on one pile", "n1 + n2 + n3"),
    ("keep {n1}, lose {n2}, gain {n3}", "n1 - n2 + n3"),
    ("bump {n1} up by {n2}", "n1 + n2"),
    ("deal {k1} cards out to {k2} players evenly", "k1 / k2"),
]
STORIES = [
    # school
    (
        "My teacher wants this by [tomorrow|{day}]: a farmer plants {k1} rows with {k2} cabbages in each. How many cabbages?",
        "k1 * k2",
    ),
    (
        "word problem!! {name} picks {k1} {thing}, drops {k2}, then picks {k3} more. how many does {name} end up with",
        "k1 - k2 + k3",
    ),
    (
        "A rectangle has an area of {n1} and one side is {n2}. [How long is the other side?|The other side is?]",
        "n1 / n2",
    ),
    ("perimeter of a square is {n1}, so one side is how long?", "n1 / 4"),
    ("a triangle, all three sides {n1}. perimeter?", "3 * n1"),
    ("Two angles of a triangle are {k1} and {k2} degrees. What's the third?", "180 - k1 - k2"),
    (
        "[Our|The] maths book asks which number you have to multiply by {n1} so that {n2} comes out.",
        "n2 / n1",
    ),
    ("I subtracted {n1} from something and got {n2}. What was the something?", "n2 + n1"),
    ("I divided a number by {n1} and {n2} came out, what number did I start with?", "n2 * n1"),
    ("Which number is {n1} bigger than {n2}?", "n2 + n1"),
    ("which number is {n1} times as big as {n2}?", "n1 * n2"),
    ("The quiz had {k1} questions and {name} got {k2} wrong, so how many right?", "k1 - k2"),
    ("{k1} kids, each needs {k2} sheets of paper and I want {k3} spare. Sheets?", "k1 * k2 + k3"),
    ("My marks so far: {k1}, {k2}, {k3}, {k4}. Average?", "(k1 + k2 + k3 + k4) / 4"),
    # kitchen, restaurant
    (
        "One batch takes {n1} grams of flour and I'm making {k1} batches for the [bake sale|wedding]. Flour altogether?",
        "n1 * k1",
    ),
    (
        "This recipe feeds {k1} but we're {k2} tonight. It asks for {n1} grams of pasta, so I need how much?",
        "n1 / k1 * k2",
    ),
    (
        "Chef here. Each plate gets {n1} grams of sauce and I've {k1} covers, how much sauce in total?",
        "n1 * k1",
    ),
    ("Food cost {M1}, menu price {M2}. What's left per plate?", "m2 - m1"),
    ("food cost {M1} on a menu price of {M2}, give me that as a percentage", "m1 / m2 * 100"),
    ("I've got {k1} eggs, each omelette eats {k2}. How many omelettes is that?", "k1 / k2"),
    ("Table of {k1}, bill {M1}, they left {M2}. So the tip was?", "m2 - m1"),
    (
        "{k1} portions of soup went out at {M1} and {k2} desserts at {M2}, what did we take?",
        "k1 * m1 + k2 * m2",
    ),
    ("the roast needs {k1} minutes per kilo and mine is {n1} kilos, how many minutes?", "k1 * n1"),
    ("{k1} trays in the oven, {k2} buns a tray, [total buns?|so how many buns?]", "k1 * k2"),
    # nurse, pharmacy
    ("Patient gets {n1} mg {k1} times a day. What's the daily dose?", "n1 * k1"),
    (
        "The order is {n1} mg and the tablets are {n2} mg each, how many tablets do I give?",
        "n1 / n2",
    ),
    ("{n1} ml have to run in over {k1} hours. ml per hour?", "n1 / k1"),
    ("the dose is {n1} mg per kilo and the child weighs {n2} kilos, so how many mg?", "n1 * n2"),
    ("box of {k1} pills, {k2} a day, lasts how many days?", "k1 / k2"),
    ("intake {n1} ml, output {n2} ml, what's the balance?", "n1 - n2"),
    # trades
    (
        "I need {k1} shelves of {n1} cm each. How much board do I buy?",
        "k1 * n1",
    ),
    (
        "board's {n1} long, I cut {n2} off, then {n3}. what's left of it?",
        "n1 - n2 - n3",
    ),
    ("Wall is {n1} by {n2} and the door takes away {n3}. Square metres to paint?", "n1 * n2 - n3"),
    (
        "One bucket covers {n1} square metres, I've {n2} to do. How many buckets, exactly?",
        "n2 / n1",
    ),
    (
        "Four posts evenly spaced, {n1} metres from first to last, so three gaps. How wide is a gap?",
        "n1 / 3",
    ),
    ("Floor's {n1} by {n2}, tiles are {M1} a square metre. Cost?", "n1 * n2 * m1"),
    (
        "materials {M1}, {k1} hours of labour at {M2}. What do I put on the quote?",
        "m1 + k1 * m2",
    ),
    (
        "I quote [jobs|customers] materials plus {p} percent. Materials were {M1}. So the quote is?",
        "m1 + p / 100 * m1",
    ),
    (
        "the stairs rise {n1} cm in total over {k1} steps. how high is one step?",
        "n1 / k1",
    ),
    ("diagonal of a door frame {n1} wide and {n2} high?", "sqrt(n1 ** 2 + n2 ** 2)"),
    # trucks, planes, ships
    (
        "[I've driven|Done] {n1} km so far and the run is {n2}. What's left?",
        "n2 - n1",
    ),
    ("Odometer said {n1} this morning, says {n2} now. How far did I go?", "n2 - n1"),
    (
        "burned {n1} liters on {n2} km, what's that per 100 km?",
        "n1 / n2 * 100",
    ),
    ("Fuel on board {n1}, burn {n2} an hour. Endurance in hours?", "n1 / n2"),
    (
        "trip fuel {n1}, reserve {n2}, taxi {n3}, what goes on the fuel sheet?",
        "n1 + n2 + n3",
    ),
    ("{k1} passengers at {n1} kilos plus {n2} of cargo, payload?", "k1 * n1 + n2"),
    (
        "Truck empty {n1}, loaded {n2}. How heavy is the load?",
        "n2 - n1",
    ),
    ("{k1} pallets, {n1} kilos apiece, what do I write on the waybill?", "k1 * n1"),
    ("We descend from {n1} feet to {n2}, how many feet is that?", "n1 - n2"),
    ("Diesel for {n1} litres came to {M1}. Price per litre?", "m1 / n1"),
    # sport
    ("{k1} laps of {n1} metres, how far did I run?", "k1 * n1"),
    (
        "[Ran|Did] {n1} km in {k1} minutes. Minutes per km?",
        "k1 / n1",
    ),
    ("Bar is {k1} kilos and I've got {k2} on each side, what am I lifting?", "k1 + 2 * k2"),
    (
        "my target is {n1} km this month and I'm at {n2}, how many to go",
        "n1 - n2",
    ),
    ("{name} weighs {n1} now and weighed {n2} in [spring|January]. How much is gone?", "n2 - n1"),
    ("We won {k1} of {k2} games this season. Winning percentage?", "k1 / k2 * 100"),
    (
        "first half {k1} points, second half {k2}, they had {k3} overall. By how much did we win?",
        "k1 + k2 - k3",
    ),
    (
        "max heart rate is 220 minus age and I'm {k1}, so mine is?",
        "220 - k1",
    ),
    ("three jumps: {n1}, {n2} and {n3} metres. mean jump?", "(n1 + n2 + n3) / 3"),
    # shop, office, accounts
    (
        "Till opened with {M1}, closed with {M2}. Takings?",
        "m2 - m1",
    ),
    (
        "We buy the {one} at {M1} and sell it at {M2}, what do we make if {k1} go?",
        "(m2 - m1) * k1",
    ),
    (
        "I bought in at {M1} and want {p}[%| percent] on top, what goes on the tag?",
        "m1 + p / 100 * m1",
    ),
    ("Invoice {M1} gross, they already sent {M2}. Still open?", "m1 - m2"),
    (
        "Last year {M1}, this year {M2}. Growth in percent?",
        "(m2 - m1) / m1 * 100",
    ),
    ("{k1} customers, turnover {M1}. Average basket?", "m1 / k1"),
    ("Gross {M1}, deductions {M2} and {M3}. Net?", "m1 - m2 - m3"),
    (
        "quarterly figures are {M1}, {M2}, {M3}, and I just need the sum",
        "m1 + m2 + m3",
    ),
    (
        "stock was {k1} {thing}, {k2} came in, {k3} went out. What should be on the shelf?",
        "k1 + k2 - k3",
    ),
    ("payroll: {k1} people at {M1}. monthly total?", "k1 * m1"),
    (
        "our licence is {M1} per seat and we're {k1}, what's the yearly bill if it's charged monthly?",
        "m1 * k1 * 12",
    ),
    (
        "we spent {M1} of our {M2} budget. How many percent is that?",
        "m1 / m2 * 100",
    ),
    ("{p} percent of {k1} parcels came back. How many?", "p / 100 * k1"),
    ("break-even question: fixed costs {M1}, margin {M2} a piece, how many pieces?", "m1 / m2"),
    (
        "depreciate {M1} over {k1} years in equal amounts, what's one year?",
        "m1 / k1",
    ),
    # programmer
    ("{n1} requests in {n2} seconds, so how many per second?", "n1 / n2"),
    ("a page shows {k1} rows and the table has {n1}, how many pages if I divide?", "n1 / k1"),
    ("what's left over when I put {n1} items into buckets of {k1}?", "n1 % k1"),
    ("[how many|number of] combinations with {k1} options in each of {e1} slots?", "k1 ** e1"),
    ("two to the {e1}, how many values is that?", "2 ** e1"),
    (
        "{k1} servers at {M1} a month each and {M2} for traffic, what's our cloud bill?",
        "k1 * m1 + m2",
    ),
    ("tests: {n1} passed, {n2} failed. total run?", "n1 + n2"),
    # home, grandparents, families
    (
        "I want to give each of my {k1} grandchildren {M1} for Christmas. What will that cost me, dear?",
        "k1 * m1",
    ),
    (
        "My late husband left me {M1} and I shall divide it among {k1} nephews. What does each receive?",
        "m1 / k1",
    ),
    (
        "Dear, I knit {k1} rows a day and the scarf has {n1} rows. How many days will it take me?",
        "n1 / k1",
    ),
    (
        "pension is {M1}, rent takes {M2}, what have I left to live on?",
        "m1 - m2",
    ),
    (
        "{name} was born in {y1}, so which birthday is it in {y2}?",
        "y2 - y1",
    ),
    (
        "We married in {y1} and now it's {y2}. How many years of marriage is that?",
        "y2 - y1",
    ),
    ("electricity: {n1} kWh at {M1} per kWh, what will they charge me?", "n1 * m1"),
    ("Water meter: {n1} last month, {n2} today. Used?", "n2 - n1"),
    (
        "{k1} nappies a day, how many in a week?",
        "k1 * 7",
    ),
    ("pocket money {M1} a week, how much is that in a year (52 weeks)?", "m1 * 52"),
    (
        "{name}'s puzzle has {n1} pieces and [she's|he's|they've] placed {n2}. Pieces missing?",
        "n1 - n2",
    ),
    (
        "I have {k1} flower pots and want {k2} bulbs in each, how many bulbs shall I buy?",
        "k1 * k2",
    ),
    # travel
    (
        "flight {M1}, hotel {M2}, food maybe {M3}. What's the holiday going to cost?",
        "m1 + m2 + m3",
    ),
    (
        "Split the Airbnb: {M1} a night, {k1} nights, {k2} of us. Per head?",
        "m1 * k1 / k2",
    ),
    (
        "my card charges {p}% abroad and I paid {M1} in {c}. what was the fee?",
        "p / 100 * m1",
    ),
    (
        "the taxi in {c} wants {M1} plus {M2} for luggage, total?",
        "m1 + m2",
    ),
    (
        "How much a day can I spend in {c} if I have {M1} for {k1} days?",
        "m1 / k1",
    ),
    ("we've walked {k1} of {k2} stages, what percent of the trail is behind us?", "k1 / k2 * 100"),
    (
        "A day pass is {M1}, a single is {M2}. How many singles until the pass pays off?",
        "m1 / m2",
    ),
    # money between friends
    (
        "{name} paid {M1}, I paid {M2}, and we go halves on the lot. What's half?",
        "(m1 + m2) / 2",
    ),
    (
        "so we were {k1}, the bill {M1}, and one of us already put down {M2}. what does each of the {k1} owe on the rest?",
        "(m1 - m2) / k1",
    ),
    (
        "How much does each of us chip in if {k1} of us share a [gift|ride|tent] for {M1}?",
        "m1 / k1",
    ),
    ("I owe {name} {M1} and {name2} {M2}. My debts together?", "m1 + m2"),
    (
        "I lent {name} {M1} and got {M2} back so far. What's outstanding?",
        "m1 - m2",
    ),
    ("{M1} pot, {k1} winners, what's the prize for one?", "m1 / k1"),
    # saving, paying
    (
        "if I skip my {M1} coffee every day for {k1} days, what have I saved?",
        "m1 * k1",
    ),
    ("I can put away {M1} a month and the {one} costs {M2}. How many months?", "m2 / m1"),
    (
        "Phone costs {M1}, I pay {M2} now and the rest in {k1} equal parts. One part is?",
        "(m1 - m2) / k1",
    ),
    ("three for {M1}. and one?", "m1 / 3"),
    ("They're {M1} a dozen. What does a single one come to?", "m1 / 12"),
    (
        "buy {k1}, pay for {k2}, at {M1} each: what do I actually pay?",
        "k2 * m1",
    ),
    (
        "Bulk is {M1} for {k1} kilos, loose is {M2} a kilo. What's the bulk price per kilo?",
        "m1 / k1",
    ),
    ("there's a deposit of {M1} on each of the {k1} crates, how much do I get back?", "k1 * m1"),
    ("tag says {M1}, cashier wants {M2}. By how much did they overcharge me?", "m2 - m1"),
    (
        "the {one} was {M1}, {p} percent came off, and a voucher took another {M2}. final price?",
        "m1 - p / 100 * m1 - m2",
    ),
    (
        "I sold my [bike|car|guitar] for {M1}; the site keeps {p} percent. What lands in my account?",
        "m1 - p / 100 * m1",
    ),
    # voice, elliptical
    ("okay {k1} boxes {k2} in a box what's that", "k1 * k2"),
    ("bill {M1}, {k1} people, each?", "m1 / k1"),
    ("{M1} in, {M2} out, so?", "m1 - m2"),
    ("{n1} here, {n2} there, {n3} in the shed. All told?", "n1 + n2 + n3"),
    ("{n1} kilos at {M1} the kilo?", "n1 * m1"),
    ("{p} percent tip, bill {M1}, just the tip", "p / 100 * m1"),
    ("{M1} at {p} percent off?", "m1 - p / 100 * m1"),
    ("{k1} times {k2} plus the {k3} from yesterday?", "k1 * k2 + k3"),
    ("{n1} down, {n2} in all. What's left to do?", "n2 - n1"),
    # garden, farm, animals
    ("My hens lay {k1} eggs a day, and a carton holds {k2}. Cartons per day?", "k1 / k2"),
    ("each of the {k1} cows gives {n1} liters, what goes into the tank?", "k1 * n1"),
    (
        "a bag of feed is {n1} kilos, the dog eats {n2} a day, how many days does it last?",
        "n1 / n2",
    ),
    ("pond: {n1} long, {n2} wide, {n3} deep, how much water?", "n1 * n2 * n3"),
    ("round table, radius {n1}. how big is the top?", "pi * n1 ** 2"),
]
ASKING = [
    "off the top of your head, what's {}",
    "if my maths is right {} comes to what",
    "can you double-check what {} is",
    "be honest, could you do {} in your head",
    "what figure do I put down for {}",
    "what would a calculator show for {}",
    "where do I land with {}",
    "and if it's {}, what then",
    "sorry to ask, but what's {}",
    "what was {} again",
    "how big a number is {}",
    "the form has a box for {}, what goes in",
    "my kid asked me {} and I blanked, what is it",
    "what should come out if I type {}",
    "okay smarty, {} is what",
    "would you be so kind as to tell me {}",
    "we can't agree on {}, what do you say",
    "{}, right, so that's how much",
]
TELLING = [
    "let's hear it: {}",
    "number crunching time: {}",
    "mental arithmetic isn't my thing. {}",
    "the till froze, I need {} in my hand now",
    "next line of the spreadsheet: {}",
    "hands full of dough here, work out {}",
    "for the invoice I need {}",
    "settle a bet and work out {}",
    "before I sign this, calculate {}",
    "my abacus gave up on {}",
    "I get a different answer every time for {}",
    "pop quiz: {}",
    "spit out {}",
    "run {} past the calculator for me",
    "I only need the bottom line of {}",
    "type {} in and read me the answer",
    "whatever {} makes, tell me",
    "would be good to have {}",
    "evaluate: {}",
    "question 7 on the sheet is {}",
]
