"use strict";
(() => {
  const table = document.querySelector("table.list");
  const form = document.getElementById("filters");
  const field = (name) => document.getElementById("f-" + name);
  const body = table.tBodies[0];
  const rows = [...body.rows].map((node) => ({ node, text: (node.dataset.title + " " + node.dataset.ids).toLowerCase() }));
  const WORDS = ["title", "category", "ending"];

  const apply = () => {
    const words = field("text").value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const { node, text } of rows) {
      const fits = ["category", "state", "ending"].every((key) => !field(key).value || node.dataset[key] === field(key).value);
      node.hidden = !(fits && words.every((word) => text.includes(word)));
      shown += !node.hidden;
    }
    field("count").textContent = shown === rows.length ? `${shown} rollouts` : `${shown} of ${rows.length}`;
    field("none").hidden = shown > 0;
  };

  const sort = (head) => {
    const key = head.dataset.key;
    const down = head.getAttribute("aria-sort") === "ascending";
    for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", down ? "descending" : "ascending");
    const value = (row) => row.node.dataset[key];
    const compare = WORDS.includes(key) ? (a, b) => value(a).localeCompare(value(b)) : (a, b) => value(a) - value(b);
    rows.sort((a, b) => (down ? -1 : 1) * compare(a, b));
    body.append(...rows.map((row) => row.node));
  };

  for (const head of table.tHead.rows[0].cells) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = head.textContent;
    button.addEventListener("click", () => sort(head));
    head.replaceChildren(button);
  }
  let waiting = 0;
  form.hidden = false;
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(apply, 80);
  });
  apply();
})();
