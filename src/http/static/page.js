// Lists what the two documents describe, and lets one try it.

import { query, request, send } from "/docs/call.js";
import { makeSocket } from "/docs/socket.js";

const at = (id) => document.getElementById(id);

const make = (tag, text, name) => {
  const element = document.createElement(tag);
  if (text !== undefined) element.textContent = text;
  if (name !== undefined) element.className = name;
  return element;
};

const labelled = (form, label, input) => {
  const wrap = make("label", label);
  wrap.append(input);
  form.append(wrap);
  return input;
};

// A value with the schemas that it refers to in their places; none of them holds itself.
const whole = (schemas, value) => {
  if (Array.isArray(value)) return value.map((item) => whole(schemas, item));
  if (value === null || typeof value !== "object") return value;
  const name = value.$ref?.split("/").at(-1);
  if (name !== undefined) return whole(schemas, schemas[name]);
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, whole(schemas, item)]));
};

// A schema or the like, folded away; written when it is opened first.
const folded = (title, schemas, value) => {
  const details = make("details");
  const text = make("pre");
  details.append(make("summary", title), text);
  details.addEventListener("toggle", () => {
    text.textContent ||= JSON.stringify(whole(schemas, value), null, 2);
  });
  return details;
};

const socket = makeSocket({ state: at("socket-state"), turn: at("socket-turn"), frames: at("frames") });
const rows = [];

// Who may call, as the filter knows it, from what a document says of it.
const kindOfCaller = (auth, security) => {
  const roles = auth?.roles ?? [];
  if (roles.includes("keeper")) return "keeper";
  if (roles.length > 0) return "role";
  if (auth) return auth.account === "none" ? "none" : "authenticated";
  if (!security) return "authenticated";
  const isFree = security.length === 0 || security.some((proof) => Object.keys(proof).length === 0);
  if (isFree) return "none";
  return security.every((proof) => "reviewer" in proof) ? "role" : "authenticated";
};

const inWords = (auth, security) => {
  if (!auth) {
    const proofs = (security ?? []).flatMap((proof) => Object.keys(proof));
    return proofs.length > 0 ? proofs.join(" or ") : "anybody";
  }
  if (auth.account === "none") return "anybody";
  const parts = ["an account"];
  if (auth.roles) parts.push(`the role ${auth.roles.join(" or ")}`);
  if (auth.credential_types) parts.push(`by ${auth.credential_types.join(" or ")}`);
  return parts.join(", ");
};

// A row that opens to a form: what stands in it is made when it is opened first.
const row = (into, { kinds, mark, name, about, who, caller, fill }) => {
  const details = make("details");
  const summary = make("summary");
  summary.append(make("b", mark), make("code", name), make("span", about), make("span", who, "who"));
  details.append(summary);
  details.addEventListener("toggle", () => {
    if (details.open && details.children.length === 1) details.append(...fill());
  });
  into.append(details);
  rows.push({ details, kinds, caller, text: `${mark} ${name} ${about}`.toLowerCase() });
};

const EMPTY = { array: [], boolean: false, integer: 0, number: 0, object: {} };

// An empty value for each field that must be there.
const skeleton = ({ properties = {}, required = [] }) =>
  Object.fromEntries(required.map((name) => [name, EMPTY[properties[name]?.type] ?? ""]));

const ending = (form, label) => {
  const [output, stop] = [make("pre"), make("button", "End")];
  output.hidden = true;
  // Read out when it changes, and scrolled by the keys.
  output.setAttribute("aria-live", "polite");
  output.tabIndex = 0;
  stop.hidden = true;
  stop.type = "button";
  form.append(make("button", label), " ", stop, output);
  return { output, stop };
};

const routeForm = (known, path, verb, operation) => {
  const form = make("form");
  const inputs = (operation.parameters ?? []).map((parameter) => {
    const about = parameter.description ? `: ${parameter.description}` : "";
    const label = `${parameter.name} (${parameter.in}${parameter.required ? "" : ", optional"})${about}`;
    return { parameter, input: labelled(form, label, make("input")) };
  });
  const schema = whole(known, operation.requestBody?.content["application/json"].schema ?? null);
  let body = null;
  if (schema) {
    body = make("textarea");
    body.rows = 6;
    body.value = JSON.stringify(skeleton(schema), null, 2);
    labelled(form, `body: ${Object.keys(schema.properties).join(", ") || "none"}`, body);
  }
  const { output, stop } = ending(form, "Send");
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    let url = path;
    const [asked, headers] = [new URLSearchParams(), {}];
    for (const { parameter, input } of inputs) {
      if (parameter.in === "path") url = url.replace(`{${parameter.name}}`, encodeURIComponent(input.value));
      else if (input.value === "") continue;
      else if (parameter.in === "query") asked.set(parameter.name, input.value);
      else if (parameter.in === "header") headers[parameter.name] = input.value;
    }
    if ([...asked].length > 0) url += `?${asked}`;
    // A token of /v1 is nothing to /api, which takes the cookie.
    const token = path.startsWith("/v1/") ? at("token").value.trim() : "";
    const status = await send(verb.toUpperCase(), url, { token, headers, body: body && body.value, output, stop });
    if (status === 200 && /\/(login|logout|signup|bootstrap|password)$/.test(path)) await loadMethods();
  });
  const schemas = [folded("answers", known, operation.responses)];
  if (schema) schemas.unshift(folded("body", known, schema));
  return [form, ...schemas];
};

const methodForm = (known, method) => {
  const form = make("form");
  const transports = labelled(form, "over", make("select"));
  for (const transport of method["x-transports"]) transports.append(new Option(transport, transport));
  let params = null;
  if (!method["x-void"]) {
    params = make("textarea");
    params.rows = 5;
    const needed = method.params.filter((param) => param.required);
    const properties = Object.fromEntries(needed.map((param) => [param.name, whole(known, param.schema)]));
    params.value = JSON.stringify(skeleton({ properties, required: Object.keys(properties) }), null, 2);
    labelled(form, `params: ${method.params.map((param) => param.name).join(", ") || "none"}`, params);
  }
  const { output, stop } = ending(form, "Call");
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    output.hidden = false;
    try {
      const asked = request(method.name, params === null ? null : JSON.parse(params.value || "{}"));
      if (method.result === undefined) {
        delete asked.id;
        await socket.write(JSON.stringify(asked));
        output.textContent = "Sent; a notification has no answer.";
      } else if (transports.value === "socket") {
        output.textContent = await socket.call(asked);
      } else if (transports.value === "GET") {
        await send("GET", query(asked), { output, stop });
      } else {
        await send("POST", "/api/rpc", { body: JSON.stringify(asked), output, stop });
      }
    } catch (error) {
      output.textContent = error.message;
    }
  });
  const schemas = [folded("params", known, method.params), folded("errors", known, method.errors ?? [])];
  if (method.result !== undefined) schemas.splice(1, 0, folded("result", known, method.result.schema));
  return [form, ...schemas];
};

const applyFilters = () => {
  const wanted = new FormData(at("filters"));
  const [text, kind, who] = ["text", "kind", "who"].map((name) => wanted.get(name).trim().toLowerCase());
  let shown = 0;
  for (const { details, kinds, caller, text: own } of rows) {
    const fits = own.includes(text) && (kind === "" || kinds.includes(kind)) && (who === "" || who === caller);
    details.hidden = !fits;
    if (fits) shown += 1;
  }
  at("counts").textContent = `${shown} of ${rows.length} shown`;
};

const forget = (into) => {
  into.replaceChildren();
  for (let index = rows.length - 1; index >= 0; index -= 1) {
    if (!rows[index].details.isConnected) rows.splice(index, 1);
  }
};

const loadRoutes = async () => {
  const openapi = await (await fetch("/openapi.json")).json();
  forget(at("routes"));
  for (const [path, verbs] of Object.entries(openapi.paths)) {
    for (const [verb, operation] of Object.entries(verbs)) {
      const [auth, security] = [operation["x-auth"], operation.security];
      row(at("routes"), {
        kinds: ["rest"],
        mark: verb.toUpperCase(),
        name: path,
        about: operation.summary,
        who: inWords(auth, security),
        caller: kindOfCaller(auth, security),
        fill: () => routeForm(openapi.components.schemas, path, verb, operation),
      });
    }
  }
  applyFilters();
};

// The methods are shown to whoever is signed in; whether somebody is.
const loadMethods = async () => {
  const answer = await fetch("/api/openrpc.json");
  forget(at("methods"));
  at("sign-out").hidden = !answer.ok;
  at("account").textContent = answer.ok ? "Signed in." : "";
  if (answer.ok) {
    const openrpc = await answer.json();
    at("methods-note").textContent = `JSON-RPC 2.0 on ${openrpc.servers.map((server) => server.url).join(" and ")}.`;
    for (const method of openrpc.methods) {
      const transports = method["x-transports"];
      row(at("methods"), {
        kinds: [...(transports.includes("POST") ? ["rpc"] : []), ...(transports.includes("socket") ? ["socket"] : [])],
        mark: method["x-side-effects"] ? "WRITE" : "READ",
        name: method.name,
        about: method.summary,
        who: method["x-auth"] === null ? "a socket" : inWords(method["x-auth"]),
        caller: kindOfCaller(method["x-auth"]),
        fill: () => methodForm(openrpc.components.schemas, method),
      });
    }
  } else {
    await answer.text();
    const why = answer.status === 401 ? "sign in to see them" : `the server answered ${answer.status}`;
    at("methods-note").textContent = `The methods of /api/rpc and /api/ws are listed to accounts: ${why}.`;
  }
  applyFilters();
  return answer.ok;
};

at("filters").addEventListener("input", applyFilters);
at("filters").addEventListener("submit", (event) => event.preventDefault());

// What went wrong without an answer is said where it would have stood.
const told = (at, work) => work.catch((error) => { at.textContent = `The server did not answer: ${error.message}`; });

const post = (path, body) =>
  fetch(path, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) });

const refusal = async (answer) => {
  const { error } = await answer.json();
  const why = error === "forbidden_origin" ? `, for ${location.origin} is not among http.allowed_origins` : "";
  const wait = answer.headers.get("retry-after");
  return `Refused: ${error} (${answer.status})${why}${wait ? `; try again in ${wait} s` : ""}.`;
};

const signIn = async (form) => {
  const answer = await post("/api/account/login", Object.fromEntries(new FormData(form)));
  form.elements.password.value = "";
  const why = answer.ok ? "" : await refusal(answer);
  const isIn = await loadMethods();
  if (why !== "") at("account").textContent = why;
  else if (!isIn) {
    at("account").textContent = "The browser did not keep the session's cookie: it keeps it on https and on localhost.";
  }
};

at("sign-in").addEventListener("submit", (event) => {
  event.preventDefault();
  return told(at("account"), signIn(event.target));
});

at("sign-out").addEventListener("click", () =>
  told(at("account"), post("/api/account/logout", {}).then(loadMethods)));

at("token-form").addEventListener("submit", (event) => event.preventDefault());

at("socket-turn").addEventListener("click", () => {
  if (socket.isOpen()) socket.close();
  else socket.open().catch((error) => { at("socket-state").textContent = error.message; });
});

at("socket").addEventListener("submit", (event) => {
  event.preventDefault();
  socket.write(at("frame").value).catch((error) => { at("socket-state").textContent = error.message; });
});

at("frame").value = JSON.stringify(request("heartbeat", {}));
await Promise.all([told(at("routes"), loadRoutes()), told(at("methods-note"), loadMethods())]);
