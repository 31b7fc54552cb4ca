"""The mails about an account, in the language of whom they are for. None repeats what a stranger may have typed."""

from datetime import timedelta

from nightmarket.entrypoints.pages import Site
from nightmarket.entrypoints.pages.words import say_later
from nightmarket.kernel.ids import encode
from nightmarket.kernel.languages import DEFAULT_LANGUAGE
from nightmarket.platform.access import Account, Purpose
from nightmarket.platform.access.proofs import LIFE
from nightmarket.platform.database import Connection
from nightmarket.platform.messages import ChannelKind, Message

SIGN_UP = (
    say_later("Confirm your e-mail address"),
    say_later(
        "Someone, we hope you, wants to open an account at Nightmarket with this address. Follow this link within "
        "%(hours)s hours to open it:"
    ),
    say_later("If it was not you, do nothing: no account is made, and we keep nothing."),
)
KNOWN_ALREADY = (
    say_later("You have an account already"),
    say_later(
        "Someone, perhaps you, wanted to open an account at Nightmarket with this address, or to move theirs to it. "
        "There is one already, and nothing was changed. You can sign in, or set a new password, here:"
    ),
    say_later("If it was not you, you need do nothing: nobody was told that you have an account."),
)
RESET = (
    say_later("Set a new password"),
    say_later("Follow this link within an hour to set a new password for your account at Nightmarket:"),
    say_later("If you did not ask for this, do nothing: your password stays as it is."),
)
CONFIRM = (
    say_later("Confirm your e-mail address"),
    say_later("Follow this link within %(hours)s hours to confirm the address of your account at Nightmarket:"),
    say_later("If you did not ask for this, do nothing."),
)
CHANGE_EMAIL = (
    say_later("Confirm your new e-mail address"),
    say_later("Follow this link within %(hours)s hours to make this the address of your account at Nightmarket:"),
    say_later("If you did not ask for this, do nothing: the account keeps the address it has."),
)
EMAIL_CHANGED = (
    say_later("Your e-mail address was changed"),
    say_later("Your account at Nightmarket has another e-mail address from now on: %(email)s."),
    say_later("If it was not you, write to us at once."),
)
PASSWORD_CHANGED = (
    say_later("Your password was changed"),
    say_later("The password of your account at Nightmarket was changed, and all devices were signed out."),
    say_later("If it was not you, set a new one at once, here:"),
)


class AccountLetters:
    """Implements `platform.access.Letters`."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._ids = site.shop.ids
        self._address = site.shop.settings.address

    def sign_up(self, email: str, token: str, language: str) -> Message:
        link = f"{self._address}/account/sign-up/confirm?key={token}"
        return self._mail(email, language, SIGN_UP, Purpose.SIGN_UP, link)

    async def known_already(self, tx: Connection, account: Account) -> Message:
        language = await self._language(tx, account)
        return self._mail(account.email, language, KNOWN_ALREADY, None, f"{self._address}/account/sign-in")

    async def reset(self, tx: Connection, account: Account, token: str) -> Message:
        link = f"{self._address}/account/reset?key={token}"
        return self._mail(account.email, await self._language(tx, account), RESET, Purpose.RESET, link)

    async def confirm(self, tx: Connection, account: Account, token: str) -> Message:
        link = f"{self._address}/account/email/confirm?key={token}"
        return self._mail(account.email, await self._language(tx, account), CONFIRM, Purpose.CONFIRM, link)

    async def change_email(self, tx: Connection, account: Account, email: str, token: str) -> Message:
        link = f"{self._address}/account/email/change?key={token}"
        return self._mail(email, await self._language(tx, account), CHANGE_EMAIL, Purpose.CHANGE_EMAIL, link)

    async def email_changed(self, tx: Connection, account: Account, new_email: str) -> Message:
        hidden = f"{new_email[:1]}…@{new_email.rpartition('@')[2]}"
        words = await self._language(tx, account)
        return self._mail(account.email, words, EMAIL_CHANGED, None, "", email=hidden)

    async def password_changed(self, tx: Connection, account: Account) -> Message:
        language = await self._language(tx, account)
        return self._mail(account.email, language, PASSWORD_CHANGED, None, f"{self._address}/account/forgotten")

    async def _language(self, tx: Connection, account: Account) -> str:
        profile = (await self._site.shop.profiles.of(tx, [account.id])).get(account.id)
        return profile.language if profile else DEFAULT_LANGUAGE

    def _mail(
        self, to: str, language: str, texts: tuple[str, str, str], purpose: Purpose | None, link: str, **words: object
    ) -> Message:
        """Subject, what happened, the link on a line of its own, and what to do if it was somebody else."""
        say = self._site.words(language).gettext
        if purpose is not None:
            words["hours"] = LIFE[purpose] // timedelta(hours=1)
        subject, text, otherwise = (say(one) for one in texts)
        text = text % words if words else text
        parts = (text, otherwise, link) if texts is PASSWORD_CHANGED else (text, link, otherwise)
        kind = purpose.value if purpose else "notice"
        return Message(
            key=f"account-{kind}:{encode('msg', self._ids.new())}",
            channel=ChannelKind.MAIL,
            to=to,
            language=language,
            subject=subject,
            text="\n\n".join(part for part in parts if part) + "\n",
            secret=purpose is not None,
        )
