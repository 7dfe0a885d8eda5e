"""Words that fill the slots: places, units, names, notes, invented words."""

from __future__ import annotations

from functools import cache

from models.nano.grammar import Source
from models.nano.wordings import people_words

CITIES = (
    "Tokyo|Paris|London|Berlin|Madrid|Rome|Vienna|Prague|Warsaw|Budapest|Lisbon|Dublin|Oslo|"
    "Stockholm|Helsinki|Copenhagen|Brussels|Amsterdam|Zurich|Geneva|Athens|Istanbul|Moscow|Kyiv|"
    "Bucharest|Sofia|Belgrade|Zagreb|Ljubljana|Sarajevo|Riga|Vilnius|Tallinn|Reykjavik|Minsk|"
    "New York|Los Angeles|Chicago|Houston|Phoenix|Philadelphia|San Francisco|Seattle|Boston|Denver|"
    "Miami|Atlanta|Dallas|Detroit|Las Vegas|Honolulu|Anchorage|Toronto|Vancouver|Montreal|Calgary|"
    "Halifax|Mexico City|Havana|Bogota|Lima|Quito|Caracas|Santiago|Buenos Aires|Montevideo|Sao Paulo|"
    "Rio de Janeiro|La Paz|Asuncion|Panama|San Juan|Cairo|Lagos|Nairobi|Johannesburg|Cape Town|Accra|"
    "Casablanca|Tunis|Algiers|Addis Ababa|Dakar|Kampala|Harare|Lusaka|Luanda|Khartoum|Dubai|"
    "Abu Dhabi|Riyadh|Doha|Kuwait|Baghdad|Tehran|Jerusalem|Tel Aviv|Amman|Beirut|Baku|Tbilisi|"
    "Yerevan|Tashkent|Almaty|Kabul|Karachi|Lahore|Islamabad|Delhi|New Delhi|Mumbai|Kolkata|Bangalore|"
    "Chennai|Colombo|Dhaka|Kathmandu|Yangon|Bangkok|Hanoi|Ho Chi Minh City|Phnom Penh|Kuala Lumpur|"
    "Singapore|Jakarta|Manila|Hong Kong|Taipei|Shanghai|Beijing|Shenzhen|Guangzhou|Chongqing|Chengdu|"
    "Seoul|Busan|Osaka|Kyoto|Sapporo|Pyongyang|Ulaanbaatar|Vladivostok|Novosibirsk|Sydney|Melbourne|"
    "Brisbane|Perth|Adelaide|Darwin|Hobart|Auckland|Wellington|Fiji|Honiara|Port Moresby|Guam|"
    "Barcelona|Milan|Munich|Hamburg|Frankfurt|Edinburgh|Manchester|Lyon|Marseille|Nice|Krakow|Porto|"
    "Naples|Venice|Florence|Seville|Valencia|Basel|Luxembourg|Monaco|Malta|Nicosia|Stanley|Nuuk|"
    "Winnipeg|Edmonton|Regina|St. John's|Minneapolis|St. Louis|Portland|San Diego|Salt Lake City|"
    "Nashville|Indianapolis|Washington|Tijuana|Monterrey|Guadalajara|Cancun|Kingston|Nassau|Bermuda|"
    "Samarkand|Bishkek|Dushanbe|Ashgabat|Muscat|Manama|Damascus|Antananarivo|Mauritius|Reunion|"
    "Maputo|Kigali|Kinshasa|Douala|Libreville|Abidjan|Bamako|Monrovia|Tripoli|Windhoek|Gaborone|"
    "Xi'an|Wuhan|Hangzhou|Nanjing|Urumqi|Macau|Nagoya|Fukuoka|Hiroshima|Cebu|Bali|Noumea|Apia|"
    "Asia/Tokyo|Europe/Paris|America/New_York|Asia/Shanghai|Europe/London|America/Los_Angeles|"
    "Australia/Sydney|Asia/Kolkata|America/Sao_Paulo|Africa/Cairo|America/Chicago|Europe/Berlin|"
    "Asia/Singapore|Pacific/Auckland|America/Toronto|UTC|GMT|Asia/Dubai|America/Denver|Asia/Seoul|"
    "Japan|Germany|France|India|China|Kenya|Thailand|Egypt|Argentina|Iceland|California|Hawaii"
).split("|")

CITIES_ZH = (
    "东京|巴黎|伦敦|柏林|马德里|罗马|维也纳|布拉格|华沙|布达佩斯|里斯本|都柏林|奥斯陆|斯德哥尔摩|赫尔辛基|"
    "哥本哈根|布鲁塞尔|阿姆斯特丹|苏黎世|日内瓦|雅典|伊斯坦布尔|莫斯科|基辅|纽约|洛杉矶|芝加哥|休斯敦|旧金山|"
    "西雅图|波士顿|丹佛|迈阿密|亚特兰大|拉斯维加斯|华盛顿|多伦多|温哥华|蒙特利尔|墨西哥城|哈瓦那|波哥大|利马|"
    "圣地亚哥|布宜诺斯艾利斯|圣保罗|里约热内卢|开罗|拉各斯|内罗毕|约翰内斯堡|开普敦|迪拜|利雅得|多哈|德黑兰|"
    "耶路撒冷|特拉维夫|巴格达|塔什干|喀布尔|卡拉奇|新德里|孟买|加尔各答|达卡|加德满都|曼谷|河内|胡志明市|吉隆坡|"
    "新加坡|雅加达|马尼拉|香港|台北|上海|北京|深圳|广州|重庆|成都|首尔|釜山|大阪|京都|札幌|平壤|乌兰巴托|"
    "悉尼|墨尔本|布里斯班|珀斯|奥克兰|惠灵顿|巴塞罗那|米兰|慕尼黑|汉堡|法兰克福|爱丁堡|曼彻斯特|里昂|威尼斯|"
    "佛罗伦萨|檀香山|夏威夷|乌鲁木齐|武汉|杭州|南京|西安|澳门|名古屋|福冈|日本|德国|法国|印度|英国|泰国"
).split("|")

# Each family: spellings of its units. A conversion takes two of one family.
UNITS = {
    "length": (
        "km|kilometers|kilometres|kilometer|m|meters|metres|meter|cm|centimeters|centimetres|mm|"
        "millimeters|miles|mile|mi|yards|yard|yd|feet|foot|ft|inches|inch|in|nautical miles|"
        "light years|micrometers"
    ),
    "weight": (
        "kg|kilograms|kilogram|kilos|g|grams|gram|mg|milligrams|lb|lbs|pounds|pound|oz|ounces|ounce|"
        "stone|tons|tonnes|metric tons"
    ),
    "volume": (
        "l|liters|litres|liter|ml|milliliters|millilitres|gallons|gallon|gal|cups|cup|pints|pint|"
        "quarts|quart|fluid ounces|fl oz|tablespoons|tbsp|teaspoons|tsp|cubic meters|cl"
    ),
    "temperature": "C|F|K|Celsius|Fahrenheit|Kelvin|celsius|fahrenheit|kelvin",
    "speed": "km/h|kph|mph|m/s|knots|miles per hour|kilometers per hour|meters per second|ft/s",
    "area": "acres|acre|hectares|hectare|ha|square meters|square feet|sq ft|square miles|square kilometers|m2|km2",
    "time": "seconds|second|s|minutes|minute|min|hours|hour|h|days|day|weeks|week|months|years|ms|milliseconds",
    "data": "KB|MB|GB|TB|bytes|bits|kilobytes|megabytes|gigabytes|terabytes",
    "energy": "joules|J|kJ|calories|kcal|kWh|watt hours|Wh|BTU",
    "pressure": "psi|bar|pascals|kPa|atm|mmHg",
    "power": "watts|W|kW|kilowatts|horsepower|hp",
    "angle": "degrees|radians",
}
UNITS_ZH = {
    "length": "公里|千米|米|厘米|毫米|英里|码|英尺|英寸|里|海里|km|cm|m",
    "weight": "公斤|千克|克|毫克|磅|盎司|吨|斤|两|kg|g",
    "volume": "升|毫升|加仑|杯|品脱|夸脱|立方米|汤匙|茶匙|盎司",
    "temperature": "摄氏度|华氏度|开尔文",
    "speed": "公里每小时|英里每小时|米每秒|节|千米每小时",
    "area": "平方米|平方公里|公顷|亩|英亩|平方英尺|平方英里",
    "time": "秒|分钟|小时|天|周|年|毫秒|星期",
    "data": "MB|GB|TB|KB|字节|兆字节|千兆字节",
    "energy": "焦耳|千焦|卡路里|千卡|千瓦时|卡|大卡",
}

NAMES = (
    "Anna|Ben|Carla|David|Elena|Felix|Grace|Hugo|Ines|Jonas|Kira|Leo|Mia|Noah|Olga|Paul|Quinn|Rosa|"
    "Sam|Tina|Uma|Victor|Wendy|Yusuf|Zoe|Mom|Dad|grandma|the landlord|my boss|Dr. Patel|Mr. Lopez|"
    "Aunt May|the neighbours|Priya|Kenji|Fatima|Lars|Chloe|Omar|the kids|Sofia|Ivan|Mei|uncle Bob"
).split("|")
NAMES_ZH = "小明|小红|妈妈|爸爸|老王|李老师|张医生|奶奶|房东|经理|小李|王芳|阿强|邻居|表姐|陈总|刘伟|同事".split(
    "|"
)
THINGS = (
    "milk|eggs|bread|coffee beans|two lemons|the blue folder|a birthday cake|batteries|train tickets|"
    "the passport|a new charger|olive oil|cat food|the library books|printer paper|dish soap|"
    "the car keys|a bunch of flowers|toothpaste|rice|the rent|a garden hose|a winter coat|paint|"
    "3 light bulbs|half a kilo of flour|the spare key|the tax forms|concert tickets|a sim card|"
    "oat milk|tomatoes|a bike pump|shampoo|the red umbrella|running shoes|a USB cable|wine|onions"
).split("|")
THINGS_ZH = "牛奶|鸡蛋|面包|咖啡豆|生日蛋糕|电池|火车票|护照|充电器|橄榄油|猫粮|图书馆的书|打印纸|洗洁精|车钥匙|花|牙膏|大米|房租|雨伞|跑鞋|西红柿|两个柠檬|机票|感冒药".split(
    "|"
)
TOPICS = (
    "wifi password|dentist|garden party|tax return|Berlin trip|car insurance|birthday|budget|recipe|"
    "lasagna recipe|gym|meeting|project plan|passport|rent|landlord|shopping list|groceries|holidays|"
    "router|doctor|vaccination|bike repair|Anna's address|school play|interview|flight|hotel booking|"
    "parking|contract|invoice|wedding|piano lessons|book club|yoga|soup|vitamins|password|keys|"
    "Kenji|book ideas|gift ideas|plants|water heater|electricity bill|warranty|visa|camping|budget 2025|"
    "team offsite|paint colors|train times|apartment|football practice|allergy|medicine|server|API key"
).split("|")
TOPICS_ZH = "密码|无线密码|牙医|生日|预算|菜谱|会议|项目计划|护照|房租|购物清单|旅行|保险|医生|合同|发票|婚礼|钢琴课|读书会|瑜伽|航班|酒店|停车|礼物|植物|电费|保修|签证|面试|搬家|健身|红烧肉|快递|报销".split(
    "|"
)

NAMES.extend(people_words.NAMES)
NAMES_ZH.extend(people_words.NAMES_ZH)
THINGS.extend(people_words.THINGS)
THINGS_ZH.extend(people_words.THINGS_ZH)
TOPICS.extend(people_words.TOPICS)
TOPICS_ZH.extend(people_words.TOPICS_ZH)

_SYLLABLES = [
    c + v
    for c in "b c d f g h j k l m n p r s t v w z br cl dr fl gr kr pl st tr sh ch th".split()
    for v in "a e i o u ai ea oo ou y".split()
]
_ENDS = " n r l s t x m k nd rt sk ck ng lt".split(" ")


def invented(source: Source, least: int = 2, most: int = 3) -> str:
    """A word nobody has seen: ``brouvend``."""
    rng = source.rng
    return "".join(rng.choice(_SYLLABLES) for _ in range(rng.randint(least, most))) + rng.choice(
        _ENDS
    )


@cache
def common() -> list[str]:
    """A few thousand English word pieces of the vocabulary that can pass as words."""
    return [p for p in pieces() if p.islower() and len(p) > 2]


@cache
def pieces() -> list[str]:
    """Every entry of the vocabulary that is letters of the Latin alphabet, whatever its case."""
    from models.nano import tokenizer

    found = (tokenizer.load().id_to_piece(i) for i in range(64 + 256, tokenizer.VOCAB_SIZE))
    return sorted({p for p in found if p.isascii() and p.isalpha()})


@cache
def characters() -> list[str]:
    """The 3,755 usual Chinese characters (GB 2312, level 1).

    Two thousand of them are no entries of the vocabulary: they are written as three bytes each,
    which have to be copied as well.
    """
    rows = (bytes((row, cell)) for row in range(0xB0, 0xD8) for cell in range(0xA1, 0xFF))
    return sorted(two.decode("gb2312") for two in rows if two < b"\xd7\xfa")


def any_word(source: Source) -> str:
    """An English-looking word, real, partly real or invented: something to copy, not to know."""
    kind = source.rng.random()
    if kind < 0.35:
        return str(source.pick(common()))
    if kind < 0.5:
        return str(source.pick(pieces()))
    if kind < 0.75:
        return str(source.pick(pieces())) + str(source.pick(common()))
    return invented(source)


def any_chinese(source: Source, least: int = 1, most: int = 4) -> str:
    """A run of random Chinese characters: a name to copy, not to know."""
    return "".join(source.pick(characters()) for _ in range(source.rng.randint(least, most)))


def any_text(source: Source, chinese: bool = False) -> str:
    """Words in no order at all, numbers among them: nothing in it can be guessed."""
    rng = source.rng
    if chinese:
        text = any_chinese(source, 3, 9)
        if source.chance(0.3):
            text += str(rng.randint(1, 9999)) + any_chinese(source, 1, 4)
        return text + "，" + any_chinese(source, 2, 6) if source.chance(0.3) else text
    return " ".join(
        str(rng.randint(1, 9999)) if source.chance(0.1) else any_word(source)
        for _ in range(rng.randint(2, 7))
    )


def city(source: Source, chinese: bool = False) -> str:
    """A place; one in three is invented, so that places are copied and not remembered."""
    if source.nonsense(0.35):
        if chinese:
            return any_chinese(source, 2, 5)
        word = any_word(source)
        word = word.capitalize() if source.chance(0.7) else word
        for more in (0.4, 0.3):
            if not source.chance(more):
                break
            word += " " + any_word(source).capitalize()
        return word
    if chinese and source.chance(0.93):
        return str(source.pick(CITIES_ZH))
    return str(source.pick(CITIES))
