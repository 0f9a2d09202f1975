"""Verifies requests that a webhook was sent, as a receiver does with the library of Standard Webhooks.

    python webhook.py SECRET REQUESTS

REQUESTS is a JSON array of objects with `headers`, `body` and `valid`, which says whether the library has to accept it.
"""

import json
import sys

from standardwebhooks.webhooks import Webhook, WebhookVerificationError


def accepts(webhook: Webhook, request: dict) -> bool:
    try:
        return webhook.verify(request["body"], request["headers"]) == json.loads(request["body"])
    except WebhookVerificationError:
        return False


def main(secret: str, requests: str) -> None:
    webhook, checks = Webhook(secret), json.loads(requests)
    for request in checks:
        assert accepts(webhook, request) == request["valid"], request
    print(f"ok {len(checks)}")


main(*sys.argv[1:])
