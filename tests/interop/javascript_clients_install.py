"""Bring the pinned OAuth clients in JavaScript onto this machine, once."""

import sys
from pathlib import Path
from typing import Final

from tests.interop.node_packages import NodePackages, print_node_modules

FOLDER: Final = Path(__file__).with_name("javascript_clients")
JAVASCRIPT_CLIENTS: Final = NodePackages(FOLDER, "oauth4webapi and openid-client")

if __name__ == "__main__":
    sys.exit(print_node_modules(JAVASCRIPT_CLIENTS))
