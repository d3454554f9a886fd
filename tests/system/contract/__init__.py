"""The wire contract as it was released, and what holds today's code to it.

`recorded/<version>/` has every message as that version wrote it, and `schema.json`, the shape of
all of them. `python -m tests.system.contract` records the version of today's code; a version that
has been released is never recorded again.
"""
