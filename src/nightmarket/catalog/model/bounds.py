"""How much of everything a product may have. Each bound is named in the README and in the refusal it causes."""

MAX_TITLE = 200
MAX_SUMMARY = 500
MAX_DESCRIPTION = 20_000
MAX_HIGHLIGHTS = 20
MAX_HIGHLIGHT = 200
MAX_BRAND = 100
MAX_NAME = 100
MAX_SKU = 64
MAX_SLUG = 80
MAX_ALT = 300
MAX_OPTION = 100
MAX_ATTRIBUTE = 500
MAX_LIST = 50
"""Entries of an attribute that is a list."""

MAX_VARIANTS = 500
"""Variants in one line of JSON; a table has one row each and no such bound."""

MAX_OPTIONS = 6
MAX_ATTRIBUTES = 64
MAX_PRODUCT_PICTURES = 30
MAX_VARIANT_PICTURES = 10
MAX_PLACES = 50
MAX_CURRENCIES = 40
MAX_COLUMNS = 500
MAX_CATEGORY_DEPTH = 8
MAX_SHELVES = 10
MAX_SLOT_DAYS = 400
MAX_CHOICES = 200
MAX_CHART_COLUMNS = 20
MAX_CHART_ROWS = 100
MAX_CELL = 60
MAX_UNIT = 20
MAX_STORY = 5_000
MAX_TAGLINE = 200
MAX_POSITION = 1_000_000
MAX_TREE = 40

MAX_PRICE = 10**11
"""Minor units: a billion euros. A dearer thing is a slip of the keyboard."""

MAX_COUNTED = 10**9
"""Units of one variant at one place."""

MAX_REASON = 1_000
MAX_TERMS = 20_000
MAX_EMAIL = 254
