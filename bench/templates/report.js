"use strict";
(() => {
  const form = document.getElementById("filters");
  const field = (name) => document.getElementById("f-" + name);
  const items = [...document.querySelectorAll("details.instance")].map((node) => ({
    node,
    category: node.dataset.category,
    states: Object.fromEntries(node.dataset.states.trim().split(" ").map((s) => [s.slice(0, s.lastIndexOf("=")), s.slice(s.lastIndexOf("=") + 1)])),
    panels: [...node.querySelectorAll("details.panel")],
    text: null,
  }));

  const fitsState = (item, agent, state) => {
    const states = agent ? [item.states[agent]] : Object.values(item.states);
    if (agent && states[0] === "none") return false;
    if (!state) return true;
    // With any agent, "not solved" is what no agent solved.
    if (state === "scored" && !agent) return !states.includes("solved") && states.includes("scored");
    return states.includes(state);
  };

  const apply = () => {
    const words = field("text").value.toLowerCase().split(/\s+/).filter(Boolean);
    const category = field("category").value;
    const agent = field("agent").value;
    const state = field("state").value;
    let shown = 0;
    for (const item of items) {
      let fits = (!category || item.category === category) && fitsState(item, agent, state);
      if (fits && words.length) {
        item.text ??= item.node.textContent.toLowerCase();
        fits = words.every((word) => item.text.includes(word));
      }
      item.node.hidden = !fits;
      shown += fits;
      for (const panel of item.panels) panel.hidden = Boolean(agent) && panel.dataset.agent !== agent;
    }
    field("count").textContent = shown === items.length ? `${shown} instances` : `${shown} of ${items.length}`;
    field("none").hidden = shown > 0;
  };

  const openTarget = () => {
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (target && target.matches("details.instance")) target.open = true;
  };

  let waiting = 0;
  form.hidden = false;
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(apply, 80);
  });
  for (const { node } of items) {
    node.addEventListener("toggle", () => {
      if (node.open) history.replaceState(null, "", "#" + node.id);
    });
  }
  addEventListener("hashchange", openTarget);
  apply();
  openTarget();
})();
