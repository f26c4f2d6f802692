"""Bring the pinned oidc-provider onto this machine, once."""

import sys
from pathlib import Path
from typing import Final

from tests.interop.node_packages import NodePackages, print_node_modules

_FOLDER: Final = Path(__file__).with_name("oidc_provider")
SERVER_SCRIPT: Final = _FOLDER / "server.mjs"
OIDC_PROVIDER: Final = NodePackages(_FOLDER, "oidc-provider and its packages")

if __name__ == "__main__":
    sys.exit(print_node_modules(OIDC_PROVIDER))
