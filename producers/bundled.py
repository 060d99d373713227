"""The logs that come with Headrace; ``data/ATTRIBUTION.md`` says whose they are."""

from pathlib import Path
from typing import Final

__all__ = ["ONLINE_RETAIL", "ONLINE_RETAIL_ITEMS", "REES46"]

_DATA: Final = Path(__file__).parent / "data"

REES46: Final = _DATA / "rees46.csv.gz"
ONLINE_RETAIL: Final = _DATA / "online_retail.csv.gz"
ONLINE_RETAIL_ITEMS: Final = _DATA / "online_retail_items.csv.gz"
