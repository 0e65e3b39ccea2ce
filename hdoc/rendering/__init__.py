"""How an explanation is drawn; `hdoc.render` is the door.

`scale` turns contributions into percentages and shades, `symbols` makes foreign text safe to show, and
`wording` holds every word that a reader sees. On them stand two pairs of a frame and the evidence in it:
`terminal` and `terminal_evidence`, with the colours of `palette`, and `html` and `html_evidence`, with
`style.css`.
"""
