"""Where a form may send a visitor afterwards: a page of this site."""

MAX_NEXT_LETTERS = 2_000


def safe_next(value: str | None, default: str = "/") -> str:
    """`value` if it is a path of this site, else `default`.

    Browsers take `//host`, `/\\host` and a `/` followed by a dropped tab or line feed for another site's address
    (WHATWG URL), so backslashes, blanks and control letters are refused altogether.
    """
    if not value or len(value) > MAX_NEXT_LETTERS or value[0] != "/" or value[1:2] == "/" or "\\" in value:
        return default
    if any(letter <= " " or "\x7f" <= letter <= "\xa0" or "\ud800" <= letter <= "\udfff" for letter in value):
        return default
    return value
