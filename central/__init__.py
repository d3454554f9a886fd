"""The reference central server: receives what terminals send, decides, and watches the fleet.

A Django project of one app. Of the terminal's code it imports the wire contract and the envelope
only. Start: `python -m central serve --state DIR`.
"""
