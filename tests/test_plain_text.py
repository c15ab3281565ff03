"""What is shown of a text from outside: all of it visible, none of it obeyed."""

import ast
import re
import shutil
import subprocess
import unicodedata
from html import unescape

import pytest

from taonet_core.plain_text import (
    card_text,
    figure_text,
    file_stem,
    literal,
    markdown,
    markup,
    shell_word,
    shown,
)

HOSTILE = [
    "a\u202efits.exe",
    "a\x1b[31mred\x07",
    "line\nother\r\tline",
    "nul\0nul",
    "zero\u200bwidth\ufeff",
    "tag\U000e0041",
    "half\ud800",
    "e" + "\u0301" * 50,
]


@pytest.mark.parametrize("text", ["CSS120925:013245+201512", "été", "a\\b", "光", "🔭"])
def test_what_can_be_seen_stays_as_it_is(text):
    assert shown(text) == text


@pytest.mark.parametrize("text", HOSTILE, ids=ascii)
def test_nothing_invisible_is_left(text):
    line = shown(text)
    assert line.isprintable()
    assert not re.search("[\u0300-\u036f]{5}", line)
    assert line.startswith(text[0])


@pytest.mark.parametrize(
    ("text", "expected"),
    [("a\u202eb", "a\\u202eb"), ("a\nb", "a\\nb"), ("a\xa0b", "a b")],
    ids=ascii,
)
def test_escapes_are_those_of_python(text, expected):
    assert shown(text) == expected


def test_letters_from_right_to_left_do_not_move_what_stands_beside():
    line = shown("שלום 12")
    assert (line[0], line[-1]) == ("\u2068", "\u2069")
    assert line[1:-1] == "שלום 12"


def test_a_long_text_is_cut_and_says_so():
    assert shown("x" * 10_000) == "x" * 199 + "…"
    assert shown("x" * 10, most=10) == "x" * 10


@pytest.mark.parametrize("text", ["<b>&amp;</b>", "\"'><img src=x>", "$x$ %{x}"])
def test_html_and_figures_give_back_the_text(text):
    for safe in (markup(text), figure_text(text)):
        assert unescape(safe) == text
        assert not set(safe) & set("<>\"'")
    assert not set(figure_text(text)) & set("$%")


def test_every_sign_of_markdown_is_escaped():
    text = "".join(chr(n) for n in range(33, 127))
    safe = markdown(text)
    assert re.sub(r"\\(.)", r"\1", safe).replace("\u2060", "") == text
    for sign in re.finditer(r"[^\w\u2060]", re.sub(r"\\.", "", safe)):
        pytest.fail(f"{sign[0]} is not escaped")


@pytest.mark.parametrize(
    ("text", "link"),
    [
        ("see http://evil.example", "http:"),
        ("HTTPS://evil.example", "HTTPS:"),
        ("www.evil.example", "www."),
        ("me@evil.example", "@e"),
        (":streamlit:", ":streamlit"),
        ("a -- b", "--"),
        ("a -> b", "->"),
    ],
)
def test_what_streamlit_makes_links_and_signs_of_is_broken_up(text, link):
    # Streamlit looks at the text that is left once escapes were undone
    left = re.sub(r"\\(.)", r"\1", markdown(text))
    assert link not in left
    assert left.replace("\u2060", "") == text


@pytest.mark.parametrize("text", ["plain.fits", "it's", "a b", "$(touch x)", "!!", *HOSTILE[:4]])
@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash")
def test_a_shell_takes_a_word_as_the_text_it_is(text):
    word = shell_word(text)
    assert not any(unicodedata.category(letter).startswith("C") for letter in word)
    if "\0" not in text:  # which no command can be given
        said = subprocess.run(["bash", "-c", f"printf %s {word}"], capture_output=True, check=True)
        assert said.stdout.decode("utf-8") == text


@pytest.mark.parametrize(
    ("text", "stem"),
    [
        ("CSS120925:013245+201512", "CSS120925_013245+201512"),
        ("../../etc/passwd", "_.._etc_passwd"),
        (".hidden", "hidden"),
        ("-rf *", "rf_"),
        ("\u202e\0", "_"),
        ("..", "unnamed"),
    ],
)
def test_the_name_of_a_download_leads_nowhere(text, stem):
    assert file_stem(text) == stem


def test_a_card_of_fits_is_printable_ascii():
    assert card_text("été\n\x1b🔭") == "?t????"
    assert len(card_text("x" * 10_000)) == 200


@pytest.mark.parametrize("text", [*HOSTILE, "שלום", "été", "it's"], ids=ascii)
def test_python_reads_a_literal_back_and_a_reader_sees_all_of_it(text):
    code = literal(text)
    assert ast.literal_eval(code) == text
    assert shown(code, len(code)) == code
