import type { Socket } from "node:net";
import { connect, createServer, type Server } from "node:net";
import { createServer as createTlsServer } from "node:tls";
import { cert, key } from "../harness/tls-identity.js";
import { listen } from "./probe-spec.js";

/** What a server does with a connection instead of its work. */
export type Talk = (socket: Socket) => void;

export const silence: Talk = () => undefined;
export const atOnce: Talk = (socket) => void socket.resetAndDestroy();

/** The same octets in every run, of every value, with line feeds among them. */
export const garbage = Buffer.from(Array.from({ length: 4096 }, (_, i) => (i * 167 + (i >> 3)) & 0xff));

export type Act = string | Buffer | "reset" | "close" | Talk;

/** What was said before it goes out first: a reset would overtake it. */
const BEFORE_RESET_MS = 30;

/** One after another, when it has been asked. */
export const whenAsked =
  (...acts: readonly Act[]): Talk =>
  (socket) =>
    void socket.once("data", () => perform(socket, acts));

/** Without waiting to be asked. */
export const unasked =
  (...acts: readonly Act[]): Talk =>
  (socket) =>
    perform(socket, acts);

function perform(socket: Socket, acts: readonly Act[]): void {
  for (const act of acts) {
    if (act === "reset") setTimeout(() => socket.resetAndDestroy(), BEFORE_RESET_MS);
    else if (act === "close") socket.end();
    else if (typeof act === "function") act(socket);
    else socket.write(act);
  }
}

/** An octet each 20 ms, again and again: no silence is as long as the time limit. */
export const trickle =
  (text: string): Talk =>
  (socket) => {
    socket.setNoDelay(true);
    let at = 0;
    const timer = setInterval(() => socket.write(text.charAt(at++ % text.length)), 20);
    socket.on("close", () => clearInterval(timer));
  };

/** As much as the other side takes, as long as it takes it. */
export const endless =
  (text: string): Talk =>
  (socket) => {
    const chunk = text.repeat(Math.ceil(16_384 / text.length));
    const pour = (): void => {
      while (!socket.destroyed && socket.write(chunk));
    };
    socket.on("drain", pour);
    pour();
  };

/** Says the first line; answers each that it hears with the next one; then does `last`. */
export const dialogue =
  (lines: readonly string[], last: Talk): Talk =>
  (socket) => {
    let at = 0;
    const next = (): void => {
      const line = lines[at++];
      if (line !== undefined) socket.write(line);
      else if (at === lines.length + 1) last(socket);
    };
    socket.on("data", next);
    next();
  };

/** A TLS server that finishes the handshake, and then talks; `raw` is the connection below. */
export function tlsServer(talk: (socket: Socket, raw: Socket) => void): Server {
  const raws: Socket[] = [];
  const server = createTlsServer({ key, cert }, (socket) => {
    const raw = raws.find(({ remotePort }) => remotePort === socket.remotePort);
    socket.on("error", () => socket.destroy());
    if (raw !== undefined) talk(socket, raw);
  });
  server.on("connection", (raw) => {
    raw.on("error", () => raw.destroy());
    raws.push(raw);
  });
  server.on("tlsClientError", () => undefined);
  return server;
}

/**
 * Lets so many octets of a good handshake through to the client, then does something else: every step of a handshake is cut
 * somewhere. @returns also how to end it
 */
export async function cutHandshake(octets: number, then: Talk): Promise<{ server: Server; good: Server }> {
  const good = tlsServer(() => undefined);
  const port = await listen(good);
  const server = createServer((client) => {
    const inner = connect(port, "127.0.0.1");
    let left = octets;
    for (const [one, other] of [
      [client, inner],
      [inner, client],
    ] as const) {
      one.on("error", () => one.destroy());
      one.on("close", () => other.destroy());
    }
    client.on("data", (chunk: Buffer) => inner.write(chunk));
    inner.on("data", (chunk: Buffer) => {
      if (left === 0) return;
      client.write(chunk.subarray(0, left));
      left = Math.max(0, left - chunk.length);
      if (left === 0) then(client);
    });
  });
  return { server, good };
}
