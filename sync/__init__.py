"""The way to the central server: outbox, envelope, courier, enrolment, fleet state.

Knows nothing of the kiosk, its screens or its devices. `messages.py` is the wire contract.
"""
