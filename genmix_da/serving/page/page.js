"use strict";
// What is shown comes from file and class names: always as text, never as markup.
const of = id => document.getElementById(id);
const number = value => value.toFixed(3);
const waiting = [];
let model = { threshold: null, limits: { images: 1 } };
let running = false;
let judged = 0;
let failed = 0;

async function introduce() {
  model = await (await fetch("about")).json();
  document.title = `${model.name} · GenMix-DA`;
  of("name").textContent = model.name;
  const parts = [model.backbone, model.setting && model.setting.toUpperCase(),
    model.threshold === null ? "nothing is rejected"
      : `rejected above an uncertainty of ${number(model.threshold)}`,
    model.graph && "decides beside the target's images",
    model.synthetic && "trained on drawn images"];
  of("about").textContent = parts.filter(Boolean).join(" · ");
  const details = document.querySelector("details");
  details.hidden = false;
  details.firstElementChild.textContent = `${model.classes.length} classes`;
  of("classes").textContent = model.classes.join(", ");
  of("limits").textContent =
    `each at most ${model.limits.megabytes} MB and ${model.limits.megapixels} megapixels`;
}

function take(files) {
  for (const file of files) {
    const item = of("answer").content.cloneNode(true).firstElementChild;
    const picture = item.querySelector(".picture");
    picture.src = URL.createObjectURL(file);
    picture.onload = () => URL.revokeObjectURL(picture.src);
    picture.onerror = () => { picture.parentElement.hidden = true; };
    item.querySelector(".file").textContent = file.name;
    item.querySelector(".decision").textContent = "…";
    of("answers").prepend(item);
    waiting.push([file, item]);
  }
  of("clear").hidden = false;
  work();
}

// One after the other: the model answers no faster otherwise, and every answer shows at once.
async function work() {
  if (running) return;
  running = true;
  while (waiting.length) {
    const [file, item] = waiting.shift();
    of("state").textContent = `${counted()}, ${waiting.length + 1} to go`;
    await ask(file, item);
  }
  of("state").textContent = counted();
  running = false;
}

function counted() {
  return `${judged} judged` + (failed ? `, ${failed} not judged` : "");
}

async function ask(file, item) {
  if (file.size > model.limits.megabytes * 1e6) {
    fail(item, `a picture may have ${model.limits.megabytes} MB, this has more`);
    return;
  }
  const form = new FormData();
  form.append("files", file);
  try {
    const answer = await fetch(`predict?cam=${of("cam").checked}`, { method: "POST", body: form });
    const told = await answer.json();
    if (answer.ok) show(item, told.images[0]);
    else fail(item, typeof told.detail === "string" ? told.detail : `status ${answer.status}`);
  } catch (error) {
    fail(item, "the server does not answer; is it still running?");
  }
}

function fail(item, reason) {
  failed += 1;
  item.classList.add("failed");
  item.querySelector(".decision").textContent = "not judged";
  item.querySelector(".why").textContent = reason;
}

function show(item, told) {
  item.classList.toggle("rejected", told.rejected);
  item.querySelector(".decision").textContent = told.predicted;
  const nearest = `rejected as unknown; the likeliest class is ${told.best_class}`;
  const taken = model.threshold === null ? "" : "accepted as one of the model's classes";
  item.querySelector(".why").textContent = told.rejected ? nearest : taken;
  const uncertainty = item.querySelector(".uncertainty");
  uncertainty.hidden = false;
  uncertainty.querySelector(".bar").style.width = `${100 * told.uncertainty}%`;
  const limit = uncertainty.querySelector(".limit");
  limit.hidden = model.threshold === null;
  limit.style.left = `${100 * model.threshold}%`;
  limit.title = `rejected above ${number(model.threshold ?? 1)}`;
  uncertainty.querySelector("output").textContent = number(told.uncertainty);
  for (const { class: name, probability } of told.top) {
    const term = document.createElement("dt");
    term.textContent = name;
    const value = document.createElement("dd");
    const scale = document.createElement("span");
    scale.className = "scale";
    const bar = document.createElement("span");
    bar.className = "bar";
    bar.style.width = `${100 * probability}%`;
    scale.append(bar);
    const output = document.createElement("output");
    output.textContent = number(probability);
    value.append(scale, output);
    item.querySelector(".top").append(term, value);
  }
  if (told.cam || told.no_cam) {
    const map = item.querySelector(".map");
    map.hidden = false;
    map.querySelector("img").hidden = !told.cam;
    if (told.cam) map.querySelector("img").src = told.cam;
    map.querySelector("figcaption").textContent =
      told.cam ? `what it looks at for ${told.best_class}` : `no map: ${told.no_cam}`;
  }
  judged += 1;
}

of("files").addEventListener("change", event => {
  take(event.target.files);
  event.target.value = "";
});
for (const kind of ["dragover", "dragleave", "drop"]) {
  document.addEventListener(kind, event => {
    event.preventDefault();
    of("drop").classList.toggle("over", kind === "dragover");
    if (kind === "drop") take(event.dataTransfer.files);
  });
}
document.addEventListener("paste", event => take(event.clipboardData.files));
of("clear").addEventListener("click", () => {
  waiting.length = 0;
  judged = failed = 0;
  of("answers").replaceChildren();
  of("state").textContent = "";
  of("clear").hidden = true;
});
introduce();
