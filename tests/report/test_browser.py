"""The pages in a headless Chromium, as on a desk and on a phone; skipped, saying so, where there is none."""

import time
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from facts_of import association, disease, names, people, selection, study
from PIL import Image, ImageFilter

from neuraxis.features.biomarkers import read_biomarkers
from neuraxis.figures.style import empty, finish
from neuraxis.report import page
from neuraxis.report import people as people_page

WIDTHS = {"desk": (1280, 900), "phone": (390, 844)}
EVIL = '<img src=x onerror="window.evil=1"><script>window.evil=1</script>'
APPROVED = Path(__file__).parent / "approved"
#: Chapters further down the page, by their ids.
CHAPTERS = ("d-MS", "limitations")


def expect(what):
    """What a page does after a key or a click it does in its own time: the assertion waits for it."""
    from playwright.sync_api import expect

    expect.set_options(timeout=60_000)
    return expect(what)


def long_table(n=400):
    """A selection of rows that is long enough to be folded: numbers, missing values, what a spreadsheet would run."""
    rows = [
        {"repeat": 0, "fold": i % 5, "subtype": 1 + i % 2, "tau": (i * 37 % n) / n, "tau_chance": 0.1} for i in range(n)
    ]
    table = pd.DataFrame(rows)
    table.loc[3, "tau"] = np.nan
    return table.assign(note=[EVIL if i == 0 else "=1+1" if i == 1 else f'a "quoted", row {i}' for i in range(n)])


@pytest.fixture(scope="session")
def index(tmp_path_factory):
    """The report of a study by hand with two figures, one of which has nothing in it."""
    root = tmp_path_factory.mktemp("results")
    (root / "figures/MS").mkdir(parents=True)
    figure, axis = plt.subplots(figsize=(7.2, 3))
    axis.plot([1, 2, 3])
    finish(figure, "MS", False, root / "figures/MS/brain_mean_z.png")
    finish(empty("nothing"), "MS", False, root / "figures/MS/ternary.png")
    d = disease(stability=long_table(), **{"clinical/associations": pd.DataFrame([association(outcome=EVIL)])})
    text = page.render(study([d]), root, title="A study", logs=root, people=True)
    path = root / "index.html"
    path.write_text(text, encoding="utf-8")
    return path


def person_page(request, n, path):
    """people.html of n patients and 60 controls, the first of whom has a wicked site."""
    root = request.config.rootpath
    s = study([disease(subtypes=people((int(n * 0.3), int(n * 0.5)), int(n * 0.2)))])
    listed = pd.DataFrame({"participant_id": [f"sub-{i:03d}" for i in range(n + 60)], "age": 40.5, "sex": "F",
                           "group": ["MS"] * n + ["HC"] * 60, "site": [EVIL] + ["a"] * (n + 59)})  # fmt: skip
    rng = np.random.default_rng(0)
    defined = read_biomarkers(root / "resources/biomarkers.tsv")
    z = pd.DataFrame(rng.normal(0, 1, (n + 60, len(defined))), columns=defined["biomarker"]).round(3)
    z.loc[1, "thalamus"] = np.nan
    z = pd.concat([listed[["participant_id", "group"]], z], axis=1)
    later = pd.DataFrame([{"participant_id": "sub-000", "session_id": "b", "years": 1.5, "stage": 4, "stage_low": 2,
                           "stage_high": 9, "subtype": 1, "normal_appearing": False}])  # fmt: skip
    tables = {"cohort/participants": listed, "normative/zscores": z}
    tables["cohort/visits"] = pd.DataFrame({"participant_id": ["sub-000"] * 2, "years": [0.0, 1.0], "edss": [2.0, 3.5]})
    d = s.diseases[0]
    d = type(d)("MS", type(d.tables)(None, {**d.tables, "followup": later}), d.config, "HC", False, d.labels)
    s = type(s)(type(s.tables)(None, {**s.tables, **tables}), s.config, [d], defined, {}, "HC", False)
    names = pd.read_csv(root / "resources/labels.tsv", sep="\t").set_index("label")["name"]
    script = page.asset("table.js") + page.asset("people.js")
    people_page.write_people(s, path, title="A study", style=page.asset("style.css"), script=script, label_names=names)
    return path


@pytest.fixture(scope="session")
def everybody(request, tmp_path_factory):
    return person_page(request, 2000, tmp_path_factory.mktemp("people") / "people.html")


@pytest.fixture
def opened(browser):
    """Open a page at a width; whatever it says to the console, asks the network for, or throws, fails the test."""
    pages = []

    def open_page(path, width="desk"):
        w, h = WIDTHS[width]
        tab = browser.new_page(viewport={"width": w, "height": h}, accept_downloads=True)
        tab.set_default_timeout(60_000)
        wrong = []
        tab.on("console", lambda m: wrong.append(m.text) if m.type in ("error", "warning") else None)
        tab.on("pageerror", lambda e: wrong.append(str(e)))
        tab.on(
            "request",
            lambda r: None if r.url.startswith(("data:", "blob:")) or r.url == path.as_uri() else wrong.append(r.url),
        )
        tab.goto(path.as_uri())
        pages.append((tab, wrong))
        return tab

    yield open_page
    for tab, wrong in pages:
        assert tab.evaluate("window.evil") is None
        tab.close()
        assert wrong == []


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("which", ["index", "everybody"])
def test_nothing_is_asked_for_and_nothing_hangs_over(opened, request, which, width):
    tab = opened(request.getfixturevalue(which), width)
    assert tab.evaluate("document.documentElement.scrollWidth") <= WIDTHS[width][0]
    assert tab.evaluate("document.querySelectorAll('*').length") < 3000


STRUCTURE = """() => {
  const levels = [...document.querySelectorAll('h1,h2,h3,h4')].filter(h => h.offsetParent).map(h => +h.tagName[1]);
  const ids = [...document.querySelectorAll('[id]')].map(e => e.id);
  return {
    h1: levels.filter(l => l === 1).length,
    skipped: levels.filter((l, i) => i && l > levels[i - 1] + 1).length,
    main: document.querySelectorAll('main').length,
    alts: [...document.images].map(i => i.alt),
    loaded: [...document.images].every(i => i.complete && i.naturalWidth > 0),
    scopes: [...document.querySelectorAll('th')].filter(t => !t.scope).length,
    captions: [...document.querySelectorAll('table')].filter(t => !t.caption).length,
    twice: ids.filter((id, i) => ids.indexOf(id) !== i),
    broken: [...document.querySelectorAll('a[href^="#"]')].map(a => a.hash.slice(1)).filter(h => !document.getElementById(h)),
    nameless: [...document.querySelectorAll('button,input,select,[role=img],[role=region],nav')].filter(e =>
      !(e.getAttribute('aria-label') || e.textContent.trim() || (e.labels && e.labels.length))).length,
    lang: document.documentElement.lang,
  };
}"""


@pytest.mark.parametrize("which", ["index", "everybody"])
def test_the_page_is_built_for_everyone(opened, request, which):
    found = opened(request.getfixturevalue(which)).evaluate(STRUCTURE)
    assert found["h1"] == found["main"] == 1 and found["lang"] == "en" and found["loaded"]
    assert all(len(a) > 30 for a in found["alts"])
    wrong = {k: found[k] for k in ("skipped", "scopes", "captions", "twice", "broken", "nameless") if found[k]}
    assert not wrong


CONTRAST = """() => {
  const rgb = s => (s.match(/[\\d.]+/g) || []).map(Number);
  const lum = ([r, g, b]) => { const f = v => { v /= 255; return v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4; }; return .2126 * f(r) + .7152 * f(g) + .0722 * f(b); };
  const under = e => { for (; e; e = e.parentElement) { const c = rgb(getComputedStyle(e).backgroundColor); if (c.length === 3 || c[3] > 0) return c; } return [255, 255, 255]; };
  const low = [];
  for (const e of document.querySelectorAll('body *')) {
    if (!e.offsetParent || e.closest('svg') || ![...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim())) continue;
    const [a, b] = [lum(rgb(getComputedStyle(e).color)), lum(under(e))].sort((x, y) => y - x), ratio = (a + .05) / (b + .05);
    if (ratio < 4.5 && !e.disabled) low.push(`${e.tagName} ${ratio.toFixed(2)} ${e.textContent.trim().slice(0, 30)}`);
  }
  return low;
}"""


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("which", ["index", "everybody"])
def test_text_has_contrast_and_size(opened, request, which, width):
    tab = opened(request.getfixturevalue(which), width)
    assert tab.evaluate(CONTRAST) == []
    sizes = tab.evaluate(
        "[...document.querySelectorAll('body *')].filter(e => e.offsetParent && e.textContent.trim()).map(e => parseFloat(getComputedStyle(e).fontSize))"
    )
    assert min(sizes) >= 12
    # text of 7 points in a figure is at least 9 pixels high, on a phone too: there the picture scrolls inside its frame
    shown = tab.evaluate("[...document.images].map(i => i.getBoundingClientRect().width)")
    assert all(w / 7.2 * 7 / 72 >= 9 for w in shown)


def test_only_figures_with_something_in_them_are_shown(index, opened):
    tab = opened(index)
    assert tab.evaluate("[...document.querySelectorAll('figure')].map(f => f.id)") == ["fig-MS-brain_mean_z"]
    with tab.expect_download() as saved:
        tab.click("figure .get a")
    assert saved.value.suggested_filename == "MS-brain_mean_z.pdf"
    assert Path(saved.value.path()).read_bytes().startswith(b"%PDF")


def test_a_folded_table_is_made_sorted_searched_and_saved(index, opened):
    tab = opened(index)
    fold = tab.locator("details[data-table=MS-stability]")
    rows, first = fold.locator("tbody tr"), fold.locator("tbody tr >> nth=0 >> :nth-child(4)")
    expect(fold.locator("table")).to_have_count(0)
    fold.locator("summary").press("Enter")
    expect(rows).to_have_count(50)
    expect(fold.locator(".count").last).to_contain_text("1 to 50 of 400")
    heading = fold.locator("th", has_text="Kendall's tau")
    heading.locator("button").press("Enter")
    expect(heading).to_have_attribute("aria-sort", "ascending")
    expect(first).to_have_text("0")
    heading.locator("button").click()
    expect(heading).to_have_attribute("aria-sort", "descending")
    expect(first).to_have_text("0.998")
    fold.locator("button", has_text="Next").click()
    expect(first).to_have_text("0.873")
    expect(rows).to_have_count(50)
    fold.locator("input").fill("nothing like it")
    expect(rows).to_have_count(0)
    fold.locator("input").fill("1+1")
    expect(rows).to_have_count(1)
    with tab.expect_download() as saved:
        fold.locator("button", has_text="Save").click()
    text = Path(saved.value.path()).read_text()
    assert text == "repeat,fold,subtype,tau,tau_chance,note\n0,1,spinal cord,0.0925,0.1,'=1+1\n"
    fold.locator("input").fill("")
    expect(rows).to_have_count(50)


ALIKE = """() => {
  const holder = document.createElement('div'), rows = [[1232, 2015], [1231.4, 1999], [null, null]];
  Tables.view(holder, { columns: ['a', 'b'], words: ['a', 'b'], rows, name: 'x', caption: 'x' });
  return [...holder.querySelectorAll('tbody th, tbody td')].map((e) => e.textContent);
}"""


def test_numbers_of_a_column_are_written_alike(index, opened):
    assert opened(index).evaluate(ALIKE) == ["1,232", "2015", "1,231", "1999", "", ""]


LONG_CELL = """() => {
  const holder = document.createElement('div'), columns = [...'abcdefghijkl', 'reason'];
  const rows = [[...Array(12).fill(0.123), 'k = 2 is the smallest whose CVIC is within max(6, SE) of the best, k = 3: 3.5 more, SE 4'], [...Array(12).fill(1), 'short']];
  document.querySelector('main').append(holder);
  Tables.view(holder, { columns, words: columns, rows, name: 'x', caption: 'x' });
  const of = (row) => [...holder.querySelectorAll(`tbody tr:nth-child(${row}) td:last-child`)].map((e) => [e.className, e.getBoundingClientRect().width / parseFloat(getComputedStyle(e).fontSize), e.parentElement.getBoundingClientRect().height])[0];
  return [of(1), of(2), document.documentElement.scrollWidth];
}"""


@pytest.mark.parametrize("width", WIDTHS)
def test_a_sentence_in_a_table_that_is_made_when_opened_has_room(index, opened, width):
    """As in tables that stand there: a column of 20 em, a row of a few lines, and the page no wider."""
    (kind, wide, high), (other, _, low), whole = opened(index, width).evaluate(LONG_CELL)
    assert (kind, other) == ("long", "") and wide >= 19.9 and high < 6 * low
    assert whole <= WIDTHS[width][0]


CAPTION = """() => {
  const holder = document.createElement('div'), columns = [...'abcdefghijklmnopqrst'];
  document.querySelector('main').append(holder);
  const caption = 'What the published study reported, and what there is of it in these people, disease by disease';
  Tables.view(holder, { columns, words: columns, rows: [columns.map((_, i) => i * 1234567.5)], name: 'x', caption });
  const scroll = holder.querySelector('.scroll'), box = () => holder.querySelector('caption').getBoundingClientRect();
  const before = box();
  scroll.scrollLeft = 100;
  return [before.left, before.right, box().left, scroll.scrollLeft];
}"""


def test_a_caption_stays_in_sight_when_its_table_is_wider_than_a_phone(index, opened):
    left, right, after, moved = opened(index, "phone").evaluate(CAPTION)
    assert 0 <= left == after and right <= WIDTHS["phone"][0] and moved == 100


def test_missing_values_come_last_whichever_way(index, opened):
    tab = opened(index)
    fold = tab.locator("details[data-table=MS-stability]")
    fold.locator("summary").click()
    button = fold.locator("th", has_text="Kendall's tau").locator("button")
    for _ in range(2):
        button.click()
        for _ in range(7):
            fold.locator("button", has_text="Next").click()
        expect(fold.locator(".count").last).to_contain_text("351 to 400 of 400")
        expect(fold.locator("tbody tr >> nth=-1 >> :nth-child(4)")).to_have_text("")


def test_keyboard_reaches_the_summary_first_and_the_index_folds_on_a_phone(index, opened):
    tab = opened(index)
    tab.keyboard.press("Tab")
    expect(tab.locator(":focus")).to_have_text("To the summary")
    assert tab.evaluate("document.querySelector('.index details').open")
    assert tab.evaluate("getComputedStyle(document.querySelector('.index > div')).position") == "sticky"
    small = opened(index, "phone")
    contents = small.locator(".index details")
    expect(contents).not_to_have_attribute("open", "")
    small.click(".index summary")
    expect(contents).to_have_attribute("open", "")
    small.click(".index a[href='#methods']")
    expect(contents).not_to_have_attribute("open", "")


def test_the_page_prints(index, opened):
    tab = opened(index)
    tab.emulate_media(media="print")
    assert tab.evaluate("getComputedStyle(document.querySelector('.index')).display") == "none"
    assert tab.pdf().startswith(b"%PDF")
    # dots keep their colour, cautions that are folded come out, and all is as before afterwards
    tab.evaluate(
        "document.querySelector('main').insertAdjacentHTML('beforeend', '<div class=warns><details><summary>more</summary>x</details></div>')"
    )
    more = tab.locator("main > .warns details")
    tab.evaluate("dispatchEvent(new Event('beforeprint'))")
    expect(more).to_have_attribute("open", "")
    tab.evaluate("dispatchEvent(new Event('afterprint'))")
    expect(more).not_to_have_attribute("open", "")
    assert tab.evaluate("getComputedStyle(document.querySelector('.dot')).printColorAdjust") == "exact"


def test_people_are_listed_found_and_opened(everybody, opened):
    tab = opened(everybody)
    rows = tab.locator("#list tbody tr")
    expect(rows).to_have_count(50)
    expect(tab.locator("#list .count")).to_contain_text("of 2,060")
    tab.fill("#list input", "sub-0001")  # there are 2,060: 0001 is no id of three digits
    expect(rows).to_have_count(0)
    tab.fill("#list input", "sub-000")
    expect(rows).to_have_count(1)
    expect(rows.first).to_contain_text(EVIL)
    bar = rows.first.locator(".bar")
    assert bar.get_attribute("aria-label") == "normal-appearing 2 %, spinal cord 5 %, cortical 93 %"
    widths = bar.evaluate("b => [...b.children].map(c => parseFloat(c.style.width))")
    assert widths == pytest.approx([2, 4.9, 93.1])
    rows.first.locator("button").press("Enter")
    dialog = tab.locator("dialog[open]")
    expect(dialog).to_contain_text("sub-000")
    expect(dialog.locator("svg")).to_have_count(4)  # drawing, stage, EDSS, profile
    assert "0 years 1, 1.5 years 4" in dialog.locator("svg").nth(1).get_attribute("aria-label")
    assert "2" in dialog.locator("svg").nth(2).get_attribute("aria-label")
    assert dialog.locator("svg >> nth=0 >> path").count() > 60
    tab.keyboard.press("Escape")
    expect(tab.locator("dialog[open]")).to_have_count(0)


@pytest.mark.parametrize("width", WIDTHS)
def test_text_of_a_persons_drawings_can_be_read(everybody, opened, width):
    """No smaller than 11 pixels when it is on the screen, and no wider than its drawing."""
    tab = opened(everybody, width)
    tab.fill("#list input", "sub-000")
    rows = tab.locator("#list tbody tr")
    expect(rows).to_have_count(1)
    rows.first.locator("button").press("Enter")
    expect(tab.locator("dialog[open] svg")).to_have_count(4)
    found = tab.evaluate(
        """() => [...document.querySelectorAll('dialog svg')].flatMap((s) => [...s.querySelectorAll('text')].map((t) => {
          const box = t.getBoundingClientRect(), out = s.getBoundingClientRect(), size = parseFloat(getComputedStyle(t).fontSize);
          return [size * out.width / s.viewBox.baseVal.width, Math.max(out.left - box.left, box.right - out.right), t.textContent];
        }))"""
    )
    assert len(found) > 40 and min(size for size, _, _ in found) >= 11
    assert not [words for _, beyond, words in found if beyond > 1]
    assert tab.evaluate("(d => d.scrollWidth - d.clientWidth)(document.querySelector('dialog'))") <= 0


FIRST = "(e) => e.getBoundingClientRect()"


def test_a_phones_first_screen_says_who_how_many_and_how_sure(index, opened):
    """And what not to believe begins there."""
    tab = opened(index, "phone")
    lead = tab.locator("#summary .lead")
    assert "100 with MS and 60 controls" in lead.nth(0).inner_text()
    assert "2 subtypes (chosen); in healthy people 0; 100% of the staged" in lead.nth(1).inner_text()
    high = WIDTHS["phone"][1]
    below = [lead.nth(1).evaluate(FIRST)["bottom"], tab.locator(".warns h3").evaluate(FIRST)["bottom"]]
    assert below == sorted(below) and below[1] < 0.75 * high


def test_the_drawing_of_a_person_has_the_colours_of_z(everybody, opened):
    tab = opened(everybody)
    tab.fill("#list input", "sub-001")
    rows = tab.locator("#list tbody tr")
    expect(rows).to_have_count(1)
    rows.first.click()
    expect(tab.locator("dialog[open] svg").first).to_be_visible()
    said = tab.evaluate(
        "Object.fromEntries([...document.querySelectorAll('dialog path')].filter(p => p.textContent).map(p => [p.textContent.split(':')[0], [p.textContent, p.getAttribute('fill')]]))"
    )
    assert said["Thalamus"] == ["Thalamus: not measured", "url(#none)"]
    z = float(said["Putamen"][0].split(": ")[1])
    red, _, blue = (int(v) for v in said["Putamen"][1][4:-1].split(","))
    assert (red > blue) == (z > 0)


def test_people_of_one_label_alone(everybody, opened):
    tab = opened(everybody)
    tab.select_option("#group", "MS, spinal cord")
    expect(tab.locator("#list .count")).to_contain_text("of 1,000")
    tab.select_option("#group", "")
    expect(tab.locator("#list .count")).to_contain_text("of 2,060")


def test_many_people_stay_fluent(request, opened, tmp_path):
    path = person_page(request, 20_000, tmp_path / "people.html")
    assert path.stat().st_size < 15e6
    begin = time.monotonic()
    tab = opened(path)
    expect(tab.locator("#list tbody tr")).to_have_count(50)
    assert time.monotonic() - begin < 120  # seconds; a few on a quiet machine
    spent = tab.evaluate(
        "() => { const t = performance.now(); document.querySelectorAll('#list thead button')[7].click(); return performance.now() - t; }"
    )
    assert spent < 10_000


def blurred(path, width):
    grey = Image.open(path).convert("L").resize(WIDTHS[width]).filter(ImageFilter.GaussianBlur(16))
    return np.asarray(grey.resize((64, 64)), float)


def like_approved(shot, width, tolerance=6):
    """Blurred greys: fonts may differ, the layout may not."""
    approved = APPROVED / shot.name
    if not approved.exists():
        pytest.fail(f"{approved} is not there; look at {shot} and copy it")
    assert np.abs(blurred(shot, width) - blurred(approved, width)).mean() < tolerance, (
        f"{shot} is unlike {approved}: look at both"
    )


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("which", ["index", "everybody"])
def test_pages_look_as_approved(opened, request, which, width, tmp_path):
    """The first screen."""
    tab = opened(request.getfixturevalue(which), width)
    shot = tmp_path / f"{which}_{width}.png"
    tab.screenshot(path=shot)
    like_approved(shot, width)


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("chapter", CHAPTERS)
def test_chapters_look_as_approved(opened, index, chapter, width, tmp_path):
    """A screen of a chapter from its heading on, wherever down the page it begins."""
    tab = opened(index, width)
    tab.evaluate(
        f"document.documentElement.style.scrollBehavior = 'auto'; document.getElementById('{chapter}').scrollIntoView()"
    )
    tab.wait_for_timeout(300)
    shot = tmp_path / f"{chapter}_{width}.png"
    tab.screenshot(path=shot)
    like_approved(shot, width, 4)


ONE = {"names": names((80,), ("cortical",)), "subtypes": people((80,))}
#: Number of subtypes, and the models that go with it: none, one, and one that the data would not choose.
NUMBERS = {
    "none": ({}, {"selection": selection(0, {0: 0.0, 1: 3.0, 2: 40.0}), **ONE}),
    "one": ({}, {"selection": selection(1, {0: 80.0, 1: 0.0, 2: 8.0}), **ONE}),
    "fixed": ({"sustain": {"n_subtypes": 3}}, {"selection": selection(3), "names": names((30, 40, 10), ("a", "b", "c")), "subtypes": people((30, 40, 10))}),
}  # fmt: skip


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("number", NUMBERS)
def test_pages_of_any_number_of_subtypes(opened, tmp_path, number, width):
    """Nothing hangs over, nothing is thrown; with one order or none no subtype is named, compared or drawn."""
    config, tables = NUMBERS[number]
    config = {**config, "clinical": {"outcomes": [{"name": "EDSS", "column": "edss", "type": "ordinal"}]}}
    stage = association(kind="stage", contrast="stage", subtype="", against="", n_against=0, unit="3 stages")
    tables = tables | {"clinical/associations": pd.DataFrame([association(), stage])}
    s = study([disease(config, **tables)], config)
    path = tmp_path / "index.html"
    path.write_text(page.render(s, tmp_path, title="A study", logs=tmp_path, people=False), encoding="utf-8")
    tab = opened(path, width)
    assert tab.evaluate("document.documentElement.scrollWidth") <= WIDTHS[width][0]
    shown = tab.evaluate("document.getElementById('summary').innerText")
    big = {
        "none": "No common order of atrophy",
        "one": "One order for everyone",
        "fixed": "3 subtypes (fixed; the rule chooses 2)",
    }
    assert big[number] in shown
    assert ("ortical" in shown) == (number == "fixed")
    assert tab.evaluate("document.querySelectorAll('figure').length") == 0
