// One socket for the page: methods may be sent over it, and what comes unasked is shown.

import { laidOut } from "/docs/call.js";

const HEARTBEAT_MS = 25_000;
const FRAMES_SHOWN = 50;

export const makeSocket = ({ state, turn, frames }) => {
  let socket = null;
  let beating = 0;
  const waiting = new Map();
  const shown = [];

  const log = (mark, text) => {
    shown.unshift(`${new Date().toLocaleTimeString()} ${mark} ${text}`);
    shown.length = Math.min(shown.length, FRAMES_SHOWN);
    frames.textContent = shown.join("\n");
  };

  const write = (text) => {
    socket.send(text);
    log("→", text);
  };

  const ended = ({ code, reason }) => {
    clearInterval(beating);
    socket = null;
    turn.textContent = "Open";
    state.textContent = `/api/ws is closed (${code}${reason ? `, ${reason}` : ""}).`;
    for (const { fail } of waiting.values()) fail(new Error(`the socket closed with ${code}`));
    waiting.clear();
  };

  const arrived = ({ data }) => {
    const message = JSON.parse(data);
    if (message.id === "heartbeat") return;
    log("←", data);
    waiting.get(message.id)?.done(laidOut(data));
    waiting.delete(message.id);
  };

  const open = () => new Promise((done, fail) => {
    if (socket?.readyState === WebSocket.OPEN) {
      done();
      return;
    }
    const scheme = location.protocol === "https:" ? "wss:" : "ws:";
    const opened = new WebSocket(`${scheme}//${location.host}/api/ws`);
    socket = opened;
    opened.onmessage = arrived;
    opened.onclose = (event) => {
      // One that was left for another may end long after.
      if (socket === opened) ended(event);
      fail(new Error("the socket does not open: sign in first"));
    };
    opened.onopen = () => {
      turn.textContent = "Close";
      state.textContent = "/api/ws is open.";
      clearInterval(beating);
      // A socket that is silent for too long is closed; a page that only listens is not.
      beating = setInterval(() => {
        opened.send(JSON.stringify({ jsonrpc: "2.0", id: "heartbeat", method: "heartbeat" }));
      }, HEARTBEAT_MS);
      done();
    };
  });

  return {
    open,
    close: () => socket?.close(),
    isOpen: () => socket?.readyState === WebSocket.OPEN,
    // Any text as it is.
    write: async (text) => {
      await open();
      write(text);
    },
    // A request, until its answer comes.
    call: async (asked) => {
      await open();
      return new Promise((done, fail) => {
        waiting.set(asked.id, { done, fail });
        write(JSON.stringify(asked));
      });
    },
  };
};
