"""A new person's page in a headless Chromium, on a desk, on a phone and on paper; skipped, saying so, where there is none."""

import re

import pytest


@pytest.fixture
def page(shared, patient, tmp_path):
    """The page of a patient of the study with a measure missing, so that a note is on it."""
    _, row, about = patient
    path = tmp_path / "sub-new.html"
    placed = shared.stage(table=row.assign(putamen=float("nan")), participant_id="sub-new", **about)
    path.write_text(placed.page("sub-new"), encoding="utf-8")
    return path


@pytest.mark.parametrize("width", [1280, 390])
def test_the_page_fits_its_width_and_asks_for_nothing(browser, page, width):
    tab = browser.new_page(viewport={"width": width, "height": 844})
    said, asked = [], []
    tab.on("console", lambda message: said.append(message.text) if message.type in ("error", "warning") else None)
    tab.on("pageerror", lambda error: said.append(str(error)))
    tab.on("request", lambda request: asked.append(request.url))
    tab.goto(page.as_uri())
    assert "sub-new" in tab.inner_text("body")
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
    # what is in the page itself (data:) is no request to anybody
    assert [url for url in asked if not url.startswith("data:")] == [page.as_uri()] and not said
    tab.close()


def test_printed_it_has_two_sheets_at_most(browser, page):
    tab = browser.new_page()
    tab.goto(page.as_uri())
    sheets = len(re.findall(rb"/Type\s*/Page(?!s)", tab.pdf(format="A4")))
    assert 1 <= sheets <= 2
    tab.close()
