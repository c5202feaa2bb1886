"""The library's log is shown to nobody until the host gives it a handler.

Without it, the interpreter would print warnings of ours on standard error. It stands
apart because `logging` takes half of the package's own import.
"""

import logging

logging.getLogger("reconcile").addHandler(logging.NullHandler())
