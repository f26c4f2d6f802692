import stat
from pathlib import Path

from tests.cluster.kubeconfig import Access, read_kubeconfig, write_kubeconfig

ACCESS = Access("https://127.0.0.1:6443", "an authority", "a token")


def test_what_is_written_is_read(tmp_path: Path) -> None:
    write_kubeconfig(tmp_path / "kubeconfig", ACCESS)
    assert read_kubeconfig(tmp_path / "kubeconfig") == ACCESS


def test_the_owner_alone_may_read_it(tmp_path: Path) -> None:
    path = tmp_path / "kubeconfig"
    path.write_text("open to all")
    path.chmod(0o644)
    write_kubeconfig(path, ACCESS)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_the_token_is_not_shown() -> None:
    assert "a token" not in repr(ACCESS)
