import json
from typing import Any

import pytest

from dcr_operator.json_nesting import DEEPEST, loads, pruned, shallow
from dcr_operator.resources import InvalidSpecError, parse_oauth_client


def nested(levels: int, opening: str = '{"a":', inner: str = "1", closing: str = "}") -> str:
    return opening * levels + inner + closing * levels


def depth(value: object) -> int:
    levels = 0
    while isinstance(value, dict | list) and value:
        levels += 1
        value = next(iter(value.values())) if isinstance(value, dict) else value[0]
    return levels


DEEP = [nested(9_000), nested(9_000, "[", "1", "]"), nested(4_000, '[{"a":', "1", "}]")]


@pytest.mark.parametrize("text", DEEP)
def test_what_no_parser_takes_is_cut(text: str) -> None:
    with pytest.raises(RecursionError):
        json.loads(text)
    assert depth(loads(text)) == DEEPEST
    assert depth(loads(text.encode())) == DEEPEST


@pytest.mark.parametrize("deep", DEEP)
def test_what_stands_beside_it_is_read(deep: str) -> None:
    text = f'{{"before": [1, "]"], "deep": {deep}, "after": {{"x": "{{"}}}}'
    found = loads(text)
    assert isinstance(found, dict)
    assert (found["before"], found["after"]) == ([1, "]"], {"x": "{"})
    assert depth(found["deep"]) == DEEPEST - 1


@pytest.mark.parametrize(
    "text",
    [
        "{}",
        nested(DEEPEST),
        '{"a": "\\"}]", "b": [{}, [], "\\\\"]}',
        json.dumps({"a": [{"b": "{[" * 1_000}] * 500}),
    ],
)
def test_what_is_not_too_deep_is_as_it_was(text: str) -> None:
    assert pruned(text.encode()) == text.encode()
    assert shallow(text.encode()) == text.encode()
    assert loads(text) == json.loads(text)


@pytest.mark.parametrize("text", ["", "{", '{"a"', "nonsense", nested(3_000)[:-5]])
def test_what_is_no_json_is_told_as_such(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        loads(text)


@pytest.mark.parametrize("member", ["extra", "jwks"])
@pytest.mark.parametrize("levels", [33, 90])
def test_a_resource_that_nests_too_deep_is_refused(levels: int, member: str) -> None:
    deep = json.loads(nested(levels))
    value: dict[str, Any] = (
        {"x": deep} if member == "extra" else {"keys": [{"kty": "EC", "x": deep}]}
    )
    with pytest.raises(InvalidSpecError, match="must not nest more than 32 levels"):
        parse_oauth_client(
            {
                "kind": "OAuthClient",
                "metadata": {"name": "a", "namespace": "b"},
                "spec": {"clientMetadata": {"grantTypes": ["client_credentials"], member: value}},
            }
        )
