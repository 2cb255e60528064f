// The rules of a line, as models/problem/assignment.py judges starts; its data are studies/board/heat_board.py's.
// A key is "heat.operation" or, of a cast, "-1.cast"; a place is [unit, slot].

const EPS = 1e-9;
const CLOSE_MIN = 1e-6;

const of = (pairs, unit) => {
  const pair = pairs.find(([u]) => u === unit);
  return pair === undefined ? undefined : pair[1];
};

export function parts(key) {
  const [h, i] = key.split(".").map(Number);
  return { h, i, cast: h < 0 };
}

export function placesOf(rules) {
  const places = {};
  rules.heats.forEach((heat, h) => heat.operations.forEach((_, i) => {
    places[`${h}.${i}`] = [rules.starts.unit[h][i], rules.starts.slot[h][i]];
  }));
  rules.casts.forEach((_, c) => { places[`-1.${c}`] = [rules.starts.cast_unit[c], rules.starts.cast_slot[c]]; });
  return places;
}

export function unitsOf(rules, key) {
  const { h, i, cast } = parts(key);
  return cast ? rules.casts[i].units : rules.heats[h].operations[i].units;
}

export function minutesOf(rules, key, unit) {
  const { h, i, cast } = parts(key);
  return of(cast ? rules.casts[i].minutes : rules.heats[h].operations[i].minutes, unit);
}

export function energyOf(rules, key, unit) {
  const { h, i, cast } = parts(key);
  return of(cast ? rules.casts[i].mwh : rules.heats[h].operations[i].mwh, unit) || 0;
}

export function nameOf(rules, key) {
  const { h, i, cast } = parts(key);
  return cast ? rules.casts[i].name : rules.heats[h].name;
}

function work(rules, key, unit) {
  const { h, i, cast } = parts(key);
  if (cast) {
    const one = rules.casts[i];
    return { started: one.started, first: of(one.first, unit), last: of(one.last, unit),
      minutes: of(one.minutes, unit), slots: of(one.hold, unit) };
  }
  const one = rules.heats[h].operations[i];
  return { started: one.started, first: one.first, last: of(one.latest, unit), minutes: of(one.planned, unit),
    slots: of(one.occupy, unit) };
}

// What places break: a list of { kind, keys }, empty where the line can do it.
export function conflicts(rules, places) {
  const keys = Object.keys(places);
  const astray = keys.filter((key) => !unitsOf(rules, key).includes(places[key][0]));
  if (astray.length) return astray.map((key) => ({ kind: "place", keys: [key] }));
  const result = [];
  const use = new Map();
  for (const key of keys) {
    const [unit, slot] = places[key];
    const { started, first, last, minutes, slots } = work(rules, key, unit);
    if (started === null) {
      if (slot < first || slot > last) result.push({ kind: "window", keys: [key] });
      const begin = slot * rules.step;
      const out = (of(rules.outages, unit) || []).some(
        ([from, until]) => begin < until - CLOSE_MIN && begin + minutes > from + CLOSE_MIN,
      );
      if (out) result.push({ kind: "outage", keys: [key] });
    }
    const from = started === null ? slot : started / rules.step;
    if (!use.has(unit)) use.set(unit, []);
    use.get(unit).push([from, from + slots, key]);
  }
  lags(rules, places, result);
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

function lags(rules, places, result) {
  const castOf = new Map();
  rules.casts.forEach((cast, c) => cast.heats.forEach((h) => castOf.set(h, c)));
  rules.heats.forEach((heat, h) => heat.operations.forEach((operation, i) => {
    const last = i === heat.operations.length - 1;
    if (last && !castOf.has(h)) return;
    const key = `${h}.${i}`;
    const next = last ? `-1.${castOf.get(h)}` : `${h}.${i + 1}`;
    const after = last ? rules.casts[castOf.get(h)] : heat.operations[i + 1];
    const row = operation.units.indexOf(places[key][0]);
    const column = after.units.indexOf(places[next][0]);
    const lag = places[next][1] - places[key][1];
    if (lag < heat.least[i][row][column]) result.push({ kind: "early", keys: [key], next });
    if (lag > heat.most[i][row][column]) result.push({ kind: "wait", keys: [key], next });
  }));
}

// First estimate of a move: its electricity at the new time less that at the old one, by the grid's signal.
export function worth(rules, key, before, after) {
  const mean = ([unit, slot]) => {
    const begin = slot * rules.step, end = begin + minutesOf(rules, key, unit);
    let sum = 0, weight = 0;
    for (let s = Math.max(Math.floor(begin / rules.step), 0); s * rules.step < end && s < rules.slots; s += 1) {
      const inside = Math.min((s + 1) * rules.step, end) - Math.max(s * rules.step, begin);
      sum += inside * rules.worth.values[s];
      weight += inside;
    }
    return weight ? sum / weight : 0;
  };
  return energyOf(rules, key, after[0]) * mean(after) - energyOf(rules, key, before[0]) * mean(before);
}
