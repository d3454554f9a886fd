"""Django's PostgreSQL, but for one thing: see `base`. Django wants a package of this shape."""
