"""From texts to arrays of token ids: words, tokenisers, padded batches.

Begin with `tokens.py`, the tokenisers; `words.py` says what a word is, `padded.py` makes batches of
sequences of many lengths, `cache.py` keeps what was tokenised.

May import: `spec`, and the ground.
"""
