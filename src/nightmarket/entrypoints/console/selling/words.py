"""Words of this room that other pages of the console show: what was done, and deeds by their stable names."""

from nightmarket.entrypoints.pages.words import say_later

DONE = {
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

ACTIONS = {
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
