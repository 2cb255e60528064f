// Streamlit would look for its server below the page's address first, which the browser reports as an error, and keeps
// the theme by address
window.__streamlit = { BACKEND_BASE_URL: window.location.origin + "/" };
try {
  const theme = localStorage.getItem("emberline.theme");
  if (theme) localStorage.setItem(`stActiveTheme-${window.location.pathname}-v2`, theme);
} catch {}

// A value that is typed and left by a link to another page: the link waits until the page has run with it, since a
// change of page ends that run, or sets out before it
(() => {
  const LONGEST_MS = { unsent: 1000, sent: 30_000 };
  const LINK = 'a[data-testid="stPageLink-NavLink"]';
  let before = "";
  let entered = 0; // when a value was entered that no run has begun to read; 0: none
  let sent = false; // to the server, which may be busy
  let running = false;
  const send = WebSocket.prototype.send;
  WebSocket.prototype.send = function (...data) {
    sent = entered > 0;
    return send.apply(this, data);
  };
  const field = (event) => event.target.matches?.("input:not([role=combobox]), textarea");
  const enter = (event) => {
    if (!field(event) || event.target.value === before) return;
    before = event.target.value;
    entered = Date.now();
    sent = running = false;
  };
  addEventListener("focusin", (event) => field(event) && (before = event.target.value), true);
  addEventListener("focusout", enter, true);
  addEventListener("keydown", (event) => event.key === "Enter" && enter(event), true);
  new MutationObserver(([change]) => {
    if (change.target.dataset.testScriptState === "running") running = entered > 0;
    else if (running) entered = 0;
  }).observe(document, { subtree: true, attributeFilter: ["data-test-script-state"] });
  addEventListener("click", (event) => {
    const link = event.target.closest?.(LINK);
    const waits = () => entered && Date.now() - entered < LONGEST_MS[sent ? "sent" : "unsent"];
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey || !waits()) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    const look = setInterval(() => {
      if (waits()) return;
      clearInterval(look);
      entered = 0;
      (link.isConnected ? link : document.querySelector(`${LINK}[href="${link.getAttribute("href")}"]`))?.click();
    }, 20);
  }, true);
})();

// A page whose program cannot be loaded, or that stays blank, is loaded again, a few times and only until somebody works
// on it; then it says so
(() => {
  const TEXTS = {/* by language: what is said, and the button */};
  const KEY = "emberline.reloads";
  const MOST = 3; // times within
  const SPAN_MS = 120_000;
  const BLANK_MS = 30_000;
  const OFTEN_MS = 500;
  let ended = false;
  let touched = false;
  for (const kind of ["keydown", "pointerdown"]) addEventListener(kind, () => (touched = true), true);

  const say = () => {
    const asked = new URLSearchParams(location.search).get("lang") || navigator.language.split("-")[0];
    const [text, label] = TEXTS[asked] || TEXTS.en;
    const bar = document.createElement("div");
    bar.setAttribute("role", "alert");
    bar.style.cssText = "position:fixed;inset:0 0 auto;z-index:999999;padding:12px 16px;font:15px sans-serif;" +
      "background:#FFF4D6;color:#1C2530;display:flex;gap:16px;align-items:center";
    const button = document.createElement("button");
    button.textContent = label;
    button.style.cssText = "font:inherit;padding:4px 12px;cursor:pointer";
    button.onclick = () => location.reload();
    bar.append(text, button);
    document.body.append(bar);
  };
  const reload = async () => {
    if (ended) return;
    ended = true;
    try {
      const times = JSON.parse(sessionStorage.getItem(KEY) || "[]").filter((time) => Date.now() - time < SPAN_MS);
      if (touched || times.length >= MOST) return say();
      sessionStorage.setItem(KEY, JSON.stringify([...times, Date.now()]));
    } catch {
      return say();
    }
    // without a server the browser would show a page of its own, which stays
    const answers = () => fetch("/_stcore/health", { cache: "no-store" }).then((answer) => answer.ok, () => false);
    while (!(await answers())) await new Promise((resolve) => setTimeout(resolve, OFTEN_MS));
    location.reload();
  };

  addEventListener("vite:preloadError", reload);
  addEventListener("error", ({ target }) => {
    if (target.tagName === "SCRIPT" || (target.tagName === "LINK" && target.rel === "stylesheet")) reload();
  }, true);
  let since = Date.now();
  const look = setInterval(() => {
    const running = document.querySelector('[data-test-script-state="running"]');
    if (running || document.hidden || document.getElementById("root")?.textContent.trim()) since = Date.now();
    else if (Date.now() - since > BLANK_MS) reload();
    if (ended) clearInterval(look);
  }, 1000);
})();
