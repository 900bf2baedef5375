"""What the made-up shop sells: product words, codes, prices and which of them go together.

Belongs here: products and everything known about them before the first sale. Does
not belong here: fees and postage (see ``dirt``), orders.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

CATEGORIES = (
    "kitchen",
    "bags",
    "home decor",
    "toys",
    "stationery",
    "garden",
    "candles",
    "party",
    "jewellery",
    "christmas",
)
_CATEGORY_APPEAL = (1.5, 1.2, 1.7, 0.8, 0.9, 0.6, 0.7, 0.6, 0.5, 0.9)

# (category, season months, factor in season, factor out of season)
_SEASONAL = (
    ("christmas", (9, 10, 11, 12), 3.6, 0.06),
    ("garden", (3, 4, 5, 6, 7), 2.2, 0.5),
    ("party", (5, 6, 7, 8), 1.4, 0.9),
)

# Noun and its usual price in pence.
_NOUNS: dict[str, tuple[tuple[str, int], ...]] = {
    "kitchen": (
        ("TEA TOWEL", 295), ("MUG", 265), ("CAKE STAND", 1275), ("MIXING BOWL", 595), ("OVEN GLOVE", 425),
        ("EGG CUP", 125), ("TEAPOT", 795), ("CAKE TINS", 495), ("BREAD BIN", 1650), ("COASTERS", 185),
        ("RECIPE BOX", 795), ("MEASURING SPOONS", 245), ("BUTTER DISH", 375), ("LUNCH BOX", 195),
        ("CUTLERY SET", 415), ("APRON", 495), ("JAM JAR", 85), ("PLATE", 165), ("ICE CREAM SCOOP", 295),
    ),
    "bags": (
        ("JUMBO BAG", 208), ("LUNCH BAG", 165), ("SHOPPER BAG", 165), ("TOTE BAG", 425), ("WASH BAG", 325),
        ("BACKPACK", 595), ("PEG BAG", 255), ("PURSE", 295), ("SUITCASE", 1495), ("CHARLIE BAG", 85),
        ("PICNIC BAG", 695), ("SHOE BAG", 145), ("WEEKEND BAG", 1895),
    ),
    "home decor": (
        ("CUSHION COVER", 495), ("PHOTO FRAME", 395), ("WALL CLOCK", 895), ("METAL SIGN", 215), ("HANGING HEART", 145),
        ("DOORMAT", 795), ("COAT HOOKS", 375), ("DRAWER KNOB", 145), ("MIRROR", 995), ("BUNTING", 495),
        ("TRINKET BOX", 185), ("DOOR STOP", 525), ("STORAGE TINS", 395), ("LAMP SHADE", 1050), ("WICKER BASKET", 675),
        ("HOT WATER BOTTLE", 425), ("WALL PLAQUE", 295), ("CABINET", 2995), ("QUILT", 3495),
    ),
    "toys": (
        ("JIGSAW", 165), ("SKIPPING ROPE", 125), ("BUILDING BLOCKS", 545), ("DOLL", 325), ("SPINNING TOP", 125),
        ("PLAYING CARDS", 125), ("RAG RABBIT", 395), ("TOY TRAIN", 845), ("SOFT PUFFIN", 595), ("DOMINOES", 145),
        ("TEA SET", 1095), ("FINGER PUPPETS", 195),
    ),
    "stationery": (
        ("NOTEBOOK", 125), ("GIFT WRAP", 42), ("PENCIL CASE", 195), ("WRITING SET", 295), ("STICKER SHEET", 42),
        ("RIBBON REEL", 165), ("GREETING CARD", 42), ("PHOTO ALBUM", 695), ("DESK TIDY", 375), ("STAMP SET", 265),
        ("PAPER CLIPS", 65), ("WALL CALENDAR", 495), ("PENCILS", 39),
    ),
    "garden": (
        ("PLANT POT", 245), ("WATERING CAN", 595), ("BIRD FEEDER", 395), ("SEED MARKERS", 145), ("GARDEN KNEELER", 425),
        ("PARASOL", 1995), ("HANGING BASKET", 695), ("TROWEL", 325), ("THERMOMETER", 1295), ("BIRD HOUSE", 545),
        ("PICNIC BLANKET", 1195),
    ),
    "candles": (
        ("T-LIGHT HOLDER", 255), ("SCENTED CANDLE", 165), ("LANTERN", 375), ("CANDLE PLATE", 295),
        ("INCENSE STICKS", 21), ("OIL BURNER", 295), ("CANDLESTICK", 425), ("FAIRY LIGHTS", 595), ("STORM LAMP", 895),
    ),
    "party": (
        ("PAPER CUPS", 85), ("PAPER PLATES", 85), ("CAKE CASES", 55), ("NAPKINS", 85), ("PARTY BUNTING", 495),
        ("BALLOONS", 65), ("CAKE TOPPER", 125), ("PAPER CHAIN", 295), ("PARTY BAGS", 125), ("INVITES", 85),
    ),
    "jewellery": (
        ("BEAD NECKLACE", 425), ("BRACELET", 295), ("EARRINGS", 295), ("HAIR CLIPS", 85), ("RING", 195),
        ("BROOCH", 295), ("CHARM", 85), ("JEWELLERY STAND", 795),
    ),
    "christmas": (
        ("CHRISTMAS BAUBLE", 85), ("ADVENT CALENDAR", 1495), ("CHRISTMAS STOCKING", 395), ("PAPER SNOWFLAKES", 195),
        ("CHRISTMAS WREATH", 895), ("NATIVITY SET", 1250), ("TREE TOPPER", 295), ("CHRISTMAS GARLAND", 425),
        ("CHRISTMAS CRACKERS", 695), ("TREE LIGHTS", 595), ("WOODEN REINDEER", 345), ("CHRISTMAS GIFT TAGS", 55),
    ),
}  # fmt: skip

_THEMES = (
    "BRAMBLE", "PUFFIN", "HARBOUR", "MEADOW", "FOXGLOVE", "OLD ROSE", "TARTAN", "POLKADOT", "NORDIC STAR", "PAISLEY",
    "GINGHAM", "SEASHELL", "TOADSTOOL", "VINTAGE LEAF", "SWALLOW", "COUNTRY HARE", "LEMON GROVE", "CIRCUS PARADE",
    "HEDGEROW", "LITTLE ROCKET", "BEEHIVE", "MOONLIT OWL", "PARISIAN CAFE", "RETRO DOT", "DALA HORSE", "WILLOW",
    "CABBAGE ROSE", "STRIPED", "FOLK HEART", "ENAMEL", "ANTIQUE", "FEATHER", "HIGHLAND", "COBBLESTONE",
)  # fmt: skip
_COLOURS = ("RED", "BLUE", "GREEN", "PINK", "IVORY", "BLACK", "YELLOW", "LILAC", "CREAM", "SILVER")
_PACKS = ("", "", "", "", "", "SET OF 3 ", "SET OF 6 ", "PACK OF 12 ")
_CHARM_ENDINGS = (25, 45, 65, 85, 95)

# Products that only look like fees, and do not belong to a family.
LOOKALIKES = (
    ("PADS", "PADS FOR ALL CUSHION COVERS", 1),
    ("DCGS0003", "BOXED GLASS BOTTLE", 2500),
    ("DCGS0004", "BLUE CAMPER VAN MONEY BOX", 16130),
    ("DCGS0066N", "NAVY DOG COAT", 32130),
    ("DCGS0069", "STRIPED DOG COLLAR", 15950),
)
"""Code, description and price in tenths of a penny."""

STANDARD, VOLUME, WEB = 0, 1, 2
"""Price tiers: list price, price from a dozen or so, price of the web shop's guests."""


@dataclass(frozen=True)
class Catalogue:
    """All products; arrays have one element a product, sorted by category."""

    codes: list[str]
    descriptions: list[str]
    category: npt.NDArray[np.int64]
    price_mills: npt.NDArray[np.int64]
    """Shape (products, 3 tiers, 2 price lists), in tenths of a penny."""
    old_price_mills: npt.NDArray[np.int64]
    """What it cost before the history began; differs from every later price of the product."""
    weight_by_month: npt.NDArray[np.float64]
    """Shape (months, products): how likely a line of its month is to be this product."""
    first_of_category: npt.NDArray[np.int64]
    """Shape (categories + 1,): where each category's products begin."""
    companion: npt.NDArray[np.int64]
    """The product bought along with it, or -1."""
    companion_share: npt.NDArray[np.float64]
    """How often it is."""

    @property
    def size(self) -> int:
        """How many products there are."""
        return len(self.codes)


def make_catalogue(products: int, months: int, first_month: int, rng: np.random.Generator) -> Catalogue:
    """Invent about ``products`` products.

    Parameters
    ----------
    products
        How many; families of colours make it come out a little above.
    months
        Calendar months in the history.
    first_month
        Calendar month (1 to 12) of the first.
    """
    appeal = np.array(_CATEGORY_APPEAL)
    wanted = np.maximum(len(CATEGORIES), products * appeal / appeal.sum()).astype(int)
    codes: list[str] = []
    descriptions: list[str] = []
    category: list[int] = []
    list_pence: list[int] = []
    family: list[int] = []
    bases = iter(rng.choice(np.arange(20601, 91000), size=products + 100, replace=False).tolist())

    for number, name in enumerate(CATEGORIES):
        designs = [(noun, pence, theme) for noun, pence in _NOUNS[name] for theme in _THEMES]
        order = rng.permutation(len(designs))
        colours = rng.choice((1, 1, 1, 1, 2, 3, 4, 5), size=len(designs))
        packs = rng.integers(0, len(_PACKS), size=len(designs))
        mark_up = rng.uniform(0.75, 1.45, size=len(designs))
        made = 0
        for position in order:
            if made >= wanted[number]:
                break
            noun, pence, theme = designs[position]
            # nobody sells parasols by the dozen
            base, pack = next(bases), _PACKS[packs[position]] if pence < 900 else ""
            noun = _plural(noun) if pack else noun
            price = _charming(pence * float(mark_up[position]) * (1.0 if not pack else 1.9))
            variants = int(colours[position])
            for variant, colour in enumerate(rng.permutation(len(_COLOURS))[:variants]):
                hue = f"{_COLOURS[colour]} " if variants > 1 else ""
                codes.append(f"{base}{chr(65 + variant)}" if variants > 1 else str(base))
                descriptions.append(f"{pack}{hue}{theme} {noun}")
                category.append(number)
                list_pence.append(price)
                family.append(base)
                made += 1

    size = len(codes)
    _roughen(descriptions, rng)
    category_of = np.array(category)
    # a few products sell all the time, most now and then
    rank = np.empty(size)
    for number in range(len(CATEGORIES)):
        members = np.flatnonzero(category_of == number)
        rank[members] = rng.permutation(len(members)) + 1.0
    popularity = 1.0 / np.sqrt(rank + 2.0)
    weight = _weights(category_of, popularity, months, first_month, rng)
    companion, share = _companions(popularity, category_of, np.array(family), rng)
    pence = np.array(list_pence)
    price_mills = _price_lists(pence, rng)
    return Catalogue(
        codes=codes,
        descriptions=descriptions,
        category=category_of,
        price_mills=price_mills,
        old_price_mills=_never_charged_since(pence * 9 // 10 * 10, price_mills),
        weight_by_month=weight,
        first_of_category=np.searchsorted(category_of, np.arange(len(CATEGORIES) + 1)),
        companion=companion,
        companion_share=share,
    )


def _plural(noun: str) -> str:
    if noun.endswith("S"):
        return noun
    return noun + ("ES" if noun.endswith(("X", "CH")) else "S")


def _charming(pence: float) -> int:
    if pence < 100:
        return max(int(pence), 12)
    pounds = int(pence) // 100
    return pounds * 100 + _CHARM_ENDINGS[min(int(pence) % 100 // 20, 4)]


def _roughen(descriptions: list[str], rng: np.random.Generator) -> None:
    """Give some descriptions what real ones have: trailing spaces, commas, quotes, apostrophes."""
    draw = rng.random(len(descriptions))
    for number, share in enumerate(draw):
        text = descriptions[number]
        if share < 0.05:
            descriptions[number] = f"{text} "
        elif share < 0.065:
            first, _, rest = text.partition(" ")
            descriptions[number] = f"{rest}, {first}"
        elif share < 0.075:
            first, _, rest = text.partition(" ")
            descriptions[number] = f'"{first}" {rest}'
        elif share < 0.085:
            descriptions[number] = f"CHILDREN'S {text}"
        elif share < 0.095:
            descriptions[number] = text.replace(" ", "  ", 1)


def _weights(
    category: npt.NDArray[np.int64],
    popularity: npt.NDArray[np.float64],
    months: int,
    first_month: int,
    rng: np.random.Generator,
) -> npt.NDArray[np.float64]:
    size = len(category)
    launched = np.where(rng.random(size) < 0.72, 0, rng.integers(0, max(months - 1, 1), size))
    ended = np.where(rng.random(size) < 0.85, months, launched + rng.integers(2, months + 2, size))
    weight = np.empty((months, size))
    for month in range(months):
        calendar_month = (first_month - 1 + month) % 12 + 1
        season = np.ones(size)
        for name, in_season, high, low in _SEASONAL:
            season[category == CATEGORIES.index(name)] = high if calendar_month in in_season else low
        on_sale = (launched <= month) & (month < ended)
        # a trickle of old stock keeps every category's total above zero
        weight[month] = popularity * season * np.where(on_sale, 1.0, 0.002)
    return weight


def _companions(
    popularity: npt.NDArray[np.float64],
    category: npt.NDArray[np.int64],
    family: npt.NDArray[np.int64],
    rng: np.random.Generator,
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """Pair some well-sold products with another colour of the same, or another of their kind."""
    size = len(popularity)
    companion = np.full(size, -1, dtype=np.int64)
    share = np.zeros(size)
    best = np.argsort(-popularity, kind="stable")
    for anchor in best[: max(size // 25, 20)]:
        same_family = np.flatnonzero((family == family[anchor]) & (np.arange(size) != anchor))
        rivals = same_family if len(same_family) else np.flatnonzero(category == category[anchor])
        partner = int(rivals[int(rng.integers(len(rivals)))])
        if partner != anchor and companion[partner] != anchor:
            companion[anchor] = partner
            share[anchor] = 0.25 + 0.35 * float(rng.random())
    return companion, share


def sale_price_mills(price_mills: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Take a quarter off, in whole pence, one penny at least."""
    return np.maximum(price_mills * 75 // 1000 * 10, 10)


def _never_charged_since(old_mills: npt.NDArray[np.int64], price_mills: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Move each old price down a penny at a time until no later price equals it."""
    charged = price_mills.reshape(len(old_mills), -1)
    later = np.concatenate((charged, sale_price_mills(charged)), axis=1)
    while True:
        clashes = (later == old_mills[:, None]).any(axis=1)
        if not clashes.any():
            return old_mills
        old_mills = np.where(clashes, old_mills - 10, old_mills)


def _price_lists(pence: npt.NDArray[np.int64], rng: np.random.Generator) -> npt.NDArray[np.int64]:
    size = len(pence)
    prices = np.empty((size, 3, 2), dtype=np.int64)
    dearer = np.where(rng.random(size) < 0.4, 106, 100)
    for price_list, percent in enumerate((np.full(size, 100), dearer)):
        listed = pence * percent // 100
        prices[:, STANDARD, price_list] = listed * 10
        prices[:, VOLUME, price_list] = listed * 85 // 100 * 10
        prices[:, WEB, price_list] = listed * 140 // 100 * 10
    return prices
