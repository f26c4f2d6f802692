"""Where the programs come from: KUBEBUILDER_ASSETS, the cache, or a build."""

import os
import shutil
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from tests.cluster.building import HEARTBEAT_SECONDS, Builder, cached_path, go_build, go_environment
from tests.cluster.failures import MissingPrerequisiteError
from tests.cluster.programs import CONTROL_PLANE, HELM, Program
from tests.cluster.toolchain import find_toolchain

TERMINAL_HEARTBEAT_SECONDS = 10.0

Say = Callable[[str], None]


def say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def default_cache() -> Path:
    return Path.home() / ".cache" / "dcr-operator"


def existing_binary(program: Program, cache: Path, environment: Mapping[str, str]) -> Path | None:
    """Return the executable that needs no build; KUBEBUILDER_ASSETS may hold only some."""
    assets = environment.get("KUBEBUILDER_ASSETS")
    candidates = [Path(assets).resolve() / program.name] if assets else []
    for candidate in [*candidates, cached_path(cache, program)]:
        if candidate.is_file() and os.access(candidate, os.X_OK):
            return candidate
    return None


def find_binaries(
    programs: Iterable[Program],
    *,
    cache: Path,
    environment: Mapping[str, str],
    say: Say = say,
) -> dict[Program, Path]:
    """Return an executable for each program, building what is nowhere to be found.

    Raises MissingPrerequisiteError when something has to be built and there is no Go.
    """
    wanted = tuple(programs)
    found = {program: existing_binary(program, cache, environment) for program in wanted}
    missing = [program for program in wanted if found[program] is None]
    built: dict[Program, Path] = {}
    if missing:
        command = go_build(find_toolchain(cache, environment, say))
        heartbeat = TERMINAL_HEARTBEAT_SECONDS if sys.stderr.isatty() else HEARTBEAT_SECONDS
        builder = Builder(cache, command, go_environment(environment), say, heartbeat)
        built = {program: builder.build(program) for program in missing}
    return {program: found[program] or built[program] for program in wanted}


def control_plane_binaries() -> dict[Program, Path]:
    return find_binaries(CONTROL_PLANE, cache=default_cache(), environment=os.environ)


def helm() -> Path:
    """Return the machine's Helm, else one built like the cluster's programs."""
    installed = shutil.which("helm")
    if installed:
        return Path(installed)
    return find_binaries([HELM], cache=default_cache(), environment=os.environ)[HELM]


def kubectl() -> Path:
    """Return the kubectl of this virtual environment, else the machine's."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    found = shutil.which("kubectl", path=path)
    if found is None:
        raise MissingPrerequisiteError("kubectl is missing: run make install, which brings one.")
    return Path(found)
