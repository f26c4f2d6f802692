"""The wheels of one image: what its extras need, at the locked versions, checked by hash.

They are fetched for the Python of the base image, whatever Python runs here, into a folder that
becomes the context of `docker build`.
"""

import hashlib
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from importlib.metadata import requires
from pathlib import Path

from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.utils import NormalizedName, canonicalize_name

from tests.e2e.base_image import BaseImage
from tests.e2e.commands import CommandFailedError, run, say

ROOT = Path(__file__).parents[2]
DISTRIBUTION = "dcr-operator"
_PIP = (sys.executable, "-m", "pip", "--disable-pip-version-check")


def closure(extras: Iterable[str], environment: Mapping[str, str]) -> set[NormalizedName]:
    """Return the names of all that the extras pull in on a machine like that one."""
    seen: set[tuple[str, str]] = set()
    waiting = [(DISTRIBUTION, extra) for extra in extras]
    while waiting:
        one = waiting.pop()
        if one not in seen:
            seen.add(one)
            waiting += _needed(*one, environment)
    return {canonicalize_name(name) for name, _ in seen} - {canonicalize_name(DISTRIBUTION)}


def _needed(name: str, extra: str, environment: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for line in requires(name) or ():
        requirement = Requirement(line)
        if requirement.marker is None or _holds(requirement.marker, environment, extra):
            for wanted in {"", *requirement.extras}:
                yield requirement.name, wanted


def _holds(marker: Marker, environment: Mapping[str, str], extra: str = "") -> bool:
    return marker.evaluate({**environment, "extra": extra})


def locked(names: set[NormalizedName], lock: str, environment: Mapping[str, str]) -> str:
    """Return the lock's entries of these packages, as far as they hold there, hashes and all."""
    entries = re.findall(
        r"^(\S+?)==(\S+)(?: ; (.+?))? \\\n((?:    --hash=.*\n)+)", lock, re.MULTILINE
    )
    chosen = {
        canonicalize_name(name): f"{name}=={version} \\\n{hashes}"
        for name, version, marker, hashes in entries
        if not marker or _holds(Marker(marker), environment)
    }
    missing = names - chosen.keys()
    if missing:
        raise LookupError(f"requirements.lock lacks {', '.join(sorted(missing))}: run make lock")
    return "".join(chosen[name] for name in sorted(names))


def make_context(extras: Iterable[str], base: BaseImage, context: Path) -> None:
    """Fill the folder with wheels and a requirements.txt that names each of them by its hash."""
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    requirements = locked(closure(extras, base.environment), lock, base.environment)
    marker = context / ".complete"
    state = hashlib.sha256(f"{requirements}{base.platforms}".encode()).hexdigest()
    context.mkdir(parents=True, exist_ok=True)
    if not marker.is_file() or marker.read_text() != state:
        _empty(context)
        count = requirements.count("==")
        say(f"  fetching {count} wheels for Python {base.python_version} (up to a minute, once)")
        (context / "requirements.txt").write_text(requirements)
        _download(base, context)
        marker.write_text(state)
    own = _own_wheel(context)
    (context / "requirements.txt").write_text(requirements + own)


def _empty(context: Path) -> None:
    for file in context.iterdir():
        file.unlink()


def _download(base: BaseImage, context: Path) -> None:
    platforms = [f"--platform={platform}" for platform in base.platforms]
    target = ["--implementation=cp", f"--python-version={base.python_version}", *platforms]
    strict = ["--only-binary=:all:", "--no-deps", "--require-hashes"]
    run(
        *_PIP, "download", "--quiet", *strict, *target,
        "--requirement", str(context / "requirements.txt"), "--dest", str(context),
    )  # fmt: skip


def _own_wheel(context: Path) -> str:
    for earlier in context.glob("dcr_operator-*.whl"):
        earlier.unlink()
    build = ["wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    run(*_PIP, *build, "--wheel-dir", str(context), str(ROOT))
    wheels = list(context.glob("dcr_operator-*.whl"))
    if len(wheels) != 1:
        raise CommandFailedError(f"pip wheel made {len(wheels)} wheels in {context}")
    digest = hashlib.sha256(wheels[0].read_bytes()).hexdigest()
    return f"{DISTRIBUTION}=={wheels[0].name.split('-')[1]} \\\n    --hash=sha256:{digest}\n"
