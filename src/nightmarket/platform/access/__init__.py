"""Who may do what: actors with scopes, accounts, sessions, API keys, guests.

require(actor, Scope.ORDERS_READ) -> None                         raises Forbidden
guest(id) -> Actor;  SYSTEM: Actor;  ROLE_SCOPES[Role] -> frozenset[Scope]
access = Access(database, clock, ids, secret_key=..., passwords=Passwords())
await access.identify(authorization, session_token, guest_token) -> Caller(actor, binding, guest_id, guest_token,
                                                                           session_ended)
await access.client(authorization) -> Actor                        the hot path: API key only
await access.accounts.create([NewAccount(email, name, role, password, merchant_id=None)]) -> list[Account]
await access.accounts.verify_password(email, password) -> Account
await access.accounts.login(email, password, address=..., replaces=old_token) -> Login(token, account, expires_at)
await access.accounts.begin_session(tx, account, replaces=None) -> Login
await access.accounts.actor(token) -> Actor | None
await access.accounts.logout(token) -> None                        revokes
await access.accounts.change_password(account_id, old, new) -> None
await access.accounts.set_suspended(ids, True | False) -> None
await access.accounts.sweep() -> int                               for a drain
await access.keys.issue(actor, [NewKey(name, scopes, merchant_id=None)]) -> list[IssuedKey(key, token)]
await access.keys.revoke(actor, ids) -> None
await page_of_accounts(connection, after, limit) -> list[Account]; await page_of_keys(connection, before, limit)
await account_by_email(connection, normal_email(text)) -> (Account, hash) | None
await access.shoppers.sign_up(SignUp(...), address, letters); .waiting(token); .admit(token, guest, password)
await access.shoppers.open_account(tx, token) -> (Account, Waiting)       an account is made once its address is proven
await access.shoppers.forgotten(email, address, letters); .look(token, Purpose.RESET); .reset(tx, token, hash, letters)
await access.shoppers.prove(id, password) -> Account; .ask_change(...); .confirm(tx, token, purpose, letters)
await access.shoppers.sessions(id, token); .end_session(id, session); .end_all(id, but=token); .delete(tx, account)
await known_owners(connection, ids) -> set[UUID]                            which are accounts or keys, not guests
access.guests.token(id) -> str; .read(token) -> UUID | None; .fresh() -> (UUID, token)
identities = Identities(database, clock, ids, secret_key, secure=True)  guests who prove an e-mail or telephone
await identities.ask(address, network, letters) -> UUID; .look(asked) -> hint
await identities.confirm(asked, code, network) -> Identity              raises WrongCode, CodeSpent, TooManyAttempts
identities.of(headers) -> Identity | None; .token(identity), .read(token), .cookie; .key_of(address) -> UUID
Links(secret_key, purpose, life, clock).token(id, since) -> str; .read(token) -> UUID | None    signed, no table
Signer(secret_key, purpose).seal(bytes) -> str; .unseal(text, size) -> bytes | None; .mac(*parts) -> bytes
"""

from .accounts import Accounts, Login, NewAccount, actor_of, normal_email
from .actors import (
    ACCOUNT_ROLES,
    MERCHANT_BOUND,
    ROLE_SCOPES,
    SYSTEM,
    Actor,
    ActorKind,
    Role,
    Scope,
    guest,
    require,
)
from .callers import Access, Caller, Guests
from .errors import (
    AccountNotFound,
    AccountSuspended,
    CodeSpent,
    EmailTaken,
    Forbidden,
    KeyMade,
    KeyNotFound,
    LastOperator,
    LinkSpent,
    SignInRequired,
    TooManyAttempts,
    WeakPassword,
    WrongCode,
    WrongCredentials,
)
from .identities import CodeLetters, Identities, Identity, normal_address
from .keys import IssuedKey, Keys, NewKey
from .links import Links
from .passwords import Passwords
from .people import People, PeopleFilter, PeoplePage
from .proofs import Proof, Purpose
from .shadow import SHADOW_HEADER, is_shadow, shadow_owner, shadows_of
from .shoppers import Letters, OpenSession, Shoppers, SignUp, Waiting
from .signing import Signer
from .store import (
    Account,
    ApiKey,
    account_by_email,
    account_emails,
    key_names,
    known_owners,
    page_of_accounts,
    page_of_keys,
)

__all__ = [
    "ACCOUNT_ROLES",
    "MERCHANT_BOUND",
    "ROLE_SCOPES",
    "SHADOW_HEADER",
    "SYSTEM",
    "Access",
    "Account",
    "AccountNotFound",
    "AccountSuspended",
    "Accounts",
    "Actor",
    "ActorKind",
    "ApiKey",
    "Caller",
    "CodeLetters",
    "CodeSpent",
    "EmailTaken",
    "Forbidden",
    "Guests",
    "Identities",
    "Identity",
    "IssuedKey",
    "KeyMade",
    "KeyNotFound",
    "Keys",
    "LastOperator",
    "Letters",
    "LinkSpent",
    "Links",
    "Login",
    "NewAccount",
    "NewKey",
    "OpenSession",
    "Passwords",
    "People",
    "PeopleFilter",
    "PeoplePage",
    "Proof",
    "Purpose",
    "Role",
    "Scope",
    "Shoppers",
    "SignInRequired",
    "SignUp",
    "Signer",
    "TooManyAttempts",
    "Waiting",
    "WeakPassword",
    "WrongCode",
    "WrongCredentials",
    "account_by_email",
    "account_emails",
    "actor_of",
    "guest",
    "is_shadow",
    "key_names",
    "known_owners",
    "normal_address",
    "normal_email",
    "page_of_accounts",
    "page_of_keys",
    "require",
    "shadow_owner",
    "shadows_of",
]
