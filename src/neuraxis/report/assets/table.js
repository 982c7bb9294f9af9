"use strict";
// Tables: made from the JSON beside them when they are opened; searched, sorted, turned by pages, saved as CSV.
const Tables = (() => {
  const PAGE = 50;
  const make = (name, attributes = {}, ...children) => {
    const element = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) {
      if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
      else if (value !== null && value !== undefined && value !== false) element.setAttribute(key, value === true ? "" : value);
    }
    for (const child of children.flat()) element.append(child instanceof Node ? child : document.createTextNode(child));
    return element;
  };
  // whole numbers of a column with others are written as those are
  const shown = (v, whole = true) => {
    if (v === null) return "";
    if (typeof v !== "number") return String(v);
    if (Number.isInteger(v)) return Math.abs(v) >= (whole ? 10000 : 1000) ? v.toLocaleString("en") : String(v);
    return Math.abs(v) < 999.5 ? String(Number(v.toPrecision(3))) : Math.round(v).toLocaleString("en");
  };
  const compare = (a, b) => {
    if (a === null || b === null) return (a === null) - (b === null);
    if (typeof a === "number" && typeof b === "number") return a - b;
    return String(a).localeCompare(String(b), "en", { numeric: true });
  };
  // a spreadsheet runs cells that begin like a formula; text that does gets a quote in front
  const csvCell = (v) => {
    if (v === null) return "";
    let text = String(v);
    if (typeof v !== "number" && /^[=+\-@\t\r]/.test(text)) text = "'" + text;
    return /[",\n\r]/.test(text) ? '"' + text.replaceAll('"', '""') + '"' : text;
  };
  const csv = (columns, rows) => [columns, ...rows].map((row) => row.map(csvCell).join(",")).join("\r\n") + "\r\n";
  const save = (text, name, kind = "text/csv") => {
    const url = URL.createObjectURL(new Blob([text], { type: kind + ";charset=utf-8" }));
    const link = make("a", { href: url, download: name });
    document.body.append(link);
    link.click();
    link.remove();
    setTimeout(() => URL.revokeObjectURL(url), 1000);
  };
  const data = (id) => JSON.parse(document.getElementById("t-" + id).textContent);
  const sorted = (rows, column, down) => {
    const order = rows.map((row, i) => [row, i]);
    order.sort(([a, i], [b, j]) => {
      if (a[column] === null || b[column] === null) return compare(a[column], b[column]) || i - j;
      return (down ? -1 : 1) * compare(a[column], b[column]) || i - j;
    });
    return order.map(([row]) => row);
  };
  // draws one page of rows at a time, however many there are
  const view = (holder, { columns, words, rows, name, caption, render, onrow }) => {
    let kept = rows, column = null, down = false, page = 0, test = null;
    const found = new Map(rows.map((row) => [row, row.slice(0, columns.length).map((v) => (v === null ? "" : String(v))).join("\u0001").toLowerCase()]));
    const whole = columns.map((_, i) => rows.every((row) => typeof row[i] !== "number" || Number.isInteger(row[i])));
    const body = make("tbody"), count = make("span", { "aria-live": "polite", class: "count" });
    const heads = words.map((word, i) =>
      make("th", { scope: "col", title: columns[i] }, make("button", { type: "button", onclick: () => sort(i) }, word)));
    const search = make("input", { type: "search", placeholder: "Search", "aria-label": "Search in " + caption, oninput: () => filter() });
    const before = make("button", { type: "button", onclick: () => turn(-1) }, "Previous");
    const after = make("button", { type: "button", onclick: () => turn(1) }, "Next");
    const filter = () => {
      const wanted = search.value.trim().toLowerCase().split(/\s+/).filter(Boolean);
      kept = rows.filter((row) => (!test || test(row)) && wanted.every((w) => found.get(row).includes(w)));
      if (column !== null) kept = sorted(kept, column, down);
      page = 0;
      draw();
    };
    const sort = (i) => {
      down = column === i ? !down : false;
      column = i;
      heads.forEach((h, j) => (j === i ? h.setAttribute("aria-sort", down ? "descending" : "ascending") : h.removeAttribute("aria-sort")));
      kept = sorted(kept, i, down);
      page = 0;
      draw();
    };
    const turn = (by) => { page += by; draw(); };
    const draw = () => {
      const last = Math.max(0, Math.ceil(kept.length / PAGE) - 1);
      page = Math.min(Math.max(page, 0), last);
      const part = kept.slice(page * PAGE, page * PAGE + PAGE);
      body.replaceChildren(...part.map((row) => {
        const cells = row.slice(0, columns.length).map((v, i) => {
          const cell = make(i ? "td" : "th", i ? {} : { scope: "row" });
          const special = render && render(columns[i], v, row);
          const text = special ? "" : shown(v, whole[i]);
          if (i && text.length > 40) cell.className = "long"; // as in views.static_table
          cell.append(special || document.createTextNode(text));
          return cell;
        });
        const line = make("tr", {}, cells);
        if (onrow) onrow(line, row);
        return line;
      }));
      count.textContent = kept.length > PAGE
        ? `${page * PAGE + 1} to ${page * PAGE + part.length} of ${kept.length.toLocaleString("en")}` : `${kept.length} of ${rows.length}`;
      before.disabled = page === 0;
      after.disabled = page === last;
      before.hidden = after.hidden = rows.length <= PAGE;
    };
    const tools = make("div", { class: "tools" }, rows.length > 8 ? search : [], before, after, count,
      make("button", { type: "button", onclick: () => save(csv(columns, kept.map((r) => r.slice(0, columns.length))), name + ".csv") }, "Save as CSV"));
    holder.replaceChildren(tools, make("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": caption },
      make("table", {}, make("caption", {}, caption), make("thead", {}, make("tr", {}, heads)), body)));
    draw();
    return { only: (wanted) => { test = wanted; filter(); } };
  };
  const fold = (details) => {
    const holder = details.querySelector(".holder");
    if (!details.open || holder.childElementCount) return;
    const table = data(details.dataset.table);
    view(holder, { ...table, name: details.dataset.table, caption: details.querySelector("summary").firstChild.textContent.trim() });
  };
  document.addEventListener("toggle", (e) => e.target.matches && e.target.matches("details[data-table]") && fold(e.target), true);
  document.addEventListener("click", (e) => {
    const button = e.target.closest("button[data-save]");
    if (button) { const t = data(button.dataset.save); save(csv(t.columns, t.rows), button.dataset.save + ".csv"); }
    const copy = e.target.closest("button[data-copy]");
    if (copy) {
      const text = document.getElementById(copy.dataset.copy).textContent;
      (navigator.clipboard ? navigator.clipboard.writeText(text) : Promise.reject()).then(() => (copy.textContent = "Copied"), () => save(text, copy.dataset.copy + ".txt", "text/plain"));
    }
  });
  return { make, shown, view, save, csv };
})();
