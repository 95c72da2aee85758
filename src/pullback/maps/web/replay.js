// In: the moments in which the map formed. Out: a bar that plays them, and the moment it is at.

const LENGTH = 7000; // milliseconds of the whole at 1x, and at most
const EACH = 450; // of one moment

class Replay {
  /** `changed` is called whenever another moment is shown. */
  constructor(changed) {
    this.last = moments.length - 1;
    this.at = this.last;
    this.playing = false;
    this.changed = changed;
    if (!this.last) return;
    byId("replay").hidden = false;
    const scrub = byId("scrub");
    scrub.max = this.last;
    scrub.value = this.last;
    scrub.oninput = () => {
      this.pause();
      this.go(Number(scrub.value));
    };
    scrub.onkeydown = (event) => {
      const step = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1 }[event.key];
      if (!step) return;
      event.preventDefault();
      this.pause();
      this.go(bounded(Math.round(this.at) + step, 0, this.last));
    };
    byId("play").onclick = () => this.toggle();
    this.curve();
    this.tell();
  }

  get atEnd() {
    return this.at === this.last;
  }

  toggle() {
    if (!this.last) return;
    if (this.playing) return this.pause();
    if (this.atEnd) this.at = 0;
    this.playing = true;
    this.before = null;
    this.show();
    this.changed();
  }

  pause() {
    if (!this.playing) return;
    this.playing = false;
    this.show();
    this.changed();
  }

  /** What of it goes by until this time, in milliseconds. */
  advance(time) {
    if (!this.playing) return;
    const speed = Number(byId("speed").value);
    const whole = Math.min(LENGTH, EACH * this.last) / speed;
    const passed = this.before === null ? 0 : Math.min(time - this.before, 100);
    this.before = time;
    this.go(Math.min(this.last, this.at + (passed / whole) * this.last));
    if (this.atEnd) this.pause();
  }

  go(at) {
    this.at = at;
    byId("scrub").value = at;
    this.tell();
    this.changed();
  }

  end() {
    this.pause();
    if (this.last) this.go(this.last);
  }

  show() {
    byId("play").textContent = this.playing ? "❚❚" : "▶";
    byId("play").setAttribute("aria-label", this.playing ? "Pause" : "Play");
  }

  /** The iteration, the cost and the size; each moment is drawn as large as the view. */
  tell() {
    const { iteration, cost, width } = moments[Math.round(this.at)];
    const words = [iteration === null ? "the map" : `iteration ${grouped(iteration)}`];
    if (cost !== null) words.push(`cost ${cost.toFixed(3)}`);
    words.push(`width ${short(Number(width.toPrecision(3)))}`);
    byId("moment").textContent = words.join(" · ");
    byId("scrub").setAttribute("aria-valuetext", words.join(", "));
  }

  /** The cost of each moment as a line behind the bar. */
  curve() {
    const costs = moments.map(({ cost }) => cost);
    const known = costs.filter((cost) => cost !== null);
    if (known.length < 2) return;
    const [low, high] = [Math.min(...known), Math.max(...known)];
    const line = document.createElementNS("http://www.w3.org/2000/svg", "polyline");
    const at = (cost, k) => `${(100 * k) / this.last},${19 - (18 * (cost - low)) / (high - low || 1)}`;
    const ends = costs.map((cost, k) => (cost === null ? "" : at(cost, k)));
    line.setAttribute("points", ends.join(" "));
    byId("costs").append(line);
  }

  /** The two moments that are drawn between, and how far. */
  get between() {
    const k = Math.min(Math.floor(this.at), Math.max(0, this.last - 1));
    const next = Math.min(k + 1, this.last);
    return [positionsAt(k), positionsAt(next), this.at - k];
  }

  /** All places at this moment. */
  get places() {
    const [from, to, along] = this.between;
    if (along === 0) return from;
    if (along === 1) return to;
    if (this.mixedAt !== this.at) {
      this.mixed ??= new Float32Array(2 * count);
      for (let i = 0; i < 2 * count; i++) this.mixed[i] = from[i] + (to[i] - from[i]) * along;
      this.mixedAt = this.at;
    }
    return this.mixed;
  }
}
