"""Which of many tools a request is about: an index over their definitions.

    terms    a text as the terms that are compared, English words, parts of identifiers and Chinese alike
    fields   what a definition says, and how much each part of it counts
    index    the definitions by their terms, ranked for a request

Beside the words, where a model is configured for it, their meaning:

    nearness            vectors of definitions and requests, kept by the hash of the text
    keeping             each definition gets its vector, behind the requests
    openai_embeddings   the way to a model, OpenAI's `/v1/embeddings`

What it is: BM25F, which weighs where a term stands, over the parts of a definition. A request that asks
for several things is ranked as a whole and sentence by sentence.
What it is not: a filter. Who may see a tool is asked by whoever takes it from the ranking.
"""
