"""How groups of people fare, with what would tell an effect from noise.

Begin with `groups.py`: rates by group, signed differences and those of texts and their twins, each
with its interval.

`thresholds.py` gives each group a threshold of its own, on stored outputs;
`pairs.py` sets a language model's likelihoods of a text and its twin side by side.

May import: `records`, `stats`, and what is below them.
"""
