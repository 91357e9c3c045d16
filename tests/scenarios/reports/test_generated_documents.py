"""Generated pages: stale ones are found, and only marked parts of a README are replaced."""

import pytest

from scenarios.player.accept import find_stale_files
from scenarios.reports import document_parts, generated_documents


@pytest.mark.long
def test_an_edited_page_is_stale(monkeypatch: pytest.MonkeyPatch) -> None:
    assert find_stale_files() == ()
    edited = [(path, f"{text}\nmore") for path, text in generated_documents.generate_pages()]
    monkeypatch.setattr(generated_documents, "generate_pages", lambda: iter(edited))
    assert len(find_stale_files()) == len(edited)


def test_every_generated_part_is_in_a_document() -> None:
    text = "".join(path.read_text("utf-8") for path in document_parts.list_documents())
    names = {part["name"].split()[0] for part in document_parts.GENERATED_PART.finditer(text)}
    assert names == set(document_parts.PART_RENDERERS)


def test_an_outline_names_the_scenario_and_the_variant() -> None:
    text = "<!-- generated: outline review_goes_well twin -->\n<!-- end -->\n"
    assert "generator → reviewer  [HANDOFF OK]" in document_parts.render_document(text)


def test_generated_parts_are_replaced_and_the_rest_is_kept() -> None:
    text = "before\n<!-- generated: make_targets -->\ntyped\n<!-- end -->\nafter\n"
    rendered = document_parts.render_document(text)
    assert rendered.startswith("before\n<!-- generated: make_targets -->\n- `make help`: ")
    assert rendered.endswith("\n<!-- end -->\nafter\n")
    assert "typed" not in rendered
    assert document_parts.render_document(rendered) == rendered
