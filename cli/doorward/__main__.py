"""``python -m doorward``, the same as ``doorward``."""

import sys

from doorward.main import main

if __name__ == "__main__":
    sys.exit(main())
