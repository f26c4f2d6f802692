import pytest

from dcr_server.database_urls import checked_database_url, is_postgresql, sqlite_path


@pytest.mark.parametrize(
    "url",
    [
        "sqlite:///a.db",
        "sqlite:////var/lib/a.db",
        "postgresql://dcr:p%40ss@db.example/dcr",
        "postgres://db.example:5433/dcr?sslmode=verify-full",
        "postgresql:///dcr?host=/run/postgresql",
        "postgresql://one,two:5433/dcr?target_session_attrs=read-write",
    ],
)
def test_a_url_of_a_database_is_accepted(url: str) -> None:
    assert checked_database_url(url) == url
    assert is_postgresql(url) == (sqlite_path(url) is None)


@pytest.mark.parametrize(
    ("url", "advice"),
    [
        ("sqlite:///", "sqlite:///path"),
        ("sqlite:secret.db", "sqlite:///path"),
        ("mysql://u:secret@h/db", "or postgresql://"),
        ("postgresql://u:secret@h", "name of the database"),
        ("postgresql://u:secret@h/", "name of the database"),
        ("postgresql://u:sec/ret@h/db", "percent-encode"),
        ("postgresql://u:sec#ret@h/db", "percent-encode"),
        ("postgresql://u:sec?ret@h/db", "percent-encode"),
        ("postgresql://u:[secret@h/db", "name of the database"),
    ],
)
def test_what_is_none_gets_advice_and_is_not_repeated(url: str, advice: str) -> None:
    with pytest.raises(ValueError, match=advice) as refused:
        checked_database_url(url)
    assert "sec" not in str(refused.value)
