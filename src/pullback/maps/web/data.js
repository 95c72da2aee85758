// In: the facts and the arrays that the page holds as text. Out: the same as objects and numbers.

const facts = JSON.parse(document.getElementById("facts").textContent);
const count = facts.count;
const byId = (id) => document.getElementById(id);

/** The typed array of this name, whose text is let go afterwards. */
function arrayOf(name) {
  const kind = facts.arrays[name];
  if (!kind) return null;
  const holder = byId(`array-${name}`);
  const bytes = bytesOf(holder.textContent);
  holder.remove();
  return new globalThis[kind](bytes.buffer, 0, bytes.length / globalThis[kind].BYTES_PER_ELEMENT);
}

function bytesOf(text) {
  if (Uint8Array.fromBase64) return Uint8Array.fromBase64(text);
  const letters = atob(text);
  const bytes = new Uint8Array(letters.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = letters.charCodeAt(i);
  return bytes;
}

/** Forces, of which the page holds how many times a small unit they are. */
function forceOf(name) {
  const steps = arrayOf(name);
  return steps && Float32Array.from(steps, (step) => step * facts.force);
}

/** How far the map reaches from its middle, the farther of both ways being 1. */
const reach = (() => {
  const [across, up] = [0, 1].map((k) => facts.high[k] - facts.low[k]);
  const most = Math.max(across, up) || 1;
  return { x: Math.max(across / most, 0.2), y: Math.max(up / most, 0.2) };
})();

/** What makes any moment as large as the map: its middle, and how long 1 is. */
function frameOf(low, high) {
  const half = Math.max((high[0] - low[0]) / reach.x, (high[1] - low[1]) / reach.y) / 2 || 1;
  return { x: (low[0] + high[0]) / 2, y: (low[1] + high[1]) / 2, half };
}

const raw = arrayOf("positions");
const codes = arrayOf("codes"); // of classes, the largest number where there is none
const quantities = arrayOf("quantities");
const attraction = forceOf("attraction");
const repulsion = forceOf("repulsion");
const neighbours = arrayOf("neighbours");
const weights = arrayOf("weights");
const quantised = arrayOf("frames");
const NO_CLASS = codes && 2 ** (8 * codes.BYTES_PER_ELEMENT) - 1;

const frame = frameOf(facts.low, facts.high);
const positions = new Float32Array(2 * count); // in [-1, 1]
for (let i = 0; i < count; i++) {
  positions[2 * i] = (raw[2 * i] - frame.x) / frame.half;
  positions[2 * i + 1] = (raw[2 * i + 1] - frame.y) / frame.half;
}

/** All moments of the formation, of which the last is the map itself. */
const moments = facts.frames.map(({ iteration, cost, low, high }, k) => ({
  iteration,
  cost,
  width: Math.max(high[0] - low[0], high[1] - low[1]),
  make: () => unpacked(k, low, high),
}));
moments.push({ ...facts.last, width: 2 * frame.half, make: () => positions });

function unpacked(k, low, high) {
  const { x, y, half } = frameOf(low, high);
  const found = new Float32Array(2 * count);
  const from = 2 * count * k;
  const across = (high[0] - low[0]) / 65535 / half;
  const up = (high[1] - low[1]) / 65535 / half;
  const left = (low[0] - x) / half;
  const bottom = (low[1] - y) / half;
  for (let i = 0; i < 2 * count; i += 2) {
    found[i] = left + across * quantised[from + i];
    found[i + 1] = bottom + up * quantised[from + i + 1];
  }
  return found;
}

const kept = new Map(); // the two moments that are drawn between, and one more
function positionsAt(k) {
  if (!kept.has(k)) {
    if (kept.size > 2) kept.delete(kept.keys().next().value);
    kept.set(k, moments[k].make());
  }
  return kept.get(k);
}

const nameOf = (i) => (facts.names ? facts.names[i] : "");
const classOf = (i) => (codes && codes[i] !== NO_CLASS ? codes[i] : -1);

/** A label in words, or nothing. */
function labelOf(i) {
  if (codes) return classOf(i) < 0 ? "" : facts.classes[codes[i]];
  return quantities && !Number.isNaN(quantities[i]) ? short(quantities[i]) : "";
}

/** What a point is called where it has no name. */
const titleOf = (i) => nameOf(i) || `point ${i}`;

/** A number as people read it. */
function short(x) {
  if (x === null || !Number.isFinite(x)) return "–";
  const size = Math.abs(x);
  const far = size !== 0 && (size < 1e-3 || size >= 1e6);
  const text = far ? Number(x.toPrecision(3)).toExponential() : String(Number(x.toPrecision(4)));
  return text.replaceAll("-", "−").replace("e+", "e");
}

const grouped = (n) => n.toLocaleString("en");
const several = (n, what, more = `${what}s`) => `${grouped(n)} ${n === 1 ? what : more}`;

/** A random order that is always the same: no class lies on top of all others. */
function shuffled(n) {
  const order = Uint32Array.from({ length: n }, (_, i) => i);
  let seed = 1;
  for (let i = n - 1; i > 0; i--) {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    const j = Math.floor((seed / 4294967296) * (i + 1));
    [order[i], order[j]] = [order[j], order[i]];
  }
  return order;
}
