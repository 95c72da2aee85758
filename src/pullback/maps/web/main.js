// In: all of the above, and a person's hands. Out: the page.

const view = new View();
const overlay = new Overlay(byId("overlay"));
const replay = new Replay(() => refresh());
const shown = { hovered: -1, held: -1, pointed: null, matches: null };
const base = shuffled(count);
const bytes = new Uint8Array(4 * count);
const stage = byId("stage");
const still = matchMedia("(prefers-reduced-motion: reduce)");
let painter = painterOn(byId("points"));
let top = new Uint32Array(0); // the points that lie on top
let stale = { colours: true, view: true };
let grid = { of: null, at: -1, made: null };
let flight = null;
let ratio = 1;
let pictured = null; // what the card is of

/** By the graphics card, or where that is missing, does not work or goes away, without it. */
function painterOn(canvas) {
  const plain = new URLSearchParams(location.search).has("plain");
  const found = plain ? null : webglPainter(canvas);
  canvas.addEventListener("webglcontextlost", () => {
    painter = plainPainter(renewed(canvas));
    refresh({ colours: true });
  });
  return found ?? plainPainter(renewed(canvas));
}

/** The same canvas, which no way to draw has been chosen for. */
function renewed(canvas) {
  const fresh = canvas.cloneNode();
  canvas.replaceWith(fresh);
  return fresh;
}

// What is seen -------------------------------------------------------------------------------------

function refresh(what = {}) {
  stale.colours ||= Boolean(what.colours);
  if (stale.waiting) return;
  stale.waiting = true;
  requestAnimationFrame(frameOfScreen);
}

function frameOfScreen(time) {
  stale.waiting = false;
  fly(time);
  replay.advance(time);
  paint();
  if (flight || replay.playing) refresh();
}

function paint() {
  if (stale.colours) {
    const chosen = chosenPoints();
    top = Uint32Array.from(chosen ?? []);
    painter.colour(coloursFor(chosen, bytes));
    stale.colours = false;
  }
  const [from, to, along] = replay.between;
  const size = pointSize();
  painter.draw(view, ratio, from, to, along, [
    { name: "base", order: base, size, opacity: 0.9 },
    { name: "top", order: top, size: size + (top.length < 2000 ? 2.5 : 0.5), opacity: 1 },
  ]);
  overlay.draw(view, ratio, replay.places, now(size));
  showCard();
}

/** Pixels across: the fewer points and the nearer, the larger. */
function pointSize() {
  const room = 4 * reach.x * reach.y * (view.scale / view.zoom) ** 2;
  const far = bounded(0.33 * Math.sqrt(room / count), 1.8, 8);
  return Math.min(far * view.zoom ** 0.35, 14);
}

function now(size) {
  return {
    ...shown,
    size,
    grid: gridNow,
    atEnd: replay.atEnd,
    playing: replay.playing,
    labels: byId("show-labels").checked,
    names: byId("show-names").checked,
    pulls: byId("show-pulls").checked,
  };
}

function gridNow() {
  const places = replay.places;
  if (grid.of !== places || grid.at !== replay.at) {
    grid = { of: places, at: replay.at, made: new Grid(places) };
  }
  return grid.made;
}

/** The points to light up, or null where all are alike. */
function chosenPoints() {
  if (shown.pointed !== null) {
    const all = [];
    for (let i = 0; i < count; i++) if (classOf(i) === shown.pointed) all.push(i);
    return all;
  }
  return shown.matches;
}

function showCard() {
  const card = byId("card");
  const i = shown.hovered >= 0 ? shown.hovered : shown.held;
  card.hidden = i < 0 || replay.playing || !isShown(i);
  if (card.hidden) {
    pictured = null;
    return;
  }
  const held = i === shown.held;
  if (pictured !== `${i} ${held}`) {
    fillCard(card, i, held, goTo, letGo);
    pictured = `${i} ${held}`;
  }
  const places = replay.places;
  placeCard(card, view.across(places[2 * i]), view.down(places[2 * i + 1]), view);
}

// Moving -------------------------------------------------------------------------------------------

function fly(time) {
  if (!flight) return;
  flight.start ??= time;
  const share = still.matches ? 1 : Math.min(1, (time - flight.start) / flight.lasts);
  const smooth = share * share * (3 - 2 * share);
  view.between(flight.from, flight.to, smooth);
  if (share === 1) flight = null;
}

function flyTo(to, lasts = 450) {
  flight = { from: view.place, to, lasts };
  refresh();
}

/** Hold a point and bring it to the middle, at least so near that its surroundings are told apart. */
function goTo(i) {
  replay.end();
  hold(i);
  const near = bounded(Math.sqrt(count) / 12, 1, 40);
  const [x, y] = [positions[2 * i], positions[2 * i + 1]];
  flyTo({ x, y, zoom: Math.max(view.zoom, near) });
}

function hold(i) {
  shown.held = i;
  shown.hovered = -1;
  pictured = null;
  const near = neighboursOf(i).slice(0, 5).map(({ point }) => titleOf(point));
  const close = near.length ? `; pulled most by ${near.join(", ")}` : "";
  byId("spoken").textContent = `${titleOf(i)} ${labelOf(i)}${close}`;
  refresh();
}

function letGo() {
  Object.assign(shown, { held: -1, hovered: -1 });
  byId("spoken").textContent = "";
  refresh();
}

function reset() {
  search.clear();
  byId("all").click();
  letGo();
  replay.end();
  flyTo({ x: 0, y: 0, zoom: 1 });
}

function resize() {
  const { clientWidth: width, clientHeight: height } = stage;
  ratio = Math.min(devicePixelRatio || 1, 3);
  const bar = byId("replay");
  view.resize(width, height, bar.hidden ? 0 : bar.offsetHeight + 12);
  for (const canvas of [byId("points"), byId("overlay")]) {
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
  }
  refresh();
}

/** What is seen, on paper, as a file. */
function keep() {
  paint(); // WebGL forgets what it drew when the screen has it
  const sheet = made("canvas");
  const [points, above] = [byId("points"), byId("overlay")];
  sheet.width = points.width;
  sheet.height = points.height;
  const pen = sheet.getContext("2d");
  pen.fillStyle = overlay.paper;
  pen.fillRect(0, 0, sheet.width, sheet.height);
  pen.drawImage(points, 0, 0);
  pen.drawImage(above, 0, 0);
  sheet.toBlob((blob) => {
    const link = made("a");
    link.href = URL.createObjectURL(blob);
    link.download = `${facts.file}.png`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  });
}

// The panel ----------------------------------------------------------------------------------------

const search = makeSearch((points) => {
  shown.matches = points;
  refresh({ colours: true });
}, goTo);
makeLegend(() => {
  search.again();
  refresh({ colours: true });
}, (c) => {
  shown.pointed = c;
  refresh({ colours: true });
});
byId("title").textContent = facts.title;
byId("facts-line").textContent = facts.line;
byId("size").textContent = facts.size;
for (const note of facts.notes) {
  const line = made("p", note);
  line.dir = "auto";
  byId("notes").append(line);
}
byId("finding").hidden = !facts.names && !codes && !quantities;
byId("of-labels").hidden = !codes;
byId("show-labels").checked = facts.showLabels;
byId("of-names").hidden = !facts.names;
byId("show-names").checked = facts.showNames;
byId("of-pulls").hidden = !strength;
byId("showing").hidden = !codes && !facts.names && !strength;
for (const box of ["show-labels", "show-names", "show-pulls"]) byId(box).onchange = () => refresh();
byId("nearer").onclick = () => zoomed(1.6);
byId("farther").onclick = () => zoomed(1 / 1.6);
byId("reset").onclick = reset;
byId("keep").onclick = keep;
byId("overlay").setAttribute("aria-label", `Map: ${facts.title}, ${facts.line}`);
