/* What htmx cannot do: menus, theme, dialogs, copy, selection, the skeleton of a slow answer, and telling of failures.
   Everything is delegated from the document, so that swapped-in content needs no set-up. */
(() => {
  "use strict";
  const $ = (selector, root = document) => root.querySelector(selector);
  const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];

  let toastTimer;
  const toast = (text) => {
    const box = $("#toast");
    if (!box) return;
    box.textContent = text;
    clearTimeout(toastTimer);
    toastTimer = setTimeout(() => { box.textContent = ""; }, 6000);
  };

  const setTheme = (theme) => {
    if (theme) document.documentElement.dataset.theme = theme;
    else delete document.documentElement.dataset.theme;
    const age = theme ? 31536000 : 0;
    document.cookie = `theme=${theme}; path=/; max-age=${age}; samesite=lax`;
    $$("[data-theme-choice]").forEach((b) => b.setAttribute("aria-pressed", String(b.dataset.themeChoice === theme)));
  };

  const closeSearch = () => { const panel = $("#search-panel"); if (panel) panel.replaceChildren(); };

  const refreshSelection = (form) => {
    if (!form) return;
    const boxes = $$("input[data-pick]", form);
    const picked = boxes.filter((box) => box.checked);
    boxes.forEach((box) => box.closest("tr")?.toggleAttribute("data-selected", box.checked));
    const all = $("input[data-pick-all]", form);
    if (all) { all.checked = picked.length > 0 && picked.length === boxes.length; all.indeterminate = picked.length > 0 && picked.length < boxes.length; }
    const bar = $("[data-bulk]", form);
    if (bar) { bar.hidden = picked.length === 0; const count = $("[data-bulk-count]", bar); if (count) count.textContent = String(picked.length); }
  };

  document.addEventListener("click", (event) => {
    const target = event.target instanceof Element ? event.target : null;
    if (!target) return;
    const theme = target.closest("[data-theme-choice]");
    if (theme) { setTheme(theme.dataset.themeChoice); return; }
    const opener = target.closest("[data-dialog]");
    if (opener) { const dialog = document.getElementById(opener.dataset.dialog); if (dialog) { event.preventDefault(); opener.closest("details.menu")?.removeAttribute("open"); dialog.showModal(); } return; }
    const closer = target.closest("[data-close]");
    if (closer) { closer.closest("dialog")?.close(); return; }
    if (target instanceof HTMLDialogElement) { target.close(); return; }
    const copy = target.closest("[data-copy]");
    if (copy) {
      navigator.clipboard.writeText(copy.dataset.copy).then(() => toast("Copied."), () => toast("The browser did not allow copying. Select the text and copy it by hand."));
      return;
    }
    $$("details.menu[open]").forEach((menu) => { if (!menu.contains(target)) menu.removeAttribute("open"); });
    if (!target.closest("#search")) closeSearch();
  });

  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      $$("details.menu[open]").forEach((menu) => { menu.removeAttribute("open"); $("summary", menu)?.focus(); });
      if ($("#search")?.contains(document.activeElement)) { closeSearch(); }
      return;
    }
    const typing = /^(input|textarea|select)$/i.test(document.activeElement?.tagName || "") || document.activeElement?.isContentEditable;
    if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
      const box = $("#search-input");
      if (box) { event.preventDefault(); box.focus(); box.select(); }
      return;
    }
    if ((event.key === "ArrowDown" || event.key === "ArrowUp") && $("#search")?.contains(document.activeElement)) {
      const stops = [$("#search-input"), ...$$("#search-panel a")];
      const next = stops[stops.indexOf(document.activeElement) + (event.key === "ArrowDown" ? 1 : -1)];
      if (next) { event.preventDefault(); next.focus(); }
    }
  });

  document.addEventListener("change", (event) => {
    const box = event.target;
    if (!(box instanceof HTMLElement)) return;
    if (box.matches("input[data-pick-all]")) $$("input[data-pick]", box.form).forEach((one) => { one.checked = box.checked; });
    if (box.matches("input[data-pick-all], input[data-pick]")) refreshSelection(box.form);
    if (box.matches("[data-submit-on-change]")) box.form?.requestSubmit();
  });

  /* A second click on a form that is being sent does nothing. */
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (event.defaultPrevented || form.method !== "post" || form.hasAttribute("hx-post")) return;
    if (form.dataset.sending) { event.preventDefault(); return; }
    form.dataset.sending = "1";
    event.submitter?.classList.add("is-busy");
  });
  window.addEventListener("pageshow", () => {
    $$("form[data-sending]").forEach((form) => { delete form.dataset.sending; });
    $$(".is-busy").forEach((button) => button.classList.remove("is-busy"));
  });

  /* Addresses stay short: a filter that is not set is not in them. */
  document.addEventListener("htmx:configRequest", (event) => {
    if (event.detail.verb !== "get") return;
    for (const [name, value] of Object.entries(event.detail.parameters)) if (value === "") delete event.detail.parameters[name];
  });

  /* A slow answer shows a skeleton after 200 ms. */
  const waiting = new WeakMap();
  document.addEventListener("htmx:beforeRequest", (event) => {
    const target = event.detail.target;
    if (!target || target.id === "search-panel" || target.hasAttribute("data-no-skeleton")) return;
    waiting.set(event.detail.xhr, setTimeout(() => { target.classList.add("is-loading"); target.setAttribute("aria-busy", "true"); }, 200));
  });
  const settle = (event) => {
    clearTimeout(waiting.get(event.detail.xhr));
    event.detail.target?.classList.remove("is-loading");
    event.detail.target?.removeAttribute("aria-busy");
  };
  document.addEventListener("htmx:afterRequest", settle);
  document.addEventListener("htmx:responseError", () => toast("The page could not be loaded. Nothing was changed. Try again."));
  document.addEventListener("htmx:sendError", () => toast("Startdeliver cannot be reached. Nothing was changed. Check your connection and try again."));
  /* After a swap the focus would fall back to the top of the page: the same control in the new content gets it. */
  let focused = "";
  document.addEventListener("htmx:beforeSwap", (event) => {
    const active = document.activeElement;
    focused = active && event.detail.target?.contains(active) && active.matches("a, button") ? active.textContent.trim() : "";
  });
  document.addEventListener("htmx:afterSettle", (event) => {
    $$("form[data-bulk-form]").forEach(refreshSelection);
    const root = document.getElementById(event.detail.requestConfig?.target?.id || "");
    if (focused && root) $$("a, button", root).find((one) => one.textContent.trim() === focused)?.focus({ preventScroll: true });
    focused = "";
  });
  $$("form[data-bulk-form]").forEach(refreshSelection);
})();
