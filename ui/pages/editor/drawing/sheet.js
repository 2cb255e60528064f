// The flow sheet of a draft: a click or Enter selects, a line drawn from a box to a bar or from a bar to a box connects.
const NS = "http://www.w3.org/2000/svg";
const WIDTH = 680, LABEL = 92, MOVE = 6;

function make(kind, attributes, parent, text) {
  const element = document.createElementNS(NS, kind);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  if (text !== undefined) element.textContent = text;
  parent.appendChild(element);
  return element;
}

function short(text, width) {
  const most = Math.max(4, Math.floor(width / 7));
  return text.length > most ? text.slice(0, most - 1) + "…" : text;
}

export default function ({ parentElement, data, setTriggerValue }) {
  const root = parentElement.querySelector(".sheet");
  root.replaceChildren();
  const svg = make("svg", { viewBox: `0 0 ${WIDTH} ${data.height}`, role: "group", "aria-label": data.label }, root);
  const material = new Set(data.bars.filter(bar => bar.material).map(bar => bar.name));

  for (const line of data.lines) {
    if (line.stages) {
      const [one, other] = line.stages.map(id => data.boxes.find(box => box.id === id));
      if (!one || !other || one.y !== other.y) continue;
      const y = one.y + one.h / 2, from = one.x + one.w, to = other.x;
      make("path", { class: "next", d: `M${from} ${y}H${to - 1}M${to - 6} ${y - 4}L${to - 1} ${y}L${to - 6} ${y + 4}` }, svg);
      continue;
    }
    const kind = material.has(line.bar) ? " material" : "";
    make("line", { class: "line" + kind, x1: line.x, x2: line.x, y1: line.y, y2: line.y2 }, svg);
    const head = (tip, from) => {
      const by = tip > from ? -8 : 8;
      make("path", { class: "head" + kind, d: `M${line.x} ${tip}l-4.5 ${by}h9z` }, svg);
    };
    if (line.way !== "takes") head(line.y2, line.y);
    if (line.way !== "gives") head(line.y, line.y2);
  }

  const items = [];
  const item = (group, entry, kind) => {
    if (entry.id === data.selected) group.classList.add("selected");
    if (entry.wrong) {
      group.classList.add("wrong");
      const at = kind === "bar" ? [WIDTH - 14, entry.y - 7] : [entry.x + entry.w - 14, entry.y + 15];
      make("text", { class: "flag", x: at[0], y: at[1] }, group, "✕");
    }
    group.setAttribute("tabindex", "0");
    group.setAttribute("role", "button");
    group.setAttribute("aria-label", `${entry.name} ${entry.detail || ""}`.trim());
    group.onkeydown = event => {
      if (event.key !== "Enter" && event.key !== " ") return;
      event.preventDefault();
      setTriggerValue("act", { act: "select", id: entry.id, again: Date.now() });
    };
    group.onpointerdown = event => begin(event, { group, entry, kind });
    items.push({ group, entry, kind });
  };

  for (const bar of data.bars) {
    const group = make("g", { class: "bar" + (bar.material ? " material" : "") }, svg);
    make("rect", { class: "hit", x: 0, y: bar.y - 14, width: WIDTH, height: 28, rx: 4 }, group);
    make("line", { class: "rail", x1: LABEL, x2: WIDTH - 4, y1: bar.y, y2: bar.y }, group);
    make("text", { class: "name", x: 4, y: bar.y - 1 }, group, short(bar.name, LABEL));
    make("text", { class: "detail", x: 4, y: bar.y + 12 }, group, short(bar.detail, LABEL));
    item(group, bar, "bar");
  }
  for (const box of data.boxes) {
    const group = make("g", { class: "box" }, svg);
    make("rect", { x: box.x, y: box.y, width: box.w, height: box.h, rx: 4 }, group);
    const middle = box.x + box.w / 2;
    make("text", { class: "name", x: middle, y: box.y + 19, "text-anchor": "middle" }, group, short(box.name, box.w - 8));
    make("text", { class: "detail", x: middle, y: box.y + 35, "text-anchor": "middle" }, group, short(box.detail, box.w - 4));
    item(group, box, "box");
  }

  let drag = null;
  const point = event => new DOMPoint(event.clientX, event.clientY).matrixTransform(svg.getScreenCTM().inverse());
  const under = event => {
    const at = point(event);
    const inside = ({ entry, kind }) => kind === "bar"
      ? Math.abs(at.y - entry.y) <= 14
      : at.x >= entry.x && at.x <= entry.x + entry.w && at.y >= entry.y && at.y <= entry.y + entry.h;
    return items.find(one => one.kind !== drag.start.kind && inside(one));
  };
  function begin(event, start) {
    if (event.button) return;
    drag = { start, from: point(event), line: null, target: null };
    svg.setPointerCapture(event.pointerId);
  }
  svg.onpointermove = event => {
    if (!drag) return;
    const at = point(event);
    if (!drag.line && Math.hypot(at.x - drag.from.x, at.y - drag.from.y) < MOVE) return;
    drag.line ??= make("line", { class: "rubber", x1: drag.from.x, y1: drag.from.y }, svg);
    drag.line.setAttribute("x2", at.x);
    drag.line.setAttribute("y2", at.y);
    drag.target?.group.classList.remove("target");
    drag.target = under(event);
    drag.target?.group.classList.add("target");
  };
  svg.onpointerup = event => {
    if (!drag) return;
    const { start, line, target } = drag;
    line?.remove();
    target?.group.classList.remove("target");
    drag = null;
    if (!line) {
      setTriggerValue("act", { act: "select", id: start.entry.id, again: Date.now() });
    } else if (target) {
      const [box, bar] = start.kind === "box" ? [start, target] : [target, start];
      const way = start.kind === "box" ? "gives" : "takes";
      setTriggerValue("act", { act: "connect", box: box.entry.id, bar: bar.entry.name, way, again: Date.now() });
    }
  };
  svg.onpointercancel = () => { drag?.line?.remove(); drag = null; };
}
