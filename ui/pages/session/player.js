export default function ({ parentElement, data }) {
  const button = parentElement.querySelector("button");
  const slider = () => document.querySelector(".st-key-replay .vega-bindings input[type=range]");
  let timer = null;
  const show = () => { button.textContent = timer ? data.pause : "▶\uFE0E " + data.play; };
  const stop = () => { clearInterval(timer); timer = null; show(); };
  const move = (to) => {
    const found = slider();
    if (!found || to > Number(found.max)) return stop();
    found.value = to;
    found.dispatchEvent(new Event("input", { bubbles: true }));
  };
  const step = () => { const found = slider(); found ? move(Number(found.value) + Number(found.step)) : stop(); };
  button.onclick = () => {
    if (timer) return stop();
    const found = slider();
    if (!found) return;
    if (Number(found.value) >= Number(found.max)) move(Number(found.min));
    timer = setInterval(step, data.every);
    show();
  };
  stop();
  return () => clearInterval(timer);
}
