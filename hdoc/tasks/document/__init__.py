"""Documents of any length to classes, and the exact share of every word.

Read in this order: `attention` and `network` (the model), `lexical` (scores of words), `scores` and
`analysis` (from numbers to an explanation), `engine` (what runs it), `classifier` (all together), `folder/`.
"""
