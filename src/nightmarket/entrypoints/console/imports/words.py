"""Words of these pages that stand in the code."""

from nightmarket.catalog.contract import ImportFormat, RunState
from nightmarket.entrypoints.pages.words import say_later

FORMATS = {
    ImportFormat.JSON_LINES: say_later("JSON Lines, one product a line"),
    ImportFormat.TABLE: say_later("a table, one variant a row"),
    ImportFormat.SHOPIFY: say_later("Shopify's product CSV"),
    ImportFormat.GOOGLE_XML: say_later("a Google Merchant feed in XML"),
    ImportFormat.GOOGLE_TABLE: say_later("a Google Merchant feed as a table"),
    ImportFormat.MERCHANTS: say_later("merchants"),
    ImportFormat.CATEGORIES: say_later("categories"),
    ImportFormat.BRANDS: say_later("brands"),
    ImportFormat.ATTRIBUTES: say_later("typed attributes"),
    ImportFormat.SIZE_CHARTS: say_later("size charts"),
}
"""What a file holds."""

STATES = {
    RunState.READY: (say_later("looked at"), ""),
    RunState.QUEUED: (say_later("waiting"), "warn"),
    RunState.RUNNING: (say_later("under way"), "warn"),
    RunState.DONE: (say_later("done"), "good"),
    RunState.FAILED: (say_later("failed"), "danger"),
    RunState.STOPPED: (say_later("stopped"), ""),
}
"""The word and the tone of a run's state."""

NEEDS = {
    "sku": say_later("Say which column is the SKU."),
    "price": say_later("Say which column is the price, such as price.EUR."),
    "currency": say_later("Say in which currency the prices are."),
    "merchant": say_later("Say whose goods these are."),
}
"""What a file does not say itself."""

KINDS = {
    "merchants": say_later("Merchants"),
    "places": say_later("Places of stock"),
    "categories": say_later("Categories"),
    "brands": say_later("Brands"),
    "attributes": say_later("Attributes"),
    "size_charts": say_later("Size charts"),
    "products": say_later("Products"),
    "variants": say_later("Variants"),
}
"""What an import counts."""
