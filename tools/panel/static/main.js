// The page: each section of the bench's state goes to the part that shows it.

import { follow, say } from "./bench.js";
import { draw_controls, show_mains, show_time } from "./controls.js";
import { draw_terminals, show_terminals } from "./drawings.js";
import { draw_case, show_case, show_flashes, show_glass } from "./face.js";
import { draw_records, show_events, show_registers } from "./records.js";

const page = { updates: 0, time: null };
window.page = page; // for whoever watches the page at work
let drawn = null, stopped = null;

function draw(meter) {
  if (drawn && drawn !== JSON.stringify(meter)) location.reload(); // another meter has come to this address
  if (drawn) return;
  drawn = JSON.stringify(meter);
  document.title = `${meter.type} ${meter.serial}`;
  document.getElementById("type").textContent = meter.type;
  document.getElementById("serial").textContent = `${meter.serial}, ${meter.network}`;
  draw_case(meter);
  draw_controls(meter);
  draw_terminals(meter);
  draw_records(meter);
}

follow((sections) => {
  if (sections.full) say("Too many pages are open.");
  if (sections.meter) draw(sections.meter);
  if (sections.time) {
    page.time = sections.time;
    show_time(sections.time);
    if (sections.time.stopped !== stopped) say((stopped = sections.time.stopped) ?? "");
  }
  if (sections.lcd) show_glass(sections.lcd);
  if (sections.case) show_case(sections.case);
  if (sections.mains) {
    show_mains(sections.mains);
    show_terminals(sections.mains);
  }
  if (sections.flashes) show_flashes(sections.flashes, page.time.speed);
  if (sections.registers) show_registers(sections.registers);
  if (sections.events) show_events(sections.events);
  page.updates += 1;
});
