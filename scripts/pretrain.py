"""Pre-train a BERT encoder on your own text: python scripts/pretrain.py --help."""

import sys

from hdoc.training.pretraining.command import main

if __name__ == "__main__":
    sys.exit(main())
