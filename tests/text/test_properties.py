"""What holds for any text and any table, in any script."""

import csv
import json
import unicodedata
from pathlib import Path
from random import Random

import pytest
from compare.tasks.words import tokenizer_of, word_rule
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from compare.contracts.loading import load_task
from compare.errors import UserError
from compare.sources.bad_rows import BadRows
from compare.sources.rows import read_rows
from compare.sources.source import text_source
from compare.sources.split import drawn, train_and_validation
from compare.text.tokens import Unit, train_tokenizer
from compare.text.words import normalised

ALWAYS = settings(
    derandomize=True, database=None, deadline=None, max_examples=60,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)  # fmt: skip
SCRIPTS = "aé ñ\u0301Жم\u0651कि\u094dที่自かカ한🦜👍🏽.,'-\"\t\n"
written = st.text(st.one_of(st.sampled_from(SCRIPTS), st.characters(exclude_categories=["Cs"])))
texts = st.builds(
    lambda form, text: unicodedata.normalize(form, text) if form else text,
    st.sampled_from(["", "NFC", "NFD", "NFKC", "NFKD"]), written,
)  # fmt: skip
cells = texts.filter(lambda text: text.strip() and "\0" not in text)


@ALWAYS
@given(text=texts)
@pytest.mark.parametrize("unit", ["chars", "bytes", "bpe"])
def test_any_text_comes_back_from_its_tokens(unit: Unit, text: str) -> None:
    tokenizer = train_tokenizer(unit, [text], 2000, () if unit == "bpe" else ("<unk>",))
    assert tokenizer.decode(tokenizer.encode(text)) == text
    assert tokenizer.sizes(text).sum() == len(text.encode())


@ALWAYS
@given(text=texts)
@pytest.mark.parametrize("unit", ["words", "spaces"])
def test_words_lose_nothing_but_white_space(unit: Unit, text: str) -> None:
    tokenizer = train_tokenizer(unit, [text], 2000)
    ids, sizes = tokenizer.encode(text), tokenizer.sizes(text)
    assert len(ids) == len(sizes)
    assert sizes.sum() <= len(text.encode())
    shown = "".join(tokenizer.tokens[index] for index in ids)
    assert "".join(shown.split()) == "".join(text.split())


@ALWAYS
@given(text=texts)
def test_no_word_is_cut_before_a_mark(text: str) -> None:
    tokenizer = train_tokenizer("words", [text], 2000)
    end = 0
    for word in (tokenizer.tokens[index] for index in tokenizer.encode(text)):
        at = text.index(word, end)
        if unicodedata.category(word[0]).startswith("M"):
            assert at == 0 or not text[at - 1].isalnum()
        end = at + len(word)


@ALWAYS
@given(text=texts.filter(lambda text: any(map(str.isalpha, text))))
@pytest.mark.parametrize("task", ["translation", "summarization"])
def test_any_text_is_a_perfect_output_for_itself(task: str, text: str) -> None:
    scores = load_task(task).quality([text], [text], 0)
    if task == "summarization" and len(tokenizer_of(word_rule([text])).tokenize(text)) < 2:
        del scores["rouge2"]  # of one word rouge-score gives 0, and the ceiling in a report says so
    for score in scores.values():
        assert not isinstance(score, str)
        assert score.value == pytest.approx(100)


@ALWAYS
@given(text=written)
def test_every_way_to_write_a_text_is_composed_to_the_same(text: str) -> None:
    composed = {normalised(unicodedata.normalize(form, text), "nfc") for form in ("NFC", "NFD")}
    assert len(composed) == 1
    source = text_source("text", unicodedata.normalize("NFD", text)).normalised("nfc")
    assert "".join(source.blocks()) == composed.pop()


Rows = list[tuple[str, str]]


def by_csv(file: Path, rows: Rows) -> None:
    """By Python's module, fields quoted where they need it or always, lines ended in either way."""
    delimiter = "," if file.suffix == ".csv" else "\t"
    # Without any quoting of its header a TSV may be one without quoting at all.
    styles = [(csv.QUOTE_ALL, "\n"), (csv.QUOTE_MINIMAL, "\r\n")][: 1 + (delimiter == ",")]
    quoting, end = styles[sum(map(len, rows[0])) % len(styles)]
    with file.open("w", newline="", encoding="utf-8") as opened:
        writer = csv.writer(opened, delimiter=delimiter, quoting=quoting, lineterminator=end)
        writer.writerows([("a", "b"), *rows])


def by_json(file: Path, rows: Rows) -> None:
    records = [{"a": a, "b": b} for a, b in rows]
    whole = file.suffix == ".json"
    text = json.dumps(records, indent=1) if whole else "\n".join(map(json.dumps, records))
    file.write_text(text, encoding="utf-8")


def by_pyarrow(file: Path, rows: Rows) -> None:
    pa = pytest.importorskip("pyarrow")
    table = pa.table({"a": [a for a, _ in rows], "b": [b for _, b in rows]})
    if file.suffix == ".parquet":
        pytest.importorskip("pyarrow.parquet").write_table(table, file)
        return
    opened = pa.ipc.new_file if file.suffix == ".feather" else pa.ipc.new_stream
    with opened(str(file), table.schema) as writer:
        writer.write_table(table)


WRITERS = {
    "csv": by_csv, "tsv": by_csv, "jsonl": by_json, "json": by_json, "parquet": by_pyarrow,
    "arrow": by_pyarrow, "feather": by_pyarrow,
}  # fmt: skip


@ALWAYS
@given(rows=st.lists(st.tuples(cells, cells), min_size=1, max_size=5))
@pytest.mark.parametrize("ending", WRITERS)
def test_any_table_is_read_back(tmp_path: Path, ending: str, rows: Rows) -> None:
    file = tmp_path / f"table.{ending}"
    WRITERS[ending](file, rows)
    assert read_rows(str(file), "a", "b", bad=BadRows()) == rows


@ALWAYS
@given(rows=st.lists(st.tuples(texts, st.sampled_from("xyz")), min_size=12), random=st.randoms())
@pytest.mark.parametrize("labelled", [False, True])
def test_any_order_of_any_rows_gives_the_same_validation_set(
    labelled: bool, rows: Rows, random: Random
) -> None:
    shuffled = random.sample(rows, len(rows))

    def held(rows: Rows) -> Rows:
        return train_and_validation(lambda data, split: rows, "data", "train", None, labelled).held

    try:
        expected = held(rows)
    except UserError:
        with pytest.raises(UserError):
            held(shuffled)
        return
    assert held(shuffled) == expected
    most = len(expected) // 2
    assert drawn(expected, most, labelled) == drawn(held(shuffled), most, labelled)
