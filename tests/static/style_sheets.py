"""Reads style sheets as far as the tests need it: declarations with their context, and the tokens of `tokens.css`."""

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SHEETS = sorted((ROOT / "static" / "css").glob("*.css"))
SCRIPTS = sorted((ROOT / "static" / "js").glob("*.js"))
TOKENS = ROOT / "static" / "css" / "tokens.css"
# The comments that divide `tokens.css` into its two levels.
RAW, MEANING = "---- 1. Raw", "---- 2. Meaning"

NOT_CODE = re.compile(r"/\*.*?\*/|\"(?:\\.|[^\"\\])*\"|'(?:\\.|[^'\\])*'|url\([^)]*\)", re.DOTALL)
SYSTEM = """
accentcolor accentcolortext activetext buttonborder buttonface buttontext canvas canvastext field fieldtext
graytext highlight highlighttext linktext mark marktext selecteditem selecteditemtext visitedtext
"""
NAMED = """
aliceblue antiquewhite aqua aquamarine azure beige bisque black blanchedalmond blue blueviolet brown burlywood
cadetblue chartreuse chocolate coral cornflowerblue cornsilk crimson cyan darkblue darkcyan darkgoldenrod
darkgray darkgreen darkgrey darkkhaki darkmagenta darkolivegreen darkorange darkorchid darkred darksalmon
darkseagreen darkslateblue darkslategray darkslategrey darkturquoise darkviolet deeppink deepskyblue dimgray
dimgrey dodgerblue firebrick floralwhite forestgreen fuchsia gainsboro ghostwhite gold goldenrod gray green
greenyellow grey honeydew hotpink indianred indigo ivory khaki lavender lavenderblush lawngreen lemonchiffon
lightblue lightcoral lightcyan lightgoldenrodyellow lightgray lightgreen lightgrey lightpink lightsalmon
lightseagreen lightskyblue lightslategray lightslategrey lightsteelblue lightyellow lime limegreen linen magenta
maroon mediumaquamarine mediumblue mediumorchid mediumpurple mediumseagreen mediumslateblue mediumspringgreen
mediumturquoise mediumvioletred midnightblue mintcream mistyrose moccasin navajowhite navy oldlace olive
olivedrab orange orangered orchid palegoldenrod palegreen paleturquoise palevioletred papayawhip peachpuff peru
pink plum powderblue purple rebeccapurple red rosybrown royalblue saddlebrown salmon sandybrown seagreen seashell
sienna silver skyblue slateblue slategray slategrey snow springgreen steelblue tan teal thistle tomato turquoise
violet wheat white whitesmoke yellow yellowgreen
"""
COLOUR = re.compile(r"#[0-9a-f]{3,8}\b|\b(?:rgba?|hsla?|hwb|lab|lch|oklab|oklch|color|device-cmyk)\(", re.IGNORECASE)
SYSTEM_COLOURS, NAMED_COLOURS = frozenset(SYSTEM.split()), frozenset(NAMED.split())
WORD = re.compile(r"(?<![\w-])[a-z]+(?![\w(-])", re.IGNORECASE)
VARIABLE = re.compile(r"var\(\s*(--[\w-]+)\s*(,)?")


@dataclass(frozen=True)
class Declaration:
    """`context`: the rules and at-rules around it, outermost first."""

    context: tuple[str, ...]
    name: str
    value: str

    @property
    def where(self) -> str:
        return f"{' > '.join(self.context)} {{ {self.name}: {self.value} }}"

    def is_inside(self, at_rule: str) -> bool:
        return any(at_rule in each for each in self.context)


def read_declarations(sheet):
    """Every declaration of the text of a sheet, without comments, strings and addresses."""
    context, part = [], ""
    for character in NOT_CODE.sub(" ", sheet):
        if character == "{":
            context.append(" ".join(part.split()))
            part = ""
        elif character in ";}":
            name, colon, value = part.partition(":")
            if colon:
                yield Declaration(tuple(context), name.strip(), " ".join(value.split()))
            part = ""
            if character == "}":
                context.pop()
        else:
            part += character
    assert not context, "unbalanced braces"


def tokens_of(text):
    """The names of the raw tokens, and of those by meaning: `(raw, meaning)`."""
    _, begins, rest = text.partition(RAW)
    raw, divides, meaning = rest.partition(MEANING)
    assert begins and divides, "tokens.css has lost the comments that name its levels"
    return tuple(set(re.findall(r"^\s*(--[\w-]+):", part, re.MULTILINE)) for part in (raw, meaning))


def colours_in(value):
    """The literal and system colours of a value: `(literal, system)`."""
    words = {word.lower() for word in WORD.findall(value)}
    return {*COLOUR.findall(value), *(words & NAMED_COLOURS)}, words & SYSTEM_COLOURS


def faults_in(sheet, raw):
    """What a component sheet may not name: a raw token; a literal colour, but in print; a system colour, but in forced
    colours."""
    for each in read_declarations(sheet):
        literal, system = colours_in(each.value)
        named = raw & {name for name, _ in VARIABLE.findall(each.value)}
        if named:
            yield f"raw token {sorted(named)}: {each.where}"
        if literal and not each.is_inside("@media print"):
            yield f"literal colour {sorted(literal)}: {each.where}"
        if system and not each.is_inside("forced-colors"):
            yield f"system colour {sorted(system)}: {each.where}"
