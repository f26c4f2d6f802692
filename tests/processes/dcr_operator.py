"""The operator as a real process, outside the cluster, with a kubeconfig of its own."""

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.processes.child_process import ChildProcess, start

_PROGRAM = str(Path(sys.executable).with_name("dcr-operator"))


@dataclass(frozen=True, slots=True)
class DcrOperatorSettings:
    """How an operator is started: once, or again after a crash."""

    directory: Path
    kubeconfig: Path
    namespace: str
    watch_namespaces: tuple[str, ...] = ()
    operator_class: str = ""
    extra: Mapping[str, str] = field(default_factory=dict)

    def environment(self) -> dict[str, str]:
        return {
            "KUBECONFIG": str(self.kubeconfig),
            "DCR_OPERATOR_NAMESPACE": self.namespace,
            "DCR_OPERATOR_WATCH_NAMESPACES": ",".join(self.watch_namespaces),
            "DCR_OPERATOR_CLASS": self.operator_class,
            "DCR_OPERATOR_LISTEN": "127.0.0.1:0",
            "DCR_OPERATOR_ALLOW_LOOPBACK": "true",
            **self.extra,
        }


@dataclass(frozen=True, slots=True)
class DcrOperator:
    settings: DcrOperatorSettings
    process: ChildProcess
    url: str

    def stop(self) -> int:
        return self.process.stop()

    def kill_9(self) -> None:
        self.process.kill_9()


def start_dcr_operator(
    settings: DcrOperatorSettings, *, outlives_parent: bool = False
) -> DcrOperator:
    """Start the operator and wait until it leads and all its watches are up."""
    process = start(
        "dcr-operator",
        [_PROGRAM, "run"],
        log=settings.directory / "dcr-operator.log",
        environment=settings.environment(),
        outlives_parent=outlives_parent,
    )
    url = process.wait_until_listening()
    process.wait_until_ready(f"{url}/readyz")
    return DcrOperator(settings, process, url)


@contextmanager
def running_dcr_operator(settings: DcrOperatorSettings) -> Iterator[DcrOperator]:
    operator = start_dcr_operator(settings)
    try:
        yield operator
    finally:
        if operator.process.running:
            operator.stop()
