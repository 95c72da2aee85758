// In: what a person types. Out: the points whose names have it in them, the best first.

const LISTED = 50;
let folded = null; // names as they are searched, made at the first search

const fold = (text) => text.normalize("NFKC").toLowerCase();

/** The numbers of the points found; "#12" is point 12. Points without a name go by their label. */
function found(query) {
  const numbered = /^#(\d+)$/.exec(query.trim());
  if (numbered) return Number(numbered[1]) < count ? [Number(numbered[1])] : [];
  const wanted = fold(query.trim());
  if (!wanted) return null;
  folded ??= Array.from({ length: count }, (_, i) => fold(nameOf(i) || labelOf(i)));
  const ranks = [[], [], []]; // the same, those that begin so, those that have it inside
  for (let i = 0; i < count; i++) {
    const at = folded[i].indexOf(wanted);
    if (at < 0 || !isShown(i)) continue;
    ranks[at > 0 ? 2 : folded[i].length === wanted.length ? 0 : 1].push(i);
  }
  return ranks[0].concat(ranks[1], ranks[2]);
}

/** The field and the list below it; `show(points)` lights them up, `go(point)` goes there. */
function makeSearch(show, go) {
  const field = byId("search");
  const list = byId("matches");
  let points = null;
  let chosen = 0;
  field.placeholder = facts.names ? "Search names" : "Search labels";

  function look() {
    points = found(field.value);
    chosen = 0;
    list.replaceChildren(...(points ?? []).slice(0, LISTED).map(line));
    list.hidden = !points?.length;
    byId("found").textContent = points === null ? "" : told(points.length);
    show(points);
    mark();
  }

  function told(n) {
    const hiding = hidden.size ? " among what is shown" : "";
    if (!n) return `nothing found${hiding}`;
    return `${several(n, "match", "matches")}${hiding}${n > LISTED ? `, the first ${LISTED}:` : ""}`;
  }

  function line(i, k) {
    const item = made("li");
    const button = made("button");
    const dot = made("i");
    dot.className = "dot";
    dot.style.background = colourOf(i);
    const text = made("span", nameOf(i) || `${labelOf(i)} · point ${i}`);
    text.dir = "auto";
    button.append(dot, text);
    button.tabIndex = -1; // the arrows in the field go through them
    button.onclick = () => {
      chosen = k;
      mark();
      go(i);
    };
    item.append(button);
    return item;
  }

  function mark() {
    [...list.children].forEach((item, k) => {
      item.firstChild.classList.toggle("chosen", k === chosen);
      if (k === chosen) item.scrollIntoView({ block: "nearest" });
    });
  }

  field.oninput = look;
  field.onkeydown = (event) => {
    const last = Math.min(points?.length ?? 0, LISTED) - 1;
    if (event.key === "Escape") clear();
    else if (last < 0) return;
    else if (event.key === "Enter") go(points[chosen]);
    else if (event.key === "ArrowDown") chosen = Math.min(chosen + 1, last);
    else if (event.key === "ArrowUp") chosen = Math.max(chosen - 1, 0);
    else return;
    event.preventDefault();
    mark();
  };

  function clear() {
    field.value = "";
    look();
  }
  return { clear, again: () => field.value && look() };
}
