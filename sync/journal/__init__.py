"""The journal: what the terminal did, in a chain that cannot be altered unseen.

Entries (`kinds`) hold ids, counts, codes and durations. They stand in files of lines (`lines`),
each with the hash of the one before; all programs of a terminal append to the same chain
(`writer`, `recorder`). Its end is signed from time to time and sent to the centre (`checkpoints`).
`check` finds the first entry that was altered.
"""

from sync.journal.recorder import Recorder, Unrecorded
from sync.journal.writer import Journal

#: Where it lies in a terminal's state directory.
FOLDER = "journal"

__all__ = ["FOLDER", "Journal", "Recorder", "Unrecorded"]
