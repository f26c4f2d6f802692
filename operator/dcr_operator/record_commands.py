"""`dcr-operator orphans` and `dcr-operator records`: what is on record, for those who run it.

They speak to the cluster as whoever runs them, beside a running operator: what has been written
meanwhile is refused, and the same command again goes on from there.
"""

import asyncio
import json
import os
import sys
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from typing import Final, TypeVar

import click

from dcr_operator.kube import (
    LEASES,
    OAUTH_CLIENTS,
    ApiError,
    KubernetesApi,
    member,
    object_meta,
    text,
)
from dcr_operator.lease import DURATION, LEASE_NAME
from dcr_operator.orphan_list import (
    ListedOrphan,
    OrphanRemoval,
    Records,
    listed,
    named,
    read_records,
    without_resource,
)
from dcr_operator.rebinding import Finding, Rebinding, rebind, rebindings
from dcr_operator.settings import DEFAULT_NAMESPACE, pod_namespace, variable_of
from dcr_operator.startup_error import StartupError

Result = TypeVar("Result")

_COLUMNS: Final = ("NAMESPACE", "NAME", "CLIENT-ID", "ISSUER", "CAUSE", "SINCE", "REMOVABLE")
_namespace_option = click.option(
    "-n",
    "--namespace",
    envvar=variable_of("namespace"),
    default=lambda: pod_namespace() or DEFAULT_NAMESPACE,
    show_default=f"{DEFAULT_NAMESPACE}, or the pod's own",
    help="The operator's namespace, where the records are.",
)
_yes_option = click.option("--yes", is_flag=True, help="Do not ask.")


@click.command()
@_namespace_option
@click.option("--output", type=click.Choice(["table", "json"]), default="table", show_default=True)
@click.option("--delete", is_flag=True, help="Delete those at their providers that can be.")
@click.option(
    "--forget",
    multiple=True,
    metavar="ID",
    help="Take one off the record that you removed by hand: its client_id, or its intent id.",
)
@click.option(
    "--resource-gone",
    is_flag=True,
    help="With --delete: those, too, whose OAuthClient is not there.",
)
@_yes_option
def orphans(  # noqa: PLR0913 - one for each option
    *,
    namespace: str,
    output: str,
    delete: bool,
    forget: tuple[str, ...],
    resource_gone: bool,
    yes: bool,
) -> None:
    """List clients that are, or may be, left at providers without anyone who manages them.

    A client is REMOVABLE where its record has the access to it. The others are removed at the
    provider by hand: without a client_id, look there for clients made at the time in SINCE.
    The CAUSE ResourceGone says that there is a record and no OAuthClient: it was deleted, or is
    not restored yet. Exit status 1 when something that was to go is still there.
    """

    async def work(api: KubernetesApi) -> bool:
        found = await _found(api, namespace)
        if forget:
            return await _forget(found, forget, api, namespace)
        if not delete:
            _print(found, output)
            return True
        chosen = [each for each in found if each.removable and (resource_gone or each.is_certain)]
        if len(chosen) < len([each for each in found if each.removable]):
            click.echo("left alone without --resource-gone: what may be restored yet", err=True)
        return await _delete(chosen, api, namespace, yes=yes)

    if not _with_cluster(work):
        sys.exit(1)


@click.group()
def records() -> None:
    """The records of registrations."""


@records.command("rebind")
@_namespace_option
@click.option("--dry-run", is_flag=True, help="Say what would be done.")
@_yes_option
def records_rebind(*, namespace: str, dry_run: bool, yes: bool) -> None:
    """Give records to the OAuthClients of the same name, after a restore with new uids.

    Stop the operator first, restore, run this, then start it: it would register the clients anew.
    Exit status 1 when an OAuthClient has a record of its own by now.
    """

    async def work(api: KubernetesApi) -> bool:
        leader = await _leader(api, namespace)
        if leader and not dry_run:
            message = f"an operator is running ({leader}): scale it to zero first"
            raise StartupError(message)
        found_records = await read_records(api, namespace)
        _tell_unreadable(found_records)
        found = rebindings(found_records, await api.list(OAUTH_CLIENTS, None))
        due = [each for each in found if each.finding in (Finding.REBIND, Finding.DONE_BEFORE)]
        taken = [each for each in found if each.finding is Finding.TAKEN]
        for each in taken:
            click.echo(f"{each.place} has a record of its own by now: compare both", err=True)
        await _rebind(due, api, namespace, dry_run=dry_run, yes=yes)
        return not taken

    if not _with_cluster(work):
        sys.exit(1)


async def _found(api: KubernetesApi, namespace: str) -> tuple[ListedOrphan, ...]:
    """Return what is on record as left, and what has no OAuthClient."""
    records = await read_records(api, namespace)
    _tell_unreadable(records)
    clients = await api.list_metadata(OAUTH_CLIENTS, None)
    live = {object_meta(each).uid for each in clients}
    return (*listed(records), *without_resource(records, live))


async def _rebind(
    due: Sequence[Rebinding], api: KubernetesApi, namespace: str, *, dry_run: bool, yes: bool
) -> None:
    if due and not dry_run and not yes:
        click.confirm(f"Rebind {len(due)} records?", abort=True)
    for each in due:
        if not dry_run:
            await rebind(each, api, namespace)
        click.echo(f"{each.place} {'would be ' if dry_run else ''}rebound")
    click.echo(f"{len(due)} records {'to rebind' if dry_run else 'rebound'}")


async def _delete(
    found: Sequence[ListedOrphan], api: KubernetesApi, namespace: str, *, yes: bool
) -> bool:
    from dcr_operator.registration_client import HttpRegistrationClient  # noqa: PLC0415  # slow

    if not found:
        click.echo("nothing can be removed: the others have to be, at their providers, by hand")
        return True
    if not yes:
        _print(found, "table")
        click.confirm(f"Delete these {len(found)} clients at their providers?", abort=True)
    registrations = HttpRegistrationClient()
    removal = OrphanRemoval(api, registrations, namespace)
    done = True
    try:
        for each in found:
            fresh = await _with_all_on_record(each, removal)
            for orphan in (one for one in listed(fresh) if one.orphan == each.orphan):
                came = await removal.delete(orphan, fresh)
                click.echo(f"{orphan.name}: {came.words}")
                done = done and came.done
    finally:
        await registrations.close()
    return done


async def _forget(
    found: Sequence[ListedOrphan], names: Sequence[str], api: KubernetesApi, namespace: str
) -> bool:
    from dcr_operator.registration_client import HttpRegistrationClient  # noqa: PLC0415  # slow

    unknown = set(names) - {each.name for each in found}
    for name in sorted(unknown):
        click.echo(f"{name} is not on record", err=True)
    removal = OrphanRemoval(api, HttpRegistrationClient(), namespace)
    for each in (each for name in names for each in named(found, name)):
        fresh = await _with_all_on_record(each, removal)
        for orphan in (one for one in listed(fresh) if one.orphan == each.orphan):
            await removal.forget(orphan, fresh)
            click.echo(f"{orphan.name}: forgotten")
    return not unknown


async def _with_all_on_record(orphan: ListedOrphan, removal: OrphanRemoval) -> Records:
    """Return the records as they are now, with what has lost its resource among the orphans."""
    fresh = await read_records(removal.api, removal.namespace)
    if orphan.is_certain or all(each.record != orphan.record for each in fresh.readable):
        return fresh
    await removal.put_on_record(orphan, fresh)
    return await read_records(removal.api, removal.namespace)


def _print(found: Sequence[ListedOrphan], output: str) -> None:
    documents = [each.to_document() for each in found]
    if output == "json":
        click.echo(json.dumps(documents, indent=2))
        return
    if not documents:
        click.echo("no orphans are on record")
        return
    keys = ("namespace", "name", "clientId", "issuer", "cause", "since", "removable")
    rows = [tuple(_shown(each[key]) for key in keys) for each in documents]
    widths = [max(len(row[n]) for row in (_COLUMNS, *rows)) for n in range(len(_COLUMNS))]
    for row in (_COLUMNS, *rows):
        line = "   ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        click.echo(line.rstrip())


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value) if value is not None else "-"


def _tell_unreadable(records: Records) -> None:
    for each in records.unreadable:
        click.echo(f"this record cannot be read: {each}", err=True)


async def _leader(api: KubernetesApi, namespace: str) -> str:
    """Return who leads, if the Lease was renewed lately by the clock of this machine."""
    lease = await api.get(LEASES, namespace, LEASE_NAME)
    spec = member(lease or {}, "spec")
    renewed = text(spec, "renewTime")
    if not renewed or not text(spec, "holderIdentity"):
        return ""
    age = (datetime.now(UTC) - datetime.fromisoformat(renewed)).total_seconds()
    return text(spec, "holderIdentity") if age < 2 * DURATION else ""


def _with_cluster(work: Callable[[KubernetesApi], Awaitable[Result]]) -> Result:
    """Run against the cluster of KUBECONFIG; what goes wrong there is one line."""
    # The Kubernetes client takes a while to import: not for --help.
    from dcr_operator.kubernetes_api import HttpKubernetesApi  # noqa: PLC0415
    from dcr_operator.kubernetes_connection import connect  # noqa: PLC0415

    async def run() -> Result:
        api = HttpKubernetesApi(await connect(os.environ))
        try:
            return await work(api)
        finally:
            await api.close()

    try:
        return asyncio.run(run())
    except (StartupError, ApiError) as error:
        click.echo(f"dcr-operator: {error}", err=True)
        sys.exit(1)
