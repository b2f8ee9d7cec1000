"""The best known sets, as they are published: small ones of exactly these shapes."""

import csv
import gzip
import json
import re
import shlex
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from conftest import ROOT, SHARED_DATA, Compare, document

from compare.contracts import Prepared
from compare.contracts.loading import load_task
from compare.errors import UserError
from compare.planning.overrides import resolve

PTB = " no it was n't black monday \n but while the <unk> fell N points at the close \n"
WIKI = " \n = Valkyria = \n \n Senjō no <unk> 3 , lit . @-@ a role @,@ playing game \n \n"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def prepare(task: str, vocab: int = 10_000, **fields: Any) -> Prepared:
    loaded = load_task(task)
    return loaded.prepare(resolve(loaded, "tiny", [{"task": fields}, {"model": {"vocab": vocab}}]))


def test_penn_treebank_has_the_tokens_that_are_published(here: Path) -> None:
    """Words by spaces, one more for each line's end, and its own `<unk>`."""
    (here / "ptb.train.txt").write_text(PTB * 50)
    (here / "ptb.valid.txt").write_text(PTB * 9)
    about = prepare(
        "lm", data="ptb.train.txt", validation="ptb.valid.txt", tokens="spaces", judge="all"
    ).about
    words = PTB.split()
    assert about["train_tokens"] == 50 * (len(words) + 2)
    assert about["validation_tokens_of"] == 9 * (len(words) + 2)
    assert about["vocab"] == len(set(words)) + 1  # the line's end, <eos>; <unk> is among the words
    assert about["unknown_share"] == pytest.approx(1 / (len(words) + 2))
    assert "unknown_spelt_out" not in about


def test_wikitext_is_the_same_as_a_file_and_as_rows(here: Path) -> None:
    pytest.importorskip("pyarrow")
    (here / "wiki.train.tokens").write_text(WIKI * 50)
    # On the hub a blank line is an empty row, and others end with their line's end.
    rows = [line if line.strip() else "" for line in (WIKI * 50).splitlines(keepends=True)]
    pd.DataFrame({"text": rows}).to_parquet(here / "train-00000-of-00001.parquet")
    plain, table = (
        prepare("lm", data=name, tokens="spaces")
        for name in ("wiki.train.tokens", "train-00000-of-00001.parquet")
    )
    assert plain.tokenizer is not None
    assert {"<unk>", "@-@", "\n"} <= set(plain.tokenizer.tokens)
    for split in ("train", "validation"):
        assert plain.arrays[split].tolist() == table.arrays[split].tolist()
    words = prepare("lm", data="wiki.train.tokens").about
    assert words["unknown_spelt_out"] > 0  # and the report says so


def test_sst_2_has_no_quoting(here: Path) -> None:
    folder = here / "SST-2"
    folder.mkdir()
    lines = ['"a fine film \t1', "hide new secretions from the parental units \t0", '"oh" \t1']
    for name, repeats in (("train", 30), ("dev", 5)):
        rows = [line.replace(" ", f" {name} {i} ", 1) for i in range(repeats) for line in lines]
        (folder / f"{name}.tsv").write_text("\n".join(["sentence\tlabel", *rows, ""]))
    # Its test set has no labels, but numbers.
    (folder / "test.tsv").write_text("index\tsentence\n0\tuneasy mishmash of styles .\n")
    columns = {"source": "sentence", "target": "label"}
    prepared = prepare(
        "sentiment", data="SST-2/train.tsv", validation="SST-2/dev.tsv", judge="all", **columns
    )
    assert prepared.about["class_counts"] == "0: 30 and 5, 1: 60 and 10"
    assert {example.text for example in prepared.examples} >= {'"a dev 3 fine film ', '"oh" dev 4 '}
    with pytest.raises(UserError, match=r"unknown column 'label' in .*test\.tsv': there is index"):
        prepare("sentiment", data="SST-2/train.tsv", validation="SST-2/test.tsv", **columns)


@pytest.mark.parametrize("packed", [False, True])
def test_multi30k_is_pairs_of_files_as_they_are_downloaded(here: Path, packed: bool) -> None:
    for split, lines in (("train", 200), ("val", 30)):
        for language, word in (("de", "Hund"), ("en", "dog")):
            text = "".join(f"A {word} {split} {i} .\n" for i in range(lines))
            name = here / f"{split}.{language}"
            if packed:
                name.with_name(f"{name.name}.gz").write_bytes(gzip.compress(text.encode()))
            else:
                name.write_text(text)
    prepared = prepare(
        "translation", data="train", source="de", target="en", validation="val", tokens="spaces"
    )
    assert prepared.about["train_examples"] == 200
    assert prepared.about["validation_examples_of"] == 30
    assert prepared.about["tokenised_references"] == 1
    assert all(wanted == text.replace("Hund", "dog") for text, wanted, _ in prepared.examples)


def test_opus_is_pairs_of_files_beside_others(here: Path) -> None:
    """As `Books.de-en.txt.zip` is unpacked; either side may have empty lines."""
    name = "Books.de-en"
    for language in ("de", "en"):
        lines = [f"{language} {i}" for i in range(100)]
        lines[7 if language == "de" else 9] = ""
        (here / f"{name}.{language}").write_text("\n".join(lines) + "\n")
    (here / f"{name}.ids").write_text("de/a.xml.gz\ten/a.xml.gz\t1\t1\n" * 100)
    for other in ("README", "LICENSE"):
        (here / other).write_text("about")
    fields = {"data": name, "source": "de", "target": "en"}
    with pytest.raises(UserError, match=r"2 rows cannot be used \(empty 2\): .*line 8.*line 10"):
        prepare("translation", **fields)
    about = prepare("translation", **fields, bad_rows="skip").about
    assert about["train_examples"] + about["validation_examples_of"] == 98
    assert about["bad_rows"] == "empty 2"


def test_xsum_is_a_table_with_documents_of_many_lines(here: Path) -> None:
    with (here / "xsum.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["document", "summary", "id"])
        for i in range(60):
            document = f'The "full" cost, of damage {i},\nis being assessed.\n\nRepair goes on.'
            writer.writerow([document, f"Clean-up {i} goes on.", 35232142 + i])
    prepared = prepare("summarization", data="xsum.csv", source="document", target="summary")
    assert prepared.about["train_examples"] == 54
    text, wanted, _ = prepared.examples[0]
    assert text.startswith('The "full" cost, of damage')
    assert text.count("\n") == 3
    assert text.split()[5].rstrip(",") == wanted.split()[1]


def test_pairs_of_the_hub_are_columns_within_a_column(here: Path) -> None:
    """As WMT and OPUS are there: {"translation": {"de": ..., "en": ...}}."""
    rows = [{"translation": {"de": f"Satz {i}", "en": f"line {i}"}} for i in range(60)]
    (here / "wmt.jsonl").write_text("\n".join(map(json.dumps, rows)))
    about = prepare(
        "translation", data="wmt.jsonl", source="translation.de", target="translation.en"
    ).about
    assert about["train_examples"] == 54


def test_the_imdb_reviews_train_as_published(here: Path) -> None:
    for split in ("train", "test"):
        for name in ("neg", "pos", "unsup"):
            folder = here / "aclImdb" / split / name
            folder.mkdir(parents=True)
            for index in range(20):
                text = f"{name} {split} {index}.<br /><br />The end"
                (folder / f"{index}_{1 + 9 * (name == 'pos')}.txt").write_text(text)
        (here / "aclImdb" / split / "urls_pos.txt").write_text("http://example.org")
        (here / "aclImdb" / split / "labeledBow.feat").write_text("9 0:9")
    (here / "aclImdb" / "imdb.vocab").write_text("the")
    about = prepare("sentiment", data="aclImdb", validation="test", judge="all").about
    assert about["class_counts"] == "neg: 20 and 20, pos: 20 and 20"
    assert about["class_files"] == "neg/ 20 files, pos/ 20 files"
    assert about["validation_examples"] == 40


def unpacked_sets(here: Path) -> None:
    """One of each in its published layout, with the names that the page gives."""
    lines = {"ptb.train.txt": PTB * 60, "ptb.valid.txt": PTB * 9}
    for split, count in (("train", 60), ("val", 20)):
        for language in ("de", "en"):
            text = "".join(f"{language} {split} {i} .\n" for i in range(count))
            lines[f"{split}.{language}"] = lines[f"Books.de-en.{language}"] = text
        for name in ("neg", "pos"):
            for i in range(count):
                lines[f"aclImdb/{'train' if split == 'train' else 'test'}/{name}/{i}_1.txt"] = (
                    f"{name} {split} {i}"
                )
        rows = "".join(f'"a {split} film {i} \t{i % 2}\n' for i in range(count))
        lines[f"SST-2/{'train' if split == 'train' else 'dev'}.tsv"] = f"sentence\tlabel\n{rows}"
    rows = "".join(f'"one, {i}\nand two",one {i},{i}\n' for i in range(60))
    lines["xsum.csv"] = f"document,summary,id\n{rows}"
    for name, text in lines.items():
        (here / name).parent.mkdir(parents=True, exist_ok=True)
        (here / name).write_text(text)


def commands_of_the_page() -> list[str]:
    page = (ROOT / "docs" / "your-data.md").read_text("utf-8")
    return re.findall(r"^\| [\w ,0-9-]+ \| `(--task [^`]+)` \|$", page, flags=re.MULTILINE)


def test_every_set_of_the_page_is_read_by_its_command(here: Path) -> None:
    unpacked_sets(here)
    commands = commands_of_the_page()
    assert len(commands) == 6
    for command in commands:
        given = shlex.split(command)
        fields = dict(one.split("=", 1) for one in given[given.index("--data") + 2 :] if "=" in one)
        named = {name.removeprefix("task."): value for name, value in fields.items()}
        options = dict(zip(given[::2], given[1::2], strict=True))
        prepared = prepare(options["--task"], data=options["--data"], **named)
        assert prepared.about["source"] == options["--data"]
        assert "bad_rows" not in prepared.about


REAL = {
    "lm": "plays.txt.zst",
    "translation": "captions.jsonl.gz",
    "summarization": "news.parquet",
    "sentiment": "sorted.tsv.xz",
}
COLUMNS = {
    "translation": ("translation.de", "translation.en"),
    "summarization": ("text", "summary"),
    "sentiment": ("text", "label"),
}


@pytest.mark.slow
@pytest.mark.skipif(not SHARED_DATA.exists(), reason="no folder with real text beside the clone")
@pytest.mark.parametrize("task", REAL)
def test_every_task_trains_on_real_text_as_it_may_be_published(
    compare: Compare, here: Path, task: str
) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    file = here / REAL[task]
    match task:
        case "lm":
            with pyarrow.CompressedOutputStream(str(file), "zstd") as packed:
                packed.write((SHARED_DATA / "shakespeare.txt").read_bytes())
        case "translation":
            sides = ((SHARED_DATA / f"captions.{end}").read_text() for end in ("de", "en"))
            pairs = zip(*(side.splitlines() for side in sides), strict=True)
            rows = [{"translation": {"de": de, "en": en}} for de, en in pairs]
            file.write_bytes(gzip.compress("\n".join(map(json.dumps, rows)).encode()))
        case "summarization":
            pd.read_csv(SHARED_DATA / "news.csv").to_parquet(file)
        case "sentiment":
            texts = {name: (SHARED_DATA / f"reviews.{name}").read_text() for name in ("neg", "pos")}
            rows = [{"text": t, "label": n} for n, text in texts.items() for t in text.splitlines()]
            pd.DataFrame(rows).to_csv(file, sep="\t", index=False)
    columns = zip(("source", "target"), COLUMNS.get(task, ()), strict=False)
    named = [part for field, name in columns for part in ("--set", f"task.{field}={name}")]
    found = document(
        compare(
            "--task", task, "--preset", "tiny", "--steps", "5", "--backend", "reference", "--json",
            "--data", file.name, *named,
        )
    )  # fmt: skip
    (cell,), about = found["cells"], found["experiment"]["data"]
    text = (here / "results" / found["run_id"] / "report.md").read_text()
    told = " ".join(text.replace("\\", "").split())  # as it is read, not as it is escaped
    unit = "tokens" if task == "lm" else "examples"
    counts = f"{about[f'train_{unit}']:,} {unit} to train on"
    assert counts in told
    assert f"{about['unknown_share']:.1%} of the validation tokens are <unk>" in told
    assert cell["status"] == "ok"
    assert 0 < about["unknown_share"] < 1
    if task == "sentiment":
        assert about["class_counts"] == "neg: 4,798 and 533, pos: 4,798 and 533"
    else:
        assert 1 < cell["bits_per_byte"] < 20
    if task == "translation":
        assert about["validation_examples_of"] == 1200
