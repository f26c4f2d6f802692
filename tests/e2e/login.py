"""Runs in the pod, on the standard library alone: log in with the Secret that is mounted.

Prints one JSON object: the status and, of a token, its claims; of an error, its code. Never the
credentials and never the token.
"""

import base64
import json
import ssl
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

MOUNTED = Path("/etc/oauth")


def mounted(key: str) -> str:
    return (MOUNTED / key).read_text(encoding="utf-8").strip()


def token_request() -> urllib.request.Request:
    # RFC 6749 §2.3.1: client_id and client_secret are form-urlencoded before Basic joins them.
    quoted = [urllib.parse.quote_plus(mounted(key)) for key in ("client_id", "client_secret")]
    credentials = base64.b64encode(":".join(quoted).encode()).decode()
    return urllib.request.Request(  # noqa: S310 -- the URL is the provider's, from the Secret
        mounted("token_endpoint"),
        data=b"grant_type=client_credentials",
        headers={"Authorization": f"Basic {credentials}"},
    )


def claims(token: str) -> dict[str, object]:
    payload = token.split(".")[1]
    decoded: dict[str, object] = json.loads(base64.urlsafe_b64decode(payload + "=="))
    return decoded


def log_in() -> dict[str, object]:
    trusted = ssl.create_default_context(cafile=MOUNTED / "ca.crt")
    try:
        with urllib.request.urlopen(token_request(), timeout=30, context=trusted) as answer:  # noqa: S310 -- as above
            return {"status": answer.status, "claims": claims(json.load(answer)["access_token"])}
    except urllib.error.HTTPError as error:
        return {"status": error.code, "error": json.load(error).get("error")}


if __name__ == "__main__":
    print(json.dumps(log_in()))
