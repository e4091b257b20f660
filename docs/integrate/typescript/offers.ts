// Signs in, makes a token, is told of an offer on a socket, and accepts it.
//   MUNIMENT_URL=http://127.0.0.1:8080 ADMIN=ada ADMIN_PASSWORD=… MEMBER=ben MEMBER_PASSWORD=… ROLE=teacher npm start
import WebSocket from "ws";

interface Offer { id: string; role: string; expires_at: string }
interface Notice { method: string; params: { offer: Offer } }
type Credential = { cookie: string } | { authorization: string };

const setting = (name: string): string => {
  const value = process.env[name];
  if (!value) throw new Error(`set ${name}`);
  return value;
};
const base = setting("MUNIMENT_URL");

/** Calls a method; a refusal is thrown with its reason. */
async function rpc<T>(who: Credential, method: string, params?: object): Promise<T> {
  const answer = await fetch(`${base}/api/rpc`, {
    method: "POST",
    headers: { ...who, "content-type": "application/json" },
    body: JSON.stringify({ jsonrpc: "2.0", id: 1, method, params }),
  });
  const { result, error } = (await answer.json()) as { result?: T; error?: { message: string; data?: { reason?: string } } };
  if (error) throw new Error(`${method}: ${error.data?.reason ?? error.message}`);
  return result as T;
}

/** Signs in; the session's cookie, as it is sent back. */
async function signIn(username: string, password: string): Promise<{ cookie: string }> {
  const answer = await fetch(`${base}/api/account/login`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ username, password }),
  });
  const cookie = answer.headers.getSetCookie()[0]?.split(";")[0];
  if (!answer.ok || !cookie) throw new Error(`sign-in of ${username}: ${answer.status} ${await answer.text()}`);
  return { cookie };
}

/** The first notification of a method on a socket. */
function told(socket: WebSocket, method: string): Promise<Notice["params"]> {
  return new Promise((resolve, reject) => {
    socket.on("message", (data) => {
      const frame = JSON.parse(data.toString()) as Notice;
      if (frame.method === method) resolve(frame.params);
    });
    socket.on("close", (code) => reject(new Error(`the socket was closed with ${code}`)));
  });
}

const admin = await signIn(setting("ADMIN"), setting("ADMIN_PASSWORD"));
const member = await signIn(setting("MEMBER"), setting("MEMBER_PASSWORD"));

// A program keeps a token instead of a cookie. It is shown once.
const { token } = await rpc<{ token: string }>(member, "account_token_create", { name: "example" });
const program = { authorization: `Bearer ${token}` };
const { id } = await rpc<{ id: string }>(program, "account_verify");

const socket = new WebSocket(`${base.replace(/^http/, "ws")}/api/ws`, { headers: member });
await new Promise((resolve, reject) => socket.once("open", resolve).once("error", reject));
const notice = told(socket, "role_grant_offer_received");

await rpc(admin, "role_grant_offer_create", { to_account_id: id, role: setting("ROLE"), message: "please" });
const { offer } = await notice;
const { role_grant_id } = await rpc<{ role_grant_id: string }>(program, "role_grant_offer_accept", { offer_id: offer.id });
const why = await rpc<{ holds: boolean; sentence: string }>(program, "role_why", { role: offer.role });
socket.close();
console.log(JSON.stringify({ role: offer.role, role_grant_id, ...why }));
