"""Which of many tools a request is about: an index over their definitions, without a model.

    terms    a text as the terms that are compared, English words, parts of identifiers and Chinese alike
    fields   what a definition says, and how much each part of it counts
    index    the definitions by their terms, ranked for a request

What it is: BM25F, which weighs where a term stands, over the parts of a definition. A request that asks
for several things is ranked as a whole and sentence by sentence.
What it is not: a filter. Who may see a tool is asked by whoever takes it from the ranking.
"""
