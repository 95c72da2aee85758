// In: labels, and what is chosen. Out: a colour for each point, and those that lie on top.

const hidden = new Set(); // numbers of classes; -1 is that of points without a label
const rgb = (hex) => [1, 3, 5].map((k) => parseInt(hex.slice(k, k + 2), 16));
const NO_COLOUR = rgb(facts.grey);
const classColours = (facts.colours ?? []).map((hex) => (hex ? rgb(hex) : NO_COLOUR));
const stops = facts.ramp.map(rgb);

/** The colour of a share from 0 to 1 of the bar. */
function rampAt(share) {
  const at = bounded(share, 0, 1) * (stops.length - 1);
  const k = Math.min(Math.floor(at), stops.length - 2);
  return [0, 1, 2].map((c) => Math.round(stops[k][c] + (stops[k + 1][c] - stops[k][c]) * (at - k)));
}

const plainColour = rgb(facts.plain);
const ownColours = new Uint8Array(3 * count);
for (let i = 0; i < count; i++) {
  let colour = plainColour;
  if (codes) colour = classOf(i) < 0 ? NO_COLOUR : classColours[codes[i]];
  else if (quantities) {
    const { low, high } = facts.scale;
    const share = (quantities[i] - low) / (high - low || 1);
    colour = Number.isNaN(quantities[i]) ? NO_COLOUR : rampAt(share);
  }
  ownColours.set(colour, 3 * i);
}

const colourOf = (i) => `rgb(${ownColours.subarray(3 * i, 3 * i + 3).join(" ")})`;
const classColour = (c) => `rgb(${(c < 0 ? NO_COLOUR : classColours[c]).join(" ")})`;
const isShown = (i) => !codes || !hidden.size || !hidden.has(classOf(i));

/** Bytes for the painter: the hidden have none, and where some are chosen, the others pale. */
function coloursFor(chosen, bytes = new Uint8Array(4 * count)) {
  for (let i = 0; i < count; i++) {
    bytes[4 * i] = ownColours[3 * i];
    bytes[4 * i + 1] = ownColours[3 * i + 1];
    bytes[4 * i + 2] = ownColours[3 * i + 2];
    bytes[4 * i + 3] = !isShown(i) ? 0 : chosen ? 40 : 255;
  }
  if (chosen) for (const i of chosen) bytes[4 * i + 3] = isShown(i) ? 255 : 0;
  return bytes;
}

/** The rows of the legend, or the bar of a quantity. */
function makeLegend(changed, pointed) {
  if (!codes && !quantities) return;
  byId("colours").hidden = false;
  byId("labels").textContent = facts.labels;
  byId("beyond").textContent = facts.beyond;
  if (quantities) {
    byId("some").hidden = true;
    byId("bar").hidden = false;
    const ramp = byId("ramp").getContext("2d");
    for (let x = 0; x < 256; x++) {
      ramp.fillStyle = `rgb(${rampAt(x / 255).join(" ")})`;
      ramp.fillRect(x, 0, 1, 1);
    }
    for (const end of facts.scale.ends) byId("ends").append(made("span", end));
    return;
  }
  const rows = facts.legend.map((c) => legendRow(c, changed, pointed));
  byId("legend").append(...rows.map(({ item }) => item));
  const all = (hide) => () => {
    hidden.clear();
    if (hide) facts.classes.forEach((_, c) => hidden.add(c));
    if (hide) hidden.add(-1);
    for (const { show } of rows) show();
    changed();
  };
  byId("all").onclick = all(false);
  byId("none").onclick = all(true);
}

function legendRow(c, changed, pointed) {
  const item = made("li");
  const row = made("button");
  const dot = made("i");
  dot.className = "dot";
  dot.style.background = classColour(c);
  const text = made("span", c < 0 ? "no label" : facts.classes[c] || "(empty)");
  text.className = "text";
  text.dir = "auto";
  const many = made("span", grouped(c < 0 ? facts.unlabelled : facts.counts[c]));
  many.className = "count";
  row.append(dot, text, many);
  const show = () => row.setAttribute("aria-pressed", String(!hidden.has(c)));
  show();
  row.onclick = () => {
    if (!hidden.delete(c)) hidden.add(c);
    show();
    pointed(hidden.has(c) ? null : c);
    changed();
  };
  row.onpointerenter = row.onfocus = () => pointed(hidden.has(c) ? null : c);
  row.onpointerleave = row.onblur = () => pointed(null);
  item.append(row);
  return { item, show };
}

/** An element that holds a text, as text. */
function made(tag, text = "") {
  const element = document.createElement(tag);
  if (text !== "") element.textContent = text;
  return element;
}
