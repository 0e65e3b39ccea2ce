"""How far explanations can be believed: other methods beside hdoc's own, and what deletion shows.

`methods` names the methods and `attribution` explains by any of them, `deletion` scores a text with parts
gone, `erasure` measures orders of parts for tables, `check` a single explanation for its reader.
"""
