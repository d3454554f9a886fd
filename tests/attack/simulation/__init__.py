"""One deterministic simulation of a fleet: N terminals and one centre, in one process, on virtual
time.

The code that runs is the product's: outbox, courier, agent and fleet of each terminal; doors,
intake, cases, keys, backups and enrolment of the centre on its own database. Virtual are time
(`virtual`), the line between them (`terminal.Line`) and who uses it all (`world`). Faults of disk,
network, clock and people are drawn from a seed, and the promises of docs/guarantees.md are checked
every day and at the end.

    python -m tests.attack.simulation --terminal-days 1000 --seed 7

prints one JSON object: the seed, terminal-days, faults by name, promises checked by name, and a
digest of everything that happened. The same seed gives the same digest, on either database.
"""
