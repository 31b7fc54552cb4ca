"""Actors, roles, passwords and signed values, without a database."""

from uuid import UUID

import pytest
from argon2 import extract_parameters

from nightmarket.kernel.clock import VirtualClock
from nightmarket.kernel.ids import SeededIds
from nightmarket.kernel.problems import InvalidInput
from nightmarket.platform.access import (
    ROLE_SCOPES,
    SYSTEM,
    Forbidden,
    Guests,
    Passwords,
    Role,
    Scope,
    Signer,
    WeakPassword,
    guest,
    normal_email,
    require,
)
from nightmarket.platform.access.passwords import MAX_PASSWORD_LETTERS, PASSES, check_password, decoy

KEY = b"k" * 32


def test_scope_is_needed() -> None:
    """A guest may check out and nothing of the back office; the refusal names the scope."""
    actor = guest(UUID(int=7))
    require(actor, Scope.CHECKOUT)
    for scope in set(Scope) - {Scope.CHECKOUT}:
        with pytest.raises(Forbidden) as refused:
            require(actor, scope)
        assert refused.value.fields == {"scope": scope.value}
        require(SYSTEM, scope)


def test_roles_are_complete() -> None:
    """Every role has scopes, only operators manage accounts, and who opens the console may do something there."""
    assert set(ROLE_SCOPES) == set(Role)
    for role, scopes in ROLE_SCOPES.items():
        assert scopes
        assert (Scope.ACCOUNTS_WRITE in scopes) == (role is Role.OPERATOR)
        assert Scope.CONSOLE not in scopes or len(scopes) > 1


@pytest.mark.parametrize("text", [" Ada@Example.ORG ", "ada@example.org", "ADA@EXAMPLE.ORG\n"])
def test_email_is_folded(text: str) -> None:
    """Capitals and blanks around an e-mail make no second account."""
    assert normal_email(text) == "ada@example.org"


@pytest.mark.parametrize(
    "text",
    ["", "ada", "@example.org", "ada@", "a@b@c", "a b@c.de", "a@.de", "a@x..y", "a\x00@b.de", "a" * 250 + "@b.de"],
)
def test_what_is_no_email_is_refused(text: str) -> None:
    """The refusal names the field."""
    with pytest.raises(InvalidInput) as refused:
        normal_email(text)
    assert refused.value.field == "email"


@pytest.mark.parametrize(
    "password",
    ["short", "a" * 30, "ada@example.org", "x" * 300, "\ud800abcdefghijkl", "Ada@Example.ORG"],
)
def test_weak_passwords_are_refused(password: str) -> None:
    """Too short, too long, too uniform, the e-mail itself, or no text at all."""
    with pytest.raises(WeakPassword):
        check_password(password, "ada@example.org")


async def test_passwords_verify() -> None:
    """The right password fits, also when typed with another composition; a wrong, endless or broken one does not."""
    passwords = Passwords(memory_kib=64)
    stored = await passwords.hash("Käsekuchen für alle")
    assert stored.startswith("$argon2id$")
    assert await passwords.verify(stored, "Ka\u0308sekuchen fu\u0308r alle")
    assert not await passwords.verify(stored, "Kasekuchen fur alle")
    assert not await passwords.verify(stored, "x" * (MAX_PASSWORD_LETTERS + 1))
    assert not await passwords.verify(stored, "\ud800")
    assert not await passwords.verify(None, "Käsekuchen für alle")
    assert not await passwords.verify("not a hash", "Käsekuchen für alle")


async def test_changed_settings_make_a_hash_outdated() -> None:
    """A hash made with other settings is recognised, so that a login can renew it."""
    old, new = Passwords(memory_kib=64), Passwords(memory_kib=128)
    stored = await old.hash("correct horse")
    assert new.outdated(stored)
    assert not old.outdated(stored)
    assert await new.verify(stored, "correct horse")


async def test_an_unknown_account_costs_what_a_known_one_does() -> None:
    """What is looked at for it is a whole hash with the same settings, another each time."""
    real = await Passwords(memory_kib=64).hash("correct horse")
    made = {decoy(64, PASSES) for _ in range(9)}
    assert len(made) == 9
    assert [extract_parameters(one) for one in made] == [extract_parameters(real)] * 9


def test_a_signed_value_serves_one_purpose() -> None:
    """What one signer sealed, another key or purpose does not open, nor does it open when one letter differs."""
    signer = Signer(KEY, "guest")
    text = signer.seal(b"abcd")
    assert signer.unseal(text, 4) == b"abcd"
    assert signer.unseal(text, 5) is None
    assert Signer(KEY, "other").unseal(text, 4) is None
    assert Signer(b"q" * 32, "guest").unseal(text, 4) is None
    for place in range(len(text)):
        changed = text[:place] + ("A" if text[place] != "A" else "B") + text[place + 1 :]
        assert signer.unseal(changed, 4) is None
    for junk in ("", "=", "é", "a" * 10_000, text + "="):
        assert signer.unseal(junk, 4) is None


def test_a_short_secret_key_is_refused() -> None:
    """A key that could be guessed stops the process at its start."""
    with pytest.raises(ValueError):
        Signer(b"short", "guest")


def test_a_guest_keeps_their_id(clock: VirtualClock, ids: SeededIds) -> None:
    """The cookie carries the id back; a forged one gives none."""
    guests = Guests(KEY, ids)
    guest_id, token = guests.fresh()
    assert guests.read(token) == guest_id
    assert Guests(b"z" * 32, ids).read(token) is None
    assert guests.read(None) is None
