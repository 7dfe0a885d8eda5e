"""OpenAPI documents as a source of tools: every operation becomes one.

    reading      a file or URL → plain data, bounded
    document     the data, its version, references inside it
    dialect      the document's schemas → JSON Schema 2020-12
    parameters   what an operation takes in path, query and headers
    bodies       what it takes as a body
    arguments    both merged into one schema, with the way back
    security     schemes of authentication → credentials from the environment
    servers      where the API is
    operations   one operation → a tool, or the reason why not
    importing    the whole document → tools, and a list of what can't be one

What it is: reading. What it is not: sending (`tools.executors`), the registry's own rules.

Nothing outside the document is ever fetched. What can't be used is a `RegistrationError` whose `where` is
a JSON pointer into the document (`#/paths/~1pets/get`).
"""
