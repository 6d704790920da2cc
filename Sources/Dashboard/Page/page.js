"use strict";
const $ = id => document.getElementById(id);
const text = (id, value) => { if ($(id).textContent !== value) $(id).textContent = value; };
/* Nothing that came from the network is ever markup: elements and texts are made here. */
const make = (tag, name, content) => {
  const element = document.createElement(tag);
  if (name) element.className = name;
  if (content !== undefined) element.textContent = content;
  return element;
};
const draw = (parent, tag, attributes, content) => {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const name in attributes) element.setAttribute(name, attributes[name]);
  if (content !== undefined) element.textContent = content;
  parent.append(element);
  return element;
};

const whole = n => Math.round(n).toLocaleString("en").replace(/,/g, "\u202f");
const digits = (n, most = 3) => {
  if (n === null || n === undefined || !isFinite(n)) return "–";
  const size = Math.abs(n);
  if (size !== 0 && (size < 1e-3 || size >= 1e6)) return n.toExponential(Math.max(0, most - 2)).replace("e+", "e");
  return size >= 1000 ? whole(n) : Number(n.toPrecision(most)).toString();
};
const percent = n => n === null || n === undefined || !isFinite(n) ? "–" : (100 * n).toFixed(1) + "\u202f%";
const bytes = n => n < 1e3 ? Math.round(n) + " B" : n < 1e6 ? (n / 1e3).toFixed(0) + " kB" : n < 1e9 ? (n / 1e6).toFixed(n < 1e7 ? 1 : 0) + " MB" : (n / 1e9).toFixed(2) + " GB";
const duration = s => {
  if (s === null || s === undefined || !isFinite(s)) return "–";
  const minutes = Math.floor(s / 60), hours = Math.floor(s / 3600), days = Math.floor(s / 86400);
  if (s < 60) return Math.round(s) + " s";
  if (hours < 1) return minutes + " min";
  if (days < 1) return hours + " h " + (minutes % 60) + " min";
  return days + (days === 1 ? " day " : " days ") + (hours % 24) + " h";
};
const clock = (time, seconds) => new Date(1000 * time).toLocaleTimeString("en-GB", {hour: "2-digit", minute: "2-digit", ...(seconds ? {second: "2-digit"} : {})});
const moment = time => {
  const date = new Date(1000 * time), today = new Date();
  const day = date.toDateString() === today.toDateString() ? "" : date.toLocaleDateString("en-GB", {weekday: "short", day: "numeric", month: "short"}) + ", ";
  return day + clock(time);
};

const activities = [["decode", "waiting for clips"], ["compute", "gradients"], ["push", "gradients on their way"], ["pull", "waiting for weights"], ["wait", "waiting for others"]];
const curves = {};
let facts = null, state = null, heard = 0;

/* Curves: mean as a line, least to greatest as a band. */
class Chart {
  constructor(id, options) {
    this.box = $(id);
    this.options = options;
    new ResizeObserver(() => this.show()).observe(this.box);
    this.box.addEventListener("pointermove", event => { this.at = event.offsetX; this.show(); });
    this.box.addEventListener("pointerleave", () => { this.at = null; this.show(); });
  }
  show() {
    const width = this.box.clientWidth, height = this.box.clientHeight, o = this.options();
    this.box.replaceChildren();
    if (width < 40) return;
    const svg = draw(this.box, "svg", {viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": o.title});
    const curve = curves[o.name], marks = o.marks || [];
    const points = (curve ? curve.points : []).map(p => ({x: (p[0] + .5) * curve.width, mean: p[1], low: p[2], high: p[3]})).filter(p => !o.log || p.low > 0);
    if (!points.length) return draw(svg, "text", {x: width / 2, y: height / 2, "text-anchor": "middle", class: "empty"}, "no step yet");
    const left = 46, right = 12, top = 8, bottom = 24;
    const value = o.log ? Math.log10 : v => v;
    let low = Math.min(...points.map(p => value(p.low)), ...marks.map(m => value(m.y))), high = Math.max(...points.map(p => value(p.high)), ...marks.map(m => value(m.y)));
    if (o.least !== undefined && !o.log) low = Math.min(o.least, low);
    if (high - low < 1e-12) { high += Math.abs(high) * .1 || 1; low -= Math.abs(low) * .1; }
    const ticks = o.log ? logTicks(low, high) : niceTicks(low, high, Math.max(2, Math.floor(height / 52)));
    low = Math.min(low, value(ticks[0])); high = Math.max(high, value(ticks[ticks.length - 1]));
    const first = Math.max(0, points[0].x - .5 * curve.width), last = Math.max(points[points.length - 1].x, first + 1);
    const X = x => left + (x - first) / (last - first) * (width - left - right);
    const Y = v => height - bottom - (value(v) - low) / (high - low) * (height - top - bottom);
    for (const tick of ticks) {
      draw(svg, "line", {x1: left, x2: width - right, y1: Y(tick), y2: Y(tick), class: "grid"});
      draw(svg, "text", {x: left - 8, y: Y(tick) + 4, "text-anchor": "end"}, o.format(tick));
    }
    for (const tick of niceTicks(first, last, Math.max(2, Math.floor(width / 80)))) {
      if (tick < first || tick > last) continue;
      const end = X(tick) > width - right - 16;
      draw(svg, "text", {x: end ? width - right : X(tick), y: height - 6, "text-anchor": end ? "end" : "middle"}, whole(tick));
    }
    const band = points.map(p => `${X(p.x).toFixed(1)},${Y(p.high).toFixed(1)}`).concat(points.slice().reverse().map(p => `${X(p.x).toFixed(1)},${Y(p.low).toFixed(1)}`));
    if (curve.width > 1) draw(svg, "polygon", {points: band.join(" "), class: "band c1"});
    /* Single steps scatter: behind them faintly, and their running mean in front. */
    const path = list => list.map((p, i) => (i ? "L" : "M") + X(p.x).toFixed(1) + " " + Y(p.mean).toFixed(1)).join("");
    const smooth = o.smooth === false ? points : smoothed(points);
    if (smooth !== points) draw(svg, "path", {d: path(points), class: "mean c1", style: "opacity:.28;stroke-width:1.2;fill:none"});
    draw(svg, "path", {d: path(smooth), class: "mean c1", style: "fill:none"});
    if (points.length === 1) draw(svg, "circle", {cx: X(points[0].x), cy: Y(points[0].mean), r: 3, class: "c1"});
    const shown = marks.filter(m => m.x >= first && m.x <= last * 1.02);
    if (shown.length > 1) draw(svg, "path", {d: shown.map((m, i) => (i ? "L" : "M") + X(m.x) + " " + Y(m.y)).join(""), class: "mean c2", style: "fill:none"});
    for (const m of shown) draw(svg, "circle", {cx: X(m.x), cy: Y(m.y), r: 3.2, class: "c2"});
    if (this.at !== null && this.at !== undefined) {
      const p = points.reduce((a, b) => Math.abs(X(b.x) - this.at) < Math.abs(X(a.x) - this.at) ? b : a), x = X(p.x);
      draw(svg, "line", {x1: x, x2: x, y1: top, y2: height - bottom, class: "cursor"});
      draw(svg, "circle", {cx: x, cy: Y(p.mean), r: 3.5, class: "c1"});
      const label = `step ${whole(p.x - .5)}   ${o.format(p.mean)}` + (curve.width > 1 ? `   (${o.format(p.low)} to ${o.format(p.high)})` : "");
      const tip = draw(svg, "g", {class: "tip"}), span = label.length * 6.1 + 16, start = Math.max(left, Math.min(x - span / 2, width - right - span));
      draw(tip, "rect", {x: start, y: top - 4, width: span, height: 22, rx: 5});
      draw(tip, "text", {x: start + 8, y: top + 11}, label);
    }
  }
}
const smoothed = points => {
  if (points.length < 24) return points;
  const reach = Math.max(2, Math.round(points.length / 60));
  return points.map((p, i) => {
    const near = points.slice(Math.max(0, i - reach), i + reach + 1);
    return {x: p.x, mean: near.reduce((sum, q) => sum + q.mean, 0) / near.length};
  });
};
const niceTicks = (low, high, count) => {
  const rough = (high - low) / count, power = 10 ** Math.floor(Math.log10(rough)), step = [1, 2, 5, 10].find(m => m * power >= rough) * power;
  const ticks = [];
  for (let i = Math.floor(low / step + 1e-9); i <= Math.ceil(high / step - 1e-9); i++) ticks.push(Number((i * step).toPrecision(12)));
  return ticks.length > 1 ? ticks : [low, high];
};
const logTicks = (low, high) => {
  const ticks = [];
  for (let e = Math.floor(low); e <= Math.ceil(high); e++) for (const m of high - low > 2 ? [1] : [1, 2, 5]) if (e + Math.log10(m) >= low - .2 && e + Math.log10(m) <= high + .2) ticks.push(m * 10 ** e);
  return ticks.length > 1 ? ticks : [10 ** low, 10 ** high];
};

let isLog = false, chosenCurve = "clips_per_s";
const more = {clips_per_s: ["Clips a second", digits], learning_rate: ["Learning rate", n => digits(n, 3)], gradient_norm: ["Gradient norm", digits]};
const charts = [
  new Chart("chart-loss", () => ({name: "loss", title: "loss by step", log: isLog, format: n => digits(n, 3)})),
  new Chart("chart-accuracy", () => ({name: "accuracy", title: "accuracy by step", least: 0, format: n => Math.round(1000 * n) / 10 + " %", marks: (state ? state.validation : []).map(v => ({x: v[0], y: v[1]}))})),
  new Chart("chart-more", () => ({name: chosenCurve, title: more[chosenCurve][0] + " by step", least: chosenCurve === "gradient_norm" ? undefined : 0, smooth: chosenCurve !== "learning_rate", format: more[chosenCurve][1]})),
];
const showCharts = () => charts.forEach(chart => chart.show());

/* The state of the run. */
const stopped = {0: ["finished", "good"], 75: ["stopped", "warn"]};
const showPhase = () => {
  const pill = $("phase");
  let [words, mood] = [state.phase, "good"];
  const late = state.members.filter(m => m.late).length;
  if (state.ending) [words, mood] = stopped[state.ending.code] || ["failed", "bad"];
  else if (document.body.classList.contains("stale")) [words, mood] = ["no news", "bad"];
  else if (state.phase === "stepping") [words, mood] = late ? ["training, " + whole(late) + " late", "warn"] : ["training", "good"];
  else if (state.phase === "waiting for workers" || state.phase === "starting") mood = "warn";
  text("phase", words);
  pill.className = "pill " + mood;
  $("mark").classList.toggle("turning", mood !== "bad" && !state.ending && state.phase !== "waiting for workers");
  document.title = (state.steps ? Math.floor(100 * state.step / state.steps) + " % " : "") + (facts ? facts.name : "Zoetrope");
};
const showNotice = () => {
  const notice = $("notice");
  notice.hidden = true;
  if (state.ending) {
    notice.hidden = false;
    notice.className = "notice " + (stopped[state.ending.code] || ["", "bad"])[1];
    notice.textContent = state.ending.code === 0 ? "The run is done: every step is in the ledger, and the last checkpoint is written." : "The run has ended with " + state.ending.code + ": " + state.ending.reason + (state.ending.code === 75 ? ". The same command continues it." : "");
  } else if (document.body.classList.contains("stale")) {
    notice.hidden = false;
    notice.className = "notice bad";
    notice.textContent = "Nothing has been heard from the coordinator since " + clock(heard / 1000, true) + ". What you see is what was true then; the page goes on when it is back.";
  }
};
const showFigures = () => {
  const newest = state.newest, share = state.steps ? Math.min(1, state.step / state.steps) : 0;
  text("steps", "Step " + whole(state.step) + " of " + whole(state.steps));
  if (facts && facts.epochs > 0) text("epochs", "epoch " + state.epoch.toFixed(2) + " of " + digits(facts.epochs, 4));
  text("percent", percent(share));
  $("bar").style.width = 100 * share + "%";
  $("track").setAttribute("aria-valuenow", Math.round(100 * share));
  $("saved").hidden = !state.checkpoint;
  if (state.checkpoint) { $("saved").style.left = 100 * state.checkpoint / state.steps + "%"; $("saved").title = "newest checkpoint: step " + state.checkpoint; }
  const recent = lastMean("loss"), right = lastMean("accuracy");
  text("loss", digits(recent, 4));
  text("loss-note", newest ? "learning rate " + digits(newest.learning_rate) : "");
  text("accuracy", percent(right));
  const best = state.validation.filter(v => v[2]).pop();
  text("accuracy-note", best ? "videos, best " + percent(best[1]) : "of the clips trained on");
  text("speed", digits(state.clips_per_s));
  text("speed-note", state.seconds_per_step ? digits(state.seconds_per_step) + " s a step" : "");
  const isOver = state.ending && state.ending.code === 0;
  text("left", isOver ? "done" : state.ending ? "–" : duration(state.remaining_s));
  text("left-note", state.ending ? "" : state.remaining_s ? "until " + moment(state.now + state.remaining_s) : "");
  $("accuracy-legend").replaceChildren();
  if (state.validation.length) for (const [name, colour] of [["clips trained on", "main"], ["validation videos", "second"]]) {
    const item = make("span"), line = make("i");
    line.style.background = `var(--${colour})`;
    item.append(line, name);
    $("accuracy-legend").append(item);
  }
};
/* Of the last steps: a single one says little. */
const lastMean = name => {
  const points = curves[name] ? curves[name].points.slice(-10) : [];
  return points.length ? points.reduce((sum, p) => sum + p[1], 0) / points.length : null;
};
const fillSplit = (box, shares) => {
  if (box.children.length !== activities.length) box.replaceChildren(...activities.map(([name]) => make("span", name)));
  activities.forEach(([name], i) => { box.children[i].style.flexGrow = shares ? shares[name] : 0; box.children[i].title = name + " " + percent(shares ? shares[name] : null); });
};
const showSplit = () => {
  fillSplit($("split"), state.shares);
  $("split").setAttribute("aria-label", activities.map(([name]) => name + " " + percent(state.shares ? state.shares[name] : null)).join(", "));
  text("step-seconds", state.seconds_per_step ? "The mean worker, of " + digits(state.seconds_per_step) + " s that a step takes" : "The mean worker");
  $("parts").replaceChildren(...activities.map(([name, meaning]) => {
    const row = make("div"), term = make("dt"), share = state.shares ? state.shares[name] : null;
    term.append(make("i", name), name);
    row.append(term, make("dd", "say", meaning), make("dd", "", share !== null && state.seconds_per_step ? digits(share * state.seconds_per_step, 2) + " s" : "–"), make("dd", "", percent(share)));
    return row;
  }));
  $("waits-title").hidden = !state.waiting_for.length;
  $("waits").replaceChildren(...state.waiting_for.map(line => make("li", "", line)));
};

/* Workers, by machine. */
const mood = m => m.state === "suspect" ? "is-suspect" : m.late ? "is-late" : "is-" + m.state;
const tile = m => {
  const box = make("div", "tile " + mood(m)), title = make("b"), split = make("div", "split");
  title.append(make("i", "dot"), make("span", "", m.name), make("em", "", m.state === "active" ? digits(m.clips_per_s) + " clips/s" : m.state));
  fillSplit(split, m.shares);
  const units = m.units.length ? (m.units.join().match(/[–,]/) ? "units " : "unit ") + m.units.join(", ") : "";
  const doing = m.activity === "pulling" ? "waits for weights" : m.activity === "pushing" ? "hands gradients over" : units || (m.state === "active" ? "waits for others" : "");
  const chunks = m.chunks + (m.chunks === 1 ? " chunk" : " chunks");
  box.append(title, split, make("p", "", [doing, chunks].filter(Boolean).join(" · ")), make("p", "", "↑ " + bytes(m.sending) + "/s  ↓ " + bytes(m.receiving) + "/s · " + bytes(m.memory)));
  if (m.late) box.append(make("p", "why", m.late));
  box.title = m.name + ", process " + m.pid + " on " + m.host + ", " + m.threads + (m.threads === 1 ? " thread" : " threads") + "\nincarnation " + m.id;
  return box;
};
/* More than a few: a square each, kept from second to second, for a browser has better to do than make a thousand. */
let chosen = null, cells = new Map(), layout = "";
const byName = new Intl.Collator("en", {numeric: true}).compare;
const byHost = members => {
  const hosts = new Map();
  for (const m of members.slice().sort((a, b) => byName(a.host, b.host) || byName(a.name, b.name))) hosts.set(m.host, (hosts.get(m.host) || []).concat([m]));
  return hosts;
};
const square = m => {
  const button = make("button"), level = make("i");
  button.append(level);
  button.onclick = () => { chosen = chosen === m.id ? null : m.id; showWorkers(); };
  cells.set(m.id, {button, level});
  return button;
};
const layCrowd = hosts => {
  const wide = hosts.size > 12, single = [...hosts.values()].every(list => list.length === 1), field = make("div", "smalls"), parts = [];
  cells = new Map();
  for (const [host, list] of hosts) {
    if (wide) {
      const group = single ? field : make("span", "group");
      group.append(...list.map(square));
      if (!single) { group.title = host; field.append(group); }
    } else {
      const box = make("div", "smalls");
      box.append(...list.map(square));
      parts.push(make("div", "host", host), box);
    }
  }
  $("workers").replaceChildren(...(wide ? [field] : parts), make("p", "soft key", "A square is a worker: the fuller, the more clips a second. Choose one to see more of it."));
};
const showCrowd = (members, hosts) => {
  const now = [...hosts].map(([host, list]) => host + ":" + list.map(m => m.id)).join();
  if (now !== layout) { layout = now; layCrowd(hosts); }
  $("workers").style.setProperty("--side", (members.length > 400 ? 13 : members.length > 150 ? 19 : 26) + "px");
  const fastest = Math.max(...members.map(m => m.clips_per_s), 1e-9);
  for (const m of members) {
    const {button, level} = cells.get(m.id), title = m.name + (m.host === m.name ? "" : " on " + m.host) + ": " + (m.late || (m.state === "active" ? digits(m.clips_per_s) + " clips/s" : m.state));
    button.className = "small " + mood(m) + (m.id === chosen ? " is-chosen" : "");
    level.style.height = Math.round(100 * m.clips_per_s / fastest) + "%";
    if (button.title !== title) { button.title = title; button.setAttribute("aria-label", title); }
  }
  const grave = m => m.state === "suspect" ? 0 : 1, late = members.filter(m => m.late && m.id !== chosen).sort((a, b) => grave(a) - grave(b));
  const shown = members.filter(m => m.id === chosen).concat(late.slice(0, 6));
  if (!shown.length) return $("chosen").replaceChildren();
  fetch("members/" + shown.map(m => m.id)).then(answer => answer.json()).then(found => {
    const order = shown.map(m => m.id), rest = late.length - 6;
    found.sort((a, b) => order.indexOf(a.id) - order.indexOf(b.id));
    $("chosen").replaceChildren(...found.map(tile), ...(rest > 0 ? [make("p", "soft", "and " + whole(rest) + " more are late")] : []));
  }).catch(() => {});
};
const showWorkers = () => {
  const members = state.members, late = members.filter(m => m.late).length, hosts = byHost(members), machines = hosts.size;
  text("worker-count", members.length ? `${whole(members.length)} on ${whole(machines)} machine${machines === 1 ? "" : "s"}` + (late ? `, ${whole(late)} late` : "") : "nobody is here yet");
  if (state.crowd) return showCrowd(members, hosts);
  layout = "";
  const parts = [];
  for (const [host, list] of hosts) {
    if (machines > 1) parts.push(make("div", "host", host));
    const box = make("div", "tiles");
    box.append(...list.map(tile));
    parts.push(box);
  }
  $("workers").replaceChildren(...parts);
  $("chosen").replaceChildren();
};

const show = () => { showPhase(); showNotice(); showFigures(); showSplit(); showWorkers(); };

/* What happened: the newest on top. */
let newestEvent = 0;
const moods = {joined: "good", checkpoint: "good", validated: "good", reissued: "warn", promoted: "warn", left: "warn", substituted: "warn"};
const takeEvents = list => {
  const box = $("events");
  for (const event of list.filter(e => e.number > newestEvent)) {
    if (!newestEvent) box.replaceChildren();
    newestEvent = event.number;
    const line = make("li", event.bad ? "bad" : moods[event.kind] || ""), time = make("time", "", clock(event.time, true));
    time.dateTime = new Date(1000 * event.time).toISOString();
    time.title = new Date(1000 * event.time).toLocaleString();
    line.append(time, make("i"), make("span", "", event.text));
    box.prepend(line);
    while (box.children.length > 200) box.lastChild.remove();
  }
};
const takeCurves = news => {
  for (const name in news) {
    const {width, from, points} = news[name], known = curves[name];
    curves[name] = {width, points: (known && known.width === width ? known.points.slice(0, from) : []).concat(points)};
  }
  showCharts();
  if (state) showFigures();
};

const showFacts = () => {
  text("name", facts.name);
  text("model", facts.model + " · " + facts.folder);
  text("version", "Zoetrope " + facts.version);
  text("recipe", facts.recipe);
  $("orders").hidden = !facts.takes_orders;
  $("facts").replaceChildren(...facts.facts.flatMap(([name, value]) => [make("dt", "", name), make("dd", "", value)]));
  if (state) show();
};

/* Live. */
let source = null;
const listen = () => {
  source = new EventSource("events");
  const on = (name, take) => source.addEventListener(name, event => {
    heard = Date.now();
    document.body.classList.remove("stale");
    take(JSON.parse(event.data));
  });
  on("state", news => {
    if (state && news.generation !== state.generation) { newestEvent = 0; askFacts(); }
    state = news;
    if (state.crowd) state.members = state.crowd.map(([id, name, host, state, clips_per_s, late]) => ({id, name, host, state, clips_per_s, late}));
    show();
    if (news.ending) source.close();
  });
  on("curves", takeCurves);
  on("log", takeEvents);
  source.onerror = () => { if (source.readyState === EventSource.CLOSED && !(state && state.ending)) setTimeout(listen, 3000); };
};
const askFacts = () => fetch("run").then(answer => answer.json()).then(found => { facts = found; showFacts(); }).catch(() => setTimeout(askFacts, 3000));
setInterval(() => {
  if (heard) text("news", state && state.ending ? "ended " + clock(state.now) : "heard " + clock(heard / 1000, true));
  if (!state || state.ending || Date.now() - heard < 6000) return;
  document.body.classList.add("stale");
  showPhase();
  showNotice();
}, 1000);

/* Orders: only with the token, and only after a second look. */
const ask = (title, words, path) => {
  text("asking-title", title);
  text("asking-text", words);
  $("asking-label").hidden = !!sessionStorage.getItem("token");
  $("asking").returnValue = "no";
  $("asking").onclose = () => {
    if ($("asking").returnValue !== "yes") return;
    const token = sessionStorage.getItem("token") || $("token").value.trim();
    fetch(path, {method: "POST", headers: {Authorization: "Bearer " + token}}).then(async answer => {
      if (answer.ok) sessionStorage.setItem("token", token); else sessionStorage.removeItem("token");
      $("notice").hidden = false;
      $("notice").className = "notice " + (answer.ok ? "good" : "bad");
      $("notice").textContent = (await answer.text()).trim();
    });
  };
  $("asking").showModal();
};
$("checkpoint").onclick = () => ask("Write a checkpoint?", "It is written while training goes on, from the state after the step under way.", "checkpoint");
$("stop").onclick = () => ask("Stop the run?", "The step under way is finished and a checkpoint is written. The same command continues the run later.", "stop");

$("log").onclick = () => { isLog = !isLog; $("log").setAttribute("aria-pressed", isLog); showCharts(); };
for (const name in more) {
  const tab = make("button", "", more[name][0]);
  tab.type = "button";
  tab.setAttribute("role", "tab");
  tab.setAttribute("aria-selected", name === chosenCurve);
  tab.onclick = () => { chosenCurve = name; for (const other of $("tabs").children) other.setAttribute("aria-selected", other === tab); showCharts(); };
  $("tabs").append(tab);
}
const theme = value => { if (value) document.documentElement.dataset.theme = value; };
theme(localStorage.getItem("theme"));
$("theme").onclick = () => {
  const isDark = getComputedStyle(document.documentElement).colorScheme.startsWith("dark");
  theme(isDark ? "light" : "dark");
  localStorage.setItem("theme", isDark ? "light" : "dark");
};
askFacts();
listen();
setTimeout(() => document.body.classList.add("moving"), 3000);
