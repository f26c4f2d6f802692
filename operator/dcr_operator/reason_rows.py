"""What each reason means, what the operator does about it, and what a person can do.

`make crds` writes docs/reasons.md from it.
"""

from typing import Final

from dcr_operator.reasons import ConditionType, Reason, Retry, Row
from dcr_operator.rotation_reason_rows import ROTATION_ROWS

_READY, _PROVIDER, _REGISTERED, _SECRET = (
    ConditionType.READY,
    ConditionType.PROVIDER_READY,
    ConditionType.REGISTERED,
    ConditionType.SECRET_PUBLISHED,
)

ROWS: Final = (
    Row(
        Reason.READY,
        _READY,
        Retry.NOTHING_TO_DO,
        "The credentials of this generation are in the Secret and believed valid."
        " On a provider: it answers and can register clients.",
    ),
    Row(
        Reason.PROVIDER_READY,
        _PROVIDER,
        Retry.NOTHING_TO_DO,
        "The provider exists, allows this namespace and answers.",
    ),
    Row(
        Reason.REGISTERED,
        _REGISTERED,
        Retry.NOTHING_TO_DO,
        "The client exists at the provider as declared.",
    ),
    Row(
        Reason.SECRET_PUBLISHED,
        _SECRET,
        Retry.NOTHING_TO_DO,
        "The Secret holds what was registered.",
    ),
    Row(
        Reason.PROGRESSING,
        _READY,
        Retry.BACK_OFF,
        "Work is under way, or this step has not been reached yet.",
        "Wait; when it lasts, the other conditions say what it waits for.",
    ),
    Row(
        Reason.SUSPENDED,
        _READY,
        Retry.ON_CHANGE,
        "spec.suspend is true: nothing is changed at the provider or in the cluster until the"
        " object is deleted. Ready is True while the credentials of this spec are in the Secret.",
        "Set spec.suspend: false to go on.",
    ),
    Row(
        Reason.INVALID_SPEC,
        _READY,
        Retry.ON_CHANGE,
        "The object passed the API server and is not usable all the same, such as one stored"
        " under an older CRD.",
        "Correct the fields that the message names.",
    ),
    Row(
        Reason.INTERNAL_ERROR,
        _READY,
        Retry.BACK_OFF,
        "The operator met something that it does not expect.",
        "Read its log at the time of the Event and report it.",
    ),
    Row(
        Reason.PROVIDER_NOT_FOUND,
        _PROVIDER,
        Retry.BACK_OFF,
        "The provider that spec.providerRef names does not exist, or spec.providerRef is omitted"
        " and no ClusterOAuthProvider is annotated as the default.",
        "Create it, correct kind and name of spec.providerRef, or annotate one"
        ' ClusterOAuthProvider with dcr-operator.dev/is-default-provider: "true".',
    ),
    Row(
        Reason.DEFAULT_PROVIDER_AMBIGUOUS,
        _PROVIDER,
        Retry.BACK_OFF,
        "spec.providerRef is omitted, and more than one ClusterOAuthProvider is annotated as the"
        " default. Clients that are registered stay where they are.",
        "Take the annotation dcr-operator.dev/is-default-provider off all but one, or name a"
        " provider in spec.providerRef.",
    ),
    Row(
        Reason.NAMESPACE_NOT_ALLOWED,
        _PROVIDER,
        Retry.BACK_OFF,
        "The ClusterOAuthProvider does not allow this namespace.",
        "Ask its administrator to add the namespace to spec.allowedNamespaces.",
    ),
    Row(
        Reason.DISCOVERY_FAILED,
        _PROVIDER,
        Retry.BACK_OFF,
        "The issuer answers, and not with a discovery document that can be used.",
        "Compare spec.issuer with the issuer in the document, character by character, and see that"
        " the document names a registration endpoint or set spec.registrationEndpoint.",
    ),
    Row(
        Reason.PROVIDER_UNAVAILABLE,
        _PROVIDER,
        Retry.BACK_OFF,
        "The provider does not answer, or answers that it cannot work now.",
        "Look at the provider, at spec.tls when the message speaks of certificates, and at network"
        " policies between the operator and it.",
    ),
    Row(
        Reason.RATE_LIMITED,
        _REGISTERED,
        Retry.WHEN_ALLOWED,
        "The provider asks for fewer requests.",
        "Wait; when it happens often, lower spec.limits of the provider.",
    ),
    Row(
        Reason.CERTIFICATE_AUTHORITY_MISSING,
        _PROVIDER,
        Retry.BACK_OFF,
        "The Secret or the key that the provider's spec.tls.caRef names does not exist or may not"
        " be read.",
        "Create it, or correct spec.tls.caRef of the provider.",
    ),
    Row(
        Reason.INITIAL_ACCESS_TOKEN_MISSING,
        _PROVIDER,
        Retry.BACK_OFF,
        "The Secret or the key that the provider's spec.initialAccessToken.secretRef names does"
        " not exist, may not be read, or holds what no token has.",
        "Create it, or correct the reference.",
    ),
    Row(
        Reason.INITIAL_ACCESS_TOKEN_REJECTED,
        _REGISTERED,
        Retry.BACK_OFF,
        "The provider refuses the initial access token: wrong, expired or used up.",
        "Put a new one into the Secret that spec.initialAccessToken.secretRef of the provider"
        " names.",
    ),
    Row(
        Reason.REGISTRATION_NOT_SUPPORTED,
        _PROVIDER,
        Retry.BACK_OFF,
        "The provider has no registration endpoint, or the endpoint does not take registrations.",
        "Turn dynamic client registration on at the provider, or set spec.registrationEndpoint.",
    ),
    Row(
        Reason.MANAGEMENT_NOT_SUPPORTED,
        _REGISTERED,
        Retry.ON_CHANGE,
        "The provider registers clients and does not let them be changed (RFC 7592); the Secret"
        " still holds the credentials of the registration as it was.",
        "Take the edit back, or make the OAuthClient again and remove the old client by hand.",
    ),
    *ROTATION_ROWS,
    Row(
        Reason.REGISTRATION_REJECTED,
        _REGISTERED,
        Retry.AT_RESYNC,
        "The provider refuses this client metadata; the message has its error code.",
        "Change spec.clientMetadata to what the provider accepts.",
    ),
    Row(
        Reason.POLICY_DENIED,
        _REGISTERED,
        Retry.ON_CHANGE,
        "The client asks for what the provider's spec.clientPolicy does not allow: nothing is sent."
        " Or the provider put in force what it does not allow: then the client is unregistered"
        " and its Secret removed. A client that was allowed before the policy was narrowed stays"
        " as it is.",
        "Change spec.clientMetadata to what the message allows, or ask the administrator of the"
        " provider to widen spec.clientPolicy.",
    ),
    Row(
        Reason.CLIENT_LIMIT_REACHED,
        _REGISTERED,
        Retry.BACK_OFF,
        "The namespace has as many clients as clientPolicy.maxClientsPerNamespace of the provider"
        " allows.",
        "Delete a client that is not needed any more, or ask the administrator of the provider to"
        " raise the number.",
    ),
    Row(
        Reason.REGISTRATION_ACCESS_TOKEN_REJECTED,
        _REGISTERED,
        Retry.ON_CHANGE,
        "The client works, and the provider refuses the token that manages it.",
        "Restore the token at the provider, or set onLostRegistrationAccessToken: Reregister on"
        " the provider and remove the old client by hand.",
    ),
    Row(
        Reason.SOFTWARE_STATEMENT_MISSING,
        _REGISTERED,
        Retry.BACK_OFF,
        "The Secret or the key that spec.softwareStatementRef names does not exist, may not be"
        " read, or holds no software statement. Nothing is sent without it.",
        "Create it in the namespace of the OAuthClient, or correct the reference.",
    ),
    Row(
        Reason.CREATION_OUTCOME_UNKNOWN,
        _REGISTERED,
        Retry.ON_CHANGE,
        "A registration was sent, no answer came or none that can be read, and the provider cannot"
        " say what it did. With onAmbiguousCreate: Retry another is sent at once, after 1 min,"
        " after 10 min, then every hour until one is answered.",
        "Look for the client at the provider and remove it; then set onAmbiguousCreate: Retry on"
        " the provider, or make the OAuthClient again.",
    ),
    Row(
        Reason.RECORD_MISSING,
        _REGISTERED,
        Retry.ON_CHANGE,
        "A client was registered for this object, and the Secret with its record is not in the"
        " operator's namespace. No second client takes its place unasked.",
        "Restore the Secret that the message names from a backup, or run the operator in the"
        " namespace where its records are; else remove the client at the provider by hand and make"
        " the OAuthClient again.",
    ),
    Row(
        Reason.ADOPTION_REFUSED,
        _REGISTERED,
        Retry.ON_CHANGE,
        "The client that spec.adopt names is not taken over: the Secret that it refers to is not"
        " usable, the provider does not show that client, or another OAuthClient has it.",
        "Do what the message says. adopt itself cannot be changed: for another client make the"
        " OAuthClient again.",
    ),
    Row(
        Reason.CLIENT_SECRET_UNKNOWN,
        _SECRET,
        Retry.ON_CHANGE,
        "An adopted client authenticates with a secret that the provider does not show, and the"
        " Secret of spec.adopt.registrationRef has no client_secret.",
        "Put client_secret into that Secret.",
    ),
    Row(
        Reason.METADATA_NOT_ACCEPTED,
        _REGISTERED,
        Retry.ON_CHANGE,
        "The provider registered the client and put other metadata in force than was asked for;"
        " status.drift lists what.",
        "Ask for what the provider grants, or change the provider.",
    ),
    Row(
        Reason.DRIFT_REPAIRED,
        _REGISTERED,
        Retry.NOTHING_TO_DO,
        "An Event only: the registration had been edited at the provider, and is again as"
        " spec.clientMetadata says. What the provider changes in every answer is left alone and"
        " stands in status.drift.",
    ),
    Row(
        Reason.CLIENT_VANISHED,
        _REGISTERED,
        Retry.ON_CHANGE,
        "The provider no longer knows the client. With onVanishedClient: Reregister this is an"
        " Event only, and a new client takes its place.",
        "Set onVanishedClient: Reregister on the provider, or make the OAuthClient again.",
    ),
    Row(
        Reason.SECRET_CONFLICT,
        _SECRET,
        Retry.BACK_OFF,
        "A Secret of that name exists and is not ours; it is never touched.",
        "Remove or rename it, or choose another spec.secret.name.",
    ),
    Row(
        Reason.SECRET_REFUSED,
        _SECRET,
        Retry.BACK_OFF,
        "The cluster does not take the Secret as it is to be: a quota, an admission policy, a"
        " webhook that changes it, or an old Secret that finalizers hold.",
        "Do what the message says; the registration is kept, and the Secret follows.",
    ),
    Row(
        Reason.TEMPLATE_INVALID,
        _SECRET,
        Retry.ON_CHANGE,
        "spec.secret.template has a placeholder that is not known or whose value this client does"
        " not have, or spec.secret gives one key to two values.",
        "Correct what the message names; secret-keys.md lists the placeholders and the keys.",
    ),
    Row(
        Reason.IN_USE,
        _READY,
        Retry.ON_CHANGE,
        "On a provider: it is being deleted, and clients with deletionPolicy: Delete are registered"
        " there, which need it to be unregistered. It takes no new clients.",
        "Delete those clients or set their spec.deletionPolicy: Retain; the provider then goes by"
        " itself.",
    ),
    Row(
        Reason.ROLLOUT_RESTARTED,
        _SECRET,
        Retry.NOTHING_TO_DO,
        "An Event only: a workload of spec.rolloutRestart starts its pods anew, since the content"
        " of the Secret has changed.",
    ),
    Row(
        Reason.ROLLOUT_RESTART_REFUSED,
        _SECRET,
        Retry.ON_CHANGE,
        "An Event only: a workload of spec.rolloutRestart does not exist, does not allow it, or the"
        " operator may not. status.rolloutRestarts has the message; the client itself is fine.",
        "Annotate the workload dcr-operator.dev/allow-restart: <name of the OAuthClient>, or do"
        " what the message says.",
    ),
    Row(
        Reason.DELETING,
        _READY,
        Retry.BACK_OFF,
        "The object is being deleted; its registration goes first.",
        "Wait; when it lasts, the reason turns into DeletionBlocked and says why.",
    ),
    Row(
        Reason.DELETION_BLOCKED,
        _REGISTERED,
        Retry.BACK_OFF,
        "The registration could not be removed from the provider.",
        "Bring the provider back; or set spec.deletionPolicy: Retain to let the object go and"
        " leave the registration there.",
    ),
)
ROW_OF: Final = {row.reason: row for row in ROWS}


def render_table() -> str:
    """Return docs/reasons.md."""
    lines = [
        "<!-- Generated from operator/dcr_operator/reason_rows.py by `make crds`; edit that. -->",
        "# Reasons",
        "",
        "Every reason that the operator gives, the same word in conditions, Events, log lines and",
        "metric labels. The condition `Ready` repeats the reason of the condition that blocks it.",
        "",
        "| reason | condition | what it means | what the operator does | what to do |",
        "| --- | --- | --- | --- | --- |",
    ]
    lines += [
        f"| `{row.reason}` | `{row.condition}` | {row.meaning} | {row.retry} | {row.remedy} |"
        for row in ROWS
    ]
    return "\n".join(lines) + "\n"
