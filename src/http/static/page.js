"use strict";

const make = (tag, text) => {
  const element = document.createElement(tag);
  if (text !== undefined) element.textContent = text;
  return element;
};

const field = (form, label, value) => {
  const input = make("input");
  input.value = value ?? "";
  const wrap = make("label", label);
  wrap.append(input);
  form.append(wrap);
  return input;
};

const send = async (verb, path, operation, inputs, body, output) => {
  let url = path;
  const query = new URLSearchParams();
  for (const { parameter, input } of inputs) {
    if (parameter.in === "path") url = url.replace(`{${parameter.name}}`, encodeURIComponent(input.value));
    else if (input.value !== "") query.set(parameter.name, input.value);
  }
  if ([...query].length > 0) url += `?${query}`;
  const headers = {};
  const token = document.getElementById("token").value.trim();
  if (token !== "") headers.authorization = `Bearer ${token}`;
  if (body !== null) headers["content-type"] = "application/json";
  output.textContent = "…";
  try {
    const answer = await fetch(url, { method: verb.toUpperCase(), headers, body: body === null ? undefined : body.value });
    const text = await answer.text();
    let shown = text;
    try { shown = JSON.stringify(JSON.parse(text), null, 2); } catch { /* shown as it came */ }
    output.textContent = `${answer.status} ${answer.statusText}\n\n${shown}`;
  } catch (error) {
    output.textContent = `The server did not answer: ${error.message}`;
  }
};

const route = (path, verb, operation) => {
  const details = make("details");
  const summary = make("summary");
  summary.append(make("b", verb.toUpperCase()), make("code", path), make("span", operation.summary));
  details.append(summary);
  const form = make("form");
  const inputs = (operation.parameters ?? []).map((parameter) => ({
    parameter,
    input: field(form, `${parameter.name} (${parameter.in})${parameter.required ? "" : ", optional"}`),
  }));
  let body = null;
  const schema = operation.requestBody?.content["application/json"].schema;
  if (schema) {
    const example = Object.fromEntries(schema.required.map((name) => [name, ""]));
    body = make("textarea");
    body.rows = 6;
    body.value = JSON.stringify(example, null, 2);
    const label = make("label", `body: ${Object.keys(schema.properties).join(", ") || "none"}`);
    label.append(body);
    form.append(label);
  }
  const output = make("pre");
  output.hidden = true;
  const button = make("button", "Send");
  form.append(button, output);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    output.hidden = false;
    void send(verb, path, operation, inputs, body, output);
  });
  details.append(form);
  return details;
};

const load = async () => {
  const main = document.getElementById("routes");
  const document_ = await (await fetch("/openapi.json")).json();
  main.replaceChildren();
  for (const [path, verbs] of Object.entries(document_.paths)) {
    for (const [verb, operation] of Object.entries(verbs)) main.append(route(path, verb, operation));
  }
};

void load();
