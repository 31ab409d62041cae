import { once } from "node:events";
import type { AddressInfo, Server } from "node:net";
import { createServer, type Socket } from "node:net";
import { addon, call, type RawObject } from "./addon-under-test.js";

/** A whole ProbeSpec; what it has to have, plus what the test says. Its servers are in this thread, which a busy machine keeps waiting. */
export const specOf = (changes: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> => ({
  kind: "tcp",
  address: "127.0.0.1",
  port: 1,
  bindAddress: undefined,
  bindPort: undefined,
  bindInterface: undefined,
  fwmark: 0,
  closeWith: "reset",
  timeout: 10_000,
  interval: 5,
  quietFailInterval: 5,
  jitter: 0,
  urls: [],
  tls: undefined,
  exchange: undefined,
  groups: [],
  ...changes,
});

export const urlOf = (changes: Readonly<Record<string, unknown>> = {}): Readonly<Record<string, unknown>> => ({
  request: "GET / HTTP/1.0\r\n\r\n",
  statusCodes: [{ from: 200, to: 299 }],
  digest: undefined,
  body: undefined,
  serverName: undefined,
  tlsCompliant: false,
  ...changes,
});

export const patternOf = (changes: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> => ({
  pattern: "",
  options: [],
  noMatch: false,
  minOffset: 0,
  maxOffset: undefined,
  stack: undefined,
  ...changes,
});

export const plainTls = {
  resumption: false,
  caFile: undefined,
  certificateFile: undefined,
  keyFile: undefined,
  password: undefined,
};

/** Numbers of Quiet in probe/engine.h. */
export const quiet = { nothing: 0, pass: 1, fail: 2 } as const;

/** One result, by the words of struct Result. */
export interface Heard {
  readonly slot: number;
  readonly arming: number;
  readonly outcome: number;
  readonly stage: number;
  readonly reason: number;
  readonly url: number;
  readonly detail: number;
  readonly status: number;
  /** connect, TLS, first byte, total: µs. */
  readonly times: readonly number[];
  readonly digest: string;
}

export function heardOf(words: Uint32Array): Heard {
  const at = (i: number): number => words[i] ?? Number.NaN;
  const told = at(2);
  return {
    slot: at(0),
    arming: at(1),
    outcome: told & 255,
    stage: (told >>> 8) & 15,
    reason: (told >>> 12) & 15,
    url: told >>> 16,
    detail: at(3),
    status: at(4),
    times: [...words.subarray(5, 9)],
    digest: Buffer.from(words.buffer, words.byteOffset + 9 * 4, 16).toString("hex"),
  };
}

/** An engine that notes what it says. */
export function openEngine(limits = { inFlight: 1000, inFlightPerHost: 0 }): { engine: RawObject; heard: Heard[] } {
  const heard: Heard[] = [];
  const engine = new addon.ProbeEngine(limits, (results: Uint32Array, count: number) => {
    for (let i = 0; i < count; i++) heard.push(heardOf(results.subarray(i * 16, i * 16 + 16)));
  });
  return { engine, heard };
}

export const add = (engine: RawObject, changes: Readonly<Record<string, unknown>>): number =>
  Number(call(engine, "add", specOf(changes)));

export interface Counters {
  readonly completed: number;
  readonly passed: number;
  readonly inFlight: number;
  readonly queued: number;
  readonly noResources: number;
}

export const countersOf = (engine: RawObject): Counters => call(engine, "counters") as Counters;

/** Listens on loopback. @returns its port */
export async function listen(server: Server): Promise<number> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}

/** A listener on loopback that accepts, and closes with its peer. */
export function acceptor(onSocket: (socket: Socket) => void = () => undefined): Server {
  return createServer((socket) => {
    socket.on("error", () => socket.destroy());
    onSocket(socket);
  });
}

/** A port of loopback that refuses: it was listened to just now. */
export async function refusingPort(): Promise<number> {
  const server = acceptor();
  const port = await listen(server);
  await new Promise((resolve) => server.close(resolve));
  return port;
}
