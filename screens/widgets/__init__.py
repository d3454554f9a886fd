"""The parts every screen is made of. Written in Python, not kv: kv rules are never freed."""
