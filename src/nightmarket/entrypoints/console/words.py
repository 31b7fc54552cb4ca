"""Words of the console that stand in the code: what was done, states, and what cannot be typed into a template."""

from nightmarket.entrypoints.pages.words import say_later
from nightmarket.orders.contract import OrderState

DONE = {
    "cancelled": say_later("The order is cancelled. What it held is back on the shelves, and what was paid goes back."),
    "transferred": say_later("The transfer is noted, and the order is paid."),
    "adjusted": say_later("The stock is adjusted."),
    "festival-saved": say_later("The plan is saved. All pages follow it within a second."),
    "switched-off": say_later("It is off, everywhere within a second."),
    "switched-on": say_later("It is on again, everywhere within a second."),
    "plan-kept": say_later("The set is kept. One press applies it."),
    "plan-apply": say_later("The set is applied, everywhere within a second."),
    "plan-undo": say_later("The set is taken back."),
    "plan-drop": say_later("The set is forgotten."),
    "published": say_later("The offer is published. It applies to every price from now on, within its window."),
    "retired": say_later("The offer is retired. Orders that have it keep it."),
    "retried": say_later("The message will be tried again."),
    "stopping": say_later("The job was asked to stop."),
    "suspended": say_later("Closed. Whoever was signed in with these accounts is no longer."),
    "reopened": say_later("Open again."),
    "account-made": say_later("This person can sign in now."),
    "role-changed": say_later("The role is changed. The person signs in again, with the new one."),
    "password-set": say_later("The password is set. Tell it to the person by another way than mail."),
    "password-changed": say_later("Your password is changed. Sign in with the new one."),
    "key-revoked": say_later("The key has ended; within seconds no process takes it any more."),
    "range-saved": say_later("Saved. Pages show it within seconds."),
    "text-saved": say_later("The page is saved and shown."),
    "answered": say_later("Noted as answered."),
    "open-again": say_later("It waits for an answer again."),
    "import-stopped": say_later("The import was asked to stop. What is in stays in, and it can go on later."),
    "signed-out": say_later("You are signed out."),
    "applied": say_later("Thank you. Your application is in, and you are signed in to your console."),
    "applied-again": say_later("Saved. You have applied again with this."),
    "goods-saved": say_later("Saved."),
    "goods-published": say_later("Saved and on sale."),
    "goods-publish": say_later("On sale."),
    "goods-withdraw": say_later("Withdrawn. Nobody can buy these goods now."),
    "goods-draft": say_later("Back to draft."),
    "goods-prices": say_later("The prices are changed."),
    "goods-undone": say_later("Back to the older version. Stock is as it was."),
    "goods-moved": say_later("Somebody changed these goods in the meantime. Look again, then go back."),
    "goods-table": say_later("All changes are saved."),
    "copied": say_later("This is the copy: a draft with SKUs of its own and no stock."),
    "stall-saved": say_later("Your stall is saved."),
    "places-saved": say_later("The places are saved."),
    "merchants-open": say_later("Approved. The merchant is told, and its goods can go on sale."),
    "merchants-declined": say_later("Declined. The merchant is told why."),
    "merchants-closed": say_later("Closed. The goods are off sale; orders stay."),
    "merchants-commission": say_later("The commission is changed, for orders from now on."),
}
"""What a page says after a form, by the word that the address carries."""

STATES = {
    OrderState.PENDING: (say_later("waiting for payment"), "warn"),
    OrderState.PAID: (say_later("paid"), "good"),
    OrderState.DECLINED: (say_later("declined"), "danger"),
    OrderState.LAPSED: (say_later("lapsed"), ""),
    OrderState.CANCELLED: (say_later("cancelled"), ""),
}
"""The word and the tone of an order's state."""

REASONS = {
    "applied": say_later("applied"),
    "code_not_given": say_later("its code was not given"),
    "not_started": say_later("it had not begun"),
    "ended": say_later("it was over"),
    "other_currency": say_later("it is for another currency"),
    "other_region": say_later("it is for another country"),
    "other_segment": say_later("it is for other shoppers"),
    "no_line": say_later("no item of the cart qualifies"),
    "below_minimum": say_later("the cart is below its minimum"),
    "used_up": say_later("it was used up"),
    "budget_used_up": say_later("its budget was used up"),
    "limit_reached": say_later("the buyer had reached the limit"),
    "over_buyer_limit": say_later("more units than one buyer may have"),
    "better_offer": say_later("the price is lower without it"),
    "no_effect": say_later("there was nothing that it could take off"),
}
"""Why an offer was or was not applied, by promotions' stable word."""

ACCOUNTS = {
    1: say_later("Buyer owes"),
    2: say_later("Owed to merchant"),
    3: say_later("Discount paid by the market"),
    4: say_later("Held by the payment provider"),
}
"""The journal's accounts."""

CLAIM_STATES = {
    "HELD": say_later("held"),
    "SETTLED": say_later("settled"),
    "RELEASED": say_later("released"),
    "LAPSED": say_later("lapsed"),
}

ACTIONS = {
    "imports.upload": say_later("sent a file to import"),
    "imports.try": say_later("tried an import out"),
    "imports.start": say_later("started an import"),
    "imports.stop": say_later("stopped an import"),
    "orders.cancel": say_later("cancelled an order"),
    "orders.mark_transferred": say_later("marked a transfer as arrived"),
    "stock.adjust": say_later("adjusted stock"),
    "stock.feed": say_later("sent stock from another shop"),
    "offers.publish": say_later("published an offer"),
    "offers.retire": say_later("retired an offer"),
    "festivals.save": say_later("changed a festival's plan"),
    "switches.off": say_later("turned something off"),
    "switches.on": say_later("turned something on again"),
    "plans.prepare": say_later("prepared a set of switches"),
    "plans.apply": say_later("applied a set of switches"),
    "plans.undo": say_later("took a set of switches back"),
    "plans.drop": say_later("forgot a set of switches"),
    "messages.retry": say_later("tried a message again"),
    "jobs.cancel": say_later("stopped a job"),
    "audit.run": say_later("ran the audit"),
    "accounts.create": say_later("let a person in"),
    "accounts.suspend": say_later("closed accounts"),
    "accounts.reopen": say_later("opened accounts again"),
    "accounts.role": say_later("changed a role"),
    "accounts.password": say_later("set a password"),
    "accounts.own_password": say_later("changed their own password"),
    "range.categories": say_later("saved a category"),
    "range.brands": say_later("saved a brand"),
    "range.attributes": say_later("saved an attribute"),
    "range.size-charts": say_later("saved a size chart"),
    "texts.save": say_later("saved a page of words"),
    "enquiries.answer": say_later("answered an enquiry"),
    "enquiries.open": say_later("took an answer back"),
    "keys.issue": say_later("made an API key"),
    "keys.revoke": say_later("ended an API key"),
    "signing.rotate": say_later("made a new signing key"),
    "webhooks.again": say_later("sent a webhook again"),
    "console.sign_in": say_later("signed in"),
    "crowd.let_in": say_later("let a crowd in"),
    "crowd.send_away": say_later("sent the crowd away"),
    "database.kill": say_later("killed the database"),
    "merchants.apply": say_later("applied for a stall"),
    "merchants.open": say_later("approved a merchant"),
    "merchants.declined": say_later("declined a merchant"),
    "merchants.closed": say_later("closed a merchant"),
    "merchants.commission": say_later("changed a commission"),
    "goods.save": say_later("saved goods"),
    "goods.copy": say_later("copied goods"),
    "goods.state": say_later("put goods on or off sale"),
    "goods.prices": say_later("changed prices"),
    "goods.table": say_later("changed prices and stock"),
    "goods.undo": say_later("went back to an older version"),
    "stall.profile": say_later("changed a stall"),
    "stall.places": say_later("changed places"),
}
"""Deeds of people, by the word under which they are written down."""

CHECKS = {
    "tallies": say_later("Every tally is what its adjustments and claims add up to, and has each of its slices once."),
    "orders": say_later("Every order adds up, and its session, claim and payments agree with its state."),
    "journal": say_later("Every posting sums to zero, and the accounts of each order agree with its payments."),
    "payments": say_later("No payment is stuck, and every event of a provider fits a payment."),
    "statements": say_later(
        "What the providers moved is what our payments say: no money without order, and none missing."
    ),
    "claims": say_later("Every claim of another shop holds or took what its lines say, and ended once."),
    "facts": say_later("Every fact lies in the partition of its month."),
    "consumers": say_later("No consumer of facts fails."),
}
"""What each check of the audit proves, by its name."""
