"""What the citizen and the technician see. Only this package knows Kivy.

A screen decides nothing: it shows one prompt (`kiosk.visit.prompts`) and hands the answer back.
Nothing here touches a device or the network; what they do reaches a screen as progress events.
"""
