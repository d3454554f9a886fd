"""A citizen's visit: the engine (`flow`) and the vocabulary of what is asked (`prompts`)."""
