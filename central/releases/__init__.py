"""Releases of the terminal's program: what is signed, who gets which, and the watch over it.

repository.py  TUF metadata and files in `DIR/central/releases`; its ceremony of keys
serving.py     the files, in ranges, to enrolled terminals
rollout.py     cohorts: which terminal should have which release
evidence.py    the statistical test that halts a release
watch.py       once a minute: what terminals report, advance or halt
commands.py    `python -m central release …`
"""
