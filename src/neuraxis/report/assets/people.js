"use strict";
// The list of people, and one person: probabilities, z of every measure as bars and, of what has a place, on a drawing of brain and cord; course.
(() => {
  const D = JSON.parse(document.getElementById("t-people").textContent);
  const { make, shown, view } = Tables;
  const at = Object.fromEntries(D.columns.map((c, i) => [c, i]));
  const EXTRA = D.columns.length;
  const highest = Math.max(1, ...D.people.map((p) => p[at.stage_high] || 0));
  const tint = (name) => D.tints[name] || "#ffffff";
  const svg = (name, attributes, ...children) => {
    const element = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    for (const child of children.flat()) element.append(child instanceof Node ? child : document.createTextNode(child));
    return element;
  };
  const percent = (p) => Math.round(100 * p) + " %";
  const bars = (probabilities) => {
    const words = probabilities.map(([name, p]) => `${name} ${percent(p)}`).join(", ");
    const bar = make("div", { class: "bar", role: "img", "aria-label": words, title: words });
    for (const [name, p] of probabilities) {
      const part = make("span");
      part.style.width = 100 * p + "%";
      part.style.background = tint(name);
      bar.append(part);
    }
    return bar;
  };
  const range = (low, stage, high) => {
    const box = make("span", { class: "range", "aria-hidden": "true" }), span = make("i"), mark = make("b");
    span.style.left = (100 * low) / highest + "%";
    span.style.width = Math.max(2, (100 * (high - low)) / highest) + "%";
    mark.style.left = `calc(${(100 * stage) / highest}% - 1px)`;
    box.append(span, mark);
    return box;
  };
  const render = (column, value, row) => {
    if (column === "probability" && row[EXTRA].p) return bars(row[EXTRA].p);
    if (column === "stage" && value !== null) return make("span", { style: "white-space:nowrap" }, String(value), range(row[at.stage_low], value, row[at.stage_high]));
    if (column === "subtype" && D.tints[value]) {
      const dot = make("span", { class: "dot", "aria-hidden": "true" });
      dot.style.background = tint(value);
      return make("span", {}, dot, value);
    }
    return null;
  };
  // red and blue around white, as in the figures
  const colour = (z) => {
    const t = Math.max(-1, Math.min(1, z / 3)), mix = (a, b) => Math.round(a + (b - a) * Math.abs(t));
    const end = t > 0 ? [178, 24, 43] : [33, 102, 172];
    return `rgb(${end.map((e) => mix(247, e)).join(",")})`;
  };
  const brain = (z) => {
    const known = Object.fromEntries(D.biomarkers.map((b, i) => [b, z[i]]));
    const most = D.biomarkers.map((b, i) => [D.labels[i], z[i]]).filter(([, v]) => v !== null).sort((a, b) => b[1] - a[1]).slice(0, 3);
    const words = `${D.drawn} coloured by z; highest: ` + most.map(([l, v]) => `${l} ${v.toFixed(1)}`).join(", ");
    const picture = svg("svg", { viewBox: `-10 -10 ${D.size[0] + 20} ${D.size[1] + 20}`, role: "img", "aria-label": words });
    picture.style.width = D.size[0] + 20 + "px";  // at most; the cord alone is no higher than with the brain
    picture.append(svg("defs", {}, svg("pattern", { id: "none", width: 6, height: 6, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)" },
      svg("rect", { width: 6, height: 6, fill: "#dddddd" }), svg("line", { x1: 0, y1: 0, x2: 0, y2: 6, stroke: "#888", "stroke-width": 1 }))));
    for (const p of D.brain) {
      const value = known[p.b];
      const path = svg("path", { d: p.d, fill: value === undefined || value === null ? "url(#none)" : colour(value), stroke: "#4d4d4d", "stroke-width": p.w });
      if (p.b) path.append(svg("title", {}, `${D.labels[D.biomarkers.indexOf(p.b)] || p.b}: ${value === undefined || value === null ? "not measured" : value.toFixed(2)}`));
      picture.append(path);
    }
    return picture;
  };
  // as wide as there is room, so that a unit of a drawing is a pixel and its text no smaller on a phone
  const room = (most) => Math.min(most, Math.max(260, document.documentElement.clientWidth * 0.96 - 48));
  const profile = (z) => {
    const line = 20, all = room(510), left = Math.min(150, all * 0.4), width = all - left - 60, letters = Math.floor(left / 6.8), finite = z.filter((v) => v !== null);
    const low = Math.min(-3, ...finite, ...D.band.map((b) => b[0])), high = Math.max(4, ...finite, ...D.band.map((b) => b[1]));
    const x = (v) => left + (width * (v - low)) / (high - low);
    const outside = D.labels.filter((_, i) => z[i] !== null && z[i] > D.band[i][1]);
    const words = outside.length ? `Beyond 97.5 % of the controls: ${outside.join(", ")}` : "No measure lies beyond 97.5 % of the controls";
    const picture = svg("svg", { viewBox: `0 0 ${left + width + 60} ${line * (z.length + 2)}`, role: "img", "aria-label": words });
    D.labels.forEach((label, i) => {
      const y = line * (i + 0.5);
      picture.append(svg("text", { x: left - 8, y: y + 4, "text-anchor": "end" }, label.length > letters ? label.slice(0, letters - 1) + "…" : label),
        svg("rect", { x: x(D.band[i][0]), y: y - 7, width: x(D.band[i][1]) - x(D.band[i][0]), height: 14, fill: "#e3e7ea" }));
      if (z[i] === null) return picture.append(svg("text", { x: x(0) + 6, y: y + 4 }, "not measured"));
      picture.append(svg("line", { x1: x(0), x2: x(z[i]), y1: y, y2: y, stroke: "#1d2329", "stroke-width": 2 }),
        svg("circle", { cx: x(z[i]), cy: y, r: 4.5, fill: colour(z[i]), stroke: "#1d2329" }), svg("text", { x: x(Math.max(z[i], D.band[i][1])) + 9, y: y + 4 }, (Math.round(z[i] * 10) / 10 + 0).toFixed(1)));
    });
    const bottom = line * z.length;
    picture.append(svg("line", { x1: x(0), x2: x(0), y1: 0, y2: bottom, stroke: "#66717c", "stroke-dasharray": "3 3" }));
    const step = high - low > (width < 200 ? 9 : 12) ? 4 : 2;
    for (let v = step * Math.ceil(low / step); v <= high; v += step) picture.append(svg("text", { x: x(v), y: bottom + 14, "text-anchor": "middle" }, String(v)));
    picture.append(svg("text", { x: all - 2, y: bottom + 32, "text-anchor": "end" }, "z (positive: abnormal); grey: 95 % of the controls"));
    return picture;
  };
  const lines = (points, words, label, top) => {
    const width = room(420), height = 150, left = 40, end = Math.max(1, ...points.map((p) => p.x)), x = (v) => left + ((width - left - 20) * v) / end, y = (v) => height - 30 - ((height - 45) * v) / Math.max(1, top);
    const picture = svg("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": words });
    picture.append(svg("line", { x1: left, x2: width - 20, y1: y(0), y2: y(0), stroke: "#66717c" }), svg("line", { x1: left, x2: left, y1: y(0), y2: y(top), stroke: "#66717c" }),
      svg("text", { x: left - 6, y: y(0) + 4, "text-anchor": "end" }, "0"), svg("text", { x: left - 6, y: y(top) + 4, "text-anchor": "end" }, shown(top)), svg("text", { x: left, y: 11 }, label),
      svg("text", { x: x(end), y: height - 12, "text-anchor": "middle" }, shown(end)), svg("text", { x: (left + width) / 2, y: height - 3, "text-anchor": "middle" }, "years"));
    picture.append(svg("polyline", { points: points.map((p) => `${x(p.x)},${y(p.y)}`).join(" "), fill: "none", stroke: "#66717c" }));
    for (const p of points) {
      if (p.low !== undefined) picture.append(svg("line", { x1: x(p.x), x2: x(p.x), y1: y(p.low), y2: y(Math.min(top, p.high)), stroke: "#1d2329" }));
      picture.append(svg("circle", { cx: x(p.x), cy: y(p.y), r: 4.5, fill: p.fill || "#00528c", stroke: "#1d2329" }));
    }
    return picture;
  };
  const dialog = document.getElementById("person");
  const open = (row) => {
    const more = row[EXTRA], facts = make("dl", { class: "facts" });
    const add = (word, ...value) => facts.append(make("dt", {}, word), make("dd", {}, ...value));
    add("Group", `${row[at.group]}, ${row[at.site]}, ${row[at.sex]}, ${shown(row[at.age])} years`);
    add("Label", row[at.subtype]);
    if (row[at.stage] !== null) add("Stage", `${row[at.stage]} (95 % interval ${row[at.stage_low]} to ${row[at.stage_high]})`);
    (more.scores || []).forEach((value, i) => add(D.scores[i], value === null ? "not measured" : shown(value)));
    if (row[at.flags]) add("Flags", row[at.flags]);
    const left = make("div", {}, make("h3", {}, "Probabilities"));
    if (more.p) for (const [name, p] of more.p) left.append(make("div", { class: "tools", style: "margin:.15rem 0" }, bars([[name, p]]), `${name}: ${percent(p)}`));
    else left.append(make("p", {}, "Not staged by any model."));
    if (more.course && more.course.length > 1) {
      const points = more.course.map(([x, y, low, high, g]) => ({ x, y, low, high, fill: tint(g) }));
      left.append(make("h3", {}, "Stage of every scan"), lines(points, "Stage by years: " + more.course.map((c) => `${shown(c[0])} years ${c[1]}`).join(", "), "stage", Math.max(...points.map((p) => Math.max(p.y, p.high)))));
    }
    if (more.visits && more.visits.length > 1) left.append(make("h3", {}, "EDSS of every visit"),
      lines(more.visits.map(([x, y]) => ({ x, y })), "EDSS by years: " + more.visits.map((v) => `${shown(v[0])} years ${v[1]}`).join(", "), "EDSS", 10));
    const right = make("div");
    if (D.biomarkers.length) right.append(make("h3", {}, "z of every measure"));
    if (!D.biomarkers.length) right.hidden = true;  // scores alone have no z
    else if (more.z) right.append(profile(more.z)); else right.append(make("p", {}, "No measures: the person was excluded or could not be measured."));
    dialog.replaceChildren(make("button", { type: "button", class: "close", onclick: () => dialog.close() }, "Close"), make("h2", { id: "person-h" }, row[0]), facts,
      more.z && D.brain.length ? brain(more.z) : "", make("div", { class: "person" }, left, right));
    dialog.showModal();
    dialog.scrollTop = 0;
  };
  dialog.addEventListener("click", (e) => { if (e.target === dialog) dialog.close(); });
  const table = view(document.getElementById("list"), {
    columns: D.columns, words: D.words, rows: D.people, name: "people", caption: "People", render,
    onrow: (line, row) => {
      const first = line.firstChild, button = make("button", { type: "button", onclick: (e) => { e.stopPropagation(); open(row); } }, row[0]);
      first.replaceChildren(button);
      line.addEventListener("click", () => open(row));
    },
  });
  const select = document.getElementById("group"), legend = document.getElementById("legend");
  const kinds = [...new Set(D.people.map((p) => p[at.group] + ", " + p[at.subtype]))].sort();
  for (const kind of kinds) select.append(make("option", { value: kind }, kind));
  select.addEventListener("change", () => table.only(select.value ? (row) => row[at.group] + ", " + row[at.subtype] === select.value : null));
  for (const name of D.names) {
    const dot = make("span", { class: "dot", "aria-hidden": "true" });
    dot.style.background = tint(name);
    legend.append(make("span", {}, dot, name));
  }
})();
