"""The operators' pages that Django's admin does not make by itself."""
