"""`python -m ablations.elsewhere.runner FOLDER`: see `run_all`."""

import sys

from ablations.elsewhere.runner.run_all import main

if __name__ == "__main__":
    sys.exit(main())
