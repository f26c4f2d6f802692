"""What a client may expect of the server, by the answers that it got and those that it missed."""

from dataclasses import dataclass, field
from enum import Enum, auto

import httpx

JsonObject = dict[str, object]


class Deletion(Enum):
    NO = auto()
    UNANSWERED = auto()
    DONE = auto()


@dataclass(slots=True)
class KnownClient:
    """Credentials of the last answer; what was asked for without an answer may be so or not."""

    client_id: str
    uri: str
    token: str = field(repr=False)
    secret: str = field(repr=False)
    version: int
    unanswered_versions: set[int] = field(default_factory=set)
    deletion: Deletion = Deletion.NO

    @classmethod
    def of(cls, answer: httpx.Response, version: int) -> "KnownClient":
        shown = answer.json()
        return cls(
            client_id=shown["client_id"],
            uri=shown["registration_client_uri"],
            token=shown["registration_access_token"],
            secret=shown["client_secret"],
            version=version,
        )

    def take(self, answer: httpx.Response) -> None:
        """Use what an answer carried from now on."""
        shown = answer.json()
        self.token = shown["registration_access_token"]
        self.secret = shown.get("client_secret", self.secret)

    def complaint_about(self, read: httpx.Response) -> str:
        """Judge what a GET answers after a crash; empty when it is as it must be."""
        if self.deletion is Deletion.DONE:
            return "" if read.status_code == httpx.codes.UNAUTHORIZED else "is there again"
        if self.deletion is Deletion.UNANSWERED and read.status_code == httpx.codes.UNAUTHORIZED:
            self.deletion = Deletion.DONE
            return ""
        if read.status_code != httpx.codes.OK:
            return f"answers {read.status_code} to the token that it was given: {read.text}"
        self.deletion = Deletion.NO
        return self._complaint_about_metadata(read.json())

    def _complaint_about_metadata(self, shown: JsonObject) -> str:
        possible = {self.version, *self.unanswered_versions}
        found = [version for version in possible if metadata(version).items() <= shown.items()]
        if not found:
            names = sorted(metadata(0))
            return f"has {[shown.get(name) for name in names]}, not a version of {sorted(possible)}"
        self.version = found[0]
        self.unanswered_versions.clear()
        return ""


def metadata(version: int) -> JsonObject:
    """Make a request in which two members must always belong together."""
    return {
        "grant_types": ["client_credentials"],
        "client_name": f"version {version}",
        "software_version": str(version),
    }
