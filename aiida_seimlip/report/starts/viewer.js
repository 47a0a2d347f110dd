/* A turnable picture of atoms on a canvas: no library, no network, no WebGL. */
'use strict';
for (const root of document.querySelectorAll('.view[data-kind="atoms"]')) {
  const data = JSON.parse(root.querySelector('script').textContent);
  const make = (name, attributes, parent) => {
    const element = Object.assign(document.createElement(name), attributes);
    parent.append(element);
    return element;
  };
  const bar = make('div', { className: 'bar' }, root);
  const chosen = make('select', { title: 'start' }, make('label', { textContent: 'start ' }, bar));
  data.starts.forEach((start, index) => make('option', { value: index, textContent: start.name }, chosen));
  const state = make('select', { title: 'state' }, make('label', { textContent: 'shown ' }, bar));
  const zoom = make('input', { type: 'range', min: 40, max: 400, value: 100, title: 'size' }, make('label', { textContent: 'size ' }, bar));
  const canvas = make('canvas', { tabIndex: 0 }, root);
  canvas.setAttribute('role', 'img');
  canvas.setAttribute('aria-label', root.dataset.description);
  const words = make('p', { className: 'words' }, root);
  const pen = canvas.getContext('2d');
  const home = () => turn(turn([[1, 0, 0], [0, 1, 0], [0, 0, 1]], 0, -0.5), 1, 0.35);
  let axes = home(), drawn = [];

  function turn(matrix, axis, angle) {
    const [a, b] = axis === 0 ? [0, 2] : [1, 2], c = Math.cos(angle), s = Math.sin(angle);
    const result = matrix.map(row => [...row]);
    for (let k = 0; k < 3; k++) {
      result[a][k] = c * matrix[a][k] - s * matrix[b][k];
      result[b][k] = s * matrix[a][k] + c * matrix[b][k];
    }
    return result;
  }
  const frame = () => data.starts[chosen.value].states[state.value];

  function choose() {
    const states = data.starts[chosen.value].states, before = state.selectedOptions[0]?.textContent;
    state.replaceChildren();
    states.forEach((one, index) => make('option', { value: index, textContent: one.label }, state));
    state.value = Math.max(0, states.findIndex(one => one.label === before));
    draw();
  }

  function draw() {
    const ratio = window.devicePixelRatio || 1, width = canvas.clientWidth, height = canvas.clientHeight;
    canvas.width = width * ratio; canvas.height = height * ratio;
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.clearRect(0, 0, width, height);
    const { cell, atoms, positions, bonds } = frame();
    const middle = [0, 1, 2].map(k => (cell[0][k] + cell[1][k] + cell[2][k]) / 2);
    const reach = Math.hypot(...[0, 1, 2].map(k => cell[0][k] + cell[1][k] + cell[2][k])) / 2;
    const scale = 0.42 * Math.min(width, height) / reach * zoom.value / 100;
    const place = point => {
      const shifted = point.map((value, k) => value - middle[k]);
      const [x, y, z] = axes.map(axis => axis[0] * shifted[0] + axis[1] * shifted[1] + axis[2] * shifted[2]);
      const near = 4 * reach / (4 * reach - z);
      return { x: width / 2 + scale * near * x, y: height / 2 - scale * near * y, z, size: scale * near };
    };
    const fade = z => Math.min(1, Math.max(0.35, 0.75 + 0.4 * z / reach));
    const items = [], corner = (i, j, k) => [0, 1, 2].map(n => i * cell[0][n] + j * cell[1][n] + k * cell[2][n]);
    for (const [i, j] of [[0, 0], [0, 1], [1, 0], [1, 1]])
      for (const [one, two] of [[corner(0, i, j), corner(1, i, j)], [corner(i, 0, j), corner(i, 1, j)], [corner(i, j, 0), corner(i, j, 1)]]) {
        const [p, q] = [place(one), place(two)];
        items.push({ z: Math.min(p.z, q.z) - reach, paint: () => line(p, q, '#9aa5b0', 1) });
      }
    drawn = positions.map((point, index) => ({ ...place(point), index, symbol: atoms[index] }));
    for (const [i, j] of bonds) {
      const [p, q] = [drawn[i], drawn[j]], m = { x: (p.x + q.x) / 2, y: (p.y + q.y) / 2 };
      items.push({ z: (p.z + q.z) / 2 - 0.3, alpha: fade((p.z + q.z) / 2), paint: () => {
        line(p, m, data.elements[p.symbol].colour, 0.16 * p.size);
        line(m, q, data.elements[q.symbol].colour, 0.16 * q.size);
      } });
    }
    for (const atom of drawn) items.push({ z: atom.z, alpha: fade(atom.z), paint: () => ball(atom) });
    for (const item of items.sort((a, b) => a.z - b.z)) {
      pen.globalAlpha = item.alpha ?? 1;
      item.paint();
    }
    pen.globalAlpha = 1;
    words.textContent = data.starts[chosen.value].note + frame().note;
  }
  function line(p, q, colour, width) {
    pen.strokeStyle = colour; pen.lineWidth = Math.max(1, width); pen.lineCap = 'round';
    pen.beginPath(); pen.moveTo(p.x, p.y); pen.lineTo(q.x, q.y); pen.stroke();
  }
  function ball(atom) {
    const { colour, radius } = data.elements[atom.symbol], r = Math.max(1, radius * atom.size);
    const light = pen.createRadialGradient(atom.x - 0.35 * r, atom.y - 0.35 * r, 0.1 * r, atom.x, atom.y, r);
    light.addColorStop(0, '#ffffff'); light.addColorStop(0.35, colour); light.addColorStop(1, colour);
    pen.fillStyle = light; pen.strokeStyle = 'rgba(27, 39, 51, 0.55)'; pen.lineWidth = 0.7;
    pen.beginPath(); pen.arc(atom.x, atom.y, r, 0, 2 * Math.PI); pen.fill(); pen.stroke();
  }

  let held = null;
  canvas.addEventListener('pointerdown', event => { held = event; canvas.setPointerCapture(event.pointerId); });
  canvas.addEventListener('pointerup', () => { held = null; });
  canvas.addEventListener('pointermove', event => {
    if (held) {
      axes = turn(turn(axes, 0, -(event.clientX - held.clientX) / 150), 1, (event.clientY - held.clientY) / 150);
      held = event;
      draw();
      return;
    }
    const box = canvas.getBoundingClientRect(), x = event.clientX - box.left, y = event.clientY - box.top;
    const under = drawn.filter(atom => Math.hypot(atom.x - x, atom.y - y) < data.elements[atom.symbol].radius * atom.size);
    const front = under.reduce((best, atom) => (best && best.z > atom.z ? best : atom), null);
    canvas.title = front ? `${front.symbol}, atom ${front.index}` : '';
  });
  canvas.addEventListener('dblclick', () => { axes = home(); zoom.value = 100; draw(); });
  canvas.addEventListener('keydown', event => {
    const step = { ArrowLeft: [0, 0.1], ArrowRight: [0, -0.1], ArrowUp: [1, -0.1], ArrowDown: [1, 0.1] }[event.key];
    if (step) { axes = turn(axes, ...step); event.preventDefault(); draw(); }
  });
  chosen.addEventListener('input', choose);
  state.addEventListener('input', draw);
  zoom.addEventListener('input', draw);
  window.addEventListener('resize', draw);
  choose();
}
