"""Labelled files to batches: read, divided into sentences and tokenised once, sampled, and loaded ahead.

`tables` opens the splits, `tokenising` and `cache` make a `store` of each, `splits` and `holdout` say which
documents are whose, `sampling` and `loading` make batches, and `module` is all of it for Lightning.
"""
