"""What the terminal does for itself between visits: health, journal, desired state, forgetting."""
