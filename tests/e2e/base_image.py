"""What the Python of a base image can run, asked of the image itself."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from tests.e2e.commands import CommandFailedError, MissingError, run

# What pip itself would go by inside the image; both come with every pip.
_QUESTION = """
import json
from pip._vendor.packaging.markers import default_environment
from pip._vendor.packaging.tags import platform_tags
print(json.dumps({"environment": default_environment(), "platforms": list(platform_tags())}))
"""


@dataclass(frozen=True, slots=True)
class BaseImage:
    name: str
    environment: Mapping[str, str]
    """The environment of PEP 508 markers."""
    platforms: tuple[str, ...]

    @property
    def python_version(self) -> str:
        return self.environment["python_version"]


def ask_base_image(name: str) -> BaseImage:
    """Raises MissingError when there is no such image, or none with Python and pip."""
    sandbox = ["--rm", "--network=none", "--entrypoint=python3"]
    try:
        answer = json.loads(run("docker", "run", *sandbox, name, "-c", _QUESTION))
    except CommandFailedError as error:
        raise MissingError(f"BASE_IMAGE {name} does not run: {_first_cause(error)}") from None
    return BaseImage(name, answer["environment"], tuple(answer["platforms"]))


def _first_cause(error: CommandFailedError) -> str:
    lines = [line.strip() for line in str(error).splitlines()[1:] if line.strip()]
    causes = [line for line in lines if "Error" in line or "error" in line]
    return (causes or lines or ["it said nothing"])[-1]
