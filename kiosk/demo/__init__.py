"""The kiosk on virtual devices with a central server beside it, all on one machine.

`launcher` is the command (`kiosk demo`), `world` what is started and in which order, `processes`
how it is kept alive and stopped. `tour` is one complete visit by real touches: `script` is the
table of what is done, `walk` does it with the `hand` and looks at the `page`, `report` compares
what came of it with what should have.
"""
