// What the meter is fed, and how fast its time goes.

import { make, press, send, sender, toggle } from "./bench.js";

const $ = (id) => document.getElementById(id);
const QUANTITIES = [["u", "Voltage", "V", 0.5], ["i", "Current", "A", 0.05], ["phi", "Lag φ", "°", 1]];
const OWN_MS = 500;
const SPEEDS = [1, 2, 5, 10, 60, 600, 3600];
const sliders = { u: [], i: [], phi: [] };
const fuses = [], speeds = new Map();
const load = sender("load"), temperature = sender("temperature");
let jump = null;
const nominal = [230, 230, 230];

export function draw_controls(meter) {
  for (const name of meter.presets) {
    const button = make("button", name, { type: "button" });
    button.onclick = () => send("preset", { name });
    $("presets").append(button);
  }
  for (const phase of meter.phases) {
    const group = make("div", "", { class: "phase", role: "group", "aria-label": `L${phase + 1}` });
    group.style.setProperty("--phase", `var(--l${phase + 1})`);
    group.append(make("h3", `L${phase + 1}`));
    for (const quantity of QUANTITIES) group.append(slider(phase, quantity, meter.limits));
    $("sliders").append(group);
    fuses[phase] = toggle(`Fuse L${phase + 1}`, (on) => feed("u", phase, on ? nominal[phase] || 230 : 0));
    $("fuses").append(fuses[phase]);
  }
  [$("f").min, $("f").max] = meter.limits.f;
  drag($("f"), () => load({ f: Number($("f").value) }));
  drag($("celsius"), () => temperature({ celsius: Number($("celsius").value) }));
  $("mains").onclick = () => send("mains", { on: $("mains").getAttribute("aria-pressed") !== "true" });
  draw_speeds();
}

function slider(phase, [name, title, unit, step], limits) {
  const label = make("label", title, { class: "slider" });
  const [low, high] = name === "phi" ? [-180, 180] : [0, limits[name]];
  const input = make("input", "", { type: "range", min: low, max: high, step, "aria-label": `${title} L${phase + 1}` });
  const value = make("output");
  drag(input, () => feed(name, phase, Number(input.value)));
  sliders[name][phase] = { input, value, unit };
  label.append(input, value);
  return label;
}

function drag(input, act) {
  input.oninput = () => {
    input.touched = performance.now();
    act();
  };
}

// What is being dragged stays where it is, whatever comes back from the bench of a moment ago.
function follow(input, value) {
  if (performance.now() - (input.touched ?? -OWN_MS) >= OWN_MS) input.value = value;
}

function feed(name, phase, value) {
  load({ [name]: [0, 1, 2].map((n) => (n === phase ? value : null)) }); // null: what it has
}

// The source may have been set to more than the page can: angles of 240 degrees are -120 here.
const within = (name) => (value) => (name === "phi" ? ((((value + 180) % 360) + 360) % 360) - 180 : value);

export function show_mains(mains) {
  const setting = mains.setting;
  for (const [name, , , step] of QUANTITIES) {
    sliders[name].forEach(({ input, value, unit }, phase) => {
      const now = within(name)(setting[name][phase]);
      follow(input, now);
      value.value = `${now.toFixed(step < 0.1 ? 2 : step < 1 ? 1 : 0)} ${unit}`;
    });
  }
  fuses.forEach((button, phase) => {
    if (setting.u[phase] > 0) nominal[phase] = setting.u[phase];
    press(button, setting.u[phase] > 0);
  });
  for (const [id, value, unit] of [["f", setting.f, "Hz"], ["celsius", mains.temperature, "°C"]]) {
    follow($(id), value);
    $(`${id}-value`).value = `${value} ${unit}`;
  }
  press($("mains"), mains.on);
  $("mains").textContent = mains.on ? "Mains on" : "Mains off";
  $("supply").textContent = mains.supply ? (mains.on ? "" : "the supply holds up for some 10 s") : "the meter is dark";
}

// --- time ----------------------------------------------------------------------------------------------------------

function draw_speeds() {
  SPEEDS.forEach((factor) => {
    const button = make("button", `×${factor}`, { type: "button", role: "radio", "aria-checked": "false" });
    button.onclick = () => send("speed", { factor });
    button.onkeydown = (event) => choose(event, factor);
    speeds.set(factor, button);
    $("speeds").append(button);
  });
  $("jump").onsubmit = (event) => {
    event.preventDefault();
    send("jump", { utc: $("date").value });
  };
  $("stay").onclick = () => send("stay");
}

function choose(event, factor) {
  const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
  const next = SPEEDS[SPEEDS.indexOf(factor) + step];
  if (!step || !next) return;
  event.preventDefault();
  speeds.get(next).focus();
  send("speed", { factor: next });
}

export function show_time(time) {
  const text = new Date(1000 * time.utc).toISOString();
  $("clock").textContent = `${text.slice(0, 10)} ${text.slice(11, 19)} UTC`;
  if (!$("date").value) $("date").value = text.slice(0, 16);
  for (const [factor, button] of speeds) {
    button.setAttribute("aria-checked", String(factor === time.speed));
    button.tabIndex = factor === time.speed ? 0 : -1;
  }
  $("reached").textContent = time.reached === null ? "" : `The meter lives ×${Number(time.reached.toPrecision(3))} as fast as the clock.`;
  const going = time.goal !== null;
  if (going && jump === null) jump = time.goal;
  if (!going) jump = null;
  $("progress").hidden = $("stay").hidden = !going;
  $("progress").value = going ? Math.max(0, 1 - time.goal / jump) : 0;
}
