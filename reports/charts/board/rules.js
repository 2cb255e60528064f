// The rules of a line, as models/problem/assignment.py judges starts; its data are studies/board/heat_board.py's.
// A key is "heat.operation" or, of a cast, "-1.cast"; a place is [unit, slot].

const EPS = 1e-9;
const CLOSE_MIN = 1e-6;

export function placesOf(rules) {
  return Object.fromEntries(Object.entries(rules.works).map(([key, work]) => [key, work.place]));
}

export function unitsOf(rules, key) {
  return Object.keys(rules.works[key].on).map(Number);
}

// What places break: a list of { kind, keys }, empty where the line can do it.
export function conflicts(rules, places) {
  const keys = Object.keys(places);
  const astray = keys.filter((key) => !(places[key][0] in rules.works[key].on));
  if (astray.length) return astray.map((key) => ({ kind: "place", keys: [key] }));
  const result = [];
  const use = new Map();
  for (const key of keys) {
    const [unit, slot] = places[key];
    const { started, on } = rules.works[key];
    const { first, last, planned, slots } = on[unit];
    if (started === null) {
      if (slot < first || slot > last) result.push({ kind: "window", keys: [key] });
      const begin = slot * rules.step;
      const out = (rules.outages[unit] || []).some(
        ([from, until]) => begin < until - CLOSE_MIN && begin + planned > from + CLOSE_MIN,
      );
      if (out) result.push({ kind: "outage", keys: [key] });
    }
    const from = started === null ? slot : started / rules.step;
    if (!use.has(unit)) use.set(unit, []);
    use.get(unit).push([from, from + slots, key]);
  }
  for (const { before, after, lags } of rules.edges) {
    const [least, most] = lags[`${places[before][0]},${places[after][0]}`];
    const lag = places[after][1] - places[before][1];
    if (lag < least) result.push({ kind: "early", keys: [before], next: after });
    if (lag > most) result.push({ kind: "wait", keys: [before], next: after });
  }
  for (const spans of use.values()) {
    spans.sort((a, b) => a[0] - b[0] || a[1] - b[1]);
    spans.forEach(([, end, one], place) => {
      for (let next = place + 1; next < spans.length && spans[next][0] < end - EPS; next += 1) {
        result.push({ kind: "busy", keys: [one, spans[next][2]] });
      }
    });
  }
  return result;
}

// First estimate of a move: its electricity at the new time less that at the old one, by the grid's signal.
export function worth(rules, key, before, after) {
  const { on } = rules.works[key];
  const mean = ([unit, slot]) => {
    const begin = slot * rules.step, end = begin + on[unit].minutes;
    let sum = 0, weight = 0;
    for (let s = Math.max(Math.floor(begin / rules.step), 0); s * rules.step < end && s < rules.slots; s += 1) {
      const inside = Math.min((s + 1) * rules.step, end) - Math.max(s * rules.step, begin);
      sum += inside * rules.worth.values[s];
      weight += inside;
    }
    return weight ? sum / weight : 0;
  };
  return on[after[0]].mwh * mean(after) - on[before[0]].mwh * mean(before);
}
