"""What the chart gives the operator: `python -m tests.chart.render NAMESPACE` prints its RBAC.

Demo and tests run the operator with these rights and no others, so that a 403 shows what the
chart lacks.
"""

import sys
from typing import Any

import yaml

from tests.chart.helm import Helm, Values
from tests.cluster.client import JsonObject

OPERATOR_SERVICE_ACCOUNT = "dcr-operator"


def rendered(namespace: str, values: Values, *, only: tuple[str, ...] = ()) -> list[JsonObject]:
    text = Helm().template(namespace, values, only=only)
    return [document for document in yaml.safe_load_all(text) if document]


def rendered_rbac(namespace: str, **values: Any) -> list[JsonObject]:  # noqa: ANN401 -- any JSON
    """Return the operator's ServiceAccount, roles and bindings as `helm install` would make them.

    Values are those of the chart: ``rendered_rbac("ns", operator={"secretWatch": False})``.
    """
    return rendered(namespace, values, only=("rbac.yaml",))


def main() -> int:
    if len(sys.argv) != 2:
        print("usage: python -m tests.chart.render NAMESPACE", file=sys.stderr)
        return 2
    yaml.safe_dump_all(rendered_rbac(sys.argv[1]), sys.stdout, sort_keys=False)
    return 0


if __name__ == "__main__":
    sys.exit(main())
