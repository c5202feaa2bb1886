"""Where Codat's webhooks arrive: verified, kept, answered, and only then read.

`WebhookEndpoint` needs no web framework; `AsgiApp` and `WsgiApp` put it behind one.
"""

from reconcile.endpoint.answers import HEALTH_PATH, PATH, Reply
from reconcile.endpoint.asgi import AsgiApp
from reconcile.endpoint.receive import Limits, WebhookEndpoint
from reconcile.endpoint.trust import Trust
from reconcile.endpoint.wsgi import WsgiApp

__all__ = [
    "HEALTH_PATH",
    "PATH",
    "AsgiApp",
    "Limits",
    "Reply",
    "Trust",
    "WebhookEndpoint",
    "WsgiApp",
]
