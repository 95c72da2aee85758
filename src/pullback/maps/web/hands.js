// In: pointers, wheel and keys. Out: the view moved, points pointed at and held.

const surface = byId("overlay");
const pointers = new Map(); // those that are down, by their number
let travelled = 0; // pixels since the first went down
const REACH = { mouse: 14, pen: 18, touch: 26 }; // pixels in which a point is pointed at

const placeOf = (event) => {
  const box = surface.getBoundingClientRect();
  return { x: event.clientX - box.left, y: event.clientY - box.top };
};

function pointAt({ x, y }, reach) {
  if (replay.playing) return -1;
  return gridNow().nearest(view.mapX(x), view.mapY(y), reach / view.scale, isShown);
}

function zoomed(factor, x, y) {
  flight = null;
  view.nearer(factor, x, y);
  refresh();
}

function point(i) {
  if (i === shown.hovered) return;
  shown.hovered = i;
  surface.classList.toggle("over", i >= 0);
  refresh();
}

surface.onpointerdown = (event) => {
  surface.setPointerCapture(event.pointerId);
  if (!pointers.size) travelled = 0;
  pointers.set(event.pointerId, placeOf(event));
  flight = null;
};

surface.onpointermove = (event) => {
  const place = placeOf(event);
  const before = pointers.get(event.pointerId);
  if (!before) {
    if (event.pointerType !== "touch") point(pointAt(place, REACH[event.pointerType] ?? 14));
    return;
  }
  const [right, down] = [place.x - before.x, place.y - before.y];
  travelled += Math.hypot(right, down);
  const other = [...pointers].find(([id]) => id !== event.pointerId)?.[1];
  if (other) {
    const apart = (p) => Math.hypot(p.x - other.x, p.y - other.y) || 1;
    view.nearer(apart(place) / apart(before), (place.x + other.x) / 2, (place.y + other.y) / 2);
    view.pan(right / 2, down / 2);
  } else if (travelled > 3) {
    surface.classList.add("moving");
    view.pan(right, down);
    shown.hovered = -1;
  }
  pointers.set(event.pointerId, place);
  refresh();
};

surface.onpointerup = (event) => {
  const alone = pointers.size === 1;
  pointers.delete(event.pointerId);
  surface.classList.remove("moving");
  const still = event.pointerType === "touch" ? 10 : 4;
  if (!alone || travelled > still) return;
  const i = pointAt(placeOf(event), REACH[event.pointerType] ?? 14);
  if (i >= 0) hold(i);
  else letGo();
};

surface.onpointercancel = (event) => pointers.delete(event.pointerId);
surface.onpointerleave = () => point(-1);

surface.addEventListener("wheel", (event) => {
  event.preventDefault();
  const lines = event.deltaMode === 1 ? 18 : 1;
  const { x, y } = placeOf(event);
  zoomed(Math.exp(-event.deltaY * lines * (event.ctrlKey ? 0.01 : 0.0016)), x, y);
}, { passive: false });

surface.ondblclick = (event) => {
  const { x, y } = placeOf(event);
  zoomed(event.shiftKey ? 0.5 : 2, x, y);
};

const STEP = 60; // pixels
const KEYS = {
  ArrowLeft: () => view.pan(STEP, 0),
  ArrowRight: () => view.pan(-STEP, 0),
  ArrowUp: () => view.pan(0, STEP),
  ArrowDown: () => view.pan(0, -STEP),
  "+": () => zoomed(1.4),
  "=": () => zoomed(1.4),
  "-": () => zoomed(1 / 1.4),
  0: reset,
  " ": () => replay.toggle(),
  Enter: () => {
    const i = pointAt({ x: view.width / 2, y: view.middle }, view.width);
    if (i >= 0) hold(i);
  },
};

surface.onkeydown = (event) => {
  const act = KEYS[event.key];
  if (!act || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  flight = null;
  act();
  refresh();
};

document.addEventListener("keydown", (event) => {
  const typing = event.target.matches("input[type=search]");
  if (event.key === "/" && !typing) {
    event.preventDefault();
    byId("search").focus();
  } else if (event.key === "Escape" && !typing) letGo();
});

new ResizeObserver(resize).observe(stage);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
  overlay.inks();
  refresh();
});
resize();

/** For the console: what the page holds, and where it shows it. */
globalThis.pullbackMap = {
  facts,
  view,
  replay,
  shown,
  at: (i) => replay.places.slice(2 * i, 2 * i + 2),
  painter: () => painter.kind,
};
