"""Speed and memory, as ratios to a peer measured in the same run; never a timed assert.

`python -m tests.bench` prints one JSON object. The machine may be slow or busy: what counts is the
ratio, and that peer and candidate took turns.
"""
