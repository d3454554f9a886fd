"""What is captured from a citizen, and the rules every field obeys."""
