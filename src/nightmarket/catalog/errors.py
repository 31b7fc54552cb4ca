"""Why a file, or one of its rows, is not taken. The codes are a closed set that clients may branch on."""

from enum import StrEnum

from nightmarket.kernel.problems import Kind, Problem


class FileRefused(Problem):
    """A file that cannot be imported at all; nothing of it was written. `line` names where, if known."""

    code = "file_refused"
    kind = Kind.UNPROCESSABLE


class FileMissing(FileRefused):
    """There is no such file, or it may not be read."""

    code = "file_missing"
    kind = Kind.NOT_FOUND


class FileEmpty(FileRefused):
    """There is nothing in the file."""

    code = "file_empty"


class FileTooLarge(FileRefused):
    """More than an import may read."""

    code = "file_too_large"
    kind = Kind.TOO_LARGE


class FileForeign(FileRefused):
    """The file is of a kind that is not imported: an archive, a spreadsheet, a picture."""

    code = "file_foreign"
    kind = Kind.UNSUPPORTED


class FileDamaged(FileRefused):
    """The file ends early, or its compression is broken."""

    code = "file_damaged"


class EncodingWrong(FileRefused):
    """The bytes are not text in the encoding that was named."""

    code = "encoding_wrong"


class ColumnMapWrong(FileRefused):
    """The column map names what does not exist, or lacks what is needed."""

    code = "column_map_wrong"


class ImportUnderWay(Problem):
    """Another process is at work on this very import."""

    code = "import_under_way"
    kind = Kind.CONFLICT


class ImportNotFound(Problem):
    """No import with that id is visible to this actor."""

    code = "import_not_found"
    kind = Kind.NOT_FOUND


class Reason(StrEnum):
    """Why a row, a part of it, or one of its pictures was not taken."""

    JSON_INVALID = "json_invalid"
    XML_INVALID = "xml_invalid"
    FIELD_UNKNOWN = "field_unknown"
    FIELD_TYPE = "field_type"
    FIELD_MISSING = "field_missing"
    ROW_TOO_LONG = "row_too_long"
    CELLS_WRONG = "cells_wrong"
    QUOTES_WRONG = "quotes_wrong"
    TOO_MANY = "too_many"
    MERCHANT_MISSING = "merchant_missing"
    MERCHANT_OTHER = "merchant_other"
    SLUG_INVALID = "slug_invalid"
    KEY_INVALID = "key_invalid"
    SKU_MISSING = "sku_missing"
    SKU_INVALID = "sku_invalid"
    SKU_TWICE = "sku_twice"
    SKU_TAKEN = "sku_taken"
    SKU_CASE = "sku_case"
    GTIN_INVALID = "gtin_invalid"
    PRICE_MISSING = "price_missing"
    PRICE_ZERO = "price_zero"
    PRICE_NEGATIVE = "price_negative"
    PRICE_ABSURD = "price_absurd"
    PRICE_INVALID = "price_invalid"
    CURRENCY_UNKNOWN = "currency_unknown"
    STOCK_INVALID = "stock_invalid"
    STOCK_NEGATIVE = "stock_negative"
    STOCK_ABSURD = "stock_absurd"
    STOCK_HELD = "stock_held"
    TITLE_MISSING = "title_missing"
    TEXT_TOO_LONG = "text_too_long"
    TEXT_CONTROL = "text_control"
    LANGUAGE_UNKNOWN = "language_unknown"
    VALUE_INVALID = "value_invalid"
    PARENT_UNKNOWN = "parent_unknown"
    STOCK_UNKNOWN = "stock_unknown"
    CATEGORY_UNKNOWN = "category_unknown"
    PICTURE_PATH = "picture_path"
    PICTURE_ADDRESS = "picture_address"
    PICTURE_MISSING = "picture_missing"
    PICTURE_TOO_LARGE = "picture_too_large"
    PICTURE_REFUSED = "picture_refused"


class EntryRefused(Problem):
    """What was written by hand cannot be kept: `field` names the first flaw, `flaws` are all of them, each with the
    entry's number in the call, field, code (a `Reason`), reason and remedy."""

    code = "entry_refused"
    kind = Kind.UNPROCESSABLE


class VersionConflict(Problem):
    """Somebody changed it in the meantime: `expected` was the version, `current` is. Nothing was written."""

    code = "version_conflict"
    kind = Kind.CONFLICT


class MerchantStateRefused(Problem):
    """A merchant cannot go from the `state` it is in to the one `wanted`."""

    code = "merchant_state_refused"
    kind = Kind.CONFLICT
