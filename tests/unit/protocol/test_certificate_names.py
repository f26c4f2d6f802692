import time

import pytest
from pydantic import JsonValue

from dcr_protocol.certificate_names import FLAWS_IN_CERTIFICATE_NAMES
from dcr_protocol.errors import InvalidClientMetadata
from dcr_protocol.vocabulary import TLS_CLIENT_AUTH_MEMBERS
from tests.unit.protocol.registration_requests import checked, machine_client

NAMES: dict[str, JsonValue] = {
    "tls_client_auth_subject_dn": "CN=client,O=Example",
    "tls_client_auth_san_dns": "client.example",
    "tls_client_auth_san_uri": "https://client.example/",
    "tls_client_auth_san_ip": "192.0.2.1",
    "tls_client_auth_san_email": "client@client.example",
}


def refused(document: dict[str, JsonValue], description: str) -> None:
    with pytest.raises(InvalidClientMetadata, match=description):
        checked(document)


def test_every_name_has_its_form() -> None:
    assert FLAWS_IN_CERTIFICATE_NAMES.keys() == NAMES.keys() == set(TLS_CLIENT_AUTH_MEMBERS)


@pytest.mark.parametrize("member", NAMES)
def test_s191_tls_client_auth_takes_exactly_one_name(member: str) -> None:
    method = {"token_endpoint_auth_method": "tls_client_auth"}
    one = machine_client(**method, **{member: NAMES[member]})
    assert one.items() <= checked(one).to_wire().items()
    refused(machine_client(**method), "needs exactly one of")
    for other in NAMES.keys() - {member}:
        refused(one | {other: NAMES[other]}, "needs exactly one of")


@pytest.mark.parametrize(
    ("member", "name"),
    [
        ("subject_dn", "CN=Steve Kille,O=Isode Limited,C=GB"),
        ("subject_dn", "OU=Sales+CN=J.  Smith,DC=example,DC=net"),
        ("subject_dn", r"CN=James \"Jim\" Smith\, III,DC=example,DC=net"),
        ("subject_dn", r"CN=Before\0dAfter, DC=example"),
        ("subject_dn", "1.3.6.1.4.1.1466.0=#04024869"),
        ("subject_dn", "CN=Lučić"),
        ("subject_dn", r"CN=a#b,O=\#c"),
        ("san_dns", "xn--bcher-kva.example"),
        ("san_dns", "localhost"),
        ("san_uri", "spiffe://example.org/ns/a/sa/b"),
        ("san_ip", "2001:db8::1"),
        ("san_email", "a+b@client.example"),
    ],
)
def test_s191_a_name_in_the_form_of_its_kind_is_accepted(member: str, name: str) -> None:
    document = machine_client(**{f"tls_client_auth_{member}": name})
    assert document.items() <= checked(document).to_wire().items()


@pytest.mark.parametrize(
    ("member", "name"),
    [
        ("subject_dn", "client"),
        ("subject_dn", "CN=a,client"),
        ("subject_dn", "CN=a;O=b"),
        ("subject_dn", 'CN="a"'),
        ("subject_dn", "CN=a\\"),
        ("subject_dn", "=a"),
        ("subject_dn", "CN=#a"),
        ("san_dns", "*.client.example"),
        ("san_dns", "https://client.example"),
        ("san_dns", "client..example"),
        ("san_dns", "bücher.example"),
        ("san_uri", "client.example"),
        ("san_uri", "//client.example"),
        ("san_ip", "2001:DB8::1"),
        ("san_ip", "2001:db8:0::1"),
        ("san_ip", "192.0.2.01"),
        ("san_ip", "a.example"),
        ("san_email", "client"),
        ("san_email", "a@b@c"),
        ("san_email", "a b@client.example"),
    ],
)
def test_s191_a_name_in_another_form_is_refused(member: str, name: str) -> None:
    refused(machine_client(**{f"tls_client_auth_{member}": name}), f"tls_client_auth_{member} must")


@pytest.mark.parametrize(
    ("member", "part", "end"),
    [
        ("subject_dn", "A=#00,", "<"),
        ("subject_dn", "A=#00+", "A"),
        ("subject_dn", "1.1=a, ", "<"),
        ("subject_dn", r"A=\20\#,", "\\"),
        ("san_dns", "a.", "!"),
        ("san_dns", "a-", "!"),
        ("san_uri", "a:", "<"),
        ("san_ip", "1:", ""),
        ("san_email", "a@", "@"),
    ],
)
def test_s191_a_name_made_to_take_long_is_refused_at_once(member: str, part: str, end: str) -> None:
    # Where a part can be read in two ways, the time doubles with each: that many take seconds.
    for repeats in (24, 2000 // len(part)):
        began = time.process_time()
        name = part * repeats + end
        refused(machine_client(**{f"tls_client_auth_{member}": name}), "must")
        assert time.process_time() - began < 1
