"""A host on Django, in one file: takes webhooks, sends expenses, tells of breaks.

python django_host.py runserver

Syncs are followed by one process beside it: plain_worker.py, or `reconcile follow`.
"""

import atexit
import json
import sys
from functools import cache
from uuid import UUID

import office
from django.conf import settings
from django.core.handlers.wsgi import WSGIRequest
from django.core.management import execute_from_command_line
from django.core.wsgi import get_wsgi_application
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_POST

from reconcile import ReconcileError, WebhookEndpoint, WsgiApp


@cache
def webhooks() -> WsgiApp:
    """Return this process's own, made by its first delivery: after any fork."""
    endpoint = WebhookEndpoint(office.STORE, trust=office.trust())
    atexit.register(endpoint.close)
    return WsgiApp(endpoint)


@csrf_exempt
@require_POST
def webhook(request: WSGIRequest) -> HttpResponse:
    answer = webhooks().reply(request.environ)  # `request.body` stops at 2.5 MiB
    return HttpResponse(answer.body, status=answer.status, headers=dict(answer.fields))


@csrf_exempt  # yours asks for a login instead
@require_POST
def send_expense(request: HttpRequest, company_id: UUID) -> HttpResponse:
    try:
        expense = json.loads(request.body)
    except ValueError:
        return JsonResponse({"detail": "The body is not JSON."}, status=400)
    try:
        sync_id = office.send(company_id, expense, actor="back office")
    except ReconcileError as error:
        return JsonResponse({"detail": str(error)}, status=office.status_of(error))
    return JsonResponse({"sync_id": sync_id}, status=202)


@require_GET
def what_became_of(_: HttpRequest, company_id: UUID, expense_id: UUID) -> HttpResponse:
    found = office.expense_of(company_id, expense_id)
    if found is None:
        raise Http404
    return JsonResponse(found)


@require_GET
def breaks(_: HttpRequest, company_id: UUID) -> HttpResponse:
    return JsonResponse(office.breaks_of(company_id), safe=False)


urlpatterns = [
    path("webhooks/codat", webhook),
    path("companies/<uuid:company_id>/expenses", send_expense),
    path("companies/<uuid:company_id>/expenses/<uuid:expense_id>", what_became_of),
    path("companies/<uuid:company_id>/breaks", breaks),
]
settings.configure(
    ROOT_URLCONF=__name__,
    ALLOWED_HOSTS=["*"],
    MIDDLEWARE=["django.middleware.csrf.CsrfViewMiddleware"],
)
application = get_wsgi_application()

if __name__ == "__main__":
    execute_from_command_line(sys.argv)
