// The planning board: bars of a plan that can be dragged, moved by keys, locked. Python: reports/charts/board/__init__.py.

const SVG = "http://www.w3.org/2000/svg";
const LEFT = 98, RIGHT = 6, TOP = 6, AXIS = 34, ROW = 34, BAR = 20, THIN = 5, CHARACTER = 6.6, DRAG = 4, SHORTEST = 120;
const PADLOCK = "M-4,-1 V-3 a4,4 0 0 1 8,0 V-1 M-5.5,-1 H5.5 V6 H-5.5 Z";

const make = (name, attributes, parent) => {
  const node = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  if (parent) parent.append(node);
  return node;
};
const fill = (text, values) => text.replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");

class Board {
  constructor(root, send) {
    this.root = root;
    this.send = send;
    this.svg = root.querySelector("svg");
    this.status = root.querySelector(".status");
    this.view = null;
    this.preview = null;
    this.observer = new ResizeObserver(() => this.data && this.draw());
    this.observer.observe(root.querySelector(".board"));
    this.svg.addEventListener("pointerdown", (event) => this.grab(event));
    this.svg.addEventListener("pointermove", (event) => this.hover(event));
    this.svg.addEventListener("keydown", (event) => this.press(event));
    this.svg.addEventListener("focusin", (event) => this.tell(this.barOf(event.target)));
    this.svg.addEventListener("focusout", (event) => this.leave(event));
    this.svg.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    for (const [name, factor] of [["in", 0.5], ["out", 2], ["fit", 0]]) {
      root.querySelector(`.${name}`).onclick = () => this.zoom(factor);
    }
    root.querySelector(".skip").onclick = () => root.querySelector(".end").focus();
  }

  show(data) {
    const same = this.data && this.data.run === data.run && String(this.data.span) === String(data.span);
    this.data = data;
    if (!same) this.view = [...data.span];
    this.rules = data.rules;
    this.plan = this.rules ? placesOf(this.rules) : {};
    this.places = { ...this.plan, ...data.places };
    this.preview = null;
    const texts = data.texts;
    this.svg.setAttribute("aria-label", texts.board);
    this.root.querySelector(".help").textContent = this.rules ? texts.help : texts.fixed;
    for (const name of ["in", "out", "fit", "skip"]) {
      const button = this.root.querySelector(`.${name}`);
      if (name === "skip") button.textContent = texts.skip;
      else button.setAttribute("aria-label", texts[name]);
      button.title = texts[name];
    }
    this.legend();
    this.draw();
  }

  legend() {
    const place = this.root.querySelector(".legend");
    place.replaceChildren(...this.data.legend.map(([name, colour]) => {
      const item = document.createElement("span");
      const patch = document.createElement("i");
      patch.style.background = colour;
      item.append(patch, name);
      return item;
    }));
  }

  get width() { return Math.max(this.root.querySelector(".board").clientWidth, 300); }
  x(minute) { return LEFT + (minute - this.view[0]) / (this.view[1] - this.view[0]) * (this.width - LEFT - RIGHT); }
  y(row) { return TOP + row * ROW; }
  get perMinute() { return (this.width - LEFT - RIGHT) / (this.view[1] - this.view[0]); }

  // Row, start and end of a bar where places have it.
  span(bar, places) {
    const place = bar.key && places[bar.key];
    const home = bar.key && this.plan[bar.key];
    if (!place || (place[0] === home[0] && place[1] === home[1])) return [bar.row, bar.start, bar.end];
    const pick = (pairs, usual) => (pairs.find(([unit]) => unit === place[0]) || [0, usual])[1];
    const begin = place[1] * this.rules.step + pick(bar.offsets, 0);
    const length = place[0] === home[0] ? bar.end - bar.start : pick(bar.lengths, bar.end - bar.start);
    return [this.data.rowOf[place[0]], begin, begin + length];
  }

  draw() {
    const { data, svg } = this;
    const focused = this.root.activeElement?.dataset?.id;
    this.busy = true;
    const height = TOP + data.rows.length * ROW + AXIS;
    svg.replaceChildren();
    svg.setAttribute("height", height);
    svg.setAttribute("width", this.width);
    const clip = make("clipPath", { id: "plot" }, make("defs", {}, svg));
    make("rect", { x: LEFT, y: 0, width: this.width - LEFT - RIGHT, height }, clip);
    this.axis(svg, height);
    const plot = make("g", { "clip-path": "url(#plot)" }, svg);
    for (const [row, start, end, colour] of data.baseline) {
      make("rect", { class: "thin", x: this.x(start), y: this.y(row) + ROW - THIN - 3, height: THIN, rx: 1,
        width: Math.max((end - start) * this.perMinute, 1), fill: colour }, plot);
    }
    this.ghosts = make("g", { class: "ghosts" }, plot);
    for (const [row, start, end, label] of data.stops) {
      make("rect", { class: "stop", x: this.x(start), y: this.y(row) + 2, height: BAR, "aria-label": label,
        width: Math.max((end - start) * this.perMinute, 2) }, plot);
    }
    this.nodes = new Map();
    for (const bar of data.bars) {
      const [, start, end] = this.span(bar, this.places);
      if (end < this.view[0] || start > this.view[1]) continue;
      const node = make("g", { class: bar.pale ? "bar pale" : "bar", "data-id": bar.id, tabindex: 0, role: "button" }, plot);
      make("rect", { height: BAR, rx: 2, fill: bar.colour }, node);
      make("text", { class: "label", y: BAR / 2 + 4 }, node);
      make("text", { class: "sign", y: -1 }, node);
      if (bar.locked) make("path", { class: "padlock", d: PADLOCK }, node);
      this.nodes.set(bar.id, [node, bar]);
    }
    this.paint();
    if (focused) this.nodes.get(focused)?.[0].focus({ preventScroll: true });
    this.busy = false;
  }

  axis(svg, height) {
    const bottom = height - AXIS;
    this.data.rows.forEach((name, row) => {
      make("line", { class: "row", x1: LEFT, x2: this.width - RIGHT, y1: this.y(row) + ROW - 1, y2: this.y(row) + ROW - 1 }, svg);
      const lines = name.length > 11 ? name.split(/ (?=\S+$)/) : [name];
      lines.forEach((line, i) => {
        const y = this.y(row) + 17 + (i - (lines.length - 1) / 2) * 12;
        make("text", { class: "unit", x: LEFT - 6, y, "text-anchor": "end" }, svg).textContent = line;
      });
    });
    const hours = (this.view[1] - this.view[0]) / 60;
    const every = [1, 2, 3, 6, 12, 24, 48, 168].find((one) => hours / one <= (this.width - LEFT) / 56) || 336;
    let dated = false;
    for (let minute = Math.ceil(this.view[0] / 60) * 60; minute <= this.view[1]; minute += 60) {
      const at = this.at(minute);
      const hour = at.getUTCHours();
      const day = hour === 0;
      if (every < 24 ? hour % every : hour || (at.getTime() / 864e5) % (every / 24)) continue;
      const x = this.x(minute);
      make("line", { class: day ? "grid day" : "grid", x1: x, x2: x, y1: TOP, y2: bottom + 4 }, svg);
      const anchor = x > this.width - 40 ? "end" : "middle";
      make("text", { class: "tick", x, y: bottom + 16, "text-anchor": anchor }, svg).textContent = every < 24 ? this.clock(minute) : this.day(minute);
      if (every < 24 && (day || !dated)) {
        dated = true;
        make("text", { class: "tick", x, y: bottom + 30, "text-anchor": anchor }, svg).textContent = this.day(minute);
      }
    }
  }

  // Local wall time of a minute, kept in a date's UTC fields.
  at(minute) {
    const offset = this.data.offsets.reduce((last, [from, value]) => (minute >= from ? value : last), 0);
    return new Date(this.data.epoch + (minute + offset) * 60000);
  }
  clock(minute) { return this.at(minute).toISOString().slice(11, 16); }
  day(minute) {
    const at = this.at(minute);
    return fill(this.data.texts.date, { weekday: this.data.weekdays[(at.getUTCDay() + 6) % 7], day: at.getUTCDate(),
      month: this.data.months[at.getUTCMonth()] });
  }
  moment(minute) { return this.data.whole[1] - this.data.whole[0] > 1500 ? `${this.day(minute)} ${this.clock(minute)}` : this.clock(minute); }

  between(start, end) { return `${this.moment(start)}–${this.day(start) === this.day(end) ? this.clock(end) : this.moment(end)}`; }

  get now() { return this.preview ? { ...this.places, [this.preview.key]: this.preview.place } : this.places; }

  // Positions, labels and conflicts of all bars.
  paint() {
    const places = this.now;
    this.broken = this.rules ? conflicts(this.rules, places) : [];
    const hard = new Set(), soft = new Set();
    const fixed = new Set([...Object.keys(this.data.places), ...(this.preview ? [this.preview.key] : [])]);
    for (const one of this.broken) {
      const keys = one.next ? [...one.keys, one.next] : one.keys;
      const never = ["place", "window", "outage"].includes(one.kind) || keys.every((key) => fixed.has(key));
      keys.forEach((key) => (never ? hard : soft).add(key));
      one.hard = never;
    }
    if (!this.preview) this.data.missed.forEach((key) => soft.add(key));
    this.ghosts.replaceChildren();
    const picked = new Set(this.data.picked);
    const groups = new Map();
    for (const [node, bar] of this.nodes.values()) {
      const [row, start, end] = this.span(bar, places);
      const moved = row !== bar.row || start !== bar.start;
      const width = Math.max((end - start) * this.perMinute, 2);
      node.setAttribute("transform", `translate(${this.x(start)},${this.y(row) + 2})`);
      node.querySelector("rect").setAttribute("width", width);
      const padlock = node.querySelector(".padlock");
      if (padlock) padlock.setAttribute("transform", `translate(${Math.max(width - 8, 6)},9) scale(0.9)`);
      const fits = (text) => text.length * CHARACTER + (bar.locked ? 16 : 4) <= width;
      const text = [bar.label, bar.short].find(fits) || "";
      const label = node.querySelector(".label");
      label.textContent = text;
      label.setAttribute("x", (width - (bar.locked ? 12 : 0)) / 2);
      if (!text && bar.group) {
        const group = groups.get(bar.group) || { row, start, end };
        groups.set(bar.group, { row, start: Math.min(group.start, start), end: Math.max(group.end, end), name: bar.groupName });
      }
      const state = hard.has(bar.key) ? "hard" : soft.has(bar.key) ? "soft" : "";
      node.querySelector(".sign").textContent = { hard: "✕", soft: "!" }[state] || "";
      node.classList.toggle("hard", state === "hard");
      node.classList.toggle("soft", state === "soft");
      node.classList.toggle("moved", moved);
      node.classList.toggle("picked", picked.has(bar.heat));
      node.classList.toggle("other", picked.size > 0 && !picked.has(bar.heat));
      node.classList.toggle("free", Boolean(this.rules && bar.key));
      node.setAttribute("aria-label", this.words(bar, start, end, row, state));
      if (moved) {
        make("rect", { class: "ghost", x: this.x(bar.start), y: this.y(bar.row) + 2, height: BAR, rx: 2,
          width: Math.max((bar.end - bar.start) * this.perMinute, 2) }, this.ghosts);
      }
    }
    for (const { row, start, end, name } of groups.values()) {
      if (!name || name.length * CHARACTER > (end - start) * this.perMinute + 8) continue;
      make("text", { class: "label over", x: this.x((start + end) / 2), y: this.y(row) + 2 + BAR / 2 + 4 }, this.ghosts).textContent = name;
    }
    this.svg.querySelector("g[clip-path]").append(this.ghosts);
  }

  words(bar, start, end, row, state) {
    const texts = this.data.texts;
    const parts = [bar.title, this.data.rows[row], this.between(start, end)];
    if (bar.locked) parts.push(texts.locked);
    if (state) parts.push(texts[state]);
    return parts.join(", ");
  }

  // The line below the bars: what the bar is, and what is in the way of a move.
  tell(bar) {
    const { texts } = this.data;
    if (!bar) {
      this.status.textContent = "";
      return;
    }
    const places = this.now;
    const [row, start, end] = this.span(bar, places);
    const by = Math.round(start - bar.start);
    const parts = [`${bar.title} · ${this.data.rows[row]} · ${this.between(start, end)}`];
    if (by) parts.push(`${by > 0 ? "+" : "−"}${this.duration(Math.abs(by))}`);
    if (!by && row === bar.row) parts.push(...bar.facts);
    const mine = this.broken.filter((one) => one.keys.includes(bar.key) || one.next === bar.key);
    if (by || row !== bar.row) {
      const estimate = this.estimate(bar.key, places[bar.key]);
      if (estimate) parts.push(estimate);
      if (!mine.length) parts.push(texts.free);
    }
    this.status.replaceChildren(parts.join(" · "));
    for (const one of mine.slice(0, 3)) {
      const reason = document.createElement("b");
      reason.className = one.hard ? "hard" : "soft";
      reason.textContent = ` ${one.hard ? "✕" : "!"} ${this.reason(one, bar.key)}`;
      this.status.append(reason);
    }
  }

  duration(minutes) { return minutes >= 60 ? `${Math.floor(minutes / 60)} h${minutes % 60 ? ` ${minutes % 60} min` : ""}` : `${minutes} min`; }

  estimate(key, place) {
    const more = worth(this.rules, key, this.plan[key], place) / this.data.unitSize;
    if (!Number.isFinite(more)) return "";
    return fill(this.data.texts.estimate, { amount: `${more < 0 ? "−" : "+"}${Math.abs(more).toFixed(Math.abs(more) < 10 ? 2 : 0)}` });
  }

  reason(one, key) {
    const [first, second] = one.keys;
    const other = second === undefined ? (first === key ? one.next : first) : second === key ? first : second;
    const { works } = this.rules;
    return fill(this.data.texts[one.kind], {
      heat: works[first].name, other: other ? works[other].name : "",
      unit: this.rules.units[this.now[first][0]], stage: works[first].stage,
    });
  }

  barOf(target) {
    const id = target.closest?.("[data-id]")?.dataset.id;
    return id ? this.nodes.get(id)?.[1] : undefined;
  }

  hover(event) {
    if (!this.drag) {
      const bar = this.barOf(event.target);
      if (bar !== this.hovered && (bar || !this.root.activeElement)) this.tell(bar);
      this.hovered = bar;
    }
  }

  grab(event) {
    const bar = this.barOf(event.target);
    if (event.button !== 0) return;
    const start = { x: event.clientX, y: event.clientY, view: [...this.view] };
    const [left, top] = [this.svg.getBoundingClientRect().left, this.svg.getBoundingClientRect().top];
    const onAxis = event.clientY - top > TOP + this.data.rows.length * ROW;
    const brush = !bar && (onAxis || event.shiftKey || !this.zoomed);
    this.drag = { bar, moved: false };
    const move = (later) => {
      const dx = later.clientX - start.x, dy = later.clientY - start.y;
      if (!this.drag || (!this.drag.moved && Math.hypot(dx, dy) < DRAG)) return;
      this.drag.moved = true;
      if (bar && this.rules && bar.key) this.carry(bar, dx, later.clientY);
      else if (brush) this.select(start.x - left, later.clientX - left);
      else if (!bar) this.pan(start.view, dx);
    };
    const stop = (later) => {
      window.removeEventListener("pointermove", move);
      window.removeEventListener("pointerup", stop);
      window.removeEventListener("pointercancel", stop);
      const { drag } = this;
      this.drag = null;
      if (!drag) return;
      if (brush && drag.moved) this.take(start.x - left, later.clientX - left, later.type === "pointerup");
      else if (!bar && drag.moved) this.range();
      else if (bar && drag.moved) this.drop(bar);
      else if (bar && later.type === "pointerup") this.send({ do: "select", heat: bar.heat, key: bar.key || "" });
      else if (!drag.moved) this.send({ do: "select", heat: "", key: "" });
    };
    window.addEventListener("pointermove", move);
    window.addEventListener("pointerup", stop);
    window.addEventListener("pointercancel", stop);
    event.preventDefault();
    if (bar) this.nodes.get(bar.id)[0].focus({ preventScroll: true });
  }

  carry(bar, dx, clientY) {
    const [unit, slot] = this.places[bar.key];
    const row = Math.floor((clientY - this.svg.getBoundingClientRect().top - TOP) / ROW);
    const wanted = this.data.rowOf.indexOf(row);
    const next = unitsOf(this.rules, bar.key).includes(wanted) ? wanted : this.preview ? this.preview.place[0] : unit;
    this.lift(bar, [next, slot + Math.round(dx / this.perMinute / this.rules.step)]);
  }

  lift(bar, place) {
    const at = [place[0], Math.min(Math.max(place[1], 0), this.rules.slots - 1)];
    this.preview = { key: bar.key, place: at };
    if (!this.frame) {
      this.frame = requestAnimationFrame(() => {
        this.frame = null;
        this.paint();
        this.tell(bar);
      });
    }
  }

  drop(bar) {
    const lifted = this.preview;
    if (!lifted) return;
    const [unit, slot] = this.places[lifted.key];
    const changed = lifted.place[0] !== unit || lifted.place[1] !== slot;
    if (changed) {
      this.places = this.now;
      this.data.places = { ...this.data.places, [lifted.key]: lifted.place };
    }
    this.preview = null;
    this.paint();
    this.tell(bar);
    if (changed) this.send({ do: "move", key: lifted.key, unit: lifted.place[0], slot: lifted.place[1], heat: bar.heat });
  }

  press(event) {
    const bar = this.barOf(event.target);
    if (!bar || event.altKey || event.ctrlKey || event.metaKey) return;
    const place = bar.key && this.now[bar.key];
    const steps = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    const rows = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    if (event.key === "Escape") {
      this.drag = null;
      if (this.preview) {
        this.preview = null;
        this.paint();
        this.tell(bar);
      } else this.send({ do: "undo", heat: bar.heat });
    } else if (event.key === "Enter" || event.key === " ") {
      if (this.preview) this.drop(bar);
      else this.send({ do: "select", heat: bar.heat, key: bar.key || "" });
    } else if (["+", "-", "0"].includes(event.key)) {
      const [, start, end] = this.span(bar, this.now);
      this.zoom({ "+": 0.5, "-": 2, 0: 0 }[event.key], (start + end) / 2);
    } else if ((event.key === "l" || event.key === "L") && bar.key) {
      if (this.preview) this.drop(bar);
      else this.send({ do: "lock", key: bar.key, heat: bar.heat });
    } else if (steps && place && this.rules) {
      const size = event.shiftKey ? Math.max(Math.round(60 / this.rules.step), 1) : 1;
      this.lift(bar, [place[0], place[1] + steps * size]);
    } else if (rows && place && this.rules) {
      const units = unitsOf(this.rules, bar.key);
      const next = units[(units.indexOf(place[0]) + rows + units.length) % units.length];
      this.lift(bar, [next, place[1]]);
    } else return;
    event.preventDefault();
    event.stopPropagation();
  }

  // A move by keys that is not confirmed is dropped where it is when the bar loses the focus.
  leave(event) {
    const bar = this.barOf(event.target);
    if (this.busy || this.drag || !bar || !this.preview || this.preview.key !== bar.key) return;
    this.drop(bar);
  }

  get zoomed() { return String(this.view) !== String(this.data.whole); }
  minute(x) { return this.view[0] + (Math.min(Math.max(x, LEFT), this.width - RIGHT) - LEFT) / this.perMinute; }

  // A range that is being dragged over, and then shown.
  select(from, to) {
    if (!this.brush?.isConnected) this.brush = make("rect", { class: "brush", y: 0, height: TOP + this.data.rows.length * ROW }, this.svg);
    const [low, high] = [from, to].sort((a, b) => a - b).map((x) => this.x(this.minute(x)));
    this.brush.setAttribute("x", low);
    this.brush.setAttribute("width", high - low);
  }

  take(from, to, done) {
    this.brush?.remove();
    const [low, high] = [from, to].sort((a, b) => a - b).map((x) => this.minute(x));
    if (done && high - low >= SHORTEST) {
      this.view = [low, high];
      this.draw();
      this.range();
    }
  }

  // The range in view is that of all panels, and of the address: once it rests.
  range() {
    clearTimeout(this.resting);
    this.resting = setTimeout(() => this.send({ do: "range", span: this.view.map(Math.round) }), 400);
  }

  pan(view, dx) {
    const [low, high] = this.data.whole, length = view[1] - view[0];
    const from = Math.min(Math.max(view[0] - dx / this.perMinute, low), high - length);
    this.view = [from, from + length];
    this.draw();
  }

  zoom(factor, at = (this.view[0] + this.view[1]) / 2) {
    const [low, high] = this.data.whole;
    const length = factor ? Math.min(Math.max((this.view[1] - this.view[0]) * factor, SHORTEST), high - low) : high - low;
    const share = (at - this.view[0]) / (this.view[1] - this.view[0]);
    const from = Math.min(Math.max(at - share * length, low), high - length);
    this.view = [from, from + length];
    this.draw();
    this.range();
  }

  wheel(event) {
    if (!event.shiftKey && !event.ctrlKey) return;
    event.preventDefault();
    const x = event.clientX - this.svg.getBoundingClientRect().left;
    const at = this.view[0] + (x - LEFT) / this.perMinute;
    this.zoom((event.deltaY || event.deltaX) > 0 ? 1.25 : 0.8, at);
  }
}

const boards = new WeakMap();

export default function ({ parentElement, data, setTriggerValue }) {
  let board = boards.get(parentElement);
  if (!board) {
    board = new Board(parentElement, (act) => board.trigger(act));
    boards.set(parentElement, board);
  }
  board.trigger = (act) => setTriggerValue("act", act);
  board.show(data);
  return () => {};
}
