// What the page sends, and how an answer is shown.

// An answer's text; JSON is set out in lines.
export const laidOut = (text) => {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
};

// Headers of an answer that say something of it.
const TELLING = ["muniment-position", "retry-after", "x-request-id"];

const headOf = (answer) => {
  const told = TELLING.filter((name) => answer.headers.has(name)).map((name) => `${name}: ${answer.headers.get(name)}\n`);
  return `${answer.status} ${answer.statusText}\n${told.join("")}\n`;
};

// Sends a request and shows what came. A stream is shown as it comes, until the button beside it ends it.
export const send = async (verb, url, { token = "", headers = {}, body = null, output, stop }) => {
  if (token !== "") headers.authorization = `Bearer ${token}`;
  if (body !== null) headers["content-type"] = "application/json";
  const ending = new AbortController();
  output.hidden = false;
  output.textContent = "…";
  try {
    const answer = await fetch(url, { method: verb, headers, body: body ?? undefined, signal: ending.signal });
    const head = headOf(answer);
    if (!(answer.headers.get("content-type") ?? "").startsWith("text/event-stream")) {
      output.textContent = head + laidOut(await answer.text());
      return answer.status;
    }
    output.textContent = head;
    stop.hidden = false;
    stop.onclick = () => ending.abort();
    const words = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    for (;;) {
      const { done, value } = await words.read();
      if (done) break;
      output.textContent += value;
    }
    return answer.status;
  } catch (error) {
    if (error.name === "AbortError") output.textContent += "\n(ended here)";
    else output.textContent = `The server did not answer: ${error.message}`;
    return 0;
  } finally {
    stop.hidden = true;
  }
};

let calls = 0;

// A request of JSON-RPC. Where a method takes no params there must be none.
export const request = (method, params) => {
  calls += 1;
  const asked = { jsonrpc: "2.0", id: calls, method };
  if (params !== null) asked.params = params;
  return asked;
};

// The same as the query of a GET.
export const query = (asked) => {
  const parts = new URLSearchParams({ method: asked.method, id: String(asked.id) });
  if (asked.params !== undefined) parts.set("params", JSON.stringify(asked.params));
  return `/api/rpc?${parts}`;
};
