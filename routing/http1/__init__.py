"""HTTP/1.1 to a model's engine: one origin, kept connections, answers read as they come.

What it is: what a gateway needs of HTTP on its hottest way, at a tenth of what a client for every purpose
costs there. Framing is llhttp's (by httptools, which uvicorn reads requests with), connecting to names of
several addresses is aiohappyeyeballs', TLS is Python's.
What it is not: a client for foreign places. It follows no redirects, keeps no cookies, knows no proxies
and unpacks nothing; tools ask over `tools.executors.http_session`, which guards where they go.
"""

from routing.http1.answer import Answer
from routing.http1.client import HttpClient
from routing.http1.errors import CutShort, HttpError, HungUp, NoConnection
from routing.http1.waiting import end_of_wait

__all__ = [
    "Answer",
    "CutShort",
    "HttpClient",
    "HttpError",
    "HungUp",
    "NoConnection",
    "end_of_wait",
]
