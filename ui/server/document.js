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
  const LONGEST_MS = 3000;
  const LINK = 'a[data-testid="stPageLink-NavLink"]';
  let before = "";
  let entered = 0; // when a value was entered that no run has begun to read; 0: none
  let running = false;
  const field = (event) => event.target.matches?.("input:not([role=combobox]), textarea");
  const enter = (event) => {
    if (!field(event) || event.target.value === before) return;
    before = event.target.value;
    entered = Date.now();
    running = false;
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
    const waits = () => entered && Date.now() - entered < LONGEST_MS;
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
