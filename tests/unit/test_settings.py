"""Settings: one table, read with one precedence, refused with a hint."""

from pathlib import Path

import pytest

from nightmarket.platform.settings import (
    SettingRefused,
    Settings,
    as_environment,
    read_settings,
    reference,
    with_secret,
)
from nightmarket.platform.supervisor.lifeline import VARIABLE


def test_defaults_open_a_shop_on_this_machine_only() -> None:
    """Nothing set: loopback, port 1111, data in ./.nightmarket, no demo."""
    settings = read_settings({})
    assert (settings.host, settings.port, settings.demo) == ("127.0.0.1", 1111, False)
    assert settings.home == Path.cwd() / ".nightmarket"
    assert settings.is_loopback
    assert settings.address == "http://127.0.0.1:1111"
    assert 1 <= settings.workers <= 2


def test_options_go_before_the_environment_and_that_before_defaults() -> None:
    """An option that is not given (None) leaves the environment's value; an empty variable counts as not set."""
    environment = {"PORT": "8080", "NIGHTMARKET_WORKERS": "3", "HOST": ""}
    settings = read_settings(environment, {"workers": 5, "port": None})
    assert (settings.port, settings.workers, settings.host) == (8080, 5, "127.0.0.1")


def test_a_child_reads_what_its_parent_had() -> None:
    """`as_environment` and `read_settings` undo each other, and the lifeline is not taken for a setting."""
    settings = read_settings(
        {
            "HOST": "0.0.0.0",
            "PUBLIC_URL": "https://shop.example",
            "DATABASE_URL": "postgresql://a@b/c",
            "NIGHTMARKET_SECRET": "s" * 40,
            "NIGHTMARKET_DEMO": "1",
            "NIGHTMARKET_HOME": "/tmp/nowhere",
        }
    )
    assert read_settings({**as_environment(settings), VARIABLE: "7", "PATH": "/bin"}) == settings
    assert settings.address == "https://shop.example"
    assert not settings.is_loopback


@pytest.mark.parametrize(
    ("environment", "explained"),
    [
        ({"NIGHTMARKET_WORKER": "2"}, "Did you mean NIGHTMARKET_WORKERS?"),
        ({"NIGHTMARKET_XYZZY": "2"}, "There is no setting NIGHTMARKET_XYZZY"),
        ({"NIGHTMARKET_MAIL_SERVER": "mail.example.org"}, "as in smtps://"),
        (
            {"NIGHTMARKET_MAIL_SERVER": "smtp://mail.example.org", "NIGHTMARKET_MAIL_FROM": "shop"},
            "needs NIGHTMARKET_MAIL_FROM",
        ),
        ({"PORT": "eleven"}, "PORT is 'eleven'"),
        ({"PORT": "65536"}, "65535"),
        ({"NIGHTMARKET_WORKERS": "0"}, ">= 1"),
        ({"NIGHTMARKET_DEMO": "perhaps"}, "NIGHTMARKET_DEMO is 'perhaps'"),
        ({"NIGHTMARKET_SECRET": "short"}, "at least 32"),
        ({"DATABASE_URL": "mysql://a@b/c"}, "postgresql://"),
        ({"PUBLIC_URL": "shop.example"}, "https://shop.example.com"),
        ({"PUBLIC_URL": "https://shop.example/path"}, "scheme and host only"),
    ],
)
def test_wrong_settings_are_refused_with_a_hint(environment: dict[str, str], explained: str) -> None:
    """Each wrong value names its variable and says what would be right."""
    with pytest.raises(SettingRefused) as refused:
        read_settings(environment)
    assert explained in refused.value.detail
    assert refused.value.field in environment


def test_the_secret_is_made_once_and_kept_private(tmp_path: Path) -> None:
    """The first start makes a key with mode 600; later ones read the same; one that is set is left alone."""
    settings = read_settings({"NIGHTMARKET_HOME": str(tmp_path / "home")})
    first = with_secret(settings)
    assert first.secret is not None
    assert len(first.secret) >= 32
    assert with_secret(settings) == first
    assert (tmp_path / "home" / "secret").stat().st_mode & 0o777 == 0o600
    given = read_settings({"NIGHTMARKET_SECRET": "g" * 32, "NIGHTMARKET_HOME": str(tmp_path / "other")})
    assert with_secret(given) == given
    assert not (tmp_path / "other").exists()


def test_secrets_do_not_show_in_logs() -> None:
    """Neither key nor database password appears when settings are printed."""
    settings = read_settings({"NIGHTMARKET_SECRET": "s" * 40, "DATABASE_URL": "postgresql://a:hidden@b/c"})
    assert "hidden" not in f"{settings!r} {settings}"
    assert "ssss" not in f"{settings!r} {settings}"


@pytest.mark.parametrize(
    ("host", "loopback", "address"),
    [
        ("127.0.0.1", True, "http://127.0.0.1:1111"),
        ("localhost", True, "http://localhost:1111"),
        ("::1", True, "http://[::1]:1111"),
        ("0.0.0.0", False, "http://127.0.0.1:1111"),
        ("::", False, "http://[::1]:1111"),
        ("shop.example", False, "http://shop.example:1111"),
    ],
)
def test_only_loopback_counts_as_this_machine(host: str, loopback: bool, address: str) -> None:
    """Whatever else HOST names, others may reach it; the address shown is one that works here."""
    settings = read_settings({"HOST": host})
    assert settings.is_loopback is loopback
    assert settings.address == address


@pytest.mark.parametrize(
    ("public_url", "loopback"),
    [("https://shop.example", False), ("http://localhost:8080", True), ("http://127.0.0.1", True)],
)
def test_a_proxy_opens_the_shop_to_others(public_url: str, *, loopback: bool) -> None:
    """A shop on loopback is not private when visitors come through a public address: no demo accounts, limits count."""
    assert read_settings({"PUBLIC_URL": public_url}).is_loopback is loopback


def test_the_reference_names_every_setting() -> None:
    """Each field has a variable and a meaning of its own; secrets have no default to show."""
    lines = reference()
    assert len(lines) == len(Settings.__struct_fields__)
    assert len({line.variable for line in lines}) == len(lines)
    assert all(line.meaning.endswith(".") for line in lines)
