"""Client information responses: RFC 7591 §3.2.1, RFC 7592 §3."""

from starlette.responses import Response

from dcr_protocol.client_information import ClientInformation, client_information_document
from dcr_protocol.frozen import dataclass
from dcr_server.credentials import Credentials, secret_expires_at
from dcr_server.records import Client
from dcr_server.responses import no_store
from dcr_server.server import Server
from dcr_server.tokens import Minted


@dataclass(frozen=True, slots=True)
class Shown:
    """The credentials that a response is about, and the values that only it shows."""

    credentials: Credentials
    token: Minted
    secret: Minted | None = None


def client_information_response(
    server: Server, client: Client, shown: Shown, *, status: int = 200
) -> Response:
    """Answer with what is registered, and the credentials that only this response shows."""
    expires_at = None
    if client.needs_secret:
        expires_at = secret_expires_at(shown.credentials, client.overlapping)
    return no_store(
        client_information_document(
            ClientInformation(
                client_id=client.client_id,
                client_secret=None if shown.secret is None else shown.secret.value,
                client_id_issued_at=client.issued_at,
                client_secret_expires_at=expires_at,
                registration_access_token=shown.token.value,
                registration_client_uri=server.urls.client_configuration(client.client_id),
                metadata=client.metadata,
            )
        ),
        status,
    )
