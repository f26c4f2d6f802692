"""Which tests share a worker when several run at once."""

from xdist.scheduler import LoadScopeScheduling

# A module of these raises a stage for all of its tests: an operator, a server, a provider.
_WHOLE_MODULES = ("tests/integration/", "tests/interop/")


class StagedScheduling(LoadScopeScheduling):  # type: ignore[misc]  # it has no types
    """A module with a stage stays on one worker; any other test goes where there is room.

    Stages are dear, and a few of their tests change what the whole cluster sees, such as the
    default provider. The groups of ``--dist loadgroup`` would do, but pytest-xdist 3.8 keeps
    them in an attribute that pytest 9.2 does not have, and says nothing.
    """

    def _split_scope(self, nodeid: str) -> str:
        return shared_scope(nodeid)


def shared_scope(nodeid: str) -> str:
    """Return what the test shares a worker with: its module, or nothing but itself."""
    return nodeid.partition("::")[0] if nodeid.startswith(_WHOLE_MODULES) else nodeid
