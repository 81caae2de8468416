// The way to the bench: commands go there, and what has changed comes back.

const trouble = document.getElementById("trouble");

export function say(text) {
  trouble.textContent = text;
  trouble.hidden = !text;
}

let last = Promise.resolve();

// Send a command, in the order of the calls; whether it was carried out. What is refused is said.
export function send(name, fields = {}) {
  last = last.then(() => post(name, fields));
  return last;
}

async function post(name, fields) {
  try {
    const answer = await fetch(`/do/${name}`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(fields),
    });
    say(answer.ok ? "" : (await answer.json()).error);
    return answer.ok;
  } catch {
    say("The bench does not answer: is it still running?");
    return false;
  }
}

// As `send`, for what is dragged: one command at a time, and then one of the latest values.
export function sender(name) {
  let waiting = null, busy = false;
  return async (fields) => {
    waiting = joined(waiting ?? {}, fields);
    while (waiting && !busy) {
      const now = waiting;
      [waiting, busy] = [null, true];
      await send(name, now);
      busy = false;
    }
  };
}

// Fields of two commands as those of one; of lists the later one's values that are not null.
function joined(before, after) {
  const all = { ...before, ...after };
  for (const [name, list] of Object.entries(after)) {
    if (Array.isArray(list)) all[name] = list.map((value, n) => value ?? before[name]?.[n] ?? null);
  }
  return all;
}

// Call `show` with the sections that have changed, for ever.
export function follow(show) {
  const stream = new EventSource("/updates");
  stream.onopen = () => say("");
  stream.onmessage = (message) => show(JSON.parse(message.data));
  stream.onerror = () => say("The connection to the bench is lost; trying again.");
}

export function make(tag, text = "", attributes = {}) {
  const element = document.createElement(tag);
  element.textContent = text;
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
}

// A button that is on or off; `act` is called with what it shall become.
export function toggle(text, act) {
  const button = make("button", text, { type: "button", "aria-pressed": "false" });
  button.onclick = () => act(button.getAttribute("aria-pressed") !== "true");
  return button;
}

export function press(button, on) {
  button.setAttribute("aria-pressed", String(on));
}
