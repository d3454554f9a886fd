"""The touch keyboards: digits for numbers, pinyin with candidates for addresses.

`layouts` holds the keys as tables, `composer` what is typed but not yet a word, `candidates` the
bar to choose from, `board` the keyboard that puts them together.
"""
