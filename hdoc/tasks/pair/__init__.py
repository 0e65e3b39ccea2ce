"""Two texts to a class of the pair, or to a number that says how alike they are.

Read in this order: `network` (the model), `results` (from its outputs to a row), `classifier` (all together),
`folder`.
"""
