"""metav1.LabelSelector: which namespaces a provider serves."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, assert_never

from pydantic import ConfigDict, Field

from dcr_operator.resources.cel import Rule, schema
from dcr_operator.resources.resource_model import ResourceModel

LabelKey = Annotated[str, Field(min_length=1, max_length=317)]
LabelValue = Annotated[
    str, Field(max_length=63, pattern=r"^([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?$")
]


class SelectorOperator(StrEnum):
    IN = "In"
    NOT_IN = "NotIn"
    EXISTS = "Exists"
    DOES_NOT_EXIST = "DoesNotExist"


class LabelRequirement(ResourceModel):
    """One condition on one label."""

    model_config = ConfigDict(
        json_schema_extra=schema(
            Rule(
                "(self.operator in ['In', 'NotIn']) == (has(self.values) && size(self.values) > 0)",
                "values belong to the operators In and NotIn, which need at least one",
            )
        )
    )

    key: LabelKey = Field(description="Key of the label.")
    operator: SelectorOperator = Field(description="How the label's value is compared.")
    values: tuple[LabelValue, ...] = Field(
        default=(),
        max_length=64,
        description="Values for In and NotIn.",
        json_schema_extra=schema(x_kubernetes_list_type="set"),
    )

    def matches(self, labels: Mapping[str, str]) -> bool:
        match self.operator:
            case SelectorOperator.IN:
                return labels.get(self.key) in self.values
            case SelectorOperator.NOT_IN:
                return labels.get(self.key) not in self.values
            case SelectorOperator.EXISTS:
                return self.key in labels
            case SelectorOperator.DOES_NOT_EXIST:
                return self.key not in labels
            case _:
                assert_never(self.operator)


class LabelSelector(ResourceModel):
    """Every requirement must hold."""

    model_config = ConfigDict(
        json_schema_extra=schema(
            # Kubernetes lets an empty selector match everything; here that must be said aloud.
            Rule(
                "(has(self.matchLabels) && size(self.matchLabels) > 0)"
                " || (has(self.matchExpressions) && size(self.matchExpressions) > 0)",
                "selector must not be empty: an empty selector would match every namespace,"
                ' for which names: ["*"] is written',
            )
        )
    )

    match_labels: dict[LabelKey, LabelValue] = Field(
        default_factory=dict, max_length=64, description="Labels that must have these values."
    )
    match_expressions: tuple[LabelRequirement, ...] = Field(
        default=(),
        max_length=64,
        description="Conditions on labels.",
        json_schema_extra=schema(x_kubernetes_list_type="atomic"),
    )

    def matches(self, labels: Mapping[str, str]) -> bool:
        return all(labels.get(key) == value for key, value in self.match_labels.items()) and all(
            requirement.matches(labels) for requirement in self.match_expressions
        )
