"""A shopper leaves: every room forgets them. Orders stay, as the law wants, under an id that names nobody."""

from collections.abc import Sequence
from typing import Protocol
from uuid import UUID

import msgspec

from nightmarket.engagement.contract.enquiries import Enquiries
from nightmarket.engagement.contract.profiles import Profiles
from nightmarket.engagement.contract.reminders import Reminders
from nightmarket.engagement.contract.wishes import Wishes
from nightmarket.kernel.ids import encode
from nightmarket.orders.contract import Orders
from nightmarket.platform import messages, webpush
from nightmarket.platform.access import Account, Identities, Shoppers
from nightmarket.platform.database import Connection, Database
from nightmarket.platform.jobs import Job, JobContext, JobDesk, JobRequest
from nightmarket.promotions.contract.samples import Samples

JOB = "shoppers.forget_carts"
START = UUID(int=0)


class Forgetting(msgspec.Struct, frozen=True):
    """Whose carts and checkouts are to be forgotten."""

    owner: str


class KeepsPersons(Protocol):
    """Port: a room that keeps something under an account's id or under the key of its address."""

    async def forget(self, tx: Connection, account: UUID, person: UUID) -> None:
        """Forget both; what must stay counted stays under an id that names nobody. Safe to repeat."""
        ...


class Leaving:
    """One transaction forgets account, sessions, links, profile, addresses, decisions and mails; a job that begins with
    it goes through all carts and checkouts, since nothing finds them by owner."""

    def __init__(
        self,
        database: Database,
        shoppers: Shoppers,
        kept: tuple[Profiles, Wishes],
        asked: tuple[Enquiries, Reminders, Samples],
        keepers: tuple[Identities, Sequence[KeepsPersons]],
        jobs: JobDesk,
    ) -> None:
        self._database = database
        self._shoppers = shoppers
        self._profiles, self._wishes = kept
        self._enquiries, self._reminders, self._samples = asked
        self._identities, self._keepers = keepers
        self._jobs = jobs

    async def leave(self, account: Account) -> None:
        """Forget the shopper; safe to repeat. Who may ask is the caller's check."""
        async with self._database.transaction() as tx:
            await self._profiles.forget(tx, account.id)
            await self._wishes.forget(tx, account.id, account.email)
            await self._reminders.forget(tx, account.id, account.email)
            await self._samples.forget(tx, account.id)
            for keeper in self._keepers:
                await keeper.forget(tx, account.id, self._identities.key_of(account.email))
            await webpush.forget_owner(tx, account.id)
            asked = await self._enquiries.forget(tx, account.id, account.email)
            await messages.forget_about(tx, [encode("enq", id) for id in asked])
            await messages.forget(tx, account.email)
            await self._shoppers.delete(tx, account)
            request = JobRequest(f"{JOB}:{account.id}", JOB, "a shopper who left", Forgetting(str(account.id)))
            await self._jobs.request(tx, [request])


def forget_carts_job(orders: Orders) -> Job:
    """The job: step by step through all sessions. Interrupted, it goes on where it stopped."""

    async def run(context: JobContext) -> None:
        owner = UUID(context.arguments(Forgetting).owner)
        stands: str | None = str(START)
        steps = 0
        while stands is not None:
            after = UUID(stands)

            async def step(after: UUID = after) -> str | None:
                last = await orders.forget_unplaced(owner, after)
                return str(last) if last else None

            stands = await context.step("carts", step)
            steps += 1
            await context.progress(steps)

    return Job(JOB, run)
