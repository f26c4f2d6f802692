from pathlib import Path

import pytest

from tests.cluster.audit import AuditLog
from tests.cluster.client import KubernetesClient


@pytest.mark.parametrize(
    ("content", "end"),
    [
        pytest.param(b"", 0, id="nothing yet"),
        pytest.param(b'{"a":1}\n', 8, id="a whole line"),
        pytest.param(b'{"a":1}\n{"b"', 8, id="a line and half of another"),
        pytest.param(b'{"a"', 0, id="half a line"),
    ],
)
def test_a_mark_is_never_within_a_line(tmp_path: Path, content: bytes, end: int) -> None:
    path = tmp_path / "audit.log"
    path.write_bytes(content)
    log = AuditLog(path, KubernetesClient.__new__(KubernetesClient))
    assert log._end_of_lines() == end
