import re

from hypothesis import given
from hypothesis import strategies as st

from tests.cluster.namespaces import namespace_name


def test_a_reader_of_a_log_recognises_the_test() -> None:
    name = namespace_name("test_a_secret_is_restored[when it was edited]", "n1")
    assert name == "test-a-secret-is-restored-when-it-was-ed-n1"


@given(st.text())
def test_every_purpose_makes_a_dns_label(purpose: str) -> None:
    # RFC 1123 §2.1, as Kubernetes wants it for a namespace.
    assert re.fullmatch(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?", namespace_name(purpose, "n1"))
