"""Generated pages: stale ones are found, and only marked parts of a README are replaced."""

from pathlib import Path

import pytest

from scenarios.player.accept import find_stale_files
from scenarios.player.scenario_loader import scenario_names
from scenarios.reports import generated_pages

PROJECT_READMES = 2


def test_an_edited_page_is_stale(monkeypatch: pytest.MonkeyPatch) -> None:
    assert find_stale_files() == ()
    edited = [(path, f"{text}\nmore") for path, text in generated_pages.generate_pages()]
    monkeypatch.setattr(generated_pages, "generate_pages", lambda: iter(edited))
    assert len(find_stale_files()) == len(scenario_names()) + PROJECT_READMES


def test_the_readmes_have_a_place_for_every_generated_part(house: Path) -> None:
    readmes = (house / "README.md", house / "patches" / "README.md")
    text = "".join(readme.read_text("utf-8") for readme in readmes)
    parts = [part for _, part, _ in generated_pages.GENERATED_PART.findall(text)]
    assert sorted(parts) == sorted(generated_pages.PART_RENDERERS)


def test_generated_parts_are_replaced_and_the_rest_is_kept() -> None:
    text = "before\n<!-- generated: make_targets -->\ntyped\n<!-- end -->\nafter\n"
    rendered = generated_pages.render_project_page(text)
    assert rendered.startswith("before\n<!-- generated: make_targets -->\n- `make help`: ")
    assert rendered.endswith("\n<!-- end -->\nafter\n")
    assert "typed" not in rendered
    assert generated_pages.render_project_page(rendered) == rendered
