"""`python -m hasten`, and the file that hasten starts its own processes from."""

import sys
from pathlib import Path

if not __package__:  # started by path: this folder is first on the path and the package is not on it
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from hasten.launcher import main

sys.exit(main())
