"""The console beside a Django project, behind Django's login: its `asgi.py`.

uvicorn console_django:application
"""

import asyncio
import os
from importlib import import_module

import finance
from django.conf import settings
from django.core.asgi import get_asgi_application
from django.http import HttpRequest, HttpResponse
from django.urls import path as route
from django.views.decorators.csrf import csrf_exempt
from starlette.requests import Request
from starlette.responses import RedirectResponse
from starlette.types import Receive, Scope, Send


@csrf_exempt  # yours is django.contrib.auth's
def login(request: HttpRequest) -> HttpResponse:
    request.session["name"] = request.GET["name"]
    return HttpResponse()


urlpatterns = [route("login", login)]
settings.configure(
    ROOT_URLCONF=__name__,
    SECRET_KEY=os.environ["FINANCE_SECRET"],
    ALLOWED_HOSTS=["*"],
    MIDDLEWARE=["django.contrib.sessions.middleware.SessionMiddleware"],
    SESSION_ENGINE="django.contrib.sessions.backends.signed_cookies",
)
django = get_asgi_application()


def signed_in(request: Request) -> str | None:
    """Return the name in Django's session, which is found by its cookie.

    It is called in a thread, and may use the database.
    """
    key = request.cookies.get(settings.SESSION_COOKIE_NAME)
    session = import_module(settings.SESSION_ENGINE).SessionStore(key)
    name: str | None = session.get("name")
    return name


console = finance.console(signed_in)


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    """Lead /finance to the console, for those who are signed in, and all else on."""
    path = scope.get("path", "")
    if scope["type"] == "http" and (path + "/").startswith("/finance/"):
        if await asyncio.to_thread(signed_in, Request(scope)) is None:
            await RedirectResponse("/login", 303)(scope, receive, send)
            return
        inner = {**scope, "root_path": scope.get("root_path", "") + "/finance"}
        await console(inner, receive, send)
    else:
        await django(scope, receive, send)
