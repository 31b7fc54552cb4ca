"""Goods in four languages, made up from a seed, for measuring search: titles, descriptions, attributes, prices, sales.

Words are spread as in real shops: a few things are sold by very many, most by few, and model names are nearly unique.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from random import Random

from nightmarket.catalog.contract import (
    Attribute,
    AttributeType,
    Category,
    Merchant,
    Product,
    ProductText,
    Stock,
    Variant,
)
from nightmarket.kernel.ids import derive

SEED = 11
BEGINNING = datetime(2026, 1, 1, tzinfo=UTC)
LANGUAGES = ("en", "de", "it", "zh")

Words = tuple[str, str, str, str]

TREE: dict[str, Words] = {
    "home": ("Home", "Zuhause", "Casa", "家居"),
    "clothing": ("Clothing", "Kleidung", "Abbigliamento", "服装"),
    "electronics": ("Electronics", "Elektronik", "Elettronica", "电子产品"),
    "leisure": ("Leisure", "Freizeit", "Tempo libero", "休闲"),
    "food": ("Food", "Lebensmittel", "Alimentari", "食品"),
    "lighting": ("Lighting", "Beleuchtung", "Illuminazione", "灯具"),
    "kitchen": ("Kitchen", "Küche", "Cucina", "厨房"),
    "furniture": ("Furniture", "Möbel", "Mobili", "家具"),
    "tops": ("Tops", "Oberteile", "Maglie", "上衣"),
    "shoes": ("Shoes", "Schuhe", "Scarpe", "鞋"),
    "accessories": ("Accessories", "Accessoires", "Accessori", "配饰"),
    "audio": ("Audio", "Ton", "Audio", "音响"),
    "computers": ("Computers", "Computer", "Computer", "电脑"),
    "phones": ("Phones", "Telefone", "Telefoni", "手机"),
    "garden": ("Garden", "Garten", "Giardino", "园艺"),
    "sports": ("Sports", "Sport", "Sport", "运动"),
    "toys": ("Toys", "Spielzeug", "Giocattoli", "玩具"),
    "tea": ("Tea and coffee", "Tee und Kaffee", "Tè e caffè", "茶与咖啡"),
    "sweets": ("Sweets", "Süßes", "Dolci", "甜点"),
}
PARENTS = {
    "lighting": "home", "kitchen": "home", "furniture": "home", "tops": "clothing", "shoes": "clothing",
    "accessories": "clothing", "audio": "electronics", "computers": "electronics", "phones": "electronics",
    "garden": "leisure", "sports": "leisure", "toys": "leisure", "tea": "food", "sweets": "food",
}  # fmt: skip

THINGS: tuple[tuple[str, Words], ...] = (
    ("phones", ("phone case", "Handyhülle", "custodia per telefono", "手机壳")),
    ("tops", ("shirt", "Hemd", "camicia", "衬衫")),
    ("lighting", ("lantern", "Laterne", "lanterna", "灯笼")),
    ("shoes", ("running shoe", "Laufschuh", "scarpa da corsa", "跑鞋")),
    ("lighting", ("table lamp", "Tischlampe", "lampada da tavolo", "台灯")),
    ("audio", ("headphones", "Kopfhörer", "cuffie", "耳机")),
    ("kitchen", ("teapot", "Teekanne", "teiera", "茶壶")),
    ("accessories", ("backpack", "Rucksack", "zaino", "背包")),
    ("kitchen", ("frying pan", "Bratpfanne", "padella", "煎锅")),
    ("furniture", ("chair", "Stuhl", "sedia", "椅子")),
    ("tops", ("pullover", "Pullover", "maglione", "毛衣")),
    ("accessories", ("scarf", "Schal", "sciarpa", "围巾")),
    ("accessories", ("wrist watch", "Armbanduhr", "orologio da polso", "手表")),
    ("computers", ("keyboard", "Tastatur", "tastiera", "键盘")),
    ("audio", ("loudspeaker", "Lautsprecher", "altoparlante", "音箱")),
    ("garden", ("watering can", "Gießkanne", "annaffiatoio", "浇水壶")),
    ("toys", ("puzzle", "Puzzle", "puzzle", "拼图")),
    ("kitchen", ("mug", "Becher", "tazza", "马克杯")),
    ("furniture", ("bookshelf", "Bücherregal", "libreria", "书架")),
    ("shoes", ("sandal", "Sandale", "sandalo", "凉鞋")),
    ("tea", ("green tea", "Grüner Tee", "tè verde", "绿茶")),
    ("sweets", ("chocolate", "Schokolade", "cioccolato", "巧克力")),
    ("sports", ("yoga mat", "Yogamatte", "tappetino da yoga", "瑜伽垫")),
    ("computers", ("notebook stand", "Notebookständer", "supporto per portatile", "笔记本支架")),
    ("accessories", ("handbag", "Handtasche", "borsa", "手提包")),
    ("lighting", ("string of lights", "Lichterkette", "catena luminosa", "彩灯串")),
    ("kitchen", ("chopping board", "Schneidebrett", "tagliere", "砧板")),
    ("sports", ("bicycle", "Fahrrad", "bicicletta", "自行车")),
    ("furniture", ("desk", "Schreibtisch", "scrivania", "书桌")),
    ("toys", ("teddy bear", "Teddybär", "orsacchiotto", "泰迪熊")),
    ("tea", ("coffee beans", "Kaffeebohnen", "caffè in grani", "咖啡豆")),
    ("tops", ("rain jacket", "Regenjacke", "giacca impermeabile", "雨衣")),
    ("phones", ("charging cable", "Ladekabel", "cavo di ricarica", "充电线")),
    ("garden", ("flower pot", "Blumentopf", "vaso da fiori", "花盆")),
    ("kitchen", ("knife", "Messer", "coltello", "刀")),
    ("audio", ("radio", "Radio", "radio", "收音机")),
    ("furniture", ("sofa", "Sofa", "divano", "沙发")),
    ("sports", ("tent", "Zelt", "tenda", "帐篷")),
    ("toys", ("board game", "Brettspiel", "gioco da tavolo", "桌游")),
    ("sweets", ("biscuits", "Kekse", "biscotti", "饼干")),
    ("lighting", ("candle", "Kerze", "candela", "蜡烛")),
    ("shoes", ("walking boot", "Wanderstiefel", "scarpone", "登山鞋")),
    ("accessories", ("umbrella", "Regenschirm", "ombrello", "雨伞")),
    ("kitchen", ("wok", "Wok", "wok", "炒锅")),
    ("garden", ("hammock", "Hängematte", "amaca", "吊床")),
    ("accessories", ("sunglasses", "Sonnenbrille", "occhiali da sole", "太阳镜")),
    ("computers", ("mouse", "Maus", "mouse", "鼠标")),
    ("sports", ("dumbbell", "Hantel", "manubrio", "哑铃")),
    ("furniture", ("mirror", "Spiegel", "specchio", "镜子")),
    ("tea", ("oolong", "Oolong", "oolong", "乌龙茶")),
    ("toys", ("kite", "Drachen", "aquilone", "风筝")),
    ("kitchen", ("rice cooker", "Reiskocher", "cuociriso", "电饭煲")),
)
MATERIALS: tuple[Words, ...] = (
    ("cotton", "Baumwolle", "cotone", "棉"), ("leather", "Leder", "pelle", "皮革"), ("steel", "Stahl", "acciaio", "钢"),
    ("oak", "Eiche", "rovere", "橡木"), ("bamboo", "Bambus", "bambù", "竹"), ("glass", "Glas", "vetro", "玻璃"),
    ("wool", "Wolle", "lana", "羊毛"), ("linen", "Leinen", "lino", "亚麻"), ("paper", "Papier", "carta", "纸"),
    ("brass", "Messing", "ottone", "黄铜"), ("ceramic", "Keramik", "ceramica", "陶瓷"),
    ("silicone", "Silikon", "silicone", "硅胶"), ("cast iron", "Gusseisen", "ghisa", "铸铁"),
    ("silk", "Seide", "seta", "丝绸"),
)  # fmt: skip
COLOURS: tuple[Words, ...] = (
    ("red", "rot", "rosso", "红色"), ("blue", "blau", "blu", "蓝色"), ("green", "grün", "verde", "绿色"),
    ("black", "schwarz", "nero", "黑色"), ("white", "weiß", "bianco", "白色"), ("yellow", "gelb", "giallo", "黄色"),
    ("grey", "grau", "grigio", "灰色"), ("pink", "rosa", "rosa", "粉色"), ("brown", "braun", "marrone", "棕色"),
)  # fmt: skip
QUALITIES: tuple[Words, ...] = (
    ("folding", "faltbar", "pieghevole", "折叠"), ("quiet", "leise", "silenzioso", "静音"),
    ("waterproof", "wasserdicht", "impermeabile", "防水"), ("light", "leicht", "leggero", "轻便"),
    ("warm", "warm", "caldo", "保暖"), ("handmade", "handgemacht", "fatto a mano", "手工"),
    ("portable", "tragbar", "portatile", "便携"), ("vintage", "nostalgisch", "vintage", "复古"),
    ("large", "groß", "grande", "大号"), ("small", "klein", "piccolo", "小号"), ("soft", "weich", "morbido", "柔软"),
    ("sturdy", "robust", "robusto", "结实"), ("rechargeable", "aufladbar", "ricaricabile", "充电"),
)  # fmt: skip
SENTENCES: tuple[Words, ...] = (
    ("Made for every day, and easy to mend.", "Für jeden Tag gemacht und leicht zu reparieren.",
     "Fatto per ogni giorno e facile da riparare.", "每天都能用，修起来也方便。"),
    ("Packed without plastic.", "Ohne Plastik verpackt.", "Imballato senza plastica.", "包装不含塑料。"),
    ("A present that stays.", "Ein Geschenk, das bleibt.", "Un regalo che resta.", "一份能长久陪伴的礼物。"),
    ("Tested in our own workshop before it leaves.", "In der eigenen Werkstatt geprüft.",
     "Provato nella nostra officina.", "出厂前在自家作坊检验。"),
    ("The colour keeps for years in the sun.", "Die Farbe hält viele Jahre in der Sonne.",
     "Il colore resiste al sole per anni.", "颜色在阳光下多年不褪。"),
    ("Fits into the smallest flat and the largest kitchen.", "Passt in die kleinste Wohnung und die größte Küche.",
     "Sta nella casa più piccola e nella cucina più grande.", "小屋大厨房都放得下。"),
    ("Comes with a card on how to look after it.", "Mit einer Karte zur Pflege.",
     "Con un cartoncino per la cura.", "附有保养说明卡。"),
)  # fmt: skip
SYLLABLES = ("ka", "lo", "mi", "ve", "tor", "sen", "ra", "bel", "nu", "fi", "dor", "gan", "po", "xi", "lum", "ter")
MERCHANTS, BRANDS = 40, 120


def categories() -> dict[str, Category]:
    """The tree."""
    return {
        slug: Category(slug, dict(zip(LANGUAGES, names, strict=True)), PARENTS.get(slug), None)
        for slug, names in TREE.items()
    }


def attributes() -> dict[str, Attribute]:
    """What is filtered by besides category, brand and merchant."""
    choice = AttributeType.CHOICE
    named = {
        "material": ({"en": "Material"}, MATERIALS),
        "colour": ({"en": "Colour"}, COLOURS),
        "quality": ({"en": "Quality"}, QUALITIES),
    }
    found = {
        key: Attribute(key, names, choice, choices={one[0]: dict(zip(LANGUAGES, one, strict=True)) for one in words},
                       filterable=True)
        for key, (names, words) in named.items()
    }  # fmt: skip
    return found | {
        "warranty_years": Attribute("warranty_years", {"en": "Warranty"}, AttributeType.NUMBER, filterable=True),
        "washable": Attribute("washable", {"en": "Washable"}, AttributeType.FLAG, filterable=True),
    }


def _merchants() -> list[Merchant]:
    return [
        Merchant(derive("bench-merchant", number), f"stall-{number}", f"Stall {number}", {}, {})
        for number in range(MERCHANTS)
    ]


def products(amount: int, seed: int = SEED) -> Iterator[Product]:
    """Products, one after another; all tallies are named by `derive("bench-tally", number)`."""
    chance = Random(seed)
    merchants = _merchants()
    weights = [1 / (place + 3) for place in range(len(THINGS))]
    names = ["".join(chance.choices(SYLLABLES, k=chance.randint(2, 4))).capitalize() for _ in range(amount // 8 + 1)]
    for number in range(amount):
        [(category, thing)] = chance.choices(THINGS, weights)
        words = (thing, chance.choice(MATERIALS), chance.choice(COLOURS), chance.choice(QUALITIES))
        yield _product(chance, number, category, words, (chance.choice(names), chance.choice(merchants)))


def _product(
    chance: Random, number: int, category: str, words: tuple[Words, ...], whose: tuple[str, Merchant]
) -> Product:
    thing, material, colour, quality = words
    name, merchant = whose
    story = chance.sample(SENTENCES, chance.randint(2, 5))
    known = LANGUAGES if chance.random() < 0.6 else LANGUAGES[: chance.randint(1, 3)]
    texts = {
        language: ProductText(
            title=f"{quality[n].capitalize()} {thing[n]} {name}"
            if language != "zh"
            else f"{quality[n]}{thing[n]} {name}",
            summary=f"{colour[n].capitalize()}, {material[n]}.",
            description=" ".join(one[n] for one in story),
            highlights=(material[n], colour[n]),
        )
        for n, language in enumerate(LANGUAGES)
        if language in known
    }
    brand = f"{SYLLABLES[number % 16].capitalize()}{SYLLABLES[number * 7 % 13]}{number % BRANDS}"
    euros = chance.randint(5, 300) * 100 + 90
    variant = Variant(
        id=derive("bench-variant", number),
        sku=f"N{number:07}",
        gtin=None,
        options={},
        prices={"EUR": euros, "USD": euros + 300, "CNY": euros * 8},
        stock=(Stock(derive("bench-place", merchant.slug), derive("bench-tally", number)),),
    )
    return Product(
        id=derive("bench-product", number),
        slug=f"thing-{number}",
        merchant=merchant,
        category=category,
        brand=brand,
        brand_slug=brand.lower(),
        texts=texts,
        attributes={
            "material": material[0],
            "colour": colour[0],
            "quality": quality[0],
            "warranty_years": chance.choice((1, 2, 3, 5)),
            "washable": chance.random() < 0.4,
        },
        media=(),
        variants=(variant,),
        version=1,
        updated_at=BEGINNING + timedelta(minutes=number),
    )
