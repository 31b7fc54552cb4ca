"""PostgreSQL's settings: fit for the machine, honest with the disk."""

from hypothesis import given
from hypothesis import strategies as st

from nightmarket.platform.postgres.tuning import (
    LEAST_BUFFERS_MEBIBYTES,
    LEAST_LOG_MEBIBYTES,
    MEBIBYTE,
    MOST_BUFFERS_MEBIBYTES,
    MOST_LOG_MEBIBYTES,
    Machine,
    buffers_mebibytes,
    log_mebibytes,
    render,
    server_settings,
)

machines = st.builds(
    Machine,
    memory_bytes=st.integers(256 * MEBIBYTE, 2**44),
    cores=st.integers(1, 512),
    disk_bytes=st.integers(2**30, 2**50),
)


@given(machines)
def test_a_shop_never_lies_to_the_disk(machine: Machine) -> None:
    """On any machine, commits are synced; only throw-away test clusters may be told otherwise."""
    settings = server_settings(machine, 5432)
    assert settings["fsync"] == settings["synchronous_commit"] == settings["full_page_writes"] == "on"
    assert server_settings(machine, 5432, durable=False)["fsync"] == "off"


@given(machines)
def test_memory_use_fits_the_machine(machine: Machine) -> None:
    """Buffers stay within their bounds and, but for the least, within an eighth of the memory."""
    buffers = buffers_mebibytes(machine)
    assert LEAST_BUFFERS_MEBIBYTES <= buffers <= MOST_BUFFERS_MEBIBYTES
    assert buffers == LEAST_BUFFERS_MEBIBYTES or buffers * 8 <= machine.memory_bytes // MEBIBYTE


@given(machines)
def test_the_log_fits_the_disk(machine: Machine) -> None:
    """The log stays within its bounds and, but for the least, within a sixteenth of the disk; half of it is kept."""
    log = log_mebibytes(machine)
    assert LEAST_LOG_MEBIBYTES <= log <= MOST_LOG_MEBIBYTES
    assert log == LEAST_LOG_MEBIBYTES or log * 16 <= machine.disk_bytes // MEBIBYTE
    settings = server_settings(machine, 5432)
    assert (settings["max_wal_size"], settings["min_wal_size"]) == (f"{log}MB", f"{log // 2}MB")


def test_the_file_has_a_line_for_each_setting() -> None:
    """Every setting stands in the file, quoted, and only loopback is listened on."""
    settings = server_settings(Machine(memory_bytes=2**32, cores=2, disk_bytes=2**37), 40_000)
    lines = render(settings).splitlines()
    assert "port = '40000'" in lines
    assert "listen_addresses = '127.0.0.1'" in lines
    assert "unix_socket_directories = ''" in lines
    assert len(lines) == len(settings) + 1
