"""`python -m hdoc` is the command `hdoc`."""

import sys

from hdoc.cli import main

if __name__ == "__main__":
    sys.exit(main())
