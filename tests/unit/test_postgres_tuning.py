"""PostgreSQL's settings: fit for the machine, honest with the disk."""

from hypothesis import given
from hypothesis import strategies as st

from nightmarket.platform.postgres.tuning import (
    LEAST_BUFFERS_MEBIBYTES,
    MEBIBYTE,
    MOST_BUFFERS_MEBIBYTES,
    Machine,
    buffers_mebibytes,
    render,
    server_settings,
)

machines = st.builds(Machine, memory_bytes=st.integers(256 * MEBIBYTE, 2**44), cores=st.integers(1, 512))


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


def test_the_file_has_a_line_for_each_setting() -> None:
    """Every setting stands in the file, quoted, and only loopback is listened on."""
    settings = server_settings(Machine(memory_bytes=2**32, cores=2), 40_000)
    lines = render(settings).splitlines()
    assert "port = '40000'" in lines
    assert "listen_addresses = '127.0.0.1'" in lines
    assert "unix_socket_directories = ''" in lines
    assert len(lines) == len(settings) + 1
