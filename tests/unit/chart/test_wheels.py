import pytest
from packaging.utils import canonicalize_name

from tests.e2e.images import IMAGES, Image
from tests.e2e.wheels import ROOT, closure, locked

LINUX = {
    "implementation_name": "cpython",
    "os_name": "posix",
    "platform_machine": "x86_64",
    "platform_python_implementation": "CPython",
    "platform_system": "Linux",
    "python_full_version": "3.12.1",
    "python_version": "3.12",
    "sys_platform": "linux",
}
LOCK = """\
# made by a tool
one==1.0 \\
    --hash=sha256:aa \\
    --hash=sha256:ab
    # via two
two==2.0 ; sys_platform == 'win32' \\
    --hash=sha256:bb
Three.Name==3.0 ; python_full_version >= '3.12' \\
    --hash=sha256:cc
    # via
    #   one
"""


def test_the_images_of_operator_and_server_share_little() -> None:
    operator, server = (closure([extra], LINUX) for extra in ("operator", "server"))
    assert {"kopf", "kubernetes", "httpx", "pydantic"} <= operator
    assert {"starlette", "uvicorn", "joserfc", "pydantic"} <= server
    assert not {"kopf", "kubernetes", "asyncpg"} & server
    assert not {"starlette", "uvicorn"} & operator
    assert not {"pytest", "mypy", "ruff"} & (operator | server)


def test_the_image_of_the_server_can_use_postgresql() -> None:
    extras = {image.name: image.extras for image in IMAGES}
    assert "asyncpg" in closure(extras["dcr-server"], LINUX)


@pytest.mark.parametrize("image", IMAGES, ids=lambda image: image.name)
def test_all_that_an_image_needs_is_locked_by_hash(image: Image) -> None:
    lock = (ROOT / "requirements.lock").read_text()
    names = closure(image.extras, LINUX)
    chosen = locked(names, lock, LINUX)
    assert chosen.count("==") == len(names)
    assert "dcr-operator" not in names


def test_an_entry_keeps_its_hashes_and_loses_its_marker() -> None:
    chosen = locked({canonicalize_name("three-name")}, LOCK, LINUX)
    assert chosen == "Three.Name==3.0 \\\n    --hash=sha256:cc\n"


@pytest.mark.parametrize("name", ["two", "four"], ids=["for another system", "not locked"])
def test_what_the_lock_lacks_for_this_system_is_named(name: str) -> None:
    with pytest.raises(LookupError, match=f"lacks {name}: run make lock"):
        locked({canonicalize_name("one"), canonicalize_name(name)}, LOCK, LINUX)
