"""The console as a process of its own, beside Flask or any other host.

uvicorn console_alone:console --port 8000 --root-path /finance

A proxy stands before it, with the login of both.
"""

import finance

console = finance.console(lambda request: request.headers.get("x-forwarded-user"))
