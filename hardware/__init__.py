"""Drivers: the card's files over PC/SC, the ID-card reader, the camera, the receipt printer.

Knows nobody: neither services nor screens. `hardware.virtual` has the far end of every wire.
"""
