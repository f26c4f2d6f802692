"""How a tenant Secret is to look, besides what is in it. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from dcr_operator.resources import SecretPreset


@dataclass(frozen=True, slots=True)
class SecretForm:
    """What spec.secret says, with the labels that its preset adds."""

    name: str
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    type: str = "Opaque"
    preset: SecretPreset = SecretPreset.DEFAULT
    keys: Mapping[str, str] = field(default_factory=dict)  # by default key
    template: Mapping[str, str] = field(default_factory=dict)  # by key of the Secret
    client_keys: bool = False  # whether there are keys that the operator makes
    client_name: str = ""  # some presets put it into their keys
