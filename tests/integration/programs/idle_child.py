"""A child for supervisor tests: uses the database over and over, and says in a file that it could.

argv: name, folder for its marks, and optionally `stubborn` or `deaf` (ignores SIGTERM), or `broken`
(dies at once).
"""

import json
import os
import signal
import sys
import threading
import time
from pathlib import Path

import psycopg

from nightmarket.platform.supervisor import follow_supervisor

name, folder, habit = sys.argv[1], Path(sys.argv[2]), sys.argv[3] if len(sys.argv) > 3 else ""
mark = folder / f"{name}.mark"
stopping = threading.Event()
if habit == "broken":
    sys.exit("broken on purpose")
signal.signal(signal.SIGTERM, (lambda *_: None) if habit in {"stubborn", "deaf"} else (lambda *_: stopping.set()))
follow_supervisor()
sys.stdout.write(f"{name} says hello\n")
connection = None
rounds = 0
while not stopping.wait(0.02):
    try:
        connection = connection or psycopg.connect(os.environ["DATABASE_URL"], connect_timeout=2)
        connection.execute("SELECT 1")
        connection.commit()
    except psycopg.OperationalError:
        connection = None
        continue
    rounds += 1
    unfinished = mark.with_suffix(".unfinished")
    unfinished.write_text(json.dumps({"pid": os.getpid(), "rounds": rounds, "at": time.monotonic()}))
    unfinished.rename(mark)
with (folder / "order-of-stopping").open("a") as order:
    order.write(f"{name}\n")
