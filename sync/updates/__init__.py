"""Updates: a release is fetched, proven and put into the idle slot; nobody at a terminal is needed.

    names.py     what files of a release are called, and what their signed description says
    fetching.py  HTTP by ranges: goes on where it was cut, at a pace, from the centre or a neighbour
    trusted.py   TUF (The Update Framework 1.0, theupdateframework.io) with python-tuf: what may
                 be believed
    sharing.py   one terminal of a hall gives the others what it fetched
    delta.py     a bundle told by its difference from another
    tally.py     what happened while a version ran, counted from the journal
    worker.py    what the agent does with all this; stages.py has its words

Who is trusted: root keys and targets keys, which are offline, several of each. The centre itself
holds the keys of snapshot and timestamp only: who breaks into it can hold a terminal back for as
long as the last signatures run, and can make it install nothing that was not released. That does
not hold for a terminal without updates/root.json: its first root is the one the centre names.
"""
