import pytest
from pydantic import JsonValue

from dcr_protocol.client_update import check_update_request, update_request_document
from dcr_protocol.errors import InvalidRequest
from dcr_protocol.vocabulary import FORBIDDEN_IN_UPDATE, READ_ONLY_MEMBERS
from tests.unit.protocol.registration_requests import web_client

Document = dict[str, JsonValue]


def update(**changes: JsonValue) -> Document:
    return web_client(client_id="c1") | changes


def test_s121_an_update_is_the_whole_metadata_with_client_id_first() -> None:
    document = update_request_document("c1", web_client())
    assert document == update()
    assert next(iter(document)) == "client_id"


def test_s122_an_update_request_never_holds_what_the_server_assigns() -> None:
    returned = dict.fromkeys(READ_ONLY_MEMBERS, "from the server") | {"client_name": "x"}
    assert update_request_document("c1", returned) == {"client_id": "c1", "client_name": "x"}


def test_what_the_client_sends_the_server_accepts() -> None:
    assert check_update_request(update_request_document("c1", web_client()), "c1") is None


@pytest.mark.parametrize("member", sorted(FORBIDDEN_IN_UPDATE))
@pytest.mark.parametrize("value", ["x", 0, None, ""])
def test_s122_a_forbidden_member_is_refused_whatever_its_value(
    member: str, value: JsonValue
) -> None:
    with pytest.raises(InvalidRequest, match=f"must not contain {member}") as caught:
        check_update_request(update(**{member: value}), "c1")
    assert caught.value.status == 400


@pytest.mark.parametrize("client_id", ["c2", "C1", "", None, 1, ["c1"]])
def test_s123_client_id_must_be_that_of_the_client(client_id: JsonValue) -> None:
    with pytest.raises(InvalidRequest, match="must contain the client_id"):
        check_update_request(update(client_id=client_id), "c1")


def test_s123_client_id_must_be_there() -> None:
    with pytest.raises(InvalidRequest, match="must contain the client_id"):
        check_update_request(web_client(), "c1")


@pytest.mark.parametrize("secret", [None, "", 1, ["x"]])
def test_s124_a_client_secret_that_can_be_nobodys_is_refused(secret: JsonValue) -> None:
    with pytest.raises(InvalidRequest, match="client_secret must be left out or be the current"):
        check_update_request(update(client_secret=secret), "c1")


def test_s124_a_repeated_client_secret_is_handed_to_who_can_compare() -> None:
    secret = check_update_request(update(client_secret="s3cret"), "c1")
    assert secret is not None
    assert secret.get_secret_value() == "s3cret"
    assert "s3cret" not in repr(secret)
