"""PostgreSQL's settings for many small commits on a small machine. The disk is never lied to: fsync stays on."""

import sys

import msgspec

MEBIBYTE = 1024 * 1024
MAX_CONNECTIONS = 100
LEAST_BUFFERS_MEBIBYTES = 64
MOST_BUFFERS_MEBIBYTES = 640
"""A minute of the peak fills them, and the whole shop stays under 1.5 GB; with 1,024 it took no more orders."""

LEAST_LOG_MEBIBYTES = 1024
MOST_LOG_MEBIBYTES = 8192


class Machine(msgspec.Struct, frozen=True):
    """What the settings depend on."""

    memory_bytes: int
    cores: int
    disk_bytes: int
    """The whole disk that the data lies on; what is free of it changes with the log itself."""


def buffers_mebibytes(machine: Machine) -> int:
    """An eighth of the memory, within bounds: the page cache of the system does the rest."""
    eighth = machine.memory_bytes // MEBIBYTE // 8
    return max(LEAST_BUFFERS_MEBIBYTES, min(eighth, MOST_BUFFERS_MEBIBYTES))


def log_mebibytes(machine: Machine) -> int:
    """A sixteenth of the disk, within bounds: what the log may take before a checkpoint has to be done."""
    sixteenth = machine.disk_bytes // MEBIBYTE // 16
    return max(LEAST_LOG_MEBIBYTES, min(sixteenth, MOST_LOG_MEBIBYTES))


def server_settings(machine: Machine, port: int, *, durable: bool = True) -> dict[str, str]:
    """Settings by name. `durable=False` is for throw-away test clusters only: a crash may then lose all of it."""
    buffers = buffers_mebibytes(machine)
    log = log_mebibytes(machine)
    settings = {
        "listen_addresses": "127.0.0.1",
        "port": str(port),
        "unix_socket_directories": "",
        "max_connections": str(MAX_CONNECTIONS),
        "password_encryption": "scram-sha-256",
        "shared_buffers": f"{buffers}MB",
        "effective_cache_size": f"{buffers * 3}MB",
        "work_mem": "8MB",
        "maintenance_work_mem": "64MB",
        "max_parallel_workers_per_gather": "0",  # parallel plans take cores from commits
        "max_parallel_maintenance_workers": str(min(2, machine.cores // 2)),
        "jit": "off",
        "random_page_cost": "1.1",
        "fsync": "on",
        "synchronous_commit": "on",
        "full_page_writes": "on",
        "wal_buffers": "16MB",
        # A rush writes 10 to 40 MB of log a second. Ids are digests, so that after a checkpoint the next order on each
        # page of sessions and indexes logs the whole page: few checkpoints. What the log needed once is kept, since a
        # file that is written over costs less than a new one; who has no rush never has as much.
        "max_wal_size": f"{log}MB",
        "min_wal_size": f"{log // 2}MB",
        "wal_compression": "off",  # takes more of the processor than an order itself
        "checkpoint_timeout": "30min",
        "checkpoint_completion_target": "0.9",
        "max_wal_senders": "4",
        "autovacuum_naptime": "15s",  # hot rows die fast
        "autovacuum_vacuum_cost_limit": "1000",
        "vacuum_truncate": "off",  # waits up to 5 s for a lock on a table in use, and holds all facts back meanwhile
        "idle_in_transaction_session_timeout": "60s",
        "deadlock_timeout": "500ms",
        "timezone": "UTC",
        "log_timezone": "UTC",
        "log_line_prefix": "%m [%p] ",
        "log_min_duration_statement": "1s",
        "log_lock_waits": "on",
        "log_checkpoints": "off",
        "restart_after_crash": "on",
    }
    if sys.platform == "linux":
        settings["recovery_init_sync_method"] = "syncfs"  # one call instead of a thousand after a crash
    if not durable:
        settings |= {
            "shared_buffers": "128MB",
            "fsync": "off",
            "synchronous_commit": "off",
            "full_page_writes": "off",
            "max_wal_size": "1GB",
            "min_wal_size": "80MB",
            "autovacuum": "off",  # its transactions hold facts back for a moment, which no test should meet by chance
        }
    return settings


def render(settings: dict[str, str]) -> str:
    """The text of `nightmarket.conf`."""
    lines = ["# Written at every start. Settings of your own belong into local.conf beside this file."]
    lines += [f"{name} = '{value}'" for name, value in settings.items()]
    return "\n".join(lines) + "\n"
