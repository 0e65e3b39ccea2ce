"""Labelled files to batches: read, divided and tokenised once (`cache`), sampled, and loaded ahead."""
