"""Pre-training a BERT encoder on one's own text: vocabulary, token shards, masked language modelling, export.

Read in this order: corpus (texts), tokenizer (vocabulary), preparation and shards (texts as tokens on disk),
rows (which tokens a training row holds), masking, network, learner, data, command.
"""
