"""What currencies a sign beside an amount can mean."""

from __future__ import annotations

from functools import lru_cache

from bursar.importing.values.numbers import SIGN_CURRENCY
from bursar.money import exponents

OTHER_DOLLARS = frozenset({
    "AUD", "BBD", "BMD", "BND", "BSD", "BZD", "CAD", "FJD", "GYD", "HKD", "JMD", "KYD", "LRD",
    "NAD", "NZD", "SBD", "SGD", "SRD", "TTD", "TWD", "XCD",
})  # fmt: skip
_SEVERAL = {
    "$": OTHER_DOLLARS | {"USD", "MXN", "CLP", "COP", "ARS", "UYU", "DOP", "CVE", "ZWG"},
    "¥": frozenset({"JPY", "CNY"}),
    "kr": frozenset({"SEK", "NOK", "DKK", "ISK"}),
    "R": frozenset({"ZAR"}),
    "Rs": frozenset({"INR", "PKR", "LKR", "NPR", "MUR", "SCR"}),
    "£": frozenset({"GBP", "EGP", "FKP", "GIP", "SHP", "SYP", "LBP"}),
}
# Where `CR` is ten million as often as a credit.
CRORES = frozenset({"INR", "PKR", "NPR", "LKR", "BDT"})


def may_mean(sign: str) -> frozenset[str]:
    """The currencies that a sign or code can stand for; none where it is not known."""
    plain = sign.rstrip(".")
    if plain in exponents():
        return frozenset({plain})
    if plain in _SEVERAL:
        return _SEVERAL[plain]
    code = SIGN_CURRENCY.get(sign)
    return frozenset({code}) if code else frozenset()


def conflicting(signs: tuple[str, ...], currency: str) -> list[str]:
    """The signs that cannot mean `currency`."""
    return sorted(sign for sign in signs if may_mean(sign) and currency not in may_mean(sign))


def are_several(signs: tuple[str, ...]) -> bool:
    """Whether no one currency fits all the signs."""
    known = [may_mean(sign) for sign in signs if may_mean(sign)]
    return bool(known) and not frozenset.intersection(*known)


@lru_cache(maxsize=1024)
def has_small_change(sign: str) -> bool:
    """Whether every currency that the sign can mean has at most two decimals."""
    currencies = may_mean(sign)
    return bool(currencies) and all(exponents()[currency] <= 2 for currency in currencies)
