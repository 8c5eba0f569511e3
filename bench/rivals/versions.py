"""Says which versions of the named modules there are here: `python versions.py MODULE…`."""

import importlib
import json
import platform
import sys

modules = {name: importlib.import_module(name).__version__ for name in sys.argv[1:]}
print(json.dumps({"versions": {"python": platform.python_version(), **modules}}), flush=True)
