"""The word that somebody most likely meant."""

import difflib
from collections.abc import Iterable


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return the end of a sentence about an unknown word; empty when nothing is near.

    Of names such as urn:ietf:params:oauth:grant-type:device_code only the last part counts.
    """
    by_last_part = {_last_part(name): name for name in known}
    near = difflib.get_close_matches(_last_part(word), list(by_last_part), n=1, cutoff=0.6)
    return f", did you mean {by_last_part[near[0]]}?" if near else ""


def _last_part(name: str) -> str:
    return name.rpartition(":")[2]
