"""Pre-training a BERT encoder on one's own text: vocabulary, token shards, masked language modelling, export.

Read in this order: corpus (texts), tokenizer (vocabulary), preparation and shards (texts as tokens on disk),
packed_rows and next_sentence (which tokens a training row holds), masking, data_module (batches), network,
learner, optimisation, checkpoints, lightning_cli (`fit`), export. `adopting` is for encoders of others.
"""
