"""The months of the year in the languages of budgets, and how their names are compared."""

from __future__ import annotations

import unicodedata


def plain(text: str) -> str:
    """Case, accents, width and dashes set aside, so that spellings of one word are one."""
    folded = unicodedata.normalize("NFKD", text.casefold().replace("ı", "i"))
    folded = "".join(c for c in folded if not unicodedata.combining(c))
    folded = folded.replace("–", "-").replace("—", "-").replace("’", "'").replace("_", " ")
    return " ".join(folded.split())


# The first three or four letters tell months apart in most European languages.
_NAMES = """
1 jan january januar janvier enero ene janeiro gennaio gen januari ocak styczeń stycznia leden
1 leden ledna ianuarie január tammikuu jaanuar janvāris sausis siječanj ιανουάριος
1 январь января янв січень січня януари ינואר يناير มกราคม
2 feb february februar février févr fév febrero fevereiro febbraio februari subat luty lutego únor
2 února februarie február helmikuu veebruar februāris vasaris veljača φεβρουάριος
2 февраль февраля фев лютий лютого февруари פברואר فبراير กุมภาพันธ์
3 mar march märz maerz mrz mars marzo março marco maart mrt mart marzec marca března březen
3 martie március maaliskuu märts marts kovas ožujak μάρτιος maret
3 март марта мар березень березня מרץ مارس มีนาคม
4 apr april avril avr abril abr aprile nisan kwiecień kwietnia duben dubna aprilie április
4 huhtikuu aprill aprīlis balandis travanj απρίλιος апрель апреля апр квітень квітня април
4 אפריל أبريل ابريل เมษายน
5 may mai mayo maio maggio mag mei maj maja mayis květen května május toukokuu maijs gegužė
5 svibanj μάιος май мая травень травня מאי مايو พฤษภาคม
6 jun june juni juin junio junho giugno giu haziran czerwiec czerwca červen června iunie június
6 kesäkuu juuni jūnijs birželis lipanj ιούνιος июнь июня июн червень червня юни יוני يونيو มิถุนายน
7 jul july juli juillet juil julio julho luglio lug temmuz lipiec lipca červenec července iulie
7 július heinäkuu juuli jūlijs liepa srpanj ιούλιος июль июля июл липень липня юли יולי يوليو
7 กรกฎาคม
8 aug august août aout agosto ago augustus augusti agustos ağustos sierpień sierpnia srpen srpna
8 augusztus elokuu augusts rugpjūtis kolovoz αύγουστος август августа авг серпень серпня
8 אוגוסט أغسطس สิงหาคม
9 sep sept september septembre septiembre setiembre setembro set settembre eylül wrzesień września
9 září septembrie szeptember syyskuu septembris rugsėjis rujan σεπτέμβριος сентябрь сентября сен
9 вересень вересня септември ספטמבר سبتمبر กันยายน
10 oct october okt oktober octobre octubre outubro out ottobre ott ekim październik października
10 říjen října octombrie október lokakuu oktoober oktobris spalis οκτώβριος октябрь октября окт
10 жовтень жовтня октомври אוקטובר أكتوبر ตุลาคม
11 nov november novembre noviembre novembro kasım listopad listopada noiembrie marraskuu
11 novembris lapkritis studeni νοέμβριος ноябрь ноября ноя листопад листопада ноември
11 נובמבר نوفمبر พฤศจิกายน
12 dec december dez dezember décembre diciembre dic dezembro dicembre aralık grudzień grudnia
12 prosinec prosince decembrie joulukuu detsember decembris gruodis prosinac δεκέμβριος декабрь
12 декабря дек грудень грудня декември desember דצמבר ديسمبر ธันวาคม
"""
MONTHS: dict[str, int] = {
    plain(name): int(number)
    for number, *names in (line.split() for line in _NAMES.strip().splitlines())
    for name in names
}
