"""A process that asks for leave before each step, so that a test can kill it there."""

import signal
import subprocess
import sys

ASKING = """
import sys
import httpx

def asked(step):
    # Each step asks for leave, so that the test can kill before any of them.
    if step.startswith(("INSERT", "REPLACE", "COMMIT", "BEGIN IMMEDIATE", "HTTP")):
        print(step[:40].replace(chr(10), " "), flush=True)
        sys.stdin.readline()

class Line(httpx.HTTPTransport):
    def handle_request(self, request):
        asked("HTTP request")
        response = super().handle_request(request)
        asked("HTTP answer")
        return response

def watch(books):
    with books.store.datastore.get_connection(commit=True) as connection:
        connection._sqlite_conn.set_trace_callback(asked)

"""
DONE = '\nasked("HTTP done")\n'


def killed_before(step: int, program: str, *arguments: str) -> bool:
    """Run a program, killed before a step; return whether it came to its end before."""
    worker = subprocess.Popen(
        [sys.executable, "-c", ASKING + program + DONE, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert worker.stdout is not None
    assert worker.stdin is not None
    ended = False
    for _ in range(step - 1):
        if worker.stdout.readline() in (b"HTTP done\n", b""):
            ended = True
            break
        worker.stdin.write(b"\n")
        worker.stdin.flush()
    else:
        assert worker.stdout.readline() != b""
    worker.kill()
    worker.communicate()
    assert worker.returncode == -signal.SIGKILL
    return ended
