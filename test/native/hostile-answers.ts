import { createSocket, type RemoteInfo, type Socket } from "node:dgram";
import { once } from "node:events";

/** What a server does with a datagram instead of its work. `reply` goes to who asked. */
export type Answer = (query: Buffer, reply: (octets: Uint8Array) => void) => void;

export const noAnswer: Answer = () => undefined;

export const answers =
  (...all: readonly (Uint8Array | string | ((query: Buffer) => Uint8Array))[]): Answer =>
  (query, reply) => {
    for (const answer of all) reply(typeof answer === "function" ? answer(query) : Buffer.from(answer));
  };

/** A datagram each 20 ms, as long as somebody may be listening. */
export const dripping =
  (answer: (query: Buffer, n: number) => Uint8Array): Answer =>
  (query, reply) => {
    let n = 0;
    const timer = setInterval(() => (n < 500 ? reply(answer(query, n++)) : clearInterval(timer)), 20);
    timer.unref();
  };

/** So many at once that the socket of who asked is never empty, for a second. */
export const flooding =
  (answer: (query: Buffer) => Uint8Array, last?: (query: Buffer) => Uint8Array): Answer =>
  (query, reply) => {
    const octets = answer(query);
    const end = performance.now() + 1000;
    let turns = 0;
    const pour = (): void => {
      for (let i = 0; i < 50; i++) reply(octets);
      if (last !== undefined && ++turns === 5) reply(last(query));
      if (performance.now() < end) setImmediate(pour);
    };
    pour();
  };

/** On loopback. Sending to who has gone is no error here. */
export async function datagramServer(answer: Answer): Promise<{ readonly port: number; readonly socket: Socket }> {
  const socket = createSocket("udp4");
  let open = true;
  socket.on("close", () => (open = false));
  socket.on("error", () => undefined);
  socket.on("message", (query: Buffer, from: RemoteInfo) =>
    answer(query, (octets) => {
      if (open) socket.send(octets, from.port, from.address, () => undefined);
    }),
  );
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  return { port: socket.address().port, socket };
}

/** The answer to a query, by its id (RFC 1035 §4.1.1). */
export const answerTo =
  (rcode: number, change: (answer: Buffer) => Buffer = (answer) => answer) =>
  (query: Buffer): Buffer => {
    const answer = Buffer.from(query);
    answer[2] = (answer[2] ?? 0) | 0x80;
    answer[3] = rcode;
    return change(answer);
  };
