"""When a schedule is due, without a clock, a store or HTTP: pure.

when.py    cron expressions with their time zone, intervals, one time: what comes after a moment
due.py     what to do about a schedule whose time has come, or passed several times
plan.py    what a tenant asked for, as it is kept
"""
