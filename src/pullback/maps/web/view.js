// In: a hand's movements. Out: where on the screen a place of the map is, and back.

const NEAREST = 4000; // times the whole map

class View {
  constructor() {
    Object.assign(this, { x: 0, y: 0, zoom: 1, width: 1, height: 1 });
  }

  resize(width, height, below) {
    Object.assign(this, { width, height, below });
  }

  /** Pixels of a unit: the whole map, twice as long as it reaches, fills the view. */
  get scale() {
    const room = Math.min(this.width / reach.x, (this.height - this.below) / reach.y);
    return this.zoom * Math.max(room * 0.47, 20);
  }

  get middle() {
    return (this.height - this.below) / 2;
  }

  across(x) {
    return (x - this.x) * this.scale + this.width / 2;
  }

  down(y) {
    return this.middle - (y - this.y) * this.scale;
  }

  mapX(left) {
    return (left - this.width / 2) / this.scale + this.x;
  }

  mapY(top) {
    return (this.middle - top) / this.scale + this.y;
  }

  pan(right, down) {
    this.x = bounded(this.x - right / this.scale, -1.5, 1.5);
    this.y = bounded(this.y + down / this.scale, -1.5, 1.5);
  }

  /** Nearer by a factor; what is at that pixel stays there. */
  nearer(factor, left = this.width / 2, top = this.middle) {
    const x = this.mapX(left);
    const y = this.mapY(top);
    this.zoom = bounded(this.zoom * factor, 0.3, NEAREST);
    this.x = bounded(x - (left - this.width / 2) / this.scale, -1.5, 1.5);
    this.y = bounded(y - (this.middle - top) / this.scale, -1.5, 1.5);
  }

  get place() {
    return { x: this.x, y: this.y, zoom: this.zoom };
  }

  /** A share of the way between two places, zoom in equal factors. */
  between(from, to, share) {
    this.zoom = from.zoom * (to.zoom / from.zoom) ** share;
    // what is looked at moves evenly on the screen, not on the map
    const even = from.zoom === to.zoom ? share :
      (1 - from.zoom / this.zoom) / (1 - from.zoom / to.zoom);
    this.x = from.x + (to.x - from.x) * even;
    this.y = from.y + (to.y - from.y) * even;
  }
}

const bounded = (x, low, high) => Math.min(Math.max(x, low), high);

/** Points by the cell they lie in, so that the nearest is found among few. */
class Grid {
  constructor(points) {
    const n = points.length / 2;
    this.points = points;
    this.side = Math.max(1, Math.ceil(Math.sqrt(n / 2)));
    const cells = new Uint32Array(n);
    this.starts = new Uint32Array(this.side * this.side + 1);
    for (let i = 0; i < n; i++) {
      cells[i] = this.cell(points[2 * i + 1]) * this.side + this.cell(points[2 * i]);
      this.starts[cells[i] + 1]++;
    }
    for (let c = 0; c < this.side * this.side; c++) this.starts[c + 1] += this.starts[c];
    const next = this.starts.slice(0, -1);
    this.members = new Uint32Array(n);
    for (let i = 0; i < n; i++) this.members[next[cells[i]]++] = i;
  }

  cell(x) {
    return bounded(Math.floor(((x + 1) / 2) * this.side), 0, this.side - 1);
  }

  /** Calls with each point whose cell meets a rectangle. */
  each(left, bottom, right, top, call) {
    for (let row = this.cell(bottom); row <= this.cell(top); row++) {
      const first = row * this.side;
      const start = this.starts[first + this.cell(left)];
      const end = this.starts[first + this.cell(right) + 1];
      for (let m = start; m < end; m++) call(this.members[m]);
    }
  }

  /** The nearest point within a radius that may be seen, or -1. */
  nearest(x, y, radius, seen) {
    let best = -1;
    let least = radius * radius;
    // a small square first: a wide view has very many points in reach
    for (let reach = Math.min(radius, 1 / this.side); ; reach = Math.min(2 * reach, radius)) {
      this.each(x - reach, y - reach, x + reach, y + reach, (i) => {
        const d = (this.points[2 * i] - x) ** 2 + (this.points[2 * i + 1] - y) ** 2;
        if (d <= least && seen(i)) {
          least = d;
          best = i;
        }
      });
      if (reach >= radius || (best >= 0 && least <= reach * reach)) return best;
    }
  }
}
