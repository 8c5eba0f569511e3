"""Loads the named modules and says their versions: `python versions.py MODULE…`; other scripts import `version_of`."""

import importlib
import json
import platform
import sys
from importlib.metadata import packages_distributions, version


def version_of(module):
    """Of the package that the module came with; not every module says its own."""
    importlib.import_module(module)
    return version(packages_distributions()[module][0])


if __name__ == "__main__":
    found = {name: version_of(name) for name in sys.argv[1:]}
    print(json.dumps({"versions": {"python": platform.python_version(), **found}}), flush=True)
