"""The way to the central server: outbox, envelope, courier, enrolment, fleet state.

Knows nothing of the kiosk, its screens or its devices. `wire/` is the wire contract, `kinds/` what
each business sends.
"""
