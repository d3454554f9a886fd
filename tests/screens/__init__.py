"""A real window on a virtual display, touched through Kivy's own event loop."""
