"""Amounts of money: decimals in a declared currency."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from annotated_types import GroupedMetadata
from pydantic import Field

from procedures.engine.errors import OptionError
from procedures.engine.values.options import with_fields
from procedures.engine.values.spelling import meant, short_repr

KEYWORD = "currency"
"""The keyword in a JSON Schema that names the currency of an amount."""
IN_USE = """
AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BHD BIF BMD BND BOB BRL BSD BTN BWP BYN
BZD CAD CDF CHF CLP CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP
GEL GHS GIP GMD GNF GTQ GYD HKD HNL HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS
KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR
MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD
RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP
TRY TTD TWD TZS UAH UGX USD UYU UZS VED VES VND VUV WST XAF XCD XCG XOF XPF YER ZAR ZMW
ZWG
"""
WITHOUT_PLACES = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF"
WITH_THREE_PLACES = "BHD IQD JOD KWD LYD OMR TND"
CODES = frozenset(IN_USE.split())
"""The codes of the currencies in use (ISO 4217)."""
PLACES = {
    **dict.fromkeys(WITHOUT_PLACES.split(), 0),
    **dict.fromkeys(WITH_THREE_PLACES.split(), 3),
}
USUAL_PLACES = 2
GROUP = 3
"""The number of digits between two separators of thousands."""
GROUPED = re.compile(r"[+-]?[1-9][0-9]{0,2}\.[0-9]{3}")


@with_fields("Currency")
@dataclass(frozen=True)
class Currency(GroupedMetadata):
    """The currency of an amount, as in the annotation `Annotated[Decimal, Currency("EUR")]`.

    People see the currency beside the amount. An amount has at most as many decimals as the
    smallest unit of the currency: two for EUR, none for JPY. `code` is a code of ISO 4217; any
    other code raises `OptionError`.
    """

    code: str

    def __post_init__(self) -> None:
        code: Any = self.code
        if not isinstance(code, str) or code not in CODES:
            near = meant(code, CODES) if isinstance(code, str) else ""
            raise OptionError(
                f'The code of a Currency must be a code of ISO 4217, such as "EUR", '
                f"not {short_repr(self.code)}.{near}"
            )

    @property
    def places(self) -> int:
        """The number of decimals in an amount of the currency."""
        return PLACES.get(self.code, USUAL_PLACES)

    def __iter__(self) -> Iterator[object]:
        yield from Field(decimal_places=self.places).metadata
        yield _CurrencyKeyword(self.code)


@dataclass(frozen=True)
class _CurrencyKeyword:
    """An annotation that writes the code of the currency into the JSON Schema of an amount."""

    code: str

    def __get_pydantic_json_schema__(self, schema: Any, handler: Any) -> dict[str, Any]:
        return {**handler(schema), KEYWORD: self.code}


def without_code(text: str, code: str) -> str:
    """Return the text without the currency's code: "31.20" for "31.20 EUR" or "EUR 31.20"."""
    plain = text.strip()
    if plain.upper().startswith(code):
        return plain[len(code) :].strip()
    return plain[: -len(code)].strip() if plain.upper().endswith(code) else plain


class AmbiguousAmountError(ValueError):
    """A typed amount whose point may separate thousands, such as "1.000" in euros."""

    def __init__(self, text: str, places: int) -> None:
        with_decimals = f"{Decimal(text):.{places}f}"
        if Decimal(with_decimals) != Decimal(text):  # a schema without steps allows more decimals
            with_decimals = f"{text}0"
        ways = f"{text.replace('.', '')} or {with_decimals}"
        super().__init__(f"“{text}” can mean {ways}. Write {ways}.")


def check_typed_amount(text: str, schema: Mapping[str, Any]) -> None:
    """Raise `AmbiguousAmountError` for a number such as "1.000" if the schema allows two decimals.

    In many countries, people write 1.000 for a thousand. Without this check, that would be one. If
    the schema names a currency, the currency says how many decimals an amount can have, also if its
    steps are larger, such as 0.05 CHF.
    """
    step = Decimal(str(schema.get("multipleOf", "0.0"))).normalize()
    exponent = int(step.as_tuple().exponent)
    places = max(0, -exponent)
    if currency := schema.get(KEYWORD):
        places = PLACES.get(currency, USUAL_PLACES)
    elif step != Decimal(1).scaleb(exponent):
        return
    plain = text.strip()
    # Other numbers with three decimals are refused anyway, because they aren't such a multiple.
    is_multiple = GROUPED.fullmatch(plain) and (not step or Decimal(plain) % step == 0)
    if places < GROUP and is_multiple:
        raise AmbiguousAmountError(plain, places)
