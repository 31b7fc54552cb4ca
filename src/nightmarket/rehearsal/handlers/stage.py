"""Those who give the sign: let a crowd in, send it away, pull the database's plug. Only on this machine, in a demo."""

import os
import signal
from datetime import timedelta
from uuid import UUID

import msgspec

from nightmarket.catalog.contract import Catalog, Listing
from nightmarket.kernel.clock import Clock
from nightmarket.kernel.ids import Ids, derive, encode
from nightmarket.kernel.problems import InvalidInput
from nightmarket.platform.database import Connection
from nightmarket.platform.facts import head
from nightmarket.platform.postgres import EmbeddedPostgres, StartRefused
from nightmarket.platform.settings import Settings
from nightmarket.rehearsal.contract import MOST_BUYERS, MOST_SECONDS, MOST_UNITS, Article, Scene, Size
from nightmarket.rehearsal.errors import CrowdBusy, NoArticle, NoCrowd, NotOurDatabase
from nightmarket.rehearsal.model import Kill, Wish
from nightmarket.rehearsal.store import Folder
from nightmarket.tally.contract import Adjustment, NewTally, Tallies, TallyKind

HEARD = timedelta(seconds=10)
"""A crowd's process that was silent for longer is not there."""


class Stage:
    """Commands of a rehearsal, and what there is to see."""

    def __init__(self, settings: Settings, catalog: Catalog, tallies: Tallies, clock: Clock, ids: Ids) -> None:
        self.folder = Folder(settings.home)
        self._settings = settings
        self._catalog = catalog
        self._tallies = tallies
        self._clock = clock
        self._ids = ids

    @property
    def is_open(self) -> bool:
        """Whether this shop may have a crowd at all: a demo that nobody but this machine can reach."""
        return self._settings.demo and self._settings.is_loopback

    def scene(self) -> Scene:
        """All that is known now. Reads files only."""
        folder = self.folder
        return Scene(folder.wish.read(), folder.crowd.read(), folder.seen.read(), folder.kill.read())

    def check(self) -> None:
        """Raises NoCrowd or CrowdBusy where a crowd could not come now."""
        crowd = self.folder.crowd.read()
        if crowd is None or self._clock.now() - crowd.at > HEARD:
            raise NoCrowd("No crowd waits outside. It comes with a demo that is open here: nightmarket up --demo")
        if self.scene().busy:
            raise CrowdBusy("A crowd is in the shop already; wait until it has left, or send it away.")

    async def plan(self, article: Article, size: Size, by: str) -> Wish:
        """A crowd for the article, not yet let in. Raises Problems."""
        if not 1 <= size.buyers <= MOST_BUYERS:
            raise InvalidInput(f"A crowd is 1 to {MOST_BUYERS:,} buyers.", field="buyers")
        if not 1 <= size.units <= MOST_UNITS:
            raise InvalidInput(f"Between 1 and {MOST_UNITS:,} units can be on the shelf.", field="units")
        if not 0 <= size.within_seconds <= MOST_SECONDS:
            raise InvalidInput(f"A crowd swells for at most {MOST_SECONDS:.0f} s.", field="within_seconds")
        listing = await self.listing(article)
        return Wish(
            run=self._ids.new(),
            variant=listing.variant,
            item=encode("var", listing.variant),
            sku=listing.sku,
            title=dict(listing.title),
            tally=listing.stock[0].tally,
            buyers=size.buyers,
            units=size.units,
            currency="EUR" if "EUR" in listing.prices else next(iter(listing.prices)),
            asked_at=self._clock.now(),
            asked_by=by,
            begins_at=size.begins_at,
            within_seconds=size.within_seconds,
        )

    async def listing(self, article: Article) -> Listing:
        """What the article is sold as; raises NoArticle."""
        variant = await self._catalog.find(article.merchant, article.sku)
        listing = (await self._catalog.listings([variant])).get(variant) if variant else None
        if listing is None or not listing.for_sale or not listing.stock or not listing.prices:
            raise NoArticle(f"{article.merchant} does not sell {article.sku} here, so there is nothing to rush for.")
        return listing

    async def ready(self, tx: Connection, wish: Wish) -> Wish:
        """Put on the shelf what the crowd shall find, and mark the log of facts; returns the wish to let in."""
        await self.restock(tx, wish.tally, wish.units, once=wish.run)
        now = await head(tx)
        return msgspec.structs.replace(wish, cursor=(now.epoch, now.xid, now.sequence))

    async def restock(self, tx: Connection, tally: UUID, units: int, *, once: UUID, least: bool = False) -> int:
        """Set what is free to exactly so many units, with `least` to at least so many; returns the change.

        An ordinary adjustment, written down once under an id that follows from `once`. Raises NoArticle.
        """
        now = self._clock.now()
        await self._tallies.open(tx, [NewTally(tally, TallyKind.STOCK, 0)], now)
        level = (await self._tallies.levels(tx, [tally]))[tally]
        delta = units - level.available
        if delta == 0 or (least and delta < 0):
            return 0
        adjustment = Adjustment(derive("crowd-stock", once), tally, delta, "set for the crowd")
        if not (await self._tallies.adjust(tx, [adjustment], now))[adjustment.id]:
            raise NoArticle("Somebody is buying at this very moment; try again.")
        return delta

    def let_in(self, wish: Wish) -> None:
        """The door opens. Raises NoCrowd, CrowdBusy."""
        with self.folder.alone():
            self.check()
            self.folder.wish.write(wish)

    def send_away(self) -> None:
        """Those who still wait leave; orders that are placed stay."""
        wish = self.folder.wish.read()
        if wish is not None:
            self.folder.stop.write(wish.run)

    def database_pid(self) -> int:
        """The server that this shop has started itself; raises NotOurDatabase."""
        server = EmbeddedPostgres(self._settings.home)
        try:
            ours = self._settings.database_url == server.url
        except (StartRefused, OSError):
            ours = False
        pid = server.pid() if ours else None
        if pid is None:
            raise NotOurDatabase("Only the database that this shop brought along and started is killed for show.")
        return pid

    def kill_database(self, pid: int, by: str) -> Kill:
        """SIGKILL to the server, as a power cut would. The supervisor starts it again. Raises NotOurDatabase."""
        if pid != self.database_pid():
            raise NotOurDatabase("The database is another process by now; look again.")
        kill = Kill(self._clock.now(), pid, by)
        self.folder.kill.write(kill)
        try:
            os.kill(pid, signal.SIGKILL)
        except OSError as error:
            raise NotOurDatabase(f"The database could not be killed: {error.strerror}.") from error
        return kill
