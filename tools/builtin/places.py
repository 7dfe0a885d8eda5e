"""Which time zone a person means by a place: `Tokyo`, `纽约`, `San Francisco`, `PST`, `GMT+8`.

What it is: a look-up over IANA's names, the CLDR's city and country names in English and Chinese (Babel),
and the table below for what people say and neither has.
What it is not: a gazetteer. An unknown or ambiguous place is an error that names what comes close.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from datetime import timedelta, timezone, tzinfo
from difflib import get_close_matches
from functools import cache
from typing import cast
from zoneinfo import ZoneInfo, available_timezones

from tools.errors import ToolFailed

_OFFSET = re.compile(r"(?:utc|gmt)\s*([+-])\s*(\d{1,2})(?::?([0-5]\d))?\Z")
_DRESSING = re.compile(r"(?:\s+(?:time ?zone|time|local time|city)|时间|时区|市)\Z")

_Cities = Mapping[str, Mapping[str, str]]

_SAID: dict[str, str] = {
    "UTC": "utc,gmt,z,zulu,coordinated universal time,greenwich mean time,世界标准时间,协调世界时,"
    "格林尼治",
    "America/Los_Angeles": "pst,pdt,pt,la,seattle,oakland,hollywood,portland,san francisco,san diego,"
    "san jose,las vegas,silicon valley,pacific,california,pacific standard,us pacific,旧金山,西雅图,"
    "拉斯维加斯,圣地亚哥港,加州,硅谷,三藩市,洛城",
    "America/Denver": "mst,mdt,mountain,salt lake city,colorado,盐湖城",
    "America/Chicago": "cdt,houston,dallas,austin,texas,minneapolis,central,us central,new orleans,"
    "san antonio,kansas city,st louis,休斯敦,休斯顿,达拉斯,奥斯汀,新奥尔良",
    "America/New_York": "est,edt,et,nyc,boston,miami,atlanta,philadelphia,washington,eastern,orlando,"
    "baltimore,washington dc,washington d.c.,new york city,us eastern,pittsburgh,cleveland,charlotte,"
    "纽约市,华盛顿,波士顿,迈阿密,亚特兰大,费城",
    "America/Anchorage": "akst,akdt,alaska",
    "Pacific/Honolulu": "hst,hawaii,夏威夷",
    "America/Toronto": "ottawa,quebec,montreal,montréal,蒙特利尔,渥太华",
    "America/Vancouver": "victoria,british columbia",
    "America/Sao_Paulo": "sao paulo,são paulo,rio,rio de janeiro,brasilia,brazil,里约热内卢,里约,"
    "巴西利亚,巴西",
    "America/Argentina/Buenos_Aires": "argentina",
    "America/Mexico_City": "mexico,墨西哥",
    "America/Santiago": "chile",
    "Europe/London": "bst,uk,england,britain,scotland,edinburgh,manchester,liverpool,birmingham,"
    "glasgow,oxford,cambridge,bristol,leeds,united kingdom,great britain,爱丁堡,曼彻斯特,利物浦,牛津,"
    "剑桥,英国",
    "Europe/Paris": "cest,france,lyon,nice,marseille,toulouse,bordeaux,strasbourg,里昂,尼斯,马赛,法国",
    "Europe/Berlin": "germany,munich,münchen,hamburg,frankfurt,cologne,köln,stuttgart,dusseldorf,"
    "düsseldorf,leipzig,dresden,慕尼黑,汉堡,法兰克福,科隆,德国",
    "Europe/Rome": "italy,milan,milano,naples,venice,florence,turin,bologna,米兰,威尼斯,佛罗伦萨,"
    "那不勒斯,意大利",
    "Europe/Madrid": "spain,barcelona,valencia,seville,巴塞罗那,瓦伦西亚,西班牙",
    "Europe/Lisbon": "portugal,porto,葡萄牙,波尔图",
    "Europe/Amsterdam": "rotterdam,the hague,holland,netherlands,鹿特丹,海牙,荷兰",
    "Europe/Brussels": "antwerp,bruges,安特卫普",
    "Europe/Zurich": "geneva,basel,bern,lausanne,zürich,日内瓦,伯尔尼,巴塞尔",
    "Europe/Warsaw": "krakow,kraków,克拉科夫",
    "Europe/Moscow": "msk,russia,saint petersburg,st petersburg,圣彼得堡,俄罗斯",
    "Europe/Kyiv": "kiev,kyiv,ukraine,基辅,乌克兰",
    "Europe/Stockholm": "gothenburg",
    "Europe/Istanbul": "ankara,turkey,安卡拉,土耳其",
    "Asia/Shanghai": "beijing,peking,shenzhen,guangzhou,chengdu,hangzhou,wuhan,nanjing,xian,tianjin,"
    "suzhou,qingdao,china,xi'an,china standard,北京,深圳,广州,成都,杭州,武汉,南京,西安,天津,苏州,青岛,"
    "重庆,厦门,长沙,大连,中国,北京时间",
    "Asia/Hong_Kong": "hk,hkt",
    "Asia/Taipei": "taiwan",
    "Asia/Tokyo": "jst,osaka,kyoto,nagoya,sapporo,yokohama,fukuoka,hiroshima,大阪,京都,名古屋,札幌,"
    "横滨,福冈",
    "Asia/Seoul": "kst,busan,korea,south korea,釜山,韩国",
    "Asia/Singapore": "sgt",
    "Asia/Kolkata": "mumbai,delhi,bangalore,bengaluru,chennai,hyderabad,pune,calcutta,ahmedabad,"
    "new delhi,孟买,德里,新德里,班加罗尔,金奈,加尔各答,海得拉巴,印度",
    "Asia/Dubai": "abu dhabi,阿布扎比",
    "Asia/Jakarta": "indonesia,印度尼西亚",
    "Asia/Makassar": "bali,denpasar,巴厘岛",
    "Asia/Ho_Chi_Minh": "saigon,hanoi,ho chi minh city,胡志明市,胡志明,河内,西贡",
    "Asia/Karachi": "islamabad,lahore",
    "Asia/Jerusalem": "tel aviv,特拉维夫",
    "Asia/Riyadh": "mecca,jeddah,麦加",
    "Asia/Kuala_Lumpur": "malaysia,马来西亚",
    "Australia/Sydney": "aest,aedt,canberra,堪培拉",
    "Australia/Brisbane": "gold coast,黄金海岸",
    "Pacific/Auckland": "nzst,nzdt,wellington,new zealand,惠灵顿,新西兰",
    "Africa/Johannesburg": "cape town,pretoria,durban,开普敦",
    "Africa/Casablanca": "marrakesh,rabat",
    "Africa/Nairobi": "eat",
}
_AMBIGUOUS = {
    "cst": "US Central (America/Chicago) or China (Asia/Shanghai)",
    "ist": "India (Asia/Kolkata), Israel (Asia/Jerusalem) or Ireland (Europe/Dublin)",
    "usa": "New York, Chicago, Denver or Los Angeles",
    "us": "New York, Chicago, Denver or Los Angeles",
    "united states": "New York, Chicago, Denver or Los Angeles",
    "america": "New York, Chicago, Denver or Los Angeles",
    "美国": "纽约, 芝加哥, 丹佛 or 洛杉矶",
    "australia": "Sydney, Brisbane, Adelaide or Perth",
    "澳大利亚": "悉尼, 布里斯班, 阿德莱德 or 珀斯",
    "canada": "Toronto, Winnipeg, Edmonton or Vancouver",
    "加拿大": "多伦多, 温尼伯, 埃德蒙顿 or 温哥华",
}


def find_zone(place: str) -> tuple[str, tzinfo]:
    """The name (`Asia/Tokyo`, `UTC+08:00`) and rules of a place's time zone.

    Raises `ToolFailed` with near names for a place that is unknown or could be several.
    """
    said = _folded(place[:100])
    for name in dict.fromkeys((said, _DRESSING.sub("", said), said.partition(",")[0].strip())):
        if (offset := _OFFSET.match(name)) is not None:
            return _fixed(offset)
        if name in _AMBIGUOUS:
            raise ToolFailed(f"{place!r} could be {_AMBIGUOUS[name]}: name one of them")
        if (key := _zones().get(name)) is not None:
            return key, ZoneInfo(key)
    near = get_close_matches(said, _zones(), n=5, cutoff=0.7)
    zones = ", ".join(dict.fromkeys(_zones()[each] for each in near))
    hint = (
        f"did you mean {zones}?"
        if zones
        else "give a large city nearby or an IANA zone: Europe/Paris"
    )
    raise ToolFailed(f"no time zone is known for {place[:100]!r}; {hint}")


def _fixed(offset: re.Match[str]) -> tuple[str, tzinfo]:
    sign, hours, minutes = offset[1], int(offset[2]), int(offset[3] or 0)
    if hours > 14:
        raise ToolFailed(f"UTC{sign}{hours} does not exist: offsets go from -12 to +14")
    ahead = timedelta(hours=hours, minutes=minutes) * (1 if sign == "+" else -1)
    name = f"UTC{sign}{hours:02}:{minutes:02}" if ahead else "UTC"
    return name, timezone(ahead)


def _folded(text: str) -> str:
    """Lower case, without accents, underscores as spaces."""
    plain = unicodedata.normalize("NFKD", text.casefold().replace("_", " "))
    return " ".join("".join(c for c in plain if not unicodedata.combining(c)).split())


@cache
def _zones() -> dict[str, str]:
    """Folded names to IANA keys; the first source that knows a name wins."""
    zones: dict[str, str] = {}
    sources = (
        _from_table(),
        _from_iana(),
        _from_cldr_cities(),
        _from_cldr_countries(),
        _bare_keys(),
    )
    for source in sources:
        for name, key in source:
            zones.setdefault(_folded(name), key)
    return zones


def _from_table() -> Iterator[tuple[str, str]]:
    for key, names in _SAID.items():
        yield from ((name, key) for name in names.split(","))


def _from_iana() -> Iterator[tuple[str, str]]:
    for key in sorted(available_timezones()):
        area, _, city = key.rpartition("/")
        if area:
            yield key, key
        if area and area not in ("Etc", "US"):
            yield city, key


def _bare_keys() -> Iterator[tuple[str, str]]:
    """`CET`, `Japan` and the like: last, since countries and people's abbreviations come before."""
    yield from ((key, key) for key in sorted(available_timezones()) if "/" not in key)


def _from_cldr_cities() -> Iterator[tuple[str, str]]:
    from babel import Locale

    known = available_timezones()
    for language in ("en", "zh"):
        for key, names in cast("_Cities", Locale(language).time_zones).items():
            if "city" in names and key in known and not key.startswith("Etc/"):
                yield names["city"], key


def _from_cldr_countries() -> Iterator[tuple[str, str]]:
    """Countries with one time zone."""
    from babel import Locale
    from babel.core import get_global

    known = available_timezones()
    by_country: dict[str, list[str]] = {}
    for key, country in get_global("zone_territories").items():
        if key in known and country != "001":
            by_country.setdefault(country, []).append(key)
    for language in ("en", "zh"):
        territories = Locale(language).territories
        for country, keys in by_country.items():
            if len(keys) == 1 and country in territories:
                yield territories[country], keys[0]
