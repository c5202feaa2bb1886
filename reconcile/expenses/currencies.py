"""How many decimals an amount of a currency has. Pure.

Source: ISO 4217's list one, by way of the package `iso4217`, which follows it.
"""

from functools import lru_cache
from typing import Final

_OF_MOST: Final = 2


@lru_cache(maxsize=512)
def decimals_of(currency: str) -> int:
    """Return the decimals of a currency; two where ISO 4217 does not say.

    It says nothing of codes that it has dropped, nor of gold and the like.
    """
    from iso4217 import Currency  # noqa: PLC0415 - reads a long list

    try:
        exponent = Currency(currency).exponent
    except ValueError:
        return _OF_MOST
    return _OF_MOST if exponent is None else int(exponent)
