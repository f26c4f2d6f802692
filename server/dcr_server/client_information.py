"""Client information responses: RFC 7591 §3.2.1, RFC 7592 §3."""

from starlette.responses import Response

from dcr_protocol.client_information import ClientInformation, client_information_document
from dcr_server.records import Client
from dcr_server.responses import no_store
from dcr_server.server import Server
from dcr_server.tokens import Minted


def client_information_response(
    server: Server,
    client: Client,
    token: Minted,
    secret: Minted | None,
    *,
    status: int = 200,
) -> Response:
    """Answer with what is registered, and the credentials that only this response shows."""
    return no_store(
        client_information_document(
            ClientInformation(
                client_id=client.client_id,
                client_secret=None if secret is None else secret.value,
                client_id_issued_at=client.issued_at,
                client_secret_expires_at=client.secret_expires_at if client.needs_secret else None,
                registration_access_token=token.value,
                registration_client_uri=server.urls.client_configuration(client.client_id),
                metadata=dict(client.metadata),
            )
        ),
        status,
    )
