"""What the name of a column speaks for: protected groups, proxies, the lender's own outputs, weights, ids, days."""

import re
import unicodedata
from collections.abc import Collection, Mapping
from functools import cache
from itertools import product

GUARDED = {  # parts of names, in the languages that lenders' columns often have
    "sex": "sex", "gender": "sex", "geschlecht": "sex", "geschl": "sex", "sexe": "sex", "sexo": "sex", "genre": "sex",
    "genero": "sex", "género": "sex", "gênero": "sex", "genere": "sex", "sesso": "sex", "geslacht": "sex", "kön": "sex",
    "kjønn": "sex", "køn": "sex", "płeć": "sex", "salutation": "sex", "anrede": "sex",
    "race": "race", "ethnicity": "race", "ethnic": "race", "ethnie": "race", "minority": "race", "hispan": "race",
    "hispanic": "race", "latino": "race", "latina": "race", "latinx": "race", "afam": "race", "caste": "race",
    "tribe": "race", "etnia": "race", "raza": "race", "raça": "race", "raca": "race", "razza": "race",
    "religion": "religion", "religión": "religion", "religious": "religion", "konfession": "religion",
    "nationality": "national origin", "nationalität": "national origin", "foreign": "national origin",
    "nationalité": "national origin", "nacionalidad": "national origin", "nacionalidade": "national origin",
    "nazionalità": "national origin", "cittadinanza": "national origin", "staatsangehörigkeit": "national origin",
    "foreigner": "national origin", "immigrant": "national origin", "citizen": "national origin",
    "citizenship": "national origin", "birthplace": "national origin",
    "marital": "marital status", "marriage": "marital status", "married": "marital status", "spouse": "marital status",
    "divorced": "marital status", "widowed": "marital status", "widow": "marital status",
    "familienstand": "marital status", "verheiratet": "marital status", "familiale": "marital status",
    "age": "age", "alter": "age", "edad": "age", "idade": "age", "leeftijd": "age", "età": "age", "âge": "age",
    "yob": "age", "geburt": "age", "geburtstag": "age", "geburtsjahr": "age", "nacimiento": "age", "naissance": "age",
    "nascita": "age", "nascimento": "age", "geboortedatum": "age", "birth": "age", "birthday": "age",
    "birthdate": "age", "dob": "age", "geburtsdatum": "age",
    "disability": "health", "disabled": "health", "pregnant": "health", "pregnancy": "health",
    "veteran": "military service",
    "cinsiyet": "sex", "pohlavi": "sex", "sukupuoli": "sex", "пол": "sex", "hautfarbe": "race", "rasse": "race",
    "kirchensteuer": "religion", "wyznanie": "religion", "godsdienst": "religion", "religione": "religion",
    "nationaliteit": "national origin", "obywatelstwo": "national origin", "narodowość": "national origin",
    "medborgarskap": "national origin", "uyruk": "national origin", "občanství": "national origin",
    "ausländer": "national origin", "extranjero": "national origin", "гражданство": "national origin",
    "zivilstand": "marital status", "civilstånd": "marital status", "sivilstand": "marital status",
    "estadocivil": "marital status", "siviilisääty": "marital status", "cywilny": "marital status",
    "wiek": "age", "ålder": "age", "alder": "age", "yaş": "age", "ikä": "age", "věk": "age", "возраст": "age",
    "urodzenia": "age", "geboren": "age", "födelsedatum": "age", "fødselsdato": "age", "narození": "age",
    "性別": "sex", "性别": "sex", "人種": "race", "民族": "race", "宗教": "religion", "国籍": "national origin",
    "婚姻": "marital status", "婚姻状况": "marital status", "配偶者": "marital status", "年齢": "age", "年龄": "age",
    "生年月日": "age", "出生日期": "age",
    "behinderung": "health", "handicap": "health", "discapacidad": "health", "deficiência": "health",
}  # fmt: skip
TOGETHER = {  # words that only together speak of a protected ground
    frozenset({"civil", "status"}): "marital status", frozenset({"civil", "estado"}): "marital status",
    frozenset({"civile", "stato"}): "marital status", frozenset({"civil", "etat"}): "marital status",
    frozenset({"civil", "état"}): "marital status", frozenset({"geb", "datum"}): "age",
    frozenset({"burgerlijke", "staat"}): "marital status", frozenset({"medeni", "hal"}): "marital status",
    frozenset({"rodinný", "stav"}): "marital status", frozenset({"doğum", "tarihi"}): "age",
}  # fmt: skip
FLAGS = {  # words that speak of a person where the column only says yes or no
    "female": "sex", "male": "sex", "woman": "sex", "women": "sex", "man": "sex", "men": "sex",
    "black": "race", "white": "race", "asian": "race", "african": "race", "caucasian": "race", "native": "race",
    "muslim": "religion", "christian": "religion", "catholic": "religion", "jewish": "religion", "hindu": "religion",
    "single": "marital status", "alone": "marital status", "military": "military service", "old": "age",
    "young": "age", "senior": "age", "elderly": "age",
}  # fmt: skip
SUBSTITUTES = {  # what stands in for race or origin by where or how somebody lives
    "zip": "where somebody lives", "zipcode": "where somebody lives", "postcode": "where somebody lives",
    "postal": "where somebody lives", "plz": "where somebody lives", "postleitzahl": "where somebody lives",
    "neighbourhood": "where somebody lives", "neighborhood": "where somebody lives", "city": "where somebody lives",
    "town": "where somebody lives", "wohnort": "where somebody lives", "ville": "where somebody lives",
    "ciudad": "where somebody lives", "cidade": "where somebody lives", "latitude": "where somebody lives",
    "longitude": "where somebody lives", "nachname": "a family's name", "apellido": "a family's name",
    "cognome": "a family's name", "vorname": "a first name", "surname": "a family's name",
    "lastname": "a family's name", "firstname": "a first name", "language": "a mother tongue",
    "tongue": "a mother tongue", "muttersprache": "a mother tongue", "pocztowy": "where somebody lives",
    "miasto": "where somebody lives", "gmina": "where somebody lives", "gemeinde": "where somebody lives",
    "comune": "where somebody lives", "municipio": "where somebody lives", "woonplaats": "where somebody lives",
    "postnummer": "where somebody lives", "nazwisko": "a family's name", "achternaam": "a family's name",
    "prénom": "a first name",
}  # fmt: skip
UNMISTAKABLE = 6  # letters of a word that is known within another
AGE = {
    "age",
    "alter",
    "edad",
    "idade",
    "âge",
    "yaş",
    "leeftijd",
    "wiek",
    "年齢",
    "年龄",
}  # counted in years; a year or a day of birth is not
SEXES = {"male", "female", "man", "woman", "frau", "mrs", "homme", "femme", "hombre", "mujer", "weiblich", "männlich",
         "masculin", "féminin", "masculino", "femenino", "feminino"}  # fmt: skip
SEX_LETTERS = {"m", "f"}  # with others for not stated, or for neither
NO_SEX_LETTERS = {"d", "x", "u"}
PRICE, GRADE, SCORE = "the price that the lender set", "the lender's own grade", "the lender's own score"
PD, GRANTED = "the lender's own probability of default", "what the lender granted"
OUTPUTS: tuple[tuple[str, tuple[str, ...]], ...] = (  # what a lender itself makes of an application: words together
    (PRICE, ("interest rate", "int rate", "apr", "coupon", "tasa interés", "taux intérêt", "taxa juros",
             "tasso interesse", "zinssatz", "zins", "sollzins", "effektivzins", "oprocentowanie", "rentevoet",
             "rentepercentage",
             "ränta", "korko", "faiz", "úroková sazba", "dobânda", "ставка")),
    (GRADE, ("grade", "subgrade", "risk class", "risk band", "risk rating", "risk tier", "risk level", "risk category",
             "risk grade", "internal rating", "credit rating", "customer rating", "model rating", "score band",
             "rating interno", "rating interna", "calificación", "clasificación riesgo", "clase riesgo", "nivel riesgo",
             "categoria riesgo", "grupo riesgo", "notation", "cotation", "note interne", "note risque", "classe risque",
             "classe rischio", "fascia rischio", "classe risco", "faixa risco", "nível risco", "classificação risco",
             "nota risco", "risikoklasse", "risikogruppe", "risikostufe", "ratingklasse", "ratingnote", "ratingstufe",
             "bonität", "bonitätsklasse", "bonitätsnote", "klasa ryzyka", "ocena ryzyka", "ocena kredytowa",
             "kategoria ryzyka", "risicoklasse", "kredietbeoordeling", "riskklass", "kreditbetyg", "rating klienta",
             "třída rizika", "luottoluokitus", "minősítés", "рейтинг")),
    (GRANTED, tuple(" ".join(its) for its in product(
        ("approved", "granted", "sanctioned", "funded", "aprobado", "aprobada", "concedido", "concedida", "accordé",
         "accordée", "octroyé", "bewilligt", "bewilligte", "bewilligter", "bewilligtes", "genehmigt", "genehmigte",
         "genehmigter", "genehmigtes", "approvato", "concesso", "deliberato", "aprovado", "przyznany", "przyznana",
         "toegekend", "beviljad", "beviljat"),
        ("amount", "amnt", "amt", "limit", "term", "limite", "monto", "importe", "plazo", "montant", "durée", "plafond",
         "betrag", "kreditbetrag", "laufzeit", "fido", "importo", "valor", "prazo", "kwota", "bedrag", "belopp")))),
    (SCORE, ("internal score", "model score", "application score", "app score", "behaviour score", "behavior score",
             "risk score", "score interno", "score interne", "scorecard", "puntaje", "puntuación", "punteggio",
             "pontuação", "scorewert", "scorepunkte", "scoreklasse", "scoringwert", "punktacja", "punkty scoringowe",
             "скоринг", "балл")),
    (PD, ("pd", "probability default", "prob default", "default probability", "ausfallwahrscheinlichkeit",
          "probabilidad incumplimiento", "probabilidad impago", "probabilité défaut", "probabilità default",
          "probabilità insolvenza", "probabilidade inadimplência", "probabilidade incumprimento", "prawdopodobieństwo",
          "wanbetalingskans", "kans wanbetaling", "expected loss", "lgd", "ead")),
)  # fmt: skip
ALONE = (
    dict.fromkeys(("score", "scoring", "skor", "skóre", "punkty", "nota", "note"), SCORE)
    | dict.fromkeys(("rating", "ocena", "cote", "beoordeling", "valutazione"), GRADE)
    | dict.fromkeys(("taux", "tasa", "tasso", "taxa"), PRICE)
)
NOTES = {"note", "nota"}  # a grade in French and Portuguese, a text in English
OF_A_BUREAU = {"bureau", "buro", "external", "fico", "vantage", "schufa", "crif", "experian", "equifax", "transunion",
               "cibil", "bik", "agency"}  # fmt: skip
DECISIONS = {"decision", "decided", "approved", "approval", "accepted", "declined", "rejected", "underwriter",
             "verdict", "booked", "funded", "entscheidung", "entscheid", "kreditentscheidung", "abgelehnt", "genehmigt",
             "bewilligt", "decisión", "dictamen", "resolución", "aprobado", "rechazado", "décision", "accepté",
             "refusé",
             "decisione", "esito", "delibera", "approvato", "respinto", "decisão", "aprovado", "recusado", "decyzja",
             "odrzucony",
             "zaakceptowany", "besluit", "beslissing", "goedgekeurd", "afgewezen", "beslut", "beslutning", "vedtak",
             "rozhodnutí", "päätös", "döntés", "decizie", "karar", "решение"}  # fmt: skip
AFTER_DECISION = {  # what becomes of an account: words together
    "a sum that was recovered": ("recoveries", "recovery fee", "recovery amount", "recupero",
                                 "recouvrement"),
    "what was paid since": ("total pymnt", "total rec", "last pymnt", "out prncp", "total payment"),
    "a loss that was taken": ("chargeoff", "charge off", "writeoff", "write off", "written off", "abschreibung",
                              "ausbuchung", "castigado", "sofferenza", "settlement"),
    "collections": ("collection fee", "collection cost", "collection costs", "inkasso", "incasso", "mahnstufe",
                    "mahnung", "mahnkosten", "contentieux", "cobranza", "cobrança", "windykacja", "egzekucja"),
}  # fmt: skip
BEFORE = {"previous", "prior", "past", "before", "ex", "mths", "months", "years", "ever", "bureau", "other", "external"}
CODED = {"code", "codes", "kod", "código", "codice", "kennziffer", "branch", "filiale", "sucursal", "agence", "agenzia",
         "agência", "oddział", "region", "región", "sector", "sektor", "branche", "industry", "naics", "nace", "sic",
         "product", "produkt", "producto", "channel", "kanal", "occupation", "profession", "beruf", "dealer",
         "purpose", "type", "typ", "tipo"}  # fmt: skip
WEIGHTS = {"weight", "weights", "wt", "wgt", "fnlwgt", "gewicht", "gewichtung", "poids", "peso", "ponderacion"}
OF_SAMPLE = {"sample", "sampling", "survey", "design", "case", "obs", "observation", "freq", "frequency", "row",
             "expansion", "inverse", "prob"}  # fmt: skip
IDS = {"id", "ids", "nr", "no", "number", "num", "key", "uuid", "index", "nummer", "kennung", "numero", "número", "ref",
       "reference", "referenz", "referencia", "référence"}  # fmt: skip
COUNTS = {"no", "number", "num"}  # at a name's beginning these count something
CUSTOMERS = {"customer", "client", "applicant", "borrower", "member", "person", "kunde", "kunden", "cust", "cliente"}
NUMBERED = {
    "account",
    "contract",
    "contrat",
    "contrato",
    "dossier",
    "expediente",
    "konto",
    "vertrag",
}  # columns of these names hold the numbers of such
ACCOUNTS = {"loan", "account", "contract", "application", "vertrag", "vertrags", "kredit", "konto"}
PERSONAL = {"ssn", "cpf", "dni", "nif", "curp", "iban", "msisdn", "phone", "telephone", "mobile", "telefon", "passport",
            "email"}  # fmt: skip
DAYS = {"application", "applied", "apply", "appl", "app", "open", "opened", "issue", "issued", "orig", "origination",
        "start", "request", "created", "granted", "booked", "booking", "disbursed", "disbursement", "drawdown",
        "inception", "signed", "submitted", "submission", "vintage", "cohort", "antrag", "antragsdatum"}  # fmt: skip
DATES = {"date", "datum", "dt", "datetime", "timestamp", "quarter", "quartal", "vintage", "cohort", "fecha"}
YEARS = {"year", "yr", "jahr"}
DAY_WORDS = {"date", "day", "on", "datum", "ym", "dt", "month", "birth", "dob"}
AFTERWARDS = {"recovery", "recoveries", "collection", "collections", "chargeoff", "charge", "writeoff", "default",
              "defaulted", "settlement", "outcome", "last", "final", "closed", "rec", "received", "pymnt", "repaid",
              "prncp"}  # fmt: skip
MONEY = {"income", "amount", "debt", "salary", "balance", "price", "payment", "installment", "instalment", "savings",
         "assets", "wage", "wages", "revenue", "fee", "fees", "exposure", "betrag", "einkommen", "amt"}  # fmt: skip


_NO_ACCENTS = str.maketrans({"ł": "l", "ø": "o", "ß": "ss", "æ": "ae", "đ": "d", "ı": "i"})
_ID_IN_ONE_WORD = re.compile(rf"^({'|'.join(sorted(CUSTOMERS | ACCOUNTS))})({'|'.join(sorted(IDS))})$")


def parts(name: str) -> set[str]:
    """The words a column's name is made of, in lower case, with and without accents; custid is customer and id."""
    words = _in_order(name)
    return {*words, *map(without_accents, words), *(re.sub(r"(?<=[aou])e", "", word) for word in words)}


@cache  # the same few words are compared with every name
def without_accents(word: str) -> str:
    """A word without accents, as names of columns are often written: płeć is plec, nationalité nationalite."""
    apart = unicodedata.normalize("NFKD", word.translate(_NO_ACCENTS))
    return "".join(letter for letter in apart if not unicodedata.combining(letter))


def _in_order(name: str) -> list[str]:
    apart = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)
    words = re.split(r"[\W_\d]+", apart.lower())
    return " ".join(_ID_IN_ONE_WORD.sub(r"\1 \2", word) for word in words).split()


def is_id(name: str) -> bool:
    """Whether a name speaks of what numbers something, as loan_no, and not of how many there are, as no_of_loans."""
    words = _in_order(name)
    is_whole = len(words) == 1 and words[0] in NUMBERED
    return is_whole or bool(set(words) & (IDS - COUNTS)) or (len(words) > 1 and words[-1] in COUNTS)


def is_personal(name: str) -> bool:
    """Whether a name speaks of a number or an address that is one person's."""
    return bool(parts(name) & PERSONAL)


@cache
def guarded(name: str, *, switch: bool) -> str | None:
    """The protected ground that a name speaks of. switch: whether the column only says yes or no."""
    return (
        _meaning(name, GUARDED | FLAGS if switch else GUARDED)
        or next((ground for words, ground in TOGETHER.items() if _all_in(" ".join(words), parts(name))), None)
        or _meaning_within(name, GUARDED)
    )


def substitute(name: str) -> str | None:
    """What a column of this name tells about a person that can stand in for a protected group."""
    if "name" in parts(name) and parts(name) & {"first", "last", "given", "family", "maiden"}:
        return "a person's name"
    return _meaning(name, SUBSTITUTES) or _meaning_within(name, SUBSTITUTES)


def _meaning(name: str, words: Mapping[str, str]) -> str | None:
    words = words | {without_accents(word): what for word, what in words.items()}  # type: ignore[operator]
    return next((words[part] for part in sorted(parts(name)) if part in words), None)


def _meaning_within(name: str, words: Mapping[str, str]) -> str | None:
    """What a long word says that stands within a part of a name, as marital in maritalstatus."""
    words = words | {without_accents(word): what for word, what in words.items()}  # type: ignore[operator]
    long = [word for word in words if len(word) >= UNMISTAKABLE]
    return next((words[word] for part in sorted(parts(name)) for word in long if word in part), None)


@cache
def output(name: str, *, few: bool) -> str | None:
    """What of the lender's own work a name speaks of, which no applicant brings. few: whether it has few values."""
    words = parts(name)
    if few and words & {*DECISIONS, *map(without_accents, DECISIONS)}:
        return "the lender's decision"
    if words & OF_A_BUREAU:
        return None
    alone = _in_order(name)
    if (
        len(alone) == 1
        and (few or alone[0] not in NOTES)
        and (what := ALONE.get(alone[0]) or ALONE.get(without_accents(alone[0])))
    ):
        return what
    return next((what for what, texts in OUTPUTS if any(_all_in(text, words) for text in texts)), None)


@cache
def afterwards(name: str) -> str | None:
    """What a name tells of that becomes of an account after it was decided about."""
    words = parts(name)
    if words & BEFORE:
        return None
    together = (what for what, texts in AFTER_DECISION.items() if any(_all_in(text, words) for text in texts))
    within = {text: what for what, texts in AFTER_DECISION.items() for text in texts if " " not in text}
    return next(together, None) or _meaning_within(name, within)


def is_code(name: str) -> bool:
    """Whether a name speaks of numbers that stand for kinds of something, and of no count of them."""
    words = parts(name)
    return bool(words & {*CODED, *map(without_accents, CODED)}) and not words & {*COUNTS, "count", "anzahl", "score"}


def _all_in(text: str, words: Collection[str]) -> bool:
    """Whether each word of a text is among these, with or without its accents."""
    return all(word in words or without_accents(word) in words for word in text.split())


def is_weight(name: str) -> bool:
    """Whether a name speaks of how many applicants a row stands for, not of what somebody weighs."""
    words = parts(name)
    return bool(words & WEIGHTS) and bool(words & OF_SAMPLE or words <= WEIGHTS)


def of_sex(words: Collection[str]) -> bool:
    """Whether words of a column name men and women."""
    letters = {word.lower() for word in words}
    return any(parts(word) & SEXES for word in words) or SEX_LETTERS <= letters <= SEX_LETTERS | NO_SEX_LETTERS
