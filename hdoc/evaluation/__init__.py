"""Measures a model on data: quality, faithfulness of its explanations, and the evidence it goes by."""
