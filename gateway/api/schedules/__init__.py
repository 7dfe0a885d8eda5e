"""`/v1/schedules`: requests that come again by themselves, as responses in the background.

wire.py        what is asked for, and what is told
routes.py      HTTP
owner.py       whose authority a run has
scheduler.py   the task that begins what is due
"""
