"use strict";
(() => {
  const PAGE = 100;
  const { columns, rows } = JSON.parse(document.getElementById("data").textContent);
  const byId = (id) => document.getElementById(id);
  const headers = [...document.querySelectorAll("th button")];
  const hasGroups = byId("group") !== null;
  const state = { key: "outlier", descending: true, page: 0 };
  let chosen = rows;

  const valueOf = (row, key) => (key in row ? row[key] : row.values[Number(key)]);

  function compare(a, b) {
    const x = valueOf(a, state.key), y = valueOf(b, state.key);
    const noX = x === null || x === undefined || x === "";
    const noY = y === null || y === undefined || y === "";
    if (noX || noY) return noX - noY; // what is missing comes last, either way
    const order = typeof x === "number" ? x - y : x.localeCompare(y, undefined, { numeric: true });
    return state.descending ? -order : order;
  }

  function choose() {
    const text = byId("filter").value.trim().toLowerCase();
    const group = hasGroups ? byId("group").value : "";
    chosen = rows.filter(
      (row) =>
        (!group || row.group === group) &&
        (!text || row.name.toLowerCase().includes(text) || row.note.toLowerCase().includes(text)),
    );
    // Without a result comes first where nothing else was asked for.
    const isFirst = (row) => (state.key === "outlier" && state.descending && row.failed ? 0 : 1);
    chosen.sort((a, b) => isFirst(a) - isFirst(b) || compare(a, b));
  }

  function cell(text, kind) {
    const element = document.createElement("td");
    element.textContent = text;
    if (kind) element.className = kind;
    return element;
  }

  function picture(row) {
    const element = document.createElement("td");
    if (row.thumbnail) {
      const image = document.createElement("img");
      image.src = "data:image/webp;base64," + row.thumbnail;
      image.alt = row.name;
      let shown = image;
      if (row.link) {
        shown = document.createElement("a");
        shown.href = row.link;
        shown.target = "_blank";
        shown.rel = "noopener";
        shown.append(image);
      }
      element.append(shown);
    }
    return element;
  }

  function format(value, digits) {
    if (value === null || value === undefined) return "–";
    return value.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits });
  }

  function line(row) {
    const element = document.createElement("tr");
    if (row.failed) element.className = "failed";
    element.append(picture(row), cell(row.name, "name"));
    if (hasGroups) element.append(cell(row.group));
    columns.forEach((column, number) =>
      element.append(cell(format(row.values[number], column.digits), "number")),
    );
    element.append(cell(row.failed ? "–" : format(row.outlier, 1), "number"), cell(row.note, "note"));
    return element;
  }

  function show() {
    const last = Math.max(0, Math.ceil(chosen.length / PAGE) - 1);
    state.page = Math.min(Math.max(0, state.page), last);
    const first = state.page * PAGE;
    const part = chosen.slice(first, first + PAGE);
    byId("rows").replaceChildren(...part.map(line));
    byId("shown").textContent = chosen.length
      ? `${(first + 1).toLocaleString("en")} to ${(first + part.length).toLocaleString("en")} of ${chosen.length.toLocaleString("en")}`
      : "nothing found";
    byId("previous").disabled = state.page === 0;
    byId("next").disabled = state.page === last;
    headers.forEach((button) => {
      const header = button.closest("th");
      if (button.dataset.key === state.key) header.ariaSort = state.descending ? "descending" : "ascending";
      else header.removeAttribute("aria-sort");
    });
  }

  function begin() {
    state.page = 0;
    choose();
    show();
  }

  headers.forEach((button) =>
    button.addEventListener("click", () => {
      const key = button.dataset.key;
      const isText = key === "name" || key === "group" || key === "note";
      state.descending = state.key === key ? !state.descending : !isText;
      state.key = key;
      begin();
    }),
  );
  byId("controls").addEventListener("submit", (event) => event.preventDefault());
  byId("filter").addEventListener("input", begin);
  if (hasGroups) byId("group").addEventListener("change", begin);
  byId("previous").addEventListener("click", () => { state.page -= 1; show(); });
  byId("next").addEventListener("click", () => { state.page += 1; show(); });
  begin();
})();
