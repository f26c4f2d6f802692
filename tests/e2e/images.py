"""`make image`: the container images of operator and server, without a network but for the base."""

import os
import sys
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from tests.e2e.base_image import ask_base_image
from tests.e2e.commands import (
    CommandFailedError,
    MissingError,
    exit_missing,
    need_programs,
    run,
    say,
)
from tests.e2e.wheels import DISTRIBUTION, ROOT, make_context

DEFAULT_BASE_IMAGE = "python:3.13-slim-bookworm"


@dataclass(frozen=True, slots=True)
class Image:
    name: str
    extras: tuple[str, ...]
    dockerfile: Path


IMAGES = (
    Image("dcr-operator", ("operator",), ROOT / "operator" / "Dockerfile"),
    Image("dcr-server", ("server", "postgres"), ROOT / "server" / "Dockerfile"),
)


def build_images(base_name: str, tag: str) -> None:
    """Build name:tag of each; raises MissingError and CommandFailedError."""
    base = ask_base_image(base_name)
    for image in IMAGES:
        say(f"image {image.name}:{tag} on {base.name}")
        context = ROOT / "dist" / "wheels" / image.name
        make_context(image.extras, base, context)
        run(
            "docker", "build", "--network=none", "--quiet",
            "--build-arg", f"BASE={base.name}",
            "--label", f"org.opencontainers.image.version={tag}",
            "--file", str(image.dockerfile), "--tag", f"{image.name}:{tag}", str(context),
            # The builder that every Docker has; BuildKit would ask a registry about the base.
            environment={"DOCKER_BUILDKIT": "0"},
        )  # fmt: skip


def image_id(name: str) -> str:
    return (
        run("docker", "image", "inspect", "--format={{.Id}}", name).strip().removeprefix("sha256:")
    )


def main() -> int:
    tag = os.environ.get("IMAGE_TAG") or version(DISTRIBUTION)
    try:
        need_programs(["docker"])
        build_images(os.environ.get("BASE_IMAGE") or DEFAULT_BASE_IMAGE, tag)
    except MissingError as error:
        return exit_missing(error)
    except CommandFailedError as error:
        print(f"make: {error}", file=sys.stderr)
        return 1
    for image in IMAGES:
        say(f"built {image.name}:{tag}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
