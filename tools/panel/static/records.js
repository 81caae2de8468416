// Registers, events, load profile, ports.

import { make } from "./bench.js";

const $ = (id) => document.getElementById(id);
const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

function rows(table, cells) {
  table.tBodies[0].replaceChildren(...cells.map((row) => {
    const line = make("tr");
    line.append(...row.map((cell) => (typeof cell === "string" ? make("td", cell) : cell)));
    return line;
  }));
}

export function show_registers(registers) {
  rows($("registers"), registers.map((r) => [r.code, make("td", r.value, { class: "number" }), r.unit, r.name]));
}

export function show_events(events) {
  const moment = (utc) => new Date(1000 * utc).toISOString().slice(0, 19).replace("T", " ");
  rows($("events"), events.map((e) => [moment(e.utc), String(e.event), e.name, String(e.detail)]));
}

export function draw_records(meter) {
  for (const port of meter.ports) {
    const line = make("dd"), copy = make("button", "Copy", { type: "button", "aria-label": `Copy the line for ${port.name}` });
    copy.onclick = async () => {
      await navigator.clipboard.writeText(port.command);
      copy.textContent = "Copied";
      setTimeout(() => { copy.textContent = "Copy"; }, 1500);
    };
    line.append(make("code", port.command), copy);
    $("ports").append(make("dt", `${port.name}: ${port.address}`), line);
  }
  const more = make("dd");
  more.append(make("code", meter.raw_ports.join(", ")));
  $("ports").append(make("dt", "The serial ports as TCP ports, which pass the bytes at any rate"), more);
  $("read-profile").onclick = read_profile;
}

async function read_profile() {
  const note = $("profile-note"), button = $("read-profile");
  button.disabled = true;
  note.textContent = "reading";
  try {
    const answer = await fetch("/load_profile.csv");
    if (!answer.ok) throw new Error((await answer.json()).error);
    const lines = (await answer.text()).trim().split(/\r?\n/).map((line) => line.split(","));
    note.textContent = draw_profile(lines);
  } catch (error) {
    note.textContent = error.message;
  }
  button.disabled = false;
}

// Bars of the first two energies, import up and export down; what there is to say of them.
function draw_profile([header, ...lines]) {
  const columns = header.map((name, n) => [name, n]).filter(([name]) => /:[12]\.\d+\.\d+.* (k?Wh|k?W)$/.test(name)).slice(0, 2);
  if (!lines.length || !columns.length) return "It has no entry yet: one comes at each full quarter of an hour.";
  const canvas = $("profile"), pen = canvas.getContext("2d");
  const { width, height } = canvas, shown = lines.slice(-192), step = (width - 4) / shown.length;
  const values = columns.map(([, n]) => shown.map((line) => Number(line[n]) || 0));
  const most = Math.max(1e-9, ...values.flat()), down = values[1] ? Math.max(0, ...values[1]) : 0;
  const zero = 14 + (height - 32) * (most / (most + down));
  canvas.hidden = false;
  pen.clearRect(0, 0, width, height);
  values.forEach((list, k) => list.forEach((value, n) => {
    const tall = ((height - 32) * value) / (most + down);
    pen.fillStyle = colour(k ? "--l1" : "--accent");
    pen.fillRect(2 + n * step, k ? zero : zero - tall, Math.max(0.6, step - 0.6), tall);
  }));
  pen.fillStyle = colour("--dim");
  pen.font = "12px system-ui, sans-serif";
  pen.fillText(`${most} ${columns[0][0].split(" ").pop()}`, 2, 11);
  pen.fillText(shown[0][0].slice(0, 16), 2, height - 3);
  const last = shown[shown.length - 1][0].slice(0, 16);
  pen.fillText(last, width - pen.measureText(last).width - 2, height - 3);
  return `${lines.length} entries; ${columns.map(([name], k) => `${name} ${k ? "downward" : "upward"}`).join(", ")}`;
}
