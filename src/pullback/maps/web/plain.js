// In: places, colours and orders of points. Out: the points on a canvas, where there is no WebGL.

/** A painter that lays discs into the pixels of a plain canvas itself, far faster than it draws. */
function plainPainter(canvas) {
  const context = canvas.getContext("2d");
  let colours = new Uint8Array(4 * count);
  let image = null;
  return {
    kind: "canvas",
    colour(bytes) {
      colours = bytes;
    },
    draw(view, ratio, from, to, along, layers) {
      const { width, height } = canvas;
      if (!image || image.width !== width || image.height !== height) {
        image = context.createImageData(width, height);
      }
      image.data.fill(0);
      const scale = view.scale * ratio;
      const left = width / 2 - view.x * scale;
      const top = view.middle * ratio + view.y * scale;
      for (const layer of layers) {
        const stamp = disc(layer.size * ratio);
        for (const i of layer.order) {
          const opacity = (colours[4 * i + 3] / 255) * layer.opacity;
          if (opacity === 0) continue;
          const x = from[2 * i] + (to[2 * i] - from[2 * i]) * along;
          const y = from[2 * i + 1] + (to[2 * i + 1] - from[2 * i + 1]) * along;
          lay(image, stamp, left + x * scale, top - y * scale, colours, 4 * i, opacity);
        }
      }
      context.putImageData(image, 0, 0);
    },
  };
}

/** How much of each pixel about its middle a disc covers. */
function disc(size) {
  const reach = Math.ceil(size / 2 + 0.5);
  const cover = [];
  for (let down = -reach; down <= reach; down++) {
    for (let right = -reach; right <= reach; right++) {
      const much = Math.min(1, size / 2 + 0.5 - Math.hypot(right, down));
      if (much > 0) cover.push({ right, down, much });
    }
  }
  return { reach, cover };
}

function lay(image, { reach, cover }, x, y, colours, at, opacity) {
  const column = Math.round(x);
  const row = Math.round(y);
  const { width, height, data } = image;
  if (column < reach || row < reach || column >= width - reach || row >= height - reach) return;
  for (const { right, down, much } of cover) {
    const p = 4 * ((row + down) * width + column + right);
    const over = opacity * much;
    const under = (data[p + 3] / 255) * (1 - over);
    const all = over + under;
    for (let c = 0; c < 3; c++) data[p + c] = (colours[at + c] * over + data[p + c] * under) / all;
    data[p + 3] = 255 * all;
  }
}
