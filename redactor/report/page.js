// The page without this is a list; with it, people can search it and decide on it.
// Nothing leaves the browser: what was decided is kept in its storage until it is downloaded.
"use strict";
(() => {
  const $ = (selector, root = document) => root.querySelector(selector);
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const read = (id) => JSON.parse($(`#${id}`)?.textContent || "null");
  const cards = read("cards") || [];
  const setup = read("setup");
  const gallery = $("#gallery");
  const tools = $("#tools");
  const STEP = 40;
  const PRINTED = 1000;   // cards put on paper at most; nobody reads more there

  // What was decided: of pictures true, false or null, of codes the same and another action.
  // What is not here is as the plan says. Names are foreign: `__proto__` is one, too.
  const store = `redactor:${setup.id}`;
  const named = (said) => Object.assign(Object.create(null), said);
  const state = { by: "", pictures: named(), codes: named() };
  const load = () => {
    try {
      const kept = JSON.parse(localStorage.getItem(store)) || {};
      Object.assign(state, { by: kept.by || "", pictures: named(kept.pictures), codes: named(kept.codes) });
    } catch { /* none */ }
  };
  load();
  const save = () => { try { localStorage.setItem(store, JSON.stringify(state)); } catch { /* full */ } };

  const make = (tag, attributes = {}, ...children) => {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
      else if (value !== false && value !== null) element.setAttribute(name, value === true ? "" : value);
    }
    element.append(...children);
    return element;
  };

  // Search, filter, sort.
  const filters = ["verdict", "action", "rule", "symbology", "kind"];
  const values = (card, key) => key === "verdict" ? [card.verdict] : card[key];
  for (const key of filters) {
    const counts = new Map();
    for (const card of cards) for (const one of new Set(values(card, key))) counts.set(one, (counts.get(one) || 0) + 1);
    const select = $(`#f-${key}`);
    for (const [one, number] of [...counts].sort((a, b) => b[1] - a[1])) {
      select.append(make("option", { value: one }, `${setup.names[one] || one} (${number.toLocaleString("en")})`));
    }
    select.closest("label").hidden = counts.size < 2;
  }
  const orders = {
    risk: (a, b) => a.place - b.place,
    name: (a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : a.place - b.place),
    codes: (a, b) => b.codes - a.codes || a.place - b.place,
  };
  cards.forEach((card, place) => { card.place = place; });
  let shown = cards;
  let rendered = 0;

  const element = (card) => {
    if (!card.element) {
      const template = document.createElement("template");
      template.innerHTML = card.html;   // escaped where it was made
      card.element = template.content.firstElementChild;
      equip(card);
    }
    return card.element;
  };
  const more = (upTo = rendered + STEP) => {
    const batch = shown.slice(rendered, upTo);
    gallery.append(...batch.map(element));
    rendered += batch.length;
  };
  const refresh = () => {
    const wanted = Object.fromEntries(filters.map((key) => [key, $(`#f-${key}`).value]));
    const words = $("#f-text").value.toLowerCase().split(/\s+/).filter(Boolean);
    const review = $("#f-review")?.value;
    shown = cards.filter((card) =>
      filters.every((key) => !wanted[key] || values(card, key).includes(wanted[key]))
      && words.every((word) => card.text.includes(word))
      && (!review || standing(card) === review));
    shown.sort(orders[$("#f-sort").value]);
    gallery.replaceChildren();
    rendered = 0;
    more();
    $("#shown").textContent = shown.length === cards.length
      ? `${cards.length.toLocaleString("en")} pictures`
      : `${shown.length.toLocaleString("en")} of ${cards.length.toLocaleString("en")} pictures`;
    $("#nothing").hidden = shown.length > 0;
  };

  // Review.
  const codeKey = (card, code) => `${card.name}\n${code.id}`;
  const saidOf = (card, code) => state.codes[codeKey(card, code)] || {};
  const isDecided = (card) => setup.plan && card.verdict !== "quarantined";   // those are held back
  const pictureSays = (card) => card.name in state.pictures ? state.pictures[card.name] : card.approved;
  const codeSays = (card, code) => {
    const { approved } = saidOf(card, code);
    return approved === undefined ? code.approved : approved;
  };
  const actionOf = (card, code) => saidOf(card, code).action || code.action;
  const standing = (card) => {
    if (!isDecided(card)) return "";
    const picture = pictureSays(card);
    const codes = card.review.map((code) => codeSays(card, code) ?? picture);
    if (picture === false || codes.includes(false)) return "rejected";
    if (codes.length ? codes.every((one) => one === true) : picture === true) return "approved";
    return "open";
  };
  const decide = (card, approved) => {
    if (!isDecided(card)) return;
    state.pictures[card.name] = pictureSays(card) === approved ? null : approved;
    for (const code of card.review) state.codes[codeKey(card, code)] = { ...saidOf(card, code), approved: null };
    save();
    mark(card);
  };
  const decideCode = (card, code, change) => {
    state.codes[codeKey(card, code)] = { ...saidOf(card, code), ...change };
    save();
    mark(card);
  };
  const button = (label, of, key, pressed, press) =>
    make("button", { type: "button", "aria-pressed": String(pressed), "aria-label": `${label} ${of}`, title: key, onclick: press }, label);
  const mark = (card) => {
    if (!isDecided(card)) return;
    if (card.element) {
      const now = standing(card);
      card.element.dataset.review = now;
      const box = $(".review", card.element);
      const picture = pictureSays(card);
      const focused = document.activeElement?.dataset?.key;
      box.replaceChildren(
        make("span", { class: `standing ${now}` }, { approved: "✓ approved", rejected: "✕ rejected", open: "○ open" }[now]),
        button("Approve", card.shown, "a", picture === true, () => decide(card, true)),
        button("Reject", card.shown, "r", picture === false, () => decide(card, false)),
      );
      all("button", box).forEach((one, number) => { one.dataset.key = `${card.number}-${number}`; });
      for (const code of card.review) markCode(card, code);
      if (focused) $(`[data-key="${CSS.escape(focused)}"]`, card.element)?.focus();
    }
    progress();
  };
  const markCode = (card, code) => {
    const box = $(`[data-code="${code.id}"]`, card.element);
    if (!box) return;
    const approved = codeSays(card, code);
    const action = actionOf(card, code);
    redraw(card, code, action);
    const select = make("select", { "aria-label": `Action for code ${code.id}`, "data-key": `${card.number}-s${code.id}` });
    for (const one of ACTIONS) {
      select.append(make("option", { value: one, selected: one === action }, one === code.planned ? `${one} (planned)` : one));
    }
    select.addEventListener("change", () => overrule(card, code, select.value));
    const approve = button("Approve", `code ${code.id}`, null, approved === true, () =>
      decideCode(card, code, { approved: approved === true ? null : true }));
    const reject = button("Reject", `code ${code.id}`, null, approved === false, () =>
      decideCode(card, code, { approved: approved === false ? null : false }));
    approve.dataset.key = `${card.number}-a${code.id}`;
    reject.dataset.key = `${card.number}-r${code.id}`;
    box.replaceChildren(select, approve, reject);
  };
  // Outlines, numbers and words follow an overruling, and so does the filter.
  const ACTIONS = ["allow", "blur", "pixelate", "fill"];
  const redraw = (card, code, action) => {
    for (const one of all(`[data-mark="${code.id}"]`, card.element)) {
      one.classList.remove(...ACTIONS.map((name) => `a-${name}`));
      one.classList.add(`a-${action}`);
      if (one.matches(".action")) one.textContent = action;
    }
    const said = saidOf(card, code);
    const [by, reason] = said.action ? [state.by, said.reason] : [code.by, code.reason];
    $(`[data-instead="${code.id}"]`, card.element).textContent =
      action === code.planned ? "" : ` instead of ${code.planned} (${by}: ${reason})`;
    card.action = [...new Set(card.review.map((one) => actionOf(card, one)))].sort();
    const filter = $("#f-action");
    if (!all("option", filter).some((one) => one.value === action)) filter.append(make("option", { value: action }, action));
    filter.closest("label").hidden = all("option", filter).length < 3;
  };
  const overrule = async (card, code, action) => {
    if (action === code.planned) {
      decideCode(card, code, { action, reason: null });
      return;
    }
    const answer = await ask(action, code);
    if (answer) {
      state.by = answer.by;
      $("#by").value = answer.by;
      decideCode(card, code, { action, reason: answer.reason, approved: true });
    } else mark(card);
  };
  const ask = (action, code) => new Promise((resolve) => {
    const dialog = $("#why");
    $("#why-what").textContent = `${action} instead of ${code.planned}`;
    $("#why-by").value = state.by;
    $("#why-reason").value = "";
    const form = $("form", dialog);
    const end = (answer) => { form.onsubmit = dialog.onclose = null; dialog.close(); resolve(answer); };
    form.onsubmit = (event) => {
      event.preventDefault();
      end({ by: $("#why-by").value.trim(), reason: $("#why-reason").value.trim() });
    };
    dialog.onclose = () => resolve(null);
    dialog.showModal();
    $(state.by ? "#why-reason" : "#why-by").focus();
  });
  const progress = () => {
    const counts = { approved: 0, rejected: 0, open: 0 };
    for (const card of cards) if (isDecided(card)) counts[standing(card)] += 1;
    $("#progress").textContent =
      `${counts.approved.toLocaleString("en")} approved · ${counts.rejected.toLocaleString("en")} rejected · ${counts.open.toLocaleString("en")} open`;
  };
  const decisions = () => {
    const known = new Map(cards.map((card) => [card.name, card]));
    return read("plan").map((row) => {
      const card = known.get(row.name);
      if (isDecided(card)) write(row, card);
      return JSON.stringify(row);
    }).join("\n") + "\n";
  };
  const write = (row, card) => {
    const by = state.by || null;
    if (row.approved !== pictureSays(card)) Object.assign(row, { approved: pictureSays(card), by });
    row.codes.forEach((code, place) => {
      const said = saidOf(card, card.review[place]);
      if (said.approved !== undefined && said.approved !== code.approved) Object.assign(code, { approved: said.approved, by });
      if (!said.action || said.action === code.action) return;
      const reason = said.action === code.planned ? card.review[place].reason : said.reason;
      Object.assign(code, { action: said.action, reason, by });
    });
  };
  const download = () => {
    const url = URL.createObjectURL(new Blob([decisions()], { type: "application/x-ndjson" }));
    make("a", { href: url, download: setup.file }).click();
    setTimeout(() => URL.revokeObjectURL(url), 10_000);
  };

  // A rule from a code. Only a site is known well enough to be allowed: by its kind, or as text
  // that was not read, a code could be anybody's.
  const quote = (text) => JSON.stringify(text);
  const rule = (code) => {
    const kind = [code.read ? "" : "read: false", code.symbology === "unknown" ? "" : `symbology: ${code.symbology}`];
    const when = code.site
      ? `domain: [${quote(code.site)}, ${quote(`*.${code.site}`)}]`
      : kind.filter(Boolean).join(", ") || "symbology: any";
    const id = (code.site || `${code.read ? "" : "unread-"}${code.symbology}`).replace(/[^a-z0-9]+/gi, "-").replace(/^-|-$/g, "").toLowerCase();
    const lines = (name, action) => `  - id: ${name}-${id}\n    when: {${when}}\n    action: ${action}\n`;
    const hide = `rules:\n${lines("hide", "fill")}    flag: review\n`;
    return code.site ? `rules:\n${lines("allow", "allow")}\n# or\n\n${hide}` : hide;
  };

  // One picture, as large as it and the window allow: before over after, a slider between.
  const detail = (card) => {
    const [before, after] = all("figure .shot", element(card));
    if (!before) return;
    const dialog = $("#detail");
    const stack = $("#stack");
    const [wide, high] = [Number(before.dataset.wide), Number(before.dataset.high)];
    stack.style.width = `min(100%, ${((100 * wide) / high).toFixed(3)}vh - ${((190 * wide) / high).toFixed(1)}px, ${Math.max(wide, 640)}px)`;
    stack.replaceChildren(before.cloneNode(true));
    $("#detail-name").textContent = card.shown;
    $("#slide").closest("label").hidden = !after;
    if (after) {
      stack.append(after.cloneNode(true));
      const top = $(".shot + .shot img", stack);
      const slide = $("#slide");
      const move = () => { top.style.clipPath = `inset(0 0 0 ${slide.value}%)`; };
      slide.value = 50;
      slide.oninput = move;
      move();
    }
    dialog.showModal();
  };

  const equip = (card) => {
    const article = card.element;
    article.tabIndex = -1;
    if (all("figure img", article).length) {
      $(".acts", article).append(make("button", { type: "button", onclick: () => detail(card) }, "Look closer"));
    }
    for (const box of all("[data-rule]", article)) {
      const code = card.review[Number(box.dataset.rule) - 1];
      box.append(make("button", {
        type: "button", class: "link",
        onclick: () => { $("#rule-text").value = rule(code); $("#rule").showModal(); $("#rule-text").select(); },
      }, "make a rule of this"));
    }
    mark(card);
  };

  // Keyboard.
  let current = -1;
  const go = (step) => {
    if (!shown.length) return;
    current = Math.max(0, Math.min(shown.length - 1, current + step));
    if (current >= rendered) more(current + STEP);
    const article = element(shown[current]);
    article.focus({ preventScroll: true });
    article.scrollIntoView({ block: "start" });
  };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || $("dialog[open]")) return;
    if (event.target.matches("input, select, textarea")) {
      if (event.key === "Escape") event.target.blur();
      return;
    }
    const card = shown[current];
    const keys = {
      j: () => go(1),
      k: () => go(-1),
      "/": () => $("#f-text").focus(),
      a: () => setup.plan && card && decide(card, true),
      r: () => setup.plan && card && decide(card, false),
      d: () => card && detail(card),
    };
    if (keys[event.key]) { event.preventDefault(); keys[event.key](); }
  });
  gallery.addEventListener("focusin", (event) => {
    const article = event.target.closest("article");
    const place = shown.findIndex((card) => card.element === article);
    if (place >= 0) current = place;
  });

  // Deep links: to a picture, wherever it is in the list.
  const follow = () => {
    const number = Number(/^#p(\d+)$/.exec(location.hash)?.[1]);
    const find = () => shown.findIndex((card) => card.number === number);
    if (!number) return;
    if (find() < 0) { $("#tools").reset(); if (setup.plan) $("#by").value = state.by; refresh(); }
    const place = find();
    if (place < 0) return;
    if (place >= rendered) more(place + STEP);
    current = place;
    element(shown[place]).scrollIntoView({ block: "start" });
  };

  // The first are there already.
  for (const article of all("article", gallery)) {
    const card = cards.find((one) => `p${one.number}` === article.id);
    card.element = article;
    equip(card);
    rendered += 1;
  }
  const watch = new IntersectionObserver((seen) => {
    if (!seen.some((one) => one.isIntersecting) || rendered >= shown.length) return;
    more();
    watch.unobserve($("#end"));   // asked anew, it tells whether the end is still in sight
    watch.observe($("#end"));
  }, { rootMargin: "1200px" });
  watch.observe($("#end"));
  tools.hidden = false;
  tools.addEventListener("input", (event) => { if (event.target.id !== "by") refresh(); });
  tools.addEventListener("submit", (event) => event.preventDefault());
  all("dialog [data-close]").forEach((one) => one.addEventListener("click", () => one.closest("dialog").close()));
  if (setup.plan) {
    $("#by").value = state.by;
    $("#by").addEventListener("input", (event) => { state.by = event.target.value.trim(); save(); });
    $("#approve-shown").addEventListener("click", () => {
      for (const card of shown) if (standing(card) === "open") state.pictures[card.name] = true;
      save();
      for (const card of shown) if (card.element) mark(card);
      progress();
    });
    $("#download").addEventListener("click", download);
    // The same plan open twice: what is decided there counts here.
    addEventListener("storage", (event) => {
      if (event.key !== store) return;
      load();
      $("#by").value = state.by;
      for (const card of cards) if (card.element) mark(card);
      progress();
    });
    progress();
  }
  addEventListener("hashchange", follow);
  // Paper does not scroll.
  addEventListener("beforeprint", () => more(Math.max(rendered, Math.min(shown.length, PRINTED))));
  $("#shown").textContent = `${cards.length.toLocaleString("en")} pictures`;
  follow();
})();
