"""Programs that come as a wheel, pinned by hash: installed into a folder of the cache, once."""

import re
import subprocess
import sys
import tempfile
from pathlib import Path


def pinned_version(requirements: Path, name: str) -> str:
    found = re.search(rf"^{re.escape(name)}==(\S+)", requirements.read_text(), re.MULTILINE)
    if found is None:
        raise LookupError(f"{requirements.name} does not pin {name}")
    return found[1]


def install_wheel(requirements: Path, home: Path) -> bool:
    """Say whether it is there now, whole or not at all."""
    with tempfile.TemporaryDirectory(dir=home.parent, prefix=".fetching-") as scratch:
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        pinned = ["--no-deps", "--only-binary=:all:", "--require-hashes", "-r", str(requirements)]
        target = Path(scratch) / "installed"
        done = subprocess.run(
            [*pip, *pinned, "--target", str(target)], capture_output=True, text=True, check=False
        )
        if done.returncode == 0:
            target.rename(home)
        return done.returncode == 0
