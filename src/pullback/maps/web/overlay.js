// In: what is chosen, and where it is on the screen. Out: names, arrows and lines above the points.

const LONGEST = 150; // pixels of an arrow
const USUAL = 46; // pixels of an arrow that 1 in 20 points has a longer one than
const APART = 38; // pixels between points whose arrows are shown
const MOST_NAMES = 400;
const MOST_MATCHES = 30; // that are named
const MOST_LABELS = 60;
const SAMPLE = 301; // points of a class whose median is taken for that of all
const SHORTENED = 42; // letters of a name on the map

/** Length on the screen of a force of 1; that of the usual strongest is `USUAL`. */
const strength = (() => {
  const sizes = [];
  for (const force of [attraction, repulsion]) {
    if (!force) continue;
    for (let i = 0; i < 2 * count; i += 2) sizes.push(Math.hypot(force[i], force[i + 1]));
  }
  const usual = Float64Array.from(sizes).sort()[Math.floor(sizes.length * 0.95)];
  return usual ? USUAL / usual : 0;
})();

/** Some points of each class, evenly among them. */
const samples = (() => {
  if (!codes) return [];
  const members = facts.classes.map(() => []);
  for (let i = 0; i < count; i++) if (classOf(i) >= 0) members[codes[i]].push(i);
  return members.map((all) => {
    const step = Math.max(1, all.length / SAMPLE);
    return Array.from({ length: Math.min(all.length, SAMPLE) }, (_, k) => all[Math.floor(k * step)]);
  });
})();

class Overlay {
  constructor(canvas) {
    this.canvas = canvas;
    this.context = canvas.getContext("2d");
    this.inks();
  }

  /** The colours of the page, which follow the system's. */
  inks() {
    const style = getComputedStyle(document.documentElement);
    for (const name of ["paper", "ink", "pale", "attraction", "repulsion"]) {
      this[name] = style.getPropertyValue(`--${name}`).trim();
    }
  }

  draw(view, ratio, points, now, context = this.context) {
    this.pen = context;
    this.view = view;
    this.points = points;
    this.taken = [];
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, view.width, view.height);
    context.lineCap = "round";
    context.lineJoin = "round";
    if (now.atEnd && now.pulls) this.sampled(now.grid());
    for (const i of [now.hovered, now.held]) {
      if (i < 0 || !isShown(i)) continue;
      if (now.atEnd) this.neighbourhood(i);
      this.ring(i, now.size);
      if (now.atEnd) this.pulls(i, 2.4);
    }
    if (now.labels) this.labels();
    this.names(now);
  }

  x(i) {
    return this.view.across(this.points[2 * i]);
  }

  y(i) {
    return this.view.down(this.points[2 * i + 1]);
  }

  inside(x, y) {
    return x >= 0 && y >= 0 && x <= this.view.width && y <= this.view.height;
  }

  ring(i, size) {
    const { pen } = this;
    pen.beginPath();
    pen.arc(this.x(i), this.y(i), size / 2 + 4, 0, 2 * Math.PI);
    pen.lineWidth = 4;
    pen.strokeStyle = this.paper;
    pen.stroke();
    pen.lineWidth = 1.8;
    pen.strokeStyle = this.ink;
    pen.stroke();
  }

  /** Lines to the strongest neighbours, the stronger the wider. */
  neighbourhood(i) {
    if (!neighbours) return;
    const { pen } = this;
    pen.strokeStyle = this.ink;
    for (const { point, weight } of neighboursOf(i)) {
      if (!isShown(point)) continue;
      pen.globalAlpha = 0.25 + 0.55 * weight;
      pen.lineWidth = 0.6 + 2 * weight;
      pen.beginPath();
      pen.moveTo(this.x(i), this.y(i));
      pen.lineTo(this.x(point), this.y(point));
      pen.stroke();
    }
    pen.globalAlpha = 1;
  }

  pulls(i, width) {
    this.arrow(i, attraction, this.attraction, width);
    this.arrow(i, repulsion, this.repulsion, width);
  }

  arrow(i, force, ink, width) {
    if (!force) return;
    let right = force[2 * i] * strength;
    let down = -force[2 * i + 1] * strength;
    const length = Math.hypot(right, down);
    if (length < 1.5) return;
    const cut = Math.min(1, LONGEST / length);
    right *= cut;
    down *= cut;
    const { pen } = this;
    const [x, y] = [this.x(i), this.y(i)];
    const head = Math.min(3 + 1.6 * width, 0.5 * length * cut);
    const angle = Math.atan2(down, right);
    pen.strokeStyle = ink;
    pen.lineWidth = width;
    pen.beginPath();
    pen.moveTo(x, y);
    pen.lineTo(x + right, y + down);
    for (const turn of [2.6, -2.6]) {
      pen.moveTo(x + right, y + down);
      pen.lineTo(x + right + head * Math.cos(angle + turn), y + down + head * Math.sin(angle + turn));
    }
    pen.stroke();
  }

  /** Arrows of one point in each square of the view, so that all of it shows some. */
  sampled(grid) {
    const { view } = this;
    const seen = new Set();
    const across = Math.ceil(view.width / APART);
    const call = (i) => {
      const [x, y] = [this.x(i), this.y(i)];
      if (!this.inside(x, y) || !isShown(i)) return;
      const square = Math.floor(y / APART) * across + Math.floor(x / APART);
      if (seen.has(square)) return;
      seen.add(square);
      this.pulls(i, 1.1);
    };
    grid.each(view.mapX(0), view.mapY(view.height), view.mapX(view.width), view.mapY(0), call);
  }

  /** The names of classes at the medians of their points. */
  labels() {
    const order = facts.legend.filter((c) => c >= 0 && !hidden.has(c));
    order.sort((a, b) => facts.counts[b] - facts.counts[a]);
    for (const c of order.slice(0, MOST_LABELS)) {
      const at = [0, 1].map((k) => {
        const sorted = Float32Array.from(samples[c], (i) => this.points[2 * i + k]).sort();
        return sorted[sorted.length >> 1];
      });
      const [x, y] = [this.view.across(at[0]), this.view.down(at[1])];
      this.write(facts.classes[c], x, y, { size: 14, weight: 600, align: "center" });
    }
  }

  /** Names beside their points, as many as have room: those chosen, then in the points' order. */
  names(now) {
    const { view } = this;
    const matches = now.matches ?? [];
    for (const i of matches.slice(0, MOST_MATCHES)) if (isShown(i)) this.nameOf(i, 600, this.ink);
    if (!facts.names || now.playing) return;
    const inView = [];
    const place = [view.mapX(0), view.mapY(view.height), view.mapX(view.width), view.mapY(0)];
    now.grid().each(...place, (i) => isShown(i) && inView.push(i));
    if (!now.names && inView.length > 40) return;
    inView.sort((a, b) => a - b);
    for (let k = 0, left = MOST_NAMES; k < inView.length && left > 0; k++) {
      if (this.nameOf(inView[k], 400, now.matches ? this.pale : this.ink)) left--;
    }
  }

  nameOf(i, weight, ink) {
    const [x, y] = [this.x(i), this.y(i)];
    if (!nameOf(i) || !this.inside(x, y)) return false;
    return this.write(nameOf(i), x + 7, y, { size: 12, weight, ink });
  }

  /** A text with a rim of paper, where it meets none that was written; whether there was room. */
  write(text, x, y, { size, weight, align = "left", ink = this.ink }) {
    const { pen } = this;
    if (text.length > SHORTENED) text = `${[...text.slice(0, SHORTENED)].slice(0, -1).join("")}…`;
    const tall = size * 0.6;
    const rough = text.length * size * 0.3; // half the width, before it is measured
    const meets = (half) => {
      const middle = align === "center" ? x : x + half;
      return this.taken.some(
        (box) => Math.abs(box.x - middle) < box.half + half && Math.abs(box.y - y) < box.tall + tall,
      );
    };
    if (meets(rough * 0.5)) return false;
    pen.font = `${weight} ${size}px system-ui, sans-serif`;
    const half = pen.measureText(text).width / 2 + 2;
    if (meets(half)) return false;
    this.taken.push({ x: align === "center" ? x : x + half, y, half, tall });
    pen.textAlign = align;
    pen.textBaseline = "middle";
    pen.lineWidth = 3.5;
    pen.strokeStyle = this.paper;
    pen.strokeText(text, x, y);
    pen.fillStyle = ink;
    pen.fillText(text, x, y);
    return true;
  }
}

/** The strongest neighbours of a point, the weight of the first of them being 1. */
function neighboursOf(i) {
  if (!neighbours) return [];
  const k = facts.neighbours;
  const found = [];
  for (let n = k * i; n < k * (i + 1); n++) {
    found.push({ point: neighbours[n], weight: weights ? weights[n] / 255 : 1 });
  }
  return found.filter(({ point, weight }) => point !== i && weight > 0);
}
