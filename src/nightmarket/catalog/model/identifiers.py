"""Numbers that trade items carry all over the world: GTIN, ISBN, ISSN.

Sources: GS1 General Specifications (7.9 check digit; 1.4 and 2.1.11 restricted circulation numbers), ISO 2108 (ISBN),
ISO 3297 (ISSN), GS1's prefixes 977 (serials) and 978/979 (books). A GTIN is stored as it was written, and compared by
its 14 digits: `012345678905` and `0012345678905` are one number.
"""

GTIN_LENGTHS = (8, 12, 13, 14)
_SEPARATORS = str.maketrans("", "", " -\u2010\u2011\u2012\u2013")


class NotANumber(ValueError):
    """The text is none of the numbers known here; `right` is the check digit it would need, if only that is wrong."""

    def __init__(self, reason: str, right: str | None = None) -> None:
        super().__init__(reason)
        self.right = right


def check_digit(body: str) -> str:
    """The last digit of a GTIN whose other digits are given: weights 3 and 1 from the right."""
    total = sum(int(digit) * (3 if place % 2 == 0 else 1) for place, digit in enumerate(reversed(body)))
    return str(-total % 10)


def isbn10_check(body: str) -> str:
    """The last sign of an ISBN-10 whose nine digits are given: weights 10 to 2, modulo 11, X for ten."""
    rest = -sum(int(digit) * weight for digit, weight in zip(body, range(10, 1, -1), strict=True)) % 11
    return "X" if rest == 10 else str(rest)


def issn_check(body: str) -> str:
    """The last sign of an ISSN whose seven digits are given: weights 8 to 2, modulo 11, X for ten."""
    rest = -sum(int(digit) * weight for digit, weight in zip(body, range(8, 1, -1), strict=True)) % 11
    return "X" if rest == 10 else str(rest)


def isbn13(isbn10: str) -> str:
    """The ISBN-13 of an ISBN-10 without separators: 978 before it, the check digit made anew."""
    body = f"978{isbn10[:9]}"
    return body + check_digit(body)


def issn13(issn: str) -> str:
    """The GTIN-13 of an ISSN without separators: 977 before it, variant 00, the check digit made anew."""
    body = f"977{issn[:7]}00"
    return body + check_digit(body)


def trade_number(value: str) -> str:
    """The GTIN that a text stands for: a GTIN-8, -12, -13 or -14, an ISBN of 10 or 13, or an ISSN with its hyphen.

    Spaces and hyphens between the digits are left out. Raises NotANumber. Eight signs are a GTIN-8 unless they are
    written as an ISSN is (`0317-8471`) and its check sign is right.
    """
    bare = value.strip().upper().translate(_SEPARATORS)
    if not bare.isascii():
        raise NotANumber("only the digits 0 to 9 can stand in it")
    if len(bare) == 10 and bare[:9].isdigit() and (bare[9].isdigit() or bare[9] == "X"):
        right = isbn10_check(bare[:9])
        if bare[9] != right:
            raise NotANumber(f"the check sign of this ISBN-10 is {bare[9]} instead of {right}", right)
        return isbn13(bare)
    if _looks_like_issn(value.strip(), bare):
        return issn13(bare)
    if not bare.isdigit() or len(bare) not in GTIN_LENGTHS:
        raise NotANumber("it does not have 8, 12, 13 or 14 digits")
    right = check_digit(bare[:-1])
    if bare[-1] != right:
        raise NotANumber(f"the check digit is {bare[-1]} instead of {right}", right)
    if not bare.strip("0"):
        raise NotANumber("it is all zeros")
    return bare


def _looks_like_issn(written: str, bare: str) -> bool:
    if len(bare) != 8 or not bare[:7].isdigit() or bare[7] != issn_check(bare[:7]):
        return False
    return bare[7] == "X" or (len(written) == 9 and not written[4].isdigit())


def gtin14(gtin: str) -> str:
    """The number by which trade items are compared: zeros in front make 14 digits."""
    return gtin.rjust(14, "0")


def is_restricted(gtin: str) -> bool:
    """Whether each company gives out this number by itself, so that it says nothing about sameness elsewhere.

    GS1 prefixes 02, 04 and 20 to 29 (and a GTIN-12 that begins with 2 or 4), and a GTIN-8 that begins with 0 or 2.
    """
    full = gtin14(gtin)
    if full.startswith("000000"):  # a GTIN-8
        return full[6] in "02"
    return full[1] == "2" or full[1:3] in ("02", "04")
