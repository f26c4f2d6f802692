"""spec.adopt: take over a client that exists, in place of registering another one."""

from pydantic import Field

from dcr_operator.resources.resource_model import LONGEST_ANSWER, ObjectName, ResourceModel


class RegistrationRef(ResourceModel):
    name: ObjectName = Field(
        description=(
            "Name of a Secret in this namespace with the keys registration_access_token and"
            " registration_client_uri, and client_secret if the provider does not show it."
        )
    )


class Adoption(ResourceModel):
    """A client that exists at the provider."""

    client_id: str = Field(
        min_length=1, max_length=LONGEST_ANSWER, description="Identifier of the client."
    )
    registration_ref: RegistrationRef = Field(
        description="Where the access to the registration of the client is (RFC 7592)."
    )
