"""A process that leads players, or plays: `python -m nightmarket.rehearsal.players worker 127.0.0.1 5557`."""

import locust  # noqa: I001 (first of all: from here on everything waits in Locust's way)

import sys

from nightmarket.rehearsal.players.leading import follow, lead


def main() -> int:
    """`leader HOST PORT WORKERS` or `worker HOST PORT`."""
    match sys.argv[1:]:
        case ["leader", host, port, workers]:
            return lead(host, int(port), int(workers))
        case ["worker", host, port]:
            return follow(host, int(port))
        case _:
            sys.stderr.write(f"Locust {locust.__version__}: say leader HOST PORT WORKERS, or worker HOST PORT.\n")
            return 2


if __name__ == "__main__":
    sys.exit(main())
