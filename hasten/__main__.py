"""`python -m hasten`, and the file that hasten starts its own processes from."""

import sys
from pathlib import Path

if not __package__:  # started by its path: then this folder, not its parent, is on the path
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from hasten.launcher import main

sys.exit(main())
