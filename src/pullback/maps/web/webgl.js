// In: places, colours and orders of points. Out: the points on a canvas, by the graphics card.

const VERTEX = `#version 300 es
in vec2 from; in vec2 to; in vec4 colour;
uniform float share; uniform vec2 middle, scale; uniform float size, opacity;
out vec4 ink;
void main() {
  gl_Position = vec4((mix(from, to, share) - middle) * scale, 0.0, 1.0);
  gl_PointSize = colour.a == 0.0 ? 0.0 : size + 1.0;
  if (colour.a == 0.0) gl_Position = vec4(2.0, 2.0, 2.0, 1.0);
  ink = vec4(colour.rgb, colour.a * opacity);
}`;
const FRAGMENT = `#version 300 es
precision highp float; // as in the other, which has the same uniforms
in vec4 ink; uniform float size; out vec4 shown;
void main() {
  float edge = size * 0.5 - length(gl_PointCoord - 0.5) * (size + 1.0) + 0.5;
  float alpha = ink.a * clamp(edge, 0.0, 1.0);
  shown = vec4(ink.rgb * alpha, alpha);
}`;

/** A painter of points by WebGL 2, or null where there is none. */
function webglPainter(canvas) {
  const options = { antialias: false, premultipliedAlpha: true };
  const gl = canvas.getContext("webgl2", options);
  if (!gl) return null;
  const program = linked(gl);
  if (!program) return null;
  gl.useProgram(program);
  gl.enable(gl.BLEND);
  gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
  const uniform = (name) => gl.getUniformLocation(program, name);
  const [share, middle, scale, size, opacity] =
    ["share", "middle", "scale", "size", "opacity"].map(uniform);
  const attributes = ["from", "to", "colour"].map((name) => gl.getAttribLocation(program, name));
  const held = new Map(); // the buffer of each array of places that was drawn last

  function places(attribute, points) {
    if (!held.has(points)) {
      for (const [old, buffer] of held) {
        if (held.size < 3) break;
        gl.deleteBuffer(buffer);
        held.delete(old);
      }
      held.set(points, filled(gl, gl.ARRAY_BUFFER, points));
    }
    gl.bindBuffer(gl.ARRAY_BUFFER, held.get(points));
    gl.enableVertexAttribArray(attribute);
    gl.vertexAttribPointer(attribute, 2, gl.FLOAT, false, 0, 0);
  }

  const colourBuffer = gl.createBuffer();
  const orders = new Map();
  return {
    kind: "WebGL",
    colour(bytes) {
      gl.bindBuffer(gl.ARRAY_BUFFER, colourBuffer);
      gl.bufferData(gl.ARRAY_BUFFER, bytes, gl.DYNAMIC_DRAW);
      gl.enableVertexAttribArray(attributes[2]);
      gl.vertexAttribPointer(attributes[2], 4, gl.UNSIGNED_BYTE, true, 0, 0);
    },
    draw(view, ratio, from, to, along, layers) {
      gl.viewport(0, 0, canvas.width, canvas.height);
      gl.clearColor(0, 0, 0, 0);
      gl.clear(gl.COLOR_BUFFER_BIT);
      places(attributes[0], from);
      places(attributes[1], to);
      gl.uniform1f(share, along);
      // the middle of the view lies above the middle of the canvas, by the room below
      const lift = (view.height / 2 - view.middle) / view.scale;
      gl.uniform2f(middle, view.x, view.y - lift);
      gl.uniform2f(scale, (2 * view.scale) / view.width, (2 * view.scale) / view.height);
      for (const layer of layers) {
        if (!layer.order.length) continue;
        if (orders.get(layer.name)?.order !== layer.order) {
          gl.deleteBuffer(orders.get(layer.name)?.buffer ?? null);
          const buffer = filled(gl, gl.ELEMENT_ARRAY_BUFFER, layer.order);
          orders.set(layer.name, { order: layer.order, buffer });
        }
        gl.bindBuffer(gl.ELEMENT_ARRAY_BUFFER, orders.get(layer.name).buffer);
        gl.uniform1f(size, layer.size * ratio);
        gl.uniform1f(opacity, layer.opacity);
        gl.drawElements(gl.POINTS, layer.order.length, gl.UNSIGNED_INT, 0);
      }
    },
  };
}

function filled(gl, target, data) {
  const buffer = gl.createBuffer();
  gl.bindBuffer(target, buffer);
  gl.bufferData(target, data, gl.STATIC_DRAW);
  return buffer;
}

function linked(gl) {
  const program = gl.createProgram();
  for (const [kind, text] of [[gl.VERTEX_SHADER, VERTEX], [gl.FRAGMENT_SHADER, FRAGMENT]]) {
    const shader = gl.createShader(kind);
    gl.shaderSource(shader, text);
    gl.compileShader(shader);
    gl.attachShader(program, shader);
  }
  gl.linkProgram(program);
  return gl.getProgramParameter(program, gl.LINK_STATUS) ? program : null;
}
