"""
The local cluster from a shell: `python -m tests.cluster up|down|run|build|path`.

Exit status: 0 done, 1 failed, 2 something is missing on this machine (one line says what).
"""

import argparse
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.cluster.binaries import control_plane_binaries, helm, kubectl, say
from tests.cluster.failures import ClusterError, MissingPrerequisiteError
from tests.cluster.running import down, own_cluster, up
from tests.cluster.starting import REPOSITORY

DIRECTORY = REPOSITORY / ".local" / "cluster"


def main(arguments: Sequence[str]) -> int:
    options = _parser().parse_args(arguments)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        status: int = options.action(options)
    except MissingPrerequisiteError as missing:
        say(str(missing))
        return 2
    except ClusterError as failure:
        say(str(failure))
        return 1
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.cluster")
    actions = parser.add_subparsers(required=True, metavar="up|down|run|build|path")
    actions.add_parser("up", help="start it, detached").set_defaults(action=_up)
    actions.add_parser("down", help="stop it and remove its data").set_defaults(action=_down)
    run = actions.add_parser("run", help="run a command with KUBECONFIG at a cluster of its own")
    run.add_argument("command", nargs=argparse.REMAINDER)
    run.set_defaults(action=_run)
    build = actions.add_parser("build", help="make sure that its programs are there")
    build.set_defaults(action=_build)
    path = actions.add_parser("path", help="print where helm or kubectl is; builds helm")
    path.add_argument("program", choices=["helm", "kubectl"])
    path.set_defaults(action=_path)
    return parser


def _up(_: argparse.Namespace) -> int:
    print(f"export KUBECONFIG={up(DIRECTORY).kubeconfig}")
    return 0


def _down(_: argparse.Namespace) -> int:
    down(DIRECTORY)
    return 0


def _run(options: argparse.Namespace) -> int:
    command = [argument for argument in options.command if argument != "--"]
    with (
        tempfile.TemporaryDirectory(prefix="dcr-cluster-") as scratch,
        own_cluster(Path(scratch) / "cluster") as cluster,
    ):
        environment = os.environ | {"KUBECONFIG": str(cluster.kubeconfig)}
        return subprocess.run(command, env=environment, check=False).returncode


def _build(_: argparse.Namespace) -> int:
    control_plane_binaries()
    return 0


def _path(options: argparse.Namespace) -> int:
    print({"helm": helm, "kubectl": kubectl}[options.program]())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
