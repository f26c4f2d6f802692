import datetime as dt

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509 import DNSName
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError

from dcr_server.serving_certificate import ServingCertificate, make_serving_certificate

NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
NAMES = ("dcr-server.dcr-system.svc", "dcr-server.dcr-system.svc.cluster.local")


@pytest.fixture(scope="module")
def made() -> ServingCertificate:
    return make_serving_certificate(NAMES, NOW)


def verify(made: ServingCertificate, name: str, when: dt.datetime) -> None:
    store = Store([x509.load_pem_x509_certificate(made.ca_crt)])
    verifier = PolicyBuilder().store(store).time(when).build_server_verifier(DNSName(name))
    verifier.verify(x509.load_pem_x509_certificate(made.tls_crt), [])


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("days", [0, 3649], ids=["at once", "nearly ten years later"])
def test_who_trusts_the_authority_trusts_the_server(
    made: ServingCertificate, name: str, days: int
) -> None:
    verify(made, name, NOW + dt.timedelta(days=days))


@pytest.mark.parametrize(
    ("name", "days"),
    [("elsewhere.svc", 0), (NAMES[0], 3651), (NAMES[0], -1)],
    ids=["for another host", "after its end", "before its beginning"],
)
def test_it_is_good_for_nothing_else(made: ServingCertificate, name: str, days: int) -> None:
    with pytest.raises(VerificationError):
        verify(made, name, NOW + dt.timedelta(days=days))


def test_the_key_is_that_of_the_certificate_and_not_of_the_authority(
    made: ServingCertificate,
) -> None:
    key = load_pem_private_key(made.tls_key, None).public_key()
    assert key == x509.load_pem_x509_certificate(made.tls_crt).public_key()
    assert key != x509.load_pem_x509_certificate(made.ca_crt).public_key()


def test_its_repr_shows_no_key(made: ServingCertificate) -> None:
    assert "PRIVATE" not in repr(made)
