/* Sends the calls of the page to try the API. The key stays in the input; nothing is stored. */
(() => {
  "use strict";

  const address = (form) => {
    const data = new FormData(form);
    let path = form.dataset.path.replace("{id}", encodeURIComponent(data.get("id") ?? ""));
    const query = (data.get("query") ?? "").trim();
    if (query) path += `?query=${encodeURIComponent(query)}`;
    return path;
  };

  const send = async (form) => {
    const answer = form.querySelector(".api-answer");
    const status = answer.querySelector(".api-status");
    const text = answer.querySelector("pre");
    const button = form.querySelector("button[type=submit]");
    const headers = {};
    const key = document.getElementById("key").value.trim();
    if (key) headers.Authorization = key;
    const body = new FormData(form).get("body");
    if (body !== null) headers["Content-Type"] = "application/json";
    answer.hidden = false;
    status.textContent = "Sending…";
    text.textContent = "";
    button.disabled = true;
    const started = performance.now();
    try {
      const response = await fetch(address(form), { method: form.dataset.method, headers, body, credentials: "omit" });
      const raw = await response.text();
      status.textContent = `${response.status} ${response.statusText} · ${Math.round(performance.now() - started)} ms`;
      try { text.textContent = JSON.stringify(JSON.parse(raw), null, 2); } catch { text.textContent = raw; }
    } catch {
      status.textContent = "The server did not answer. Check that it runs, then send again.";
    } finally {
      button.disabled = false;
    }
  };

  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.id === "key-form") { event.preventDefault(); return; }
    if (!form.classList.contains("api-try")) return;
    event.preventDefault();
    send(form);
  });
})();
