// Phasors, waveforms, harmonics and values at the terminals: exact, from the source's phasors.

const $ = (id) => document.getElementById(id);
const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const PHASES = ["L1", "L2", "L3"];
let latest = null, phases = [0, 1, 2], network = "";

export function draw_terminals(meter) {
  [phases, network] = [meter.phases, meter.network];
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => latest && show_terminals(latest));
}

export function show_terminals(mains) {
  latest = mains;
  phasors(mains);
  waves(mains);
  harmonics(mains);
  values(mains);
}

function sheet(id) {
  const canvas = $(id), sharp = Math.min(3, devicePixelRatio || 1);
  canvas.size ??= [canvas.width, canvas.height];
  const [width, height] = canvas.size;
  [canvas.width, canvas.height] = [width * sharp, height * sharp];
  canvas.style.width = `${width}px`;
  const pen = canvas.getContext("2d");
  pen.scale(sharp, sharp);
  pen.font = "12px system-ui, sans-serif";
  return [pen, width, height];
}

function line(pen, points, stroke, thick) {
  pen.strokeStyle = stroke;
  pen.lineWidth = thick;
  pen.beginPath();
  points.forEach(([x, y], n) => (n ? pen.lineTo(x, y) : pen.moveTo(x, y)));
  pen.stroke();
}

const size = ([re, im]) => Math.hypot(re, im);
const largest = (list) => Math.max(1e-9, ...list);

// U1 points up; a current that lags its voltage is turned clockwise.
function phasors(mains) {
  const [pen, width, height] = sheet("phasors");
  const [x0, y0, reach] = [width / 2, height / 2, width / 2 - 22];
  for (const part of [1, 0.5]) {
    pen.strokeStyle = colour("--line");
    pen.lineWidth = 1;
    pen.beginPath();
    pen.arc(x0, y0, reach * part, 0, 7);
    pen.stroke();
  }
  for (const [first, share, thick, letter] of [[0, 1, 1.5, "U"], [3, 0.75, 3.5, "I"]]) {
    const rows = phases.map((n) => mains.phasors[first + n][0]);
    const most = largest(rows.map(size));
    phases.forEach((n, k) => {
      const [re, im] = rows[k];
      if (size([re, im]) < 1e-6) return;
      const scale = (reach * share) / most;
      const [x, y] = [x0 - im * scale, y0 - re * scale];
      line(pen, [[x0, y0], [x, y]], colour(`--l${n + 1}`), thick);
      pen.fillStyle = colour("--ink");
      pen.fillText(`${letter}${n + 1}`, x0 + (x - x0) * 1.09 - 7, y0 + (y - y0) * 1.09 + 4);
    });
  }
}

function waves(mains) {
  const [pen, width, height] = sheet("waves");
  line(pen, [[0, height / 2], [width, height / 2]], colour("--line"), 1);
  const peak = (rows) => largest(rows.map((row) => row.reduce((sum, x) => sum + size(x), 0)));
  for (const [first, share, thick] of [[0, 0.9, 1.2], [3, 0.65, 2.4]]) {
    const rows = phases.map((n) => mains.phasors[first + n]);
    const scale = ((height / 2) * share) / peak(rows);
    phases.forEach((n, k) => {
      const points = [];
      for (let x = 0; x <= width; x += 1.5) {
        const turn = (4 * Math.PI * x) / width;
        let value = 0;
        mains.orders.forEach((order, h) => {
          const [re, im] = rows[k][h];
          value += re * Math.sin(order * turn) + im * Math.cos(order * turn);
        });
        points.push([x, height / 2 - value * scale]);
      }
      line(pen, points, colour(`--l${n + 1}`), thick);
    });
  }
}

function harmonics(mains) {
  const [pen, width, height] = sheet("harmonics");
  const shares = (row) => row.map((x) => (size(row[0]) < 1e-6 ? 0 : (100 * size(x)) / size(row[0])));
  const rows = mains.phasors.slice(0, 6).map(shares);
  const most = Math.max(5, ...rows.flatMap((row) => row.slice(1)));
  const base = height - 18, step = width / 25;
  line(pen, [[0, base], [width, base]], colour("--line"), 1);
  pen.fillStyle = colour("--dim");
  pen.fillText(`${most.toFixed(0)} %`, 2, 12);
  for (let order = 2; order <= 25; order++) {
    const x = (order - 2) * step + 3, h = mains.orders.indexOf(order);
    pen.fillStyle = colour("--dim");
    if (order % 2) pen.fillText(String(order), x + 1, height - 4);
    if (h < 0) continue;
    for (const [k, first] of [[0, 0], [1, 3]]) {
      phases.forEach((n) => {
        const tall = (rows[first + n][h] / most) * (base - 16);
        pen.fillStyle = colour(`--l${n + 1}`);
        pen.fillRect(x + (3 * k + n) * (step / 7), base - tall, step / 7 - 0.5, tall);
      });
    }
  }
}

function values(mains) {
  const names = network === "3P3W" ? ["L1 (U12)", "L2 (U31)", "L3 (U32)"] : PHASES;
  const { truth, total } = mains, cell = (x, digits) => `<td>${x.toFixed(digits)}</td>`;
  const row = (n) => `<tr><th scope="row">${names[n]}</th>${cell(truth.u[n], 1)}${cell(truth.i[n], 3)}` +
    `${cell(truth.p[n], 1)}${cell(truth.q[n], 1)}${cell(truth.s[n], 1)}</tr>`;
  $("values").tBodies[0].innerHTML = phases.map(row).join("") +
    `<tr><th scope="row">total</th><td></td><td></td>${cell(total.p, 1)}${cell(total.q, 1)}${cell(total.s, 1)}</tr>`;
}
