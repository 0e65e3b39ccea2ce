"""Pre-train a BERT encoder on your own text: python scripts/pretrain.py --help."""

import sys

from hdoc.cli.pretrain import main

if __name__ == "__main__":
    sys.exit(main())
