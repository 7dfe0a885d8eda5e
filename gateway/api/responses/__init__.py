"""`/v1/responses`: OpenAI's Responses API, as Open Responses 2026-04-24 writes it down.

request.py, choice.py    what a request may say
ids.py                   ids of responses and items, which tell each other
window.py                what was before: a response's chain, a conversation, references
document.py, output.py   a run's events → the response object and its stream events
creation.py              the whole way without HTTP: prepare a request, then read its events
live.py                  what goes on in this process: background responses, conversation locks
endpoint.py, routes.py   HTTP: POST, and everything about responses that exist
compact.py               a conversation made shorter
"""
