"""Manifests: files in which authors write down tools of every kind.

    entries    what may stand in a file: pydantic models, a kind each
    reading    files → entries, and everything that is wrong with them
    placed     an entry where it stands, so that what is found out later is told with line and column
    problem    one thing that is wrong: file, line, column, path, why, remedy
    document   the JSON Schema of a manifest, for editors

What it is: reading. What it is not: making tools of it (`gateway.compose.manifests`).
"""
