"""Asks a Ray cluster whether it lets us in. A program of its own: `python -P knock.py HOST:PORT`.

Ray's client writes to stderr as it likes, tries a port that is not Ray's for 40 seconds, and ends the whole process when it
is to send a token and has none. None of that may happen to a command of ours, so it happens here.
"""

from __future__ import annotations

import importlib
import json
import os
import sys

TOKEN, NO_TOKEN = "token", "disabled"  # values of RAY_AUTH_MODE


def main(address: str) -> None:
    """Print as JSON: by which mode it let us in (null: by none), whether there is a token here, Ray's error."""
    mode, token, said = os.environ.get("RAY_AUTH_MODE", "").lower(), _has_token(), ""
    modes = [mode] if mode else [NO_TOKEN, TOKEN]  # a token is only shown to those who ask for it
    let_in = None
    for mode in modes:
        if mode == TOKEN and not token:
            said = said or "no token"
            continue
        said = _knock(address, mode)
        if not said:
            let_in = mode
            break
    print(json.dumps({"let_in": let_in, "token": token, "said": said}))


def _knock(address: str, mode: str) -> str:
    """Ray's error; empty when it let us in."""
    inside = importlib.import_module("ray._raylet")
    os.environ["RAY_AUTH_MODE"] = mode
    inside.Config.initialize("")  # Ray has read its environment when it was imported
    try:
        inside.GcsClient(address=address)
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return ""


def _has_token() -> bool:
    loader = getattr(importlib.import_module("ray._raylet"), "AuthenticationTokenLoader", None)
    return loader is not None and bool(loader.instance().has_token(ignore_auth_mode=True))  # older Rays know no tokens


if __name__ == "__main__":
    main(sys.argv[1])
