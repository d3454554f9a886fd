"""社会保障卡: the reader, the way to it, and what the chip says."""
