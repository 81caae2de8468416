// The meter's case: glass, test LEDs, buttons, seals, terminals.

import { make, press, send, toggle } from "./bench.js";

const FLASH_MS = 60; // a real flash of 2 ms is too short for a screen
const DELAY_MS = 150; // flashes are told a moment late, and shown as far apart as they were
const SEEN_MS = 150; // a press that a meter which looks at its buttons every 25 ms takes for one, also on a busy computer
const SWITCHES = {
  seal: "Certification seal broken", terminal_cover: "Terminal cover open", front_cover: "Front cover open",
  magnet: "Magnet at the meter",
};
const BUTTONS = { down: "▼ down", up: "▲ up", reset: "reset", service: "service" };

const $ = (id) => document.getElementById(id);
const counts = { active: 0, reactive: 0 };
const switches = {}, inputs = [], contacts = {};
let lit = null;

export async function draw_case(meter) {
  for (const name of meter.buttons) $("buttons").append(key(name));
  for (const name of meter.switches) {
    switches[name] = toggle(SWITCHES[name], (on) => send("switch", { name, on }));
    $("switches").append(switches[name]);
  }
  $("inputs").append("Control inputs");
  for (let n = 0; n < 4; n++) {
    const button = toggle(String(n + 1), (on) => send("inputs", { on: [0, 1, 2, 3].map((k) => (k === n ? on : null)) }));
    button.setAttribute("aria-label", `Control input ${n + 1}`);
    inputs.push(button);
    $("inputs").append(button);
  }
  $("glass").innerHTML = await (await fetch("/glass.svg")).text();
  $("glass").querySelector("title").remove(); // it would become stale
  if (lit) show_glass(lit);
}

// A button is held as long as pointer or key holds it, and long enough for the meter to see.
function key(name) {
  const button = make("button", BUTTONS[name], { type: "button" });
  let since = 0;
  const hold = (pressed) => {
    if (pressed === button.classList.contains("held")) return;
    button.classList.toggle("held", pressed);
    if (pressed) since = performance.now();
    const missing = pressed ? 0 : Math.max(0, since + SEEN_MS - performance.now());
    setTimeout(() => send("button", { name, pressed }), missing);
  };
  button.onpointerdown = (event) => { button.setPointerCapture(event.pointerId); hold(true); };
  button.onpointerup = button.onpointercancel = button.onblur = () => hold(false);
  button.onkeydown = (event) => { if (event.key === " " || event.key === "Enter") { event.preventDefault(); hold(true); } };
  button.onkeyup = (event) => { if (event.key === " " || event.key === "Enter") hold(false); };
  button.oncontextmenu = (event) => event.preventDefault();
  return button;
}

export function show_glass(lcd) {
  lit = lcd;
  $("glass-text").textContent = lcd.text || "dark";
  const group = $("glass").querySelector("g.on");
  if (group) group.outerHTML = lcd.on;
}

export function show_case(state) {
  for (const [name, button] of Object.entries(switches)) press(button, state[name]);
  inputs.forEach((button, n) => press(button, state.inputs[n]));
  for (const [name, closed] of Object.entries(state.contacts)) {
    if (!contacts[name]) {
      contacts[name] = make("span", name, { class: "lamp" });
      $("contacts").append(contacts[name]);
      $("contacts").hidden = false;
    }
    contacts[name].classList.toggle("lit", closed);
  }
}

export function show_flashes([active, reactive], speed) {
  for (const [name, ages] of [["active", active], ["reactive", reactive]]) {
    for (const age of ages) setTimeout(() => flash(name), Math.max(0, DELAY_MS - (1000 * age) / speed));
  }
}

function flash(name) {
  const led = $(`led-${name}`);
  counts[name] += 1;
  $(`count-${name}`).value = counts[name];
  led.classList.add("lit");
  clearTimeout(led.off);
  led.off = setTimeout(() => led.classList.remove("lit"), FLASH_MS);
}
