"""Attacks on the outbox: nothing that was promised is lost, nothing takes effect twice.

Each is made once whole, about a minute and a half altogether on two cores, and again with other
seeds while its share of `--attack-seconds` (or KIOSK_ATTACK_SECONDS) lasts. The seed is printed at
the end of the run with what was done; `--attack-seed` (or KIOSK_ATTACK_SEED) repeats it.
"""
