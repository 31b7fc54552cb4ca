"""The two sides of a play over several processes: one leads and adds up, the others play. By Locust's distributed mode.

The leader hears its brief as the first line of its standard input and says one line a second on its standard output.
When its input ends, the play ends. Workers may stand on other machines; they are told all by the leader.
"""

import os
import select
import sys
import threading
import time
from collections.abc import Callable
from time import monotonic
from typing import Any

import msgspec
from locust import runners
from locust.env import Environment
from locust.runners import MasterRunner, WorkerRunner

from nightmarket.rehearsal.play.brief import Brief, Score, Word

from .locusts import Shopper, Troupe

REPORT_SECONDS = 1.0
GATHER_SECONDS = 60.0
"""How long the leader waits for its workers."""

FIRST_SECONDS = 1.0
"""From the sign to the first cart, so that all workers have heard it."""

GRACE_SECONDS = 60.0
"""From the end of the curve until those who are still in the shop are sent away."""

MISSING_SECONDS = 30.0
"""How long a worker may be silent until the play is broken; a machine that is used up makes them late."""

LINE_BYTES = 64_000_000
SPAWN_PER_SECOND = 500.0
BEGIN = "rehearsal_begin"
SCORE = "rehearsal"


def lead(host: str, port: int, workers: int) -> int:
    """Lead a play until it is over or the input ends; returns the exit status."""
    environment = Environment(user_classes=[Shopper], host="http://127.0.0.1")
    master = environment.create_master_runner(host, port)
    leader = Leader(environment, master, workers)
    try:
        return leader.run()
    finally:
        master.quit()


class Leader:
    """Waits for the workers, gives the sign, and adds up what they report."""

    def __init__(self, environment: Environment, master: MasterRunner, workers: int) -> None:
        self._environment, self._master, self._workers = environment, master, workers
        self._score = Score()
        self._left: dict[str, int] = {}
        self._stopping = False
        _events(environment).worker_report.add_listener(self._hear)

    def run(self) -> int:
        brief = msgspec.json.decode(sys.stdin.buffer.readline(LINE_BYTES), type=Brief)
        _beside(self._until_the_input_ends)
        if not self._gather():
            _say(Word(kind="broken", why=f"Of {self._workers} workers {len(self._master.clients.ready)} came."))
            return 1
        self._environment.host = brief.address
        begins = self._give_the_sign(brief)
        rate = min(float(brief.slots), SPAWN_PER_SECOND * self._workers)
        _beside(lambda: self._master.start(brief.slots, rate))
        time.sleep(max(0.0, begins - monotonic()))
        _say(Word(kind="ready"))
        lost = self._tell(brief, begins)
        if lost:
            _say(Word(kind="broken", why=f"{lost} of {self._workers} workers were lost on the way."))
            return 1
        _say(Word(kind="over"))
        return 0

    def _gather(self) -> bool:
        for _ in range(round(GATHER_SECONDS / 0.1)):
            if self._stopping or len(self._master.clients.ready) >= self._workers:
                break
            time.sleep(0.1)
        return len(self._master.clients.ready) >= self._workers

    def _give_the_sign(self, brief: Brief) -> float:
        """Tell each worker its part, and how long it is until midnight: their clocks may be set otherwise. Returns when
        the play begins."""
        begins = monotonic() + FIRST_SECONDS
        told = msgspec.json.encode(brief).decode()
        for index, client in enumerate(sorted(self._master.clients.ready, key=lambda one: one.id)):
            self._left[client.id] = brief.orders
            midnight_in = begins + brief.timing.carts_seconds - monotonic()
            self._master.send_message(BEGIN, {"brief": told, "index": index, "midnight_in": midnight_in}, client.id)
        return begins

    def _tell(self, brief: Brief, begins: float) -> int:
        """A line a second until nobody is left, told to stop, or long after the end of the curve; returns how many
        workers were lost, since a play that they did not end is none."""
        due, heard_all = begins, monotonic()
        while True:
            due += REPORT_SECONDS
            time.sleep(max(0.0, due - monotonic()))
            t = due - begins - brief.timing.carts_seconds
            score, self._score = self._score, Score()
            score.left = sum(self._left.values())
            _say(Word(kind="second", t=round(t, 1), score=score))
            if self._stopping or score.left == 0:
                return 0
            if t > brief.timing.day_seconds + GRACE_SECONDS:
                return 0
            if self._master.worker_count >= self._workers:
                heard_all = monotonic()
            elif monotonic() - heard_all > MISSING_SECONDS:
                return self._workers - self._master.worker_count

    def _hear(self, client_id: str, data: dict[str, Any]) -> None:
        found = data.get(SCORE)
        if found and client_id in self._left:
            score = msgspec.json.decode(found, type=Score)
            self._left[client_id] = score.left
            self._score.add(score)

    def _until_the_input_ends(self) -> None:
        """Whoever reads at once would keep all others waiting, so it is looked first whether there is anything."""
        while select.select([sys.stdin], [], [], 1.0)[0] == [] or os.read(sys.stdin.fileno(), 4_096):
            """Nothing more is ever said."""
        self._stopping = True


def follow(host: str, port: int) -> int:
    """Play a worker's part for the leader at that address, until it ends."""
    runners.WORKER_REPORT_INTERVAL = REPORT_SECONDS
    troupe = Shopper.troupe = Troupe()
    environment = Environment(user_classes=[Shopper])
    worker = environment.create_worker_runner(host, port)

    def begin(environment: Environment, msg: Any, **_: object) -> None:  # noqa: ARG001 (Locust's signature)
        brief = msgspec.json.decode(msg.data["brief"], type=Brief)
        Shopper.host = brief.address
        troupe.begin(brief, msg.data["index"], msg.data["midnight_in"])

    def report(client_id: str, data: dict[str, Any]) -> None:  # noqa: ARG001 (Locust's signature)
        if troupe.brief is not None:
            data[SCORE] = msgspec.json.encode(troupe.report()).decode()

    untyped: Any = worker
    untyped.register_message(BEGIN, begin)
    _events(environment).report_to_master.add_listener(report)
    _wait(worker)
    return 0


def _events(environment: Environment) -> Any:
    return environment.events  # whose hooks have no types


def _beside(work: Callable[[], object]) -> None:
    """Beside everything else; by Locust's doing a thread is one of its own light ones."""
    threading.Thread(target=work, daemon=True).start()


def _wait(worker: WorkerRunner) -> None:
    worker.greenlet.join()


def _say(word: Word) -> None:
    sys.stdout.buffer.write(msgspec.json.encode(word) + b"\n")
    sys.stdout.buffer.flush()
