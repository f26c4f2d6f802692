"""What the pages about the server show, as the program reads it."""

import re
from pathlib import Path

import yaml

from dcr_server.policies import Policy


def documented_policies() -> dict[str, Policy]:
    page = Path("docs", "server.md").read_text(encoding="utf-8")
    [example] = re.findall(r"```yaml\n(policies:.+?)```", page, re.DOTALL)
    policies = yaml.safe_load(example)["policies"]
    return {name: Policy.model_validate(policy) for name, policy in policies.items()}


def documented_configuration() -> str:
    """Return the file that docs/running-the-server.md begins with."""
    page = Path("docs", "running-the-server.md").read_text(encoding="utf-8")
    [example] = re.findall(r"```yaml\n(issuer:.+?)```", page, re.DOTALL)
    return str(example)
