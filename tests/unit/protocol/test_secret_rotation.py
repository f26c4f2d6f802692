import json

import pytest

from dcr_protocol.secret_rotation import secret_rotation_request, secret_rotation_url


@pytest.mark.parametrize(
    ("registration_client_uri", "url"),
    [
        ("https://id.example.com/register/c1", "https://id.example.com/register/c1/secret"),
        ("https://id.example.com/register/c1/", "https://id.example.com/register/c1/secret"),
        (
            "https://id.example.com/register?client_id=c1",
            "https://id.example.com/register/secret?client_id=c1",
        ),
    ],
)
def test_a_rotation_is_asked_for_below_the_client_configuration(
    registration_client_uri: str, url: str
) -> None:
    assert secret_rotation_url(registration_client_uri) == url


def test_the_request_names_the_overlap_in_seconds() -> None:
    assert json.loads(secret_rotation_request(3600)) == {"overlap": 3600}
