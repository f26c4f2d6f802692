import re
from pathlib import Path

import pytest
import yaml
from pydantic import BaseModel

from dcr_operator.resources import ClusterOAuthProviderSpec, OAuthClientSpec

PAGES = sorted([*Path().glob("*.md"), *Path("docs").glob("*.md")])
SPECS: dict[str, type[BaseModel]] = {
    "ClusterOAuthProvider": ClusterOAuthProviderSpec,
    "OAuthClient": OAuthClientSpec,
}
_LINK = re.compile(r"\]\((?!https?:|#)([^)#]+)")


def test_the_readme_shows_the_quickstart_as_it_is() -> None:
    example = Path("examples/quickstart.yaml").read_text(encoding="utf-8")
    manifest = example[example.index("apiVersion:") :]
    assert manifest in Path("README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_every_relative_link_leads_to_a_file(page: Path) -> None:
    targets = _LINK.findall(page.read_text(encoding="utf-8"))
    assert [target for target in targets if not (page.parent / target).exists()] == []


def manifests(page: Path) -> list[dict[str, object]]:
    blocks = re.findall(r"```yaml\n(.+?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    documents = [one for block in blocks for one in yaml.safe_load_all(block)]
    return [one for one in documents if str(one.get("apiVersion")).startswith("dcr-operator.dev/")]


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_every_manifest_in_the_documentation_is_valid(page: Path) -> None:
    for manifest in manifests(page):
        SPECS[str(manifest["kind"])].model_validate(manifest["spec"])
