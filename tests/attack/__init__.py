"""Attacks on the outbox: nothing that was promised is lost, nothing takes effect twice.

`--attack-seconds` (or KIOSK_ATTACK_SECONDS) makes them longer; every one is seeded, the seed is
printed at the end of the run and given back by `--attack-seed` (or KIOSK_ATTACK_SEED).
"""
