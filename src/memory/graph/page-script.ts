// The script of the page that draws a graph: layout, canvas, hover, search, filters. For graph-html.ts; runs in a browser only.

/** JavaScript of the page. Text of the conversation reaches the document by `textContent` alone. */
export const pageScript = `'use strict';
(() => {
const data = JSON.parse(document.getElementById('data').textContent);
const $ = (id) => document.getElementById(id);
const canvas = $('canvas'), context = canvas.getContext('2d');
const root = document.documentElement;
const names = { mentions: 'mentions', repliesTo: 'replies to', follows: 'follows', similarTo: 'similar to', updates: 'updates',
  contradicts: 'contradicts', about: 'about (topic)' };
const kinds = { message: 'messages', entity: 'entities', topic: 'topics' };
const lengths = { mentions: 55, repliesTo: 60, follows: 75, similarTo: 85, updates: 55, contradicts: 55, about: 90 };
const el = (tag, text, className) => {
  const made = document.createElement(tag);
  if (text !== undefined) made.textContent = text;
  if (className) made.className = className;
  return made;
};

const byId = new Map();
const nodes = data.nodes.map((node, i) => {
  const angle = i * 2.39996, far = 14 * Math.sqrt(i + 1);
  const held = { ...node, x: far * Math.cos(angle), y: far * Math.sin(angle), vx: 0, vy: 0, degree: 0, edges: [] };
  byId.set(node.id, held);
  return held;
});
const edges = data.edges.map((edge) => ({ ...edge, a: byId.get(edge.source), b: byId.get(edge.target) })).filter((e) => e.a && e.b);
for (const edge of edges) {
  for (const end of [edge.a, edge.b]) { end.degree++; end.edges.push(edge); }
}
for (const node of nodes) {
  const base = node.kind === 'message' ? 5 : node.kind === 'topic' ? 7 : 3.2;
  node.r = base + Math.min(9, Math.sqrt(node.degree) * 1.05);
}
const ranked = [...nodes].sort((a, b) => (b.kind === 'topic') - (a.kind === 'topic') || b.degree - a.degree);

const hiddenEdges = new Set(), hiddenNodes = new Set();
let hovered = null, kept = null, matches = null, colours = {};
const view = { x: 0, y: 0, k: 1 };
const visible = (node) => !hiddenNodes.has(node.kind);
const drawn = (edge) => !hiddenEdges.has(edge.kind) && visible(edge.a) && visible(edge.b);

// A force layout: springs along edges, repulsion between neighbours in a grid, a pull to the middle, cooling down.
let heat = 1;
const room = nodes.length < 100 ? 1.45 : 1, inward = 0.006 * Math.min(1, Math.max(0.2, 250 / (nodes.length + 1)));
function tick() {
  const cell = 130, grid = new Map();
  for (const node of nodes) {
    const key = Math.round(node.x / cell) + ',' + Math.round(node.y / cell);
    const members = grid.get(key);
    if (members) members.push(node); else grid.set(key, [node]);
  }
  for (const node of nodes) {
    const cx = Math.round(node.x / cell), cy = Math.round(node.y / cell);
    for (let gx = cx - 1; gx <= cx + 1; gx++) for (let gy = cy - 1; gy <= cy + 1; gy++) {
      for (const other of grid.get(gx + ',' + gy) || []) {
        if (other === node) continue;
        let dx = node.x - other.x, dy = node.y - other.y;
        let square = dx * dx + dy * dy;
        if (square > cell * cell) continue;
        if (square < 1) { dx = 0.5; dy = 0.5; square = 1; }
        const push = heat * (260 + 22 * (node.r + other.r)) / square;
        node.vx += dx * push / 12; node.vy += dy * push / 12;
      }
    }
    node.vx -= node.x * inward * heat; node.vy -= node.y * inward * heat;
  }
  for (const edge of edges) {
    if (hiddenEdges.has(edge.kind)) continue;
    const dx = edge.b.x - edge.a.x, dy = edge.b.y - edge.a.y, distance = Math.hypot(dx, dy) || 1;
    const strength = heat * (edge.kind === 'about' ? 0.03 : 0.16) / Math.sqrt(Math.min(edge.a.degree, edge.b.degree));
    const pull = (distance - room * lengths[edge.kind]) / distance * strength;
    edge.a.vx += dx * pull; edge.a.vy += dy * pull;
    edge.b.vx -= dx * pull; edge.b.vy -= dy * pull;
  }
  for (const node of nodes) {
    if (node === dragged) { node.vx = node.vy = 0; continue; }
    const speed = Math.hypot(node.vx, node.vy), most = 30 * heat + 1;
    const scale = speed > most ? most / speed : 1;
    node.x += node.vx * scale; node.y += node.vy * scale;
    node.vx *= 0.55; node.vy *= 0.55;
  }
  heat *= 0.985;
}

function readColours() {
  const style = getComputedStyle(root);
  for (const name of ['text', 'dim', 'halo', 'line', 'message', 'assistant', 'entity', 'topic', ...Object.keys(names)])
    colours[name] = style.getPropertyValue('--' + name).trim();
}

const near = (focus) => {
  if (!focus) return null;
  const set = new Set([focus]);
  for (const edge of focus.edges) if (drawn(edge)) { set.add(edge.a); set.add(edge.b); }
  return set;
};
const short = (node) => {
  const most = node.kind === 'message' ? 42 : 34;
  return node.label.length > most ? node.label.slice(0, most - 1) + '…' : node.label;
};

function draw() {
  const ratio = window.devicePixelRatio || 1, width = canvas.clientWidth, height = canvas.clientHeight;
  if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
    canvas.width = Math.round(width * ratio); canvas.height = Math.round(height * ratio);
  }
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  context.translate(width / 2 + view.x, height / 2 + view.y);
  context.scale(view.k, view.k);
  const focus = hovered || kept, lit = near(focus) || matches;
  for (const edge of edges) {
    if (!drawn(edge)) continue;
    const on = !lit || (focus ? edge.a === focus || edge.b === focus : lit.has(edge.a) && lit.has(edge.b));
    const strong = edge.kind === 'updates' || edge.kind === 'contradicts';
    context.globalAlpha = on ? (strong ? 0.95 : lit ? 0.9 : 0.7) : 0.06;
    context.strokeStyle = context.fillStyle = colours[edge.kind];
    context.lineWidth = (strong ? 2.2 : edge.kind === 'similarTo' ? 0.6 + 1.6 * edge.weight : 1) / Math.max(0.7, view.k);
    context.setLineDash(edge.validToMs === null ? [] : [4, 4]);
    context.beginPath();
    context.moveTo(edge.a.x, edge.a.y);
    context.lineTo(edge.b.x, edge.b.y);
    context.stroke();
    if (strong || edge.kind === 'repliesTo') arrow(edge);
  }
  context.setLineDash([]);
  for (const node of nodes) {
    if (!visible(node)) continue;
    context.globalAlpha = !lit || lit.has(node) ? 1 : 0.13;
    context.fillStyle = colours[node.kind === 'message' && node.role !== 'user' ? 'assistant' : node.kind];
    context.beginPath();
    if (node.kind === 'topic') {
      const s = node.r; context.moveTo(node.x, node.y - s); context.lineTo(node.x + s, node.y);
      context.lineTo(node.x, node.y + s); context.lineTo(node.x - s, node.y); context.closePath();
    } else context.arc(node.x, node.y, node.r, 0, 7);
    context.fill();
    if (node === focus) { context.lineWidth = 2 / view.k; context.strokeStyle = colours.text; context.stroke(); }
  }
  labels(lit, focus, width, height);
  context.globalAlpha = 1;
}

function arrow({ a, b }) {
  const angle = Math.atan2(b.y - a.y, b.x - a.x), x = b.x - Math.cos(angle) * b.r, y = b.y - Math.sin(angle) * b.r;
  context.setLineDash([]);
  context.beginPath();
  context.moveTo(x, y);
  for (const turn of [2.7, -2.7]) context.lineTo(x + 8 * Math.cos(angle + turn), y + 8 * Math.sin(angle + turn));
  context.fill();
}

// Labels by importance, each only where it covers no other.
function labels(lit, focus, width, height) {
  const boxes = [], k = view.k, size = 12 / k;
  context.textAlign = 'center';
  context.lineJoin = 'round';
  const first = lit ? [...lit].sort((a, b) => (b === focus) - (a === focus) || b.degree - a.degree) : ranked;
  for (const node of first) {
    if (!visible(node) || boxes.length > 140) continue;
    if (!lit && node.kind === 'message' && k < 1.6) continue;
    const sx = node.x * k + width / 2 + view.x, sy = node.y * k + height / 2 + view.y;
    if (sx < -50 || sy < -20 || sx > width + 50 || sy > height + 20) continue;
    context.font = (node.kind === 'topic' || node === focus ? '600 ' : '') + size + 'px system-ui, sans-serif';
    const text = short(node), half = context.measureText(text).width * k / 2, top = sy + node.r * k + 2;
    const box = [sx - half - 3, top, sx + half + 3, top + 15];
    if (node !== focus && boxes.some((o) => box[0] < o[2] && box[2] > o[0] && box[1] < o[3] && box[3] > o[1])) continue;
    boxes.push(box);
    context.globalAlpha = node.kind === 'message' ? 0.85 : 1;
    context.lineWidth = 4 / k;
    context.strokeStyle = colours.halo;
    context.fillStyle = colours.text;
    context.strokeText(text, node.x, node.y + node.r + 12 / k);
    context.fillText(text, node.x, node.y + node.r + 12 / k);
  }
}

function fit() {
  const panel = canvas.clientWidth > 640 ? 260 : 0;
  let [left, top, right, bottom] = [1e9, 1e9, -1e9, -1e9];
  for (const node of nodes) {
    left = Math.min(left, node.x - 30); right = Math.max(right, node.x + 30);
    top = Math.min(top, node.y - 20); bottom = Math.max(bottom, node.y + 30);
  }
  if (nodes.length === 0) return;
  const k = Math.min((canvas.clientWidth - panel - 40) / (right - left), (canvas.clientHeight - 40) / (bottom - top), 2);
  view.k = Math.max(0.05, k);
  view.x = panel / 2 - (left + right) / 2 * view.k;
  view.y = -(top + bottom) / 2 * view.k;
}

const at = (event) => [(event.offsetX - canvas.clientWidth / 2 - view.x) / view.k, (event.offsetY - canvas.clientHeight / 2 - view.y) / view.k];
function pick(event) {
  const [x, y] = at(event);
  let best = null, nearest = 1e9;
  for (const node of nodes) {
    const distance = Math.hypot(node.x - x, node.y - y);
    if (visible(node) && distance < node.r + 5 / view.k && distance < nearest) { best = node; nearest = distance; }
  }
  return best;
}

function detail(node) {
  const box = $('detail');
  box.hidden = !node;
  if (!node) return;
  box.replaceChildren();
  const what = node.kind === 'message' ? [node.user || node.role, new Date(node.createdAtMs).toLocaleString()].join(' · ')
    : node.kind === 'entity' ? node.entityKind : 'topic';
  box.append(el('p', what), el('p', node.label || '(no text)', 'text'));
  if (node.aliases && node.aliases.length) box.append(el('p', 'also: ' + node.aliases.join(', ')));
  const list = el('ul');
  const shown = node.edges.filter(drawn).slice(0, 40);
  for (const edge of shown) {
    const other = edge.a === node ? edge.b : edge.a, item = el('li');
    const until = edge.validToMs === null ? '' : ', until ' + new Date(edge.validToMs).toLocaleString();
    const cosine = edge.kind === 'similarTo' ? ' ' + edge.weight.toFixed(2) : '';
    item.append(el('small', (edge.a === node ? '' : '← ') + names[edge.kind] + cosine + until + ' '), short(other));
    item.addEventListener('click', () => { kept = other; detail(other); draw(); });
    list.append(item);
  }
  box.append(list);
  const more = node.edges.filter(drawn).length - shown.length;
  if (more > 0) box.append(el('p', 'and ' + more + ' more'));
}

let dragged = null, panning = null, moved = false, running = false;
function run() {
  if (running) return;
  running = true;
  const step = () => {
    tick(); draw();
    if (heat > 0.02 || dragged) requestAnimationFrame(step); else running = false;
  };
  requestAnimationFrame(step);
}
canvas.addEventListener('pointerdown', (event) => {
  canvas.setPointerCapture(event.pointerId);
  moved = false;
  dragged = pick(event);
  if (!dragged) panning = [event.clientX - view.x, event.clientY - view.y];
  canvas.classList.add('held');
});
canvas.addEventListener('pointermove', (event) => {
  if (dragged) {
    moved = true; [dragged.x, dragged.y] = at(event); heat = Math.max(heat, 0.25); run();
  } else if (panning) {
    moved = true; view.x = event.clientX - panning[0]; view.y = event.clientY - panning[1]; draw();
  } else {
    const node = pick(event);
    if (node !== hovered) { hovered = node; detail(hovered || kept); draw(); }
  }
});
canvas.addEventListener('pointerup', (event) => {
  if (!moved) { kept = pick(event); detail(kept); }
  dragged = panning = null;
  canvas.classList.remove('held');
  draw();
});
canvas.addEventListener('wheel', (event) => {
  event.preventDefault();
  const [x, y] = at(event), factor = Math.exp(-event.deltaY * 0.0015), k = Math.min(8, Math.max(0.05, view.k * factor));
  view.x += x * (view.k - k); view.y += y * (view.k - k); view.k = k;
  draw();
}, { passive: false });
$('search').addEventListener('input', () => {
  const text = $('search').value.trim().toLowerCase();
  const has = (node) => [node.label, node.user || '', ...(node.aliases || [])].some((part) => part.toLowerCase().includes(text));
  matches = text === '' ? null : new Set(nodes.filter(has));
  $('found').textContent = matches ? matches.size + ' of ' + nodes.length : '';
  draw();
});
addEventListener('keydown', (event) => {
  if (event.key === '/' && document.activeElement !== $('search')) { event.preventDefault(); $('search').focus(); }
  if (event.key === 'Escape') { kept = hovered = matches = null; $('search').value = ''; $('found').textContent = ''; detail(null); draw(); }
});
$('theme').addEventListener('click', () => {
  const dark = root.classList.contains('dark') || (!root.classList.contains('light') && matchMedia('(prefers-color-scheme: dark)').matches);
  root.classList.remove('dark', 'light');
  root.classList.add(dark ? 'light' : 'dark');
  readColours(); draw();
});
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => { readColours(); draw(); });
addEventListener('resize', draw);

function choice(into, kind, text, swatch, count, hidden) {
  const label = el('label'), box = el('input'), mark = el('i', '', swatch);
  box.type = 'checkbox'; box.checked = true;
  mark.style.background = 'var(--' + kind + ')';
  box.addEventListener('change', () => {
    if (box.checked) hidden.delete(kind); else hidden.add(kind);
    detail(kept); draw();
  });
  label.append(box, mark, el('span', text), el('span', String(count), 'n'));
  into.append(label);
}
const countOf = (list, kind) => list.filter((one) => one.kind === kind).length;
for (const kind of Object.keys(kinds)) choice($('nodes'), kind, kinds[kind], 'dot', countOf(nodes, kind), hiddenNodes);
for (const kind of Object.keys(names)) choice($('edges'), kind, names[kind], 'bar', countOf(edges, kind), hiddenEdges);
$('title').textContent = data.title;
$('counts').textContent = nodes.length === 0 ? 'No messages yet.' : nodes.length + ' nodes, ' + edges.length + ' edges'
  + (data.left > 0 ? '; ' + data.left + ' older nodes are not shown' : '');
readColours();
for (let i = 0, most = nodes.length > 700 ? 120 : 320; i < most; i++) tick();
fit();
draw();
if (!matchMedia('(prefers-reduced-motion: reduce)').matches && heat > 0.05) run();
})();
`;
