"""Bytes to text, and text to sentences.

`documents` reads a file, `charset` recognises its encoding, `extraction` reads what is more than text,
`sentences` divides a text; it alone knows kss.
"""
