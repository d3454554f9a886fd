"""The other end of each wire: a card, an ID-card reader, a printer, a camera that can be moved.

For the demo, the tests and the training of technicians. The drivers are always the real ones.
"""
