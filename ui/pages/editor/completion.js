// Help on Streamlit's text field of the scenario: line numbers, mistakes at their lines, keys of the schema to complete.
const QUIET_MS = 700;

// Keys that the cursor lies in, from the outermost; "kind x" where an asset says its kind.
function place(lines, row, column) {
  const head = lines[row].slice(0, column);
  const path = [];
  let inside = head, depth = 0;
  for (let at = head.length - 1; at >= 0; at--) { // open braces of the same line
    if ("}]".includes(head[at])) depth++;
    else if ("{[".includes(head[at]) && depth) depth--;
    else if ("{[".includes(head[at])) {
      const key = /([A-Za-z_0-9]+)\s*:\s*$/.exec(head.slice(0, at));
      if (head[at] === "{") {
        const kind = /kind:\s*([a-z_]+)/.exec(lines[row].slice(at));
        path.unshift({ key: key && key[1], kind: kind && kind[1] });
      } else if (key) path.unshift({ key: key[1] });
      inside = head.slice(0, at);
    }
  }
  let indent = inside.search(/\S|$/);
  const item = /^(\s*)- /.exec(inside);
  if (item) indent = item[1].length;
  if (item && path.length) path[0].dash = true;
  let kind = null;
  for (let at = row - 1; at >= 0 && indent >= 0; at--) {
    const line = lines[at];
    if (!line.trim() || line.trim().startsWith("#")) continue;
    const own = line.search(/\S/), dash = /^\s*- /.test(line);
    const says = /^\s*(?:- )?kind:\s*([a-z_]+)/.exec(line);
    if (says && own <= indent && kind === null) kind = says[1];
    const key = /^\s*(?:- )?([A-Za-z_0-9]+)\s*:\s*(?:#.*)?$/.exec(line);
    if (own < indent && (key || dash)) {
      if (key) path.unshift({ key: key[1], kind });
      kind = null;
      indent = dash && key ? own + 1 : own;
    } else if (own === indent && key && !dash && item) { // items at the level of their key
      path.unshift({ key: key[1] });
      indent = own;
    }
  }
  return path.filter(part => part.key || part.kind);
}

function record(keys, path) {
  let name = "";
  for (const part of path) {
    if (part.key) {
      const entry = (keys[name] || {})[part.key];
      if (!entry) return null;
      name = entry[1];
    }
    if (name === "asset" && part.kind && keys["kind " + part.kind]) name = "kind " + part.kind;
    if (name === "" && part.key) return null;
  }
  return keys[name] || null;
}

export default function ({ parentElement, data }) {
  const field = document.querySelector(data.field);
  const numbers = parentElement.querySelector(".lines"), roll = parentElement.querySelector(".roll");
  const list = parentElement.querySelector(".keys");
  if (!field) return;
  field.setAttribute("wrap", "off");
  field.spellcheck = false;
  field.style.paddingLeft = "52px";
  list.setAttribute("aria-label", data.hint);
  let timer = null, choices = [], at = 0;

  const style = getComputedStyle(field), height = parseFloat(style.lineHeight) || 20;
  const pen = document.createElement("canvas").getContext("2d");
  pen.font = `${style.fontSize} ${style.fontFamily}`;
  const width = pen.measureText("0000000000").width / 10;

  const layout = () => {
    const box = field.getBoundingClientRect();
    Object.assign(numbers.style, {
      left: `${box.left + 1}px`, top: `${box.top + 1}px`, width: "48px", height: `${box.height - 2}px`,
      font: `${style.fontSize}/${height}px ${style.fontFamily}`, display: box.height ? "block" : "none",
    });
    roll.style.paddingTop = style.paddingTop;
    roll.style.transform = `translateY(${-field.scrollTop}px)`;
  };
  const number = () => {
    const count = field.value.split("\n").length;
    roll.replaceChildren(...Array.from({ length: count }, (_, i) => {
      const span = document.createElement("span"), says = data.marks[i + 1];
      span.textContent = i + 1;
      if (says) { span.className = "wrong"; span.title = says; }
      return span;
    }));
    layout();
  };
  const close = () => { list.hidden = true; choices = []; };
  const offer = requested => {
    const before = field.value.slice(0, field.selectionStart), lines = field.value.split("\n");
    const row = before.split("\n").length - 1, column = before.length - before.lastIndexOf("\n") - 1;
    const head = lines[row].slice(0, column);
    const value = /([A-Za-z_0-9]+)\s*:\s+([A-Za-z_0-9]*)$/.exec(head);
    const word = /(?:^\s*(?:- )?|[{,]\s*)([A-Za-z_0-9]*)$/.exec(head);
    const here = record(data.keys, place(lines, row, column));
    if (!here || head.trim().startsWith("#") || (!word && !value)) return close();
    const start = value ? value[2] : word[1];
    if (!requested && !value && !start) return close(); // an empty line is no question
    const options = value ? ((here[value[1]] || [])[2] || []).map(one => [one, ""])
      : Object.entries(here).map(([key, entry]) => [key, entry[0]]);
    choices = options.filter(([key]) => key.startsWith(start) && key !== start)
      .map(([key, says]) => ({ key, says, start, more: value ? "" : ": " }));
    if (!choices.length) return close();
    at = 0;
    const box = field.getBoundingClientRect();
    const top = box.top + parseFloat(style.paddingTop) + (row + 1) * height - field.scrollTop + 2;
    list.style.left = `${Math.min(box.left + 52 + column * width - field.scrollLeft, window.innerWidth - 430)}px`;
    list.style.top = `${Math.min(top, window.innerHeight - 250)}px`;
    list.hidden = false;
    show();
  };
  const show = () => {
    list.replaceChildren(...choices.map((choice, i) => {
      const line = document.createElement("li"), name = document.createElement("b");
      name.textContent = choice.key;
      line.append(name);
      if (choice.says) {
        const small = document.createElement("small");
        small.textContent = choice.says.slice(0, 120);
        line.append(small);
      }
      line.setAttribute("role", "option");
      line.setAttribute("aria-selected", i === at);
      line.onmousedown = event => { event.preventDefault(); take(i); };
      return line;
    }));
    list.children[at]?.scrollIntoView({ block: "nearest" });
  };
  const take = i => {
    const { key, start, more } = choices[i];
    close();
    field.focus();
    document.execCommand("insertText", false, key.slice(start.length) + more); // keeps the browser's undo
  };
  const check = () => { // as if Ctrl+Enter were pressed: Streamlit takes the text, and its mistakes come back
    field.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", ctrlKey: true, bubbles: true }));
  };
  const typed = () => {
    number();
    offer(false);
    clearTimeout(timer);
    timer = setTimeout(check, QUIET_MS);
  };
  const pressed = event => {
    if (event.key === " " && event.ctrlKey) { event.preventDefault(); offer(true); return; }
    if (event.key === "Enter" && event.ctrlKey && event.isTrusted) return close();
    if (list.hidden) return;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      at = (at + (event.key === "ArrowDown" ? 1 : choices.length - 1)) % choices.length;
      show();
    } else if ((event.key === "Enter" || event.key === "Tab") && !event.ctrlKey) {
      event.preventDefault();
      event.stopPropagation();
      take(at);
    } else if (event.key === "Escape") {
      event.stopPropagation();
      close();
    }
  };
  const watch = new ResizeObserver(layout);
  watch.observe(field);
  field.addEventListener("input", typed);
  field.addEventListener("keydown", pressed, true);
  field.addEventListener("blur", close);
  field.addEventListener("scroll", layout);
  window.addEventListener("scroll", layout, true);
  window.addEventListener("resize", layout);
  number();
  return () => {
    clearTimeout(timer);
    watch.disconnect();
    field.removeEventListener("input", typed);
    field.removeEventListener("keydown", pressed, true);
    field.removeEventListener("blur", close);
    field.removeEventListener("scroll", layout);
    window.removeEventListener("scroll", layout, true);
    window.removeEventListener("resize", layout);
  };
}
