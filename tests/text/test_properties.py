"""What holds for any text and any table, in any script."""

import csv
import io
import json
import unicodedata
from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from compare.contracts.loading import load_task
from compare.sources.bad_rows import BadRows
from compare.sources.rows import read_rows
from compare.sources.split import train_and_validation
from compare.text.tokens import Unit, train_tokenizer

ALWAYS = settings(
    derandomize=True, database=None, deadline=None, max_examples=60,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)  # fmt: skip
SCRIPTS = "aé ñ\u0301Жم\u0651कि\u094dที่自かカ한🦜👍🏽.,'-\"\t\n"
texts = st.text(st.one_of(st.sampled_from(SCRIPTS), st.characters(exclude_categories=["Cs"])))
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
    names = ("bleu", "chrf") if task == "translation" else ("rouge1", "rougeL")
    for name in names:
        score = scores[name]
        assert not isinstance(score, str)
        assert score.value == pytest.approx(100)


@ALWAYS
@given(rows=st.lists(st.tuples(cells, cells), min_size=1, max_size=5))
@pytest.mark.parametrize("ending", ["csv", "tsv", "jsonl", "json"])
def test_any_table_that_python_writes_is_read_back(
    tmp_path: Path, ending: str, rows: list[tuple[str, str]]
) -> None:
    file = tmp_path / f"table.{ending}"
    records = [{"a": a, "b": b} for a, b in rows]
    if ending in ("csv", "tsv"):
        out = io.StringIO(newline="")
        writer = csv.writer(out, delimiter="," if ending == "csv" else "\t", quoting=csv.QUOTE_ALL)
        writer.writerows([("a", "b"), *rows])
        written = out.getvalue()
    elif ending == "json":
        written = json.dumps(records)
    else:
        written = "\n".join(map(json.dumps, records))
    file.write_bytes(written.encode())
    if ending == "tsv" and '""' not in written:
        return  # marks around fields are taken for the text's own where none is doubled
    assert read_rows(str(file), "a", "b", bad=BadRows()) == rows


@ALWAYS
@given(rows=st.lists(st.tuples(texts, st.sampled_from("xyz")), min_size=12), random=st.randoms())
def test_any_order_of_any_rows_gives_the_same_validation_set(
    rows: list[tuple[str, str]], random: Random
) -> None:
    shuffled = random.sample(rows, len(rows))

    def held(rows: list[tuple[str, str]]) -> list[tuple[str, str]]:
        return train_and_validation(lambda data, split: rows, "data", "train", None, True)[1]

    try:
        expected = held(rows)
    except Exception as error:
        with pytest.raises(type(error)):
            held(shuffled)
        return
    assert held(shuffled) == expected
