"""What the keyboard on the screen needs to know of Chinese: pinyin and the words of addresses."""
