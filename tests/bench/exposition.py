"""Counters of a process as it exposes them to Prometheus, and what they grew by."""

from collections.abc import Mapping

from prometheus_client.parser import text_string_to_metric_families

Labels = frozenset[tuple[str, str]]
Counters = Mapping[tuple[str, Labels], float]


def read_counters(exposition: str) -> Counters:
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(exposition)
        for sample in family.samples
    }


def total(counters: Counters, name: str, **wanted: str) -> float:
    """Add up the series of a metric that carry these labels."""
    labels = wanted.items()
    return sum(
        value for (each, has), value in counters.items() if each == name and labels <= set(has)
    )
