// In: a point. Out: a card with all that is known of it, beside it.

const sheets = new Map(); // pictures are decoded when the first of a sheet is asked for

const LARGE = 72; // pixels of a picture
const SMALL = 24;

/** A canvas with the picture of a point, or null; it fills once its sheet is decoded. */
function pictureOf(i, side) {
  if (!facts.pictures) return null;
  const { height, width, columns, each } = facts.pictures;
  const canvas = made("canvas");
  canvas.width = width;
  canvas.height = height;
  const times = side / Math.max(width, height);
  const larger = times > 1 ? Math.floor(times) : times; // whole, so that pixels are alike
  canvas.style.width = `${width * larger}px`;
  canvas.style.height = `${height * larger}px`;
  const sheet = Math.floor(i / each);
  if (!sheets.has(sheet)) {
    const image = new Image();
    image.src = byId(`sheet-${sheet}`).textContent;
    sheets.set(sheet, image.decode().then(() => image));
  }
  const [row, column] = [Math.floor((i % each) / columns), (i % each) % columns];
  const [x, y] = [column * width, row * height];
  sheets.get(sheet).then((image) => {
    canvas.getContext("2d").drawImage(image, x, y, width, height, 0, 0, width, height);
  });
  return canvas;
}

/** The card of a point; `go` and `close` are what its buttons do where it is held. */
function fillCard(card, i, held, go, close) {
  const row = made("div");
  row.className = "row";
  const picture = pictureOf(i, LARGE);
  if (picture) row.append(picture);
  const text = made("div");
  text.className = "text";
  const name = made("div", titleOf(i));
  name.className = "name";
  name.dir = "auto";
  text.append(name);
  if (labelOf(i)) {
    const label = made("div");
    const dot = made("i");
    dot.className = "dot";
    dot.style.background = colourOf(i);
    const words = made("span", ` ${labelOf(i)}`);
    words.dir = "auto";
    label.append(dot, words);
    text.append(label);
  }
  for (const line of factsOf(i)) {
    line.classList.add("quiet");
    text.append(line);
  }
  row.append(text);
  card.replaceChildren(row);
  card.classList.toggle("held", held);
  if (!held) return;
  const near = made("ol");
  for (const { point } of neighboursOf(i)) {
    const item = made("li");
    const button = made("button");
    const dot = made("i");
    dot.className = "dot";
    dot.style.background = colourOf(point);
    const picture = pictureOf(point, SMALL);
    button.append(...(picture ? [picture] : []), dot, made("span", titleOf(point)));
    button.onclick = () => go(point);
    item.append(button);
    near.append(item);
  }
  if (near.childElementCount) {
    const head = made("div", "pulled most by");
    head.className = "quiet";
    card.append(head, near);
  }
  const shut = made("button", "×");
  shut.className = "close";
  shut.setAttribute("aria-label", "Let go");
  shut.onclick = close;
  card.append(shut);
}

function factsOf(i) {
  const place = `${short(raw[2 * i])}, ${short(raw[2 * i + 1])}`;
  const lines = [made("div", nameOf(i) ? `point ${i} at ${place}` : `at ${place}`)];
  const size = (force) => Number(Math.hypot(force[2 * i], force[2 * i + 1]).toPrecision(2));
  for (const [force, kind] of [[attraction, "attraction"], [repulsion, "repulsion"]]) {
    if (!force) continue;
    const line = made("div", `${kind} ${short(size(force))}`);
    line.classList.add(kind);
    lines.push(line);
  }
  return lines;
}

/** Beside its point, and inside the picture. */
function placeCard(card, x, y, view) {
  const { offsetWidth: width, offsetHeight: height } = card;
  const left = x + 18 + width > view.width ? x - 18 - width : x + 18;
  const top = bounded(y - height / 2, 8, view.height - view.below - height - 8);
  card.style.transform = `translate(${Math.max(8, left)}px, ${Math.max(8, top)}px)`;
}
