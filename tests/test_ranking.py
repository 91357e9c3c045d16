"""A ranking: what fits best comes first, and what does not fit is not found."""

import json
from pathlib import Path

import pytest

from workflows.services.index import DOCUMENTS
from workflows.services.ranking import Document, Ranking
from workflows.services.records import Unreadable, read


def document(text: str, country: str = "FRA") -> Document:
    return Document(country, "", text, "a test")


def found(query: str, *texts: str, country: str | None = None) -> list[str]:
    ranking = Ranking.of([document(text) for text in texts])
    return [fitting.text for fitting, _ in ranking.best(query, country, 5)]


def test_what_says_more_of_the_words_comes_first() -> None:
    texts = ("a mountain in the Alps", "the highest mountain", "a river")
    assert found("highest mountain", *texts) == [texts[1], texts[0]]


def test_a_rare_word_tells_more_than_a_common_one() -> None:
    texts = ("the area of Peru", "the population of Chad", "the area of Mali", "the area of Togo")
    assert found("area Chad", *texts)[0] == texts[1]


def test_the_shorter_of_two_that_say_it_as_often_comes_first() -> None:
    texts = ("a lake and some more about this and that and the other", "a lake")
    assert found("lake", *texts) == [texts[1], texts[0]]


def test_case_does_not_matter() -> None:
    assert found("ÉVEREST", "l'Éverest") == ["l'Éverest"]


def test_what_says_none_of_the_words_is_not_found() -> None:
    assert found("desert", "a lake", "a river") == []


def test_only_documents_of_the_country_are_found() -> None:
    ranking = Ranking.of([document("a lake", "PER"), document("a lake", "BOL")])
    assert [fitting.country for fitting, _ in ranking.best("lake", "BOL", 5)] == ["BOL"]


def test_no_more_are_found_than_were_asked_for() -> None:
    ranking = Ranking.of([document("a lake")] * 9)
    assert len(ranking.best("lake", None, 4)) == 4


@pytest.mark.parametrize("document", read(DOCUMENTS, Document), ids=lambda document: document.title)
def test_each_document_of_the_index_is_found_first_by_its_title(document: Document) -> None:
    best, *_ = Ranking.of(read(DOCUMENTS, Document)).best(document.title, document.country, 5)
    assert best[0] == document


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("", "documents.jsonl: holds no record"),
        ('{"country": "FRA"', "documents.jsonl:1: not JSON: Expecting ',' delimiter, column 18"),
        ('{"country": "FRA"}', "documents.jsonl:1: no 'title'; a record has country, title"),
        ("[]", "documents.jsonl:1: no 'country'"),
    ],
)
def test_what_is_no_record_is_named_with_its_line(tmp_path: Path, content: str, why: str) -> None:
    path = tmp_path / "documents.jsonl"
    path.write_text(content)
    with pytest.raises(Unreadable) as raised:
        read(path, Document)
    assert str(raised.value).startswith(why)


def test_a_missing_file_is_named_without_its_folder(tmp_path: Path) -> None:
    with pytest.raises(Unreadable, match=r"^documents.jsonl: No such file or directory$"):
        read(tmp_path / "documents.jsonl", Document)


def test_a_line_separator_inside_a_text_ends_no_record(tmp_path: Path) -> None:
    path = tmp_path / "documents.jsonl"
    spelt = {"country": "FRA", "title": "x", "text": "a\u2028b", "source": "y"}
    path.write_text(json.dumps(spelt, ensure_ascii=False) + "\n", "utf-8")
    assert [document.text for document in read(path, Document)] == ["a\u2028b"]
