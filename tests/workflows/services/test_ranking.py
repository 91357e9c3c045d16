"""Ranking by BM25, and the records of the index."""

import json
from pathlib import Path

import pytest

from workflows.services.index import DOCUMENTS
from workflows.services.ranking import Document, Ranking
from workflows.services.records import RecordsError, read_jsonl_records


def document(text: str, country: str = "FRA") -> Document:
    return Document(country, "", text, "a test")


def found(query: str, *texts: str, country: str | None = None) -> list[str]:
    ranking = Ranking.from_documents([document(text) for text in texts])
    return [match.text for match, _ in ranking.best(query, country, 5)]


def test_a_document_with_more_of_the_words_comes_first() -> None:
    texts = ("a mountain in the Alps", "the highest mountain", "a river")
    assert found("highest mountain", *texts) == [texts[1], texts[0]]


def test_a_rare_word_counts_more_than_a_common_one() -> None:
    texts = ("the area of Peru", "the population of Chad", "the area of Mali", "the area of Togo")
    assert found("area Chad", *texts)[0] == texts[1]


def test_the_shorter_of_two_equal_matches_comes_first() -> None:
    texts = ("a lake and some more about this and that and the other", "a lake")
    assert found("lake", *texts) == [texts[1], texts[0]]


def test_case_does_not_matter() -> None:
    assert found("ÉVEREST", "l'Éverest") == ["l'Éverest"]


def test_a_document_without_any_of_the_words_is_not_found() -> None:
    assert found("desert", "a lake", "a river") == []


def test_only_documents_of_the_country_are_found() -> None:
    ranking = Ranking.from_documents([document("a lake", "PER"), document("a lake", "BOL")])
    assert [match.country for match, _ in ranking.best("lake", "BOL", 5)] == ["BOL"]


def test_at_most_max_count_documents_are_found() -> None:
    ranking = Ranking.from_documents([document("a lake")] * 9)
    assert len(ranking.best("lake", None, 4)) == 4


@pytest.mark.parametrize(
    "document", read_jsonl_records(DOCUMENTS, Document), ids=lambda document: document.title
)
def test_each_document_of_the_index_is_found_first_by_its_title(document: Document) -> None:
    best, *_ = Ranking.from_documents(read_jsonl_records(DOCUMENTS, Document)).best(
        document.title, document.country, 5
    )
    assert best[0] == document


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "documents.jsonl: contains no record"),
        ('{"country": "FRA"', "documents.jsonl:1: not JSON: Expecting ',' delimiter, column 18"),
        ('{"country": "FRA"}', "documents.jsonl:1: no 'title'; a record has country, title"),
        ("[]", "documents.jsonl:1: no 'country'"),
    ],
)
def test_an_invalid_record_is_reported_with_its_line(
    tmp_path: Path, content: str, message: str
) -> None:
    path = tmp_path / "documents.jsonl"
    path.write_text(content)
    with pytest.raises(RecordsError) as raised:
        read_jsonl_records(path, Document)
    assert str(raised.value).startswith(message)


def test_a_missing_file_is_reported_without_its_folder(tmp_path: Path) -> None:
    with pytest.raises(RecordsError, match=r"^documents.jsonl: No such file or directory$"):
        read_jsonl_records(tmp_path / "documents.jsonl", Document)


def test_a_line_separator_inside_a_text_does_not_end_the_record(tmp_path: Path) -> None:
    path = tmp_path / "documents.jsonl"
    record = {"country": "FRA", "title": "x", "text": "a\u2028b", "source": "y"}
    path.write_text(json.dumps(record, ensure_ascii=False) + "\n", "utf-8")
    assert [document.text for document in read_jsonl_records(path, Document)] == ["a\u2028b"]
