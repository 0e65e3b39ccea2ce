"""How an explanation is drawn; `hdoc.render` is the door.

`scale` turns contributions into percentages and shades, `symbols` makes foreign text safe to show, and
`wording` holds every word that a reader sees. On them stand `terminal` with its `palette`, and `html`, the
page's frame, with `evidence`, what it shows of the text, and `style.css`.
"""
