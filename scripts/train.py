"""Train, evaluate and use a classifier: python scripts/train.py fit --config configs/petitions.yaml."""

import sys

from hdoc.cli.train import main

if __name__ == "__main__":
    sys.exit(main())
