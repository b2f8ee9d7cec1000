import bz2
import csv
import gzip
import json
import lzma
import os
from pathlib import Path
from typing import Any

import pytest
from conftest import SHARED_DATA

from compare.errors import UserError
from compare.sources.bad_rows import BadRows
from compare.sources.classes import find_classes
from compare.sources.lines import LONGEST_TEXT
from compare.sources.plain import open_texts
from compare.sources.rows import read_labelled, read_rows
from compare.sources.source import open_source
from compare.sources.split import train_and_validation

shared = pytest.mark.skipif(not SHARED_DATA.is_dir(), reason="needs the folder shared/data")


def files(folder: Path, **contents: str | bytes) -> str:
    """Write files, `__` for the dots in their names, and return the prefix `folder/data`."""
    for name, content in contents.items():
        path = folder / name.replace("__", ".")
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return str(folder / "data")


def refused(data: str, message: str, source: str | None = None, target: str | None = None) -> None:
    with pytest.raises(UserError, match=message) as caught:
        read_rows(data, source, target)
    assert "\n" not in str(caught.value)


# Parallel files


def test_two_files_are_read_side_by_side(tmp_path: Path) -> None:
    data = files(tmp_path, data__src="a b\r\nc\r\n", data__tgt=b"\xef\xbb\xbfA B\nC")
    rows = [("a b", "A B"), ("c", "C")]
    assert read_rows(data, None, None) == rows
    assert read_rows(f"{data}.src", None, None) == read_rows(f"{data}.tgt", None, None) == rows
    assert read_rows(data, "tgt", "src") == [("A B", "a b"), ("C", "c")]


def test_two_files_of_different_lengths_are_refused_with_both_lengths(tmp_path: Path) -> None:
    data = files(tmp_path, data__de="a\nb\nc\n", data__en="a\nb\n")
    refused(data, r"data\.de' has 3 lines and '.*data\.en' has 2: ", "de", "en")


@pytest.mark.parametrize("blank", ["", " \t", "\u00a0"])
def test_an_empty_line_on_either_side_is_refused(tmp_path: Path, blank: str) -> None:
    data = files(tmp_path, data__de=f"a\n{blank}\nc\n", data__en="a\nb\nc\n")
    refused(data, r"data\.de', line 2 is empty$", "de", "en")
    refused(data, r"data\.de', line 2 is empty$", "en", "de")


def test_what_is_wrong_with_one_of_the_files_is_told(tmp_path: Path) -> None:
    data = files(tmp_path, data__src="a\nb\n", data__tgt=b"a\ncaf\xe9\n")
    refused(data, r"data\.tgt', line 2: not UTF-8 \(byte 0xe9")


def test_files_that_are_not_there_are_told_with_those_that_are(tmp_path: Path) -> None:
    data = files(tmp_path, data__de="a", data__en="a", data__txt="a")
    refused(data, r"data\.src' does not exist; there is data\.de, data\.en, data\.txt: name the")
    refused(str(tmp_path / "dat"), r"neither the prefix .*; did you mean data\b", "de", "en")
    refused(f"{data}.txt", r"data\.txt' is neither the prefix of two files")
    refused(str(tmp_path), r"is a folder: name two files in it by their prefix$")
    refused(str(tmp_path / "no" / "data"), r"there is no folder")
    refused(data, r"task.source and task.target are both 'de'$", "de", "de")
    refused(data, r"task.source and task.target are both 'tgt'$", "tgt", None)


# Tables

TABLE = 'id,text,sum\r\n1,"He said ""hi"",\r\n\r\nthen left",left\r\n\r\n2, b ,c\r\n'


def test_a_csv_file_has_quoted_fields_of_several_lines(tmp_path: Path) -> None:
    data = files(tmp_path, data__csv=b"\xef\xbb\xbf" + TABLE.encode()) + ".csv"
    text = 'He said "hi",\r\n\r\nthen left'
    assert read_rows(data, "text", "sum") == [(text, "left"), (" b ", "c")]
    assert read_rows(data, "id", "text") == [("1", text), ("2", " b ")]


@pytest.mark.parametrize("separator", [";", "\t"])
def test_a_csv_file_of_a_spreadsheet_may_have_other_separators(
    tmp_path: Path, separator: str
) -> None:
    """Where a comma is the decimal mark, they are semicolons."""
    rows = [["a", "b"], ["1,5", 'so "good"'], ["x;\ty", "z"]]
    with (tmp_path / "data.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, delimiter=separator).writerows(rows)
    assert read_rows(str(tmp_path / "data.csv"), "a", "b") == [(a, b) for a, b in rows[1:]]


def test_blanks_about_a_column_s_name_are_none_of_it(tmp_path: Path) -> None:
    data = files(tmp_path, data__csv="a, b\nx, y\n") + ".csv"
    assert read_rows(data, "a", "b") == [("x", " y")]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("de-en.zip", r"is an archive: unpack it, and name what is in it$"),
        ("aclImdb_v1.tar.gz", r"is an archive: unpack it"),
        ("pairs.tgz", r"is an archive: unpack it"),
        ("reviews.xlsx", r"is a spreadsheet: save it as CSV, in UTF-8$"),
    ],
)
def test_what_has_files_or_sheets_in_it_is_told_with_what_to_do(
    tmp_path: Path, name: str, message: str
) -> None:
    (tmp_path / name).write_bytes(b"PK\3\4")
    data = str(tmp_path / name)
    refused(data, message, "a", "b")
    with pytest.raises(UserError, match=message):
        read_labelled(data, None, None)
    with pytest.raises(UserError, match=message):
        open_texts(data, None, "train", "text", BadRows())


def test_a_tsv_file_is_separated_by_tabs(tmp_path: Path) -> None:
    data = files(tmp_path, data__TSV='a\tb\nx, y\t"z\tz"\n') + ".TSV"
    assert read_rows(data, "a", "b") == [("x, y", "z\tz")]


@pytest.mark.parametrize(
    ("rest", "message"),
    [
        ("3,d\r\n", r"line 7 has 2 fields, and the header 3"),
        ("3,d,e,f\r\n", r"line 7 has 4 fields, and the header 3"),
        ("3,d, \r\n", r"line 7, column 'sum' is empty$"),
        ('3,"d\n\n\ne",f\r\n4,,g\r\n', r"line 11, column 'text' is empty$"),
        ('3,"d\r\n4,e,f\r\n', r"line 7: the row that begins here is badly quoted"),
        ('3,"d" e,f\r\n', r"line 7: the row that begins here is badly quoted"),
        (f"3,{'d' * 2_000_000},e\r\n", r"line 7, column 'text' is 2,000,000 bytes long"),
        ("3,d\0,e\r\n", r"line 7: a NUL byte"),
    ],
)
def test_what_is_wrong_in_a_csv_file_is_told_with_its_line(
    tmp_path: Path, rest: str, message: str
) -> None:
    data = files(tmp_path, data__csv=TABLE + rest) + ".csv"
    refused(data, rf"data\.csv', {message}", "text", "sum")


def test_a_long_field_is_fine_and_leaves_the_csv_module_as_it_was(tmp_path: Path) -> None:
    limit = csv.field_size_limit()
    data = files(tmp_path, data__csv=f"a,b\n{'x' * 900_000},y\n") + ".csv"
    ((text, _),) = read_rows(data, "a", "b")
    assert len(text) == 900_000
    assert csv.field_size_limit() == limit


def test_columns_must_be_named_and_be_there(tmp_path: Path) -> None:
    data = files(tmp_path, data__csv=TABLE) + ".csv"
    refused(data, r"has columns id, text, sum: name two of them, with --set task\.source=")
    refused(data, r"has columns id, text, sum: name two", "text", None)
    refused(data, r"^unknown column 'txt' in '.*data\.csv': did you mean text\?$", "txt", "sum")
    refused(data, r"^unknown column 'x' in .*: there is id, sum, text$", "text", "x")
    refused(data, r"are both 'text'$", "text", "text")


def test_a_csv_file_needs_a_header_of_different_names_and_a_row(tmp_path: Path) -> None:
    folder = files(tmp_path, twice__csv="a,b,a\n1,2,3\n", header__csv="a,b\n", none__csv="")
    for name, message in [
        ("twice", r"line 1: two columns are named 'a'$"),
        ("header", r"has no row below its header$"),
        ("none", r"is empty$"),
        ("heder", r"does not exist; did you mean header"),
    ]:
        refused(str(Path(folder).parent / f"{name}.csv"), message, "a", "b")


def test_a_tsv_file_without_quoting_keeps_its_quotation_marks(tmp_path: Path) -> None:
    """As SST-2, Tatoeba and Common Voice are written."""
    text = 'sentence\tlabel\n"a fine film\t1\nso "good"\t1\n"quoted"\t0\n'
    data = files(tmp_path, data__tsv=text) + ".tsv"
    assert read_rows(data, "sentence", "label") == [
        ('"a fine film', "1"), ('so "good"', "1"), ('"quoted"', "0"),
    ]  # fmt: skip


def test_a_tsv_file_that_a_spreadsheet_wrote_is_quoted(tmp_path: Path) -> None:
    data = files(tmp_path, data__tsv='a\tb\n"he said ""hi"""\ty\n') + ".tsv"
    assert read_rows(data, "a", "b") == [('he said "hi"', "y")]


@pytest.mark.parametrize("ending", ["json", "jsonl"])
def test_a_json_file_is_an_array_or_lines_and_its_columns_may_have_columns(
    tmp_path: Path, ending: str
) -> None:
    rows = [{"id": i, "translation": {"de": f"Satz {i}", "en": f"line {i}"}} for i in range(3)]
    lines = "\n".join(map(json.dumps, rows))
    data = files(tmp_path, **{f"data__{ending}": lines}) + f".{ending}"
    wanted = [(f"Satz {i}", f"line {i}") for i in range(3)]
    assert read_rows(data, "translation.de", "translation.en") == wanted
    (tmp_path / "array.json").write_text(json.dumps(rows, indent=1))
    array = str(tmp_path / "array.json")
    assert read_rows(array, "translation.de", "translation.en") == wanted
    refused(array, r"item 1: did you mean translation\.en", "translation.de", "translation.fr")


@pytest.mark.parametrize("ending", ["jsonl", "ndjson"])
def test_json_lines_hold_texts_and_numbers(tmp_path: Path, ending: str) -> None:
    lines = '{"a": "x\\ny", "b": 1}\r\n\r\n{"b": true, "a": "ü", "c": []}\n'
    data = files(tmp_path, **{f"data__{ending}": lines}) + f".{ending}"
    assert read_rows(data, "a", "b") == [("x\ny", "1"), ("ü", "True")]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"a": "x", "b": ', r"line 3 is not JSON: "),
        ("[" * 100_000, r"line 3 is not JSON: "),
        ('["x", "y"]', r"line 3 is no JSON object"),
        ('{"a": "x"}', r"line 3: there is a$"),
        ('{"a": "x", "bb": "y"}', r"line 3: did you mean bb\?$"),
        ('{"a": null, "b": "y"}', r"line 3, column 'a' is empty$"),
        ('{"a": " ", "b": "y"}', r"line 3, column 'a' is empty$"),
        ('{"a": ["x"], "b": "y"}', r"line 3, column 'a' is no text but a list$"),
        ('{"a": "x\\u0000", "b": "y"}', r"line 3, column 'a' has a NUL character$"),
        ('{"a": "x\\ud83e", "b": "y"}', r"line 3, column 'a' is not valid Unicode$"),
    ],
)
def test_what_is_wrong_in_json_lines_is_told_with_its_line(
    tmp_path: Path, line: str, message: str
) -> None:
    good = json.dumps({"a": "x", "b": "y"})
    data = files(tmp_path, data__jsonl=f"{good}\n\n{line}\n") + ".jsonl"
    refused(data, message, "a", "b")


# Labelled texts


@pytest.fixture
def labelled(tmp_path: Path) -> Path:
    """Three layouts of the same texts."""
    for name, text in (("pos", "fine\ngreat\n"), ("neg", "awful\n")):
        for path in (f"reviews.{name}", f"texts/{name}.txt", f"endings/a.{name}", f"{name}/1.txt"):
            file = tmp_path / "data" / ("folders/" + path if path.endswith("/1.txt") else path)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        (tmp_path / "data" / "folders" / name / "notes.md").write_text("no text")
    (tmp_path / "data" / "endings" / "README.md").write_text("no class")
    (tmp_path / "data" / "reviews.val.pos").write_text("another set")
    return tmp_path / "data"


@pytest.mark.parametrize("name", ["reviews", "texts", "endings", "folders"])
def test_classes_are_named_by_folders_or_files(labelled: Path, name: str) -> None:
    rows = [("awful", "neg"), ("fine", "pos"), ("great", "pos")]
    assert read_labelled(str(labelled / name), None, None) == rows


def test_a_file_in_a_class_folder_is_a_text(labelled: Path) -> None:
    """Were its lines, sentences of one review would be trained on and judged."""
    (labelled / "folders" / "pos" / "0.TXT").write_text("first\nof two lines\n")
    (labelled / "folders" / "mixed").mkdir()
    (labelled / "folders" / "mixed" / "x.txt").write_text("so so")
    rows = read_labelled(str(labelled / "folders"), None, None)
    assert [name for _, name in rows] == ["mixed", "neg", "pos", "pos"]
    assert rows[2][0] == "first\nof two lines"


def test_texts_without_an_ending_are_texts_where_there_are_no_others(tmp_path: Path) -> None:
    """As 20 Newsgroups is unpacked: alt.atheism/49960."""
    for name in ("alt.atheism", "sci.space"):
        (tmp_path / name).mkdir()
        for number in ("49960", "51060"):
            (tmp_path / name / number).write_text(f"about {name}\n{number}")
    rows = read_labelled(str(tmp_path), None, None)
    assert [name for _, name in rows] == ["alt.atheism"] * 2 + ["sci.space"] * 2
    assert rows[0][0] == "about alt.atheism\n49960"


def test_a_class_that_has_no_name_in_utf_8_is_refused(tmp_path: Path) -> None:
    for name in (b"caf\xe9", b"pos"):
        folder = tmp_path / os.fsdecode(name)
        folder.mkdir()
        (folder / "1.txt").write_text("fine")
    with pytest.raises(UserError, match=r"^the class 'caf\\xe9' in .* has no name in UTF-8"):
        read_labelled(str(tmp_path), None, None)


def test_files_that_are_no_data_are_no_classes(labelled: Path) -> None:
    for name in ("reviews.pos~", "reviews.bak", "reviews.md", ".reviews.neg", "reviews.zip",
                 "reviews.sha256"):  # fmt: skip
        (labelled / name).write_text("not meant")
    (labelled / "texts" / "LICENSE.txt").write_text("not meant")
    for name in ("a.pos~", "Thumbs.db", "desktop.ini", ".DS_Store"):
        (labelled / "endings" / name).write_text("not meant")
    for name in ("unsup", ".git", "__MACOSX", ".ipynb_checkpoints", "lost+found"):
        (labelled / "folders" / name).mkdir()
        (labelled / "folders" / name / "1.txt").write_text("not meant")
    for file in ("pos/README.txt", "pos/.1.txt"):
        (labelled / "folders" / file).write_text("not meant")
    for layout in ("reviews", "texts", "endings", "folders"):
        assert {name for _, name in read_labelled(str(labelled / layout), None, None)} == {
            "neg", "pos",
        }  # fmt: skip
        assert "not meant" not in {
            text for text, _ in read_labelled(str(labelled / layout), None, None)
        }


def test_the_imdb_reviews_are_read_as_they_are_unpacked(tmp_path: Path) -> None:
    top = tmp_path / "aclImdb"
    for split in ("train", "test"):
        for name in ("neg", "pos", "unsup"):
            (top / split / name).mkdir(parents=True)
            for index in range(3):
                text = f"{split} {name} {index}"
                (top / split / name / f"{index}_{index}.txt").write_text(text)
        (top / split / "labeledBow.feat").write_text("9 0:9")
        (top / split / "urls_pos.txt").write_text("http://example.org")
    (top / "README").write_text("about")
    (top / "imdb.vocab").write_text("the")
    read = read_labelled
    train, held, doubles = train_and_validation(
        lambda data, split: read(data, None, None, split), str(top), "train", "test", labelled=True
    )
    assert doubles == 0
    assert {text.split()[0] for text, _ in train} == {"train"}
    assert {text.split()[0] for text, _ in held} == {"test"}
    assert {name for _, name in train} == {"neg", "pos"}
    assert find_classes(str(top), "train").told() == "neg/ 3 files, pos/ 3 files"
    assert len(train) == len(held) == 6
    with pytest.raises(UserError, match=r"unknown split 'tset' in .*aclImdb': did you mean test"):
        read(str(top), None, None, "tset")


def test_the_name_of_a_file_is_that_file_and_no_prefix(labelled: Path) -> None:
    (labelled / "reviews.json").write_text('[{"text": "a", "label": "x"}]')
    with pytest.raises(UserError, match=r"only one class, 'x'"):
        read_labelled(str(labelled / "reviews.json"), "text", "label")
    with pytest.raises(
        UserError, match=r"reviews.neg' is one file, .* for reviews.neg, reviews.pos"
    ):
        read_labelled(str(labelled / "reviews.neg"), None, None)


def test_columns_without_a_table_are_refused(labelled: Path) -> None:
    for name in ("folders", "reviews"):
        with pytest.raises(UserError, match=r"task.source names a column, 'text', and .* has none"):
            read_labelled(str(labelled / name), "text", "label")


def test_what_is_missing_is_no_class(tmp_path: Path) -> None:
    data = files(tmp_path, data__jsonl='{"t": "a", "l": 1}\n{"t": "b", "l": NaN}\n') + ".jsonl"
    with pytest.raises(UserError, match=r"line 2, column 'l' is empty$"):
        read_labelled(data, "t", "l")


def test_labels_may_be_a_column(tmp_path: Path) -> None:
    data = files(tmp_path, data__csv="text,label\na,1\nb,0\nc,1\n") + ".csv"
    assert read_labelled(data, "text", "label") == [("a", "1"), ("b", "0"), ("c", "1")]


def test_one_class_alone_is_refused(labelled: Path) -> None:
    message = r"^only one class, 'pos', in '.*': a classifier needs two or more$"
    files(labelled, one__csv="text,label\na,pos\nb,pos\n")
    (labelled / "texts" / "neg.txt").unlink()
    for name, columns in [("reviews.val", (None, None)), ("texts", (None, None)),
                          ("one.csv", ("text", "label"))]:  # fmt: skip
        with pytest.raises(UserError, match=message):
            read_labelled(str(labelled / name), *columns)


def test_what_is_wrong_with_labelled_files_is_told(labelled: Path) -> None:
    (labelled / "texts" / "neg.txt").write_text("awful\n\nbad\n")
    (labelled / "folders" / "empty").mkdir()
    (labelled / "nothing").mkdir()
    for name, message in [
        ("texts", r"neg\.txt', line 2 is empty$"),
        ("folders", r"empty' names a class, but has no \.txt file$"),
        ("nothing", r"has no classes: it needs a folder for each"),
        ("review", r"review' is neither a folder of classes, .*; did you mean reviews "),
    ]:
        with pytest.raises(UserError, match=message):
            read_labelled(str(labelled / name), None, None)


# Bad rows


def test_all_bad_rows_are_counted_and_the_first_ones_shown(tmp_path: Path) -> None:
    rows = "".join(
        "x,\n" if i % 10 == 0 else "x,y,z\n" if i % 25 == 1 else "x,y\n" for i in range(100)
    )
    data = files(tmp_path, data__csv=f"a,b\n{rows}") + ".csv"
    refused(
        data,
        r"^14 rows cannot be used \(empty 10, wrong columns 4\): .*line 2, column 'b' is empty; "
        r".*line 3 has 3 fields.*; .*line 12.*; and 11 more; --set task\.bad_rows=skip leaves them",
        "a", "b",
    )  # fmt: skip
    bad = BadRows(skip=True)
    assert len(read_rows(data, "a", "b", bad=bad)) == 86
    assert bad.told() == "empty 10, wrong columns 4"


def test_bad_lines_are_left_out_on_both_sides(tmp_path: Path) -> None:
    data = files(tmp_path, data__de="a\n\nc\nd\n", data__en="1\n2\n \n4\n")
    bad = BadRows(skip=True)
    assert read_rows(data, "de", "en", bad=bad) == [("a", "1"), ("d", "4")]
    assert bad.told() == "empty 2"


def test_bad_json_lines_and_texts_of_a_class_are_left_out(tmp_path: Path) -> None:
    lines = '{"t": "a", "l": "x"}\n{"t": \n[1]\n{"t": ["b"], "l": "y"}\n{"t": "c", "l": "y"}\n'
    data = files(tmp_path, data__jsonl=lines, data__pos="fine\n\n", data__neg="bad\n")
    bad = BadRows(skip=True)
    assert read_labelled(f"{data}.jsonl", "t", "l", bad=bad) == [("a", "x"), ("c", "y")]
    assert bad.told() == "no JSON 2, no text 1"
    bad = BadRows(skip=True)
    assert len(read_labelled(data, None, None, bad=bad)) == 2
    assert bad.told() == "empty 1"


def test_texts_that_are_far_too_long_are_bad_rows_counted_in_bytes(tmp_path: Path) -> None:
    longest = "é" * (LONGEST_TEXT // 2)
    lines = f"{longest}\n{longest}e\nc\n"
    data = files(tmp_path, data__de=lines, data__en="1\n2\n3\n")
    files(tmp_path, film__pos=lines, film__neg="no\n")
    told = r"line 2 is 1,000,001 bytes long, more than 1,000,000$"
    refused(data, told, "de", "en")
    with pytest.raises(UserError, match=told):
        read_labelled(str(tmp_path / "film"), None, None)
    bad = BadRows(skip=True)
    assert read_rows(data, "de", "en", bad=bad) == [(longest, "1"), ("c", "3")]
    assert bad.told() == "too long 1"


def test_a_file_that_is_an_empty_text_is_a_bad_row(labelled: Path) -> None:
    for name in ("0.txt", "2.txt"):
        (labelled / "folders" / "pos" / name).write_text("" if name == "0.txt" else "good")
    with pytest.raises(UserError, match=r"pos/0\.txt' is empty$"):
        read_labelled(str(labelled / "folders"), None, None)
    bad = BadRows(skip=True)
    rows = read_labelled(str(labelled / "folders"), None, None, bad=bad)
    assert [name for _, name in rows] == ["neg", "pos", "pos"]
    assert bad.told() == "empty 1"


def test_objects_without_the_column_are_bad_rows_unless_all_are(tmp_path: Path) -> None:
    rows = [{"a": "x", "b": "y"}, {"a": "x"}, {"b": "y"}, {"a": "z", "b": "w"}, 7]
    data = files(tmp_path, data__json=json.dumps(rows)) + ".json"
    files(tmp_path, data__jsonl="\n".join(map(json.dumps, rows)))
    for name in (data, f"{data}l"):
        bad = BadRows(skip=True)
        assert read_rows(name, "a", "b", bad=bad) == [("x", "y"), ("z", "w")]
        assert bad.told() == "no JSON 1, wrong columns 2"
        refused(name, r"^3 rows cannot be used \(no JSON 1, wrong columns 2\): ", "a", "b")
        for skip in (False, True):  # a name that is misspelt is no fault of the rows
            with pytest.raises(
                UserError, match=r"^no row of .*: unknown column 'c' in .*there is a"
            ):
                read_rows(name, "a", "c", bad=BadRows(skip))


def test_a_bad_row_of_a_tsv_file_makes_its_quotation_marks_no_quoting(tmp_path: Path) -> None:
    text = 'sentence\tlabel\n"a fine film\t1\nso\tso\t1\n"quoted"\t0\n'
    data = files(tmp_path, data__tsv=text) + ".tsv"
    refused(data, r"line 3 has 3 fields, and the header 2", "sentence", "label")
    rows = read_rows(data, "sentence", "label", bad=BadRows(skip=True))
    assert rows == [('"a fine film', "1"), ('"quoted"', "0")]


def test_a_tsv_file_with_a_quoted_header_is_quoted(tmp_path: Path) -> None:
    data = files(tmp_path, data__tsv='"a"\t"b"\n"x"\t"y"\n') + ".tsv"
    assert read_rows(data, "a", "b") == [("x", "y")]
    files(tmp_path, data__tsv='"a"\t"b"\n"x\t"y"\n')
    refused(data, r"line 2: the row that begins here is badly quoted", "a", "b")


# Compressed files


def zstd(content: bytes) -> bytes:
    """In two frames, as tools write that compress in parallel."""
    pyarrow = pytest.importorskip("pyarrow")
    half = len(content) // 2
    sink = pyarrow.BufferOutputStream()
    for part in (content[:half], content[half:]):
        frame = pyarrow.BufferOutputStream()
        with pyarrow.CompressedOutputStream(frame, "zstd") as packed:
            packed.write(part)
        sink.write(frame.getvalue())
    return bytes(sink.getvalue().to_pybytes())


PACKED = [("gz", gzip.compress), ("bz2", bz2.compress), ("xz", lzma.compress), ("zst", zstd)]


@pytest.mark.parametrize(("ending", "pack"), PACKED)
def test_compressed_files_are_read_like_what_is_in_them(
    labelled: Path, ending: str, pack: Any
) -> None:
    def packed(name: str, text: str) -> str:
        (labelled / f"{name}.{ending}").write_bytes(pack(text.encode()))
        return str(labelled / f"{name}.{ending}")

    wanted = [("a", "x"), ("b", "y")]
    assert read_rows(packed("t.csv", "s,t\na,x\nb,y\n"), "s", "t") == wanted
    assert read_rows(packed("t.json", '[{"s":"a","t":"x"},{"s":"b","t":"y"}]'), "s", "t") == wanted
    packed("both.de", "a\nb\n")
    (labelled / "both.en").write_text("x\ny\n")
    assert read_rows(str(labelled / "both"), "de", "en") == wanted
    assert read_rows(str(labelled / f"both.de.{ending}"), "de", "en") == wanted
    packed("film.neg", "awful\n")
    packed("film.pos", "fine\n")
    rows = [("awful", "neg"), ("fine", "pos")]
    assert read_labelled(str(labelled / "film"), None, None) == rows
    assert list(open_source(packed("book.txt", "one two")).blocks()) == ["one two"]
    whole = (labelled / f"t.csv.{ending}").read_bytes()
    for broken in (b"s,t", whole[:-5]):
        (labelled / f"broken.csv.{ending}").write_bytes(broken)
        refused(str(labelled / f"broken.csv.{ending}"), "cannot be unpacked: ", "s", "t")
        with pytest.raises(UserError, match=r"cannot be unpacked: "):
            open_source(labelled / f"broken.csv.{ending}")


# Real data


@shared
def test_captions_are_read() -> None:
    rows = read_rows(str(SHARED_DATA / "captions"), "de", "en")
    assert len(rows) == 12_000
    assert rows[2][1] == "a little girl climbing into a wooden playhouse ."


@shared
def test_news_are_read() -> None:
    rows = read_rows(str(SHARED_DATA / "news.csv"), "text", "summary")
    assert len(rows) == 11
    assert rows[0][0].startswith("Edtech giant")
    assert "\n\n" in rows[0][0]


@shared
def test_reviews_are_read() -> None:
    rows = read_labelled(str(SHARED_DATA / "reviews"), None, None)
    assert [name for _, name in rows] == ["neg"] * 5331 + ["pos"] * 5331
