import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { createInterface } from "node:readline";
import { describe, type TestContext, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { connect as connectTls } from "node:tls";
import { until } from "../harness/until.js";
import { benchProgram, programsMissing } from "./bench-programs.js";

interface Counts {
  readonly mode: string;
  readonly port: number;
  readonly accepted: number;
  readonly open: number;
  readonly requests: number;
  readonly handshakes: number;
  readonly resumed: number;
  readonly failed: number;
}

/** bench/native/target_server.cc with one free port for each mode. */
class Target {
  readonly #child: ChildProcess;
  readonly #answers: string[] = [];
  #ports = new Map<string, number>();

  constructor(t: TestContext, modes: readonly string[], threads: number) {
    const argv = [...modes.flatMap((mode) => [`--${mode}`, "0"]), "--threads", String(threads)];
    this.#child = spawn(benchProgram("target_server"), argv, { stdio: ["pipe", "pipe", "inherit"] });
    assert.ok(this.#child.stdout);
    createInterface(this.#child.stdout).on("line", (line) => this.#answers.push(line));
    t.after(async () => {
      this.#child.stdin?.end();
      if (this.#child.exitCode === null) await once(this.#child, "exit");
    });
  }

  static async start(t: TestContext, modes: readonly string[], threads = 2): Promise<Target> {
    const target = new Target(t, modes, threads);
    const { ports } = (await target.#answer("ready")) as { ports: readonly { mode: string; port: number }[] };
    target.#ports = new Map(ports.map(({ mode, port }) => [mode, port]));
    return target;
  }

  port(mode: string): number {
    const port = this.#ports.get(mode);
    assert.ok(port);
    return port;
  }

  async ask(command: string): Promise<unknown> {
    this.#child.stdin?.write(`${command}\n`);
    return await this.#answer(command.split(" ")[0] ?? "");
  }

  async counts(mode: string): Promise<Counts> {
    const { ports } = (await this.ask("stats")) as { ports: readonly Counts[] };
    const found = ports.find((counts) => counts.mode === mode);
    assert.ok(found);
    return found;
  }

  async #answer(word: string): Promise<unknown> {
    await until(`answer to ${word}`, 10_000, () => this.#answers.length > 0);
    const line = this.#answers.shift() ?? "";
    assert.equal(line.slice(0, line.indexOf(" ")), word);
    return JSON.parse(line.slice(line.indexOf(" ")));
  }
}

const request = "GET / HTTP/1.0\r\nHost: x\r\n\r\n";

interface Talked {
  readonly bytes: string;
  readonly end: string;
  /** From before the request until the bytes were counted, ms. */
  readonly took: number;
}

/** What came until the peer's end, or its error, or that it was still open after `within` ms and at least `atLeast` bytes. */
async function talk(socket: Socket, text: string, within: number, atLeast = 0): Promise<Talked> {
  const began = performance.now();
  let bytes = "";
  socket.setEncoding("latin1").on("data", (data: string) => {
    bytes += data;
  });
  if (text !== "") socket.write(text);
  const stillOpen = async (): Promise<string> => {
    const enough = until("it says something", 10_000, () => bytes.length >= atLeast).catch(() => undefined);
    await sleep(within, undefined, { ref: false });
    await enough;
    return "open";
  };
  const end = await Promise.race([
    once(socket, "end").then(
      () => "end",
      (error: NodeJS.ErrnoException) => error.code ?? "error",
    ),
    stillOpen(),
  ]);
  const talked = { bytes, end, took: performance.now() - began };
  socket.on("error", () => undefined).destroy();
  return talked;
}

const options = { skip: programsMissing, timeout: 180_000 };

describe("the target of the benches", options, () => {
  const page = /^HTTP\/1\.1 200 OK\r\n.*\r\nContent-Length: 9\r\n.*\r\n\r\nholdfast\n$/s;
  const nothing = ({ bytes }: Talked): boolean => bytes === "";
  const isPage = ({ bytes }: Talked): boolean => page.test(bytes);
  /** An octet a second, the first within one. */
  const beginningOf =
    (text: string) =>
    ({ bytes, took }: Talked): boolean =>
      bytes.length >= 1 && bytes.length <= 1 + took / 1000 && text.startsWith(bytes);
  for (const { mode, within, atLeast = 0, said, end } of [
    { mode: "tcp", within: 300, said: nothing, end: "open" },
    { mode: "silent", within: 300, said: nothing, end: "open" },
    { mode: "http", within: 10_000, said: isPage, end: "end" },
    { mode: "never-fin", within: 500, atLeast: 1, said: isPage, end: "open" },
    { mode: "reset", within: 10_000, said: nothing, end: "ECONNRESET" },
    { mode: "trickle", within: 2500, atLeast: 1, said: beginningOf("HTTP/1.1"), end: "open" },
    { mode: "tls-trickle", within: 2500, atLeast: 1, said: beginningOf("\x16\x03\x03\x40"), end: "open" },
  ]) {
    test(mode, async (t) => {
      const target = await Target.start(t, [mode]);
      const port = target.port(mode);
      for (const host of ["127.9.8.7", "::1"]) {
        const got = await talk(connect({ port, host }), request, within, atLeast);
        assert.equal(got.end, end, host);
        assert.ok(said(got), `${host} said ${JSON.stringify(got.bytes)} in ${got.took.toFixed(0)} ms`);
      }
      await until("both are accepted", 10_000, async () => (await target.counts(mode)).accepted >= 2, 50);
      const { accepted, requests } = await target.counts(mode);
      assert.deepEqual({ accepted, requests }, { accepted: 2, requests: said === isPage ? 2 : 0 });
    });
  }

  test("https: TLS 1.3, and the ticket of one address is good for another", async (t) => {
    const target = await Target.start(t, ["https"]);
    const port = target.port("https");
    const open = { port, rejectUnauthorized: false };
    const first = connectTls({ ...open, host: "127.0.0.1" });
    const ticket = once(first, "session");
    await once(first, "secureConnect");
    const kind = { protocol: first.getProtocol(), reused: first.isSessionReused() };
    const got = await talk(first, request, 10_000);
    assert.match(got.bytes, page);
    const [session] = (await ticket) as [Buffer];
    const second = connectTls({ ...open, host: "127.200.0.1", session });
    await once(second, "secureConnect");
    assert.deepEqual([kind, second.isSessionReused()], [{ protocol: "TLSv1.3", reused: false }, true]);
    await talk(second, request, 10_000);
    const { requests, handshakes, resumed } = await target.counts("https");
    assert.deepEqual({ requests, handshakes, resumed }, { requests: 2, handshakes: 2, resumed: 1 });
  });

  test("accept-never: no connection is made", async (t) => {
    const target = await Target.start(t, ["accept-never"]);
    for (const host of ["127.0.0.1", "127.1.2.3", "::1"]) {
      const socket = connect({ port: target.port("accept-never"), host });
      const outcome = await Promise.race([once(socket, "connect").then(() => "connected"), sleep(400, "nothing")]);
      socket.destroy();
      assert.equal(outcome, "nothing", host);
    }
  });

  for (const { mode, threads } of [
    { mode: "tcp", threads: 1 },
    { mode: "tcp", threads: 2 },
    { mode: "http", threads: 2 },
  ]) {
    test(`${mode}, ${threads} threads: down refuses at once, up accepts again, as often as one likes`, async (t) => {
      const target = await Target.start(t, [mode], threads);
      const port = target.port(mode);
      for (let round = 0; round < 3; round++) {
        await target.ask(`down ${port}`);
        for (const host of ["127.0.0.1", "127.77.0.1", "::1"])
          await assert.rejects(once(connect({ port, host }), "connect"), { code: "ECONNREFUSED" });
        await target.ask(`up ${port}`);
        // By both threads: each has one queue, and a connection's source port decides.
        const sockets = Array.from({ length: 8 }, () => connect({ port, host: "127.77.0.1" }));
        await Promise.all(sockets.map((socket) => once(socket, "connect")));
        for (const socket of sockets) socket.resetAndDestroy();
        const accepted = async (): Promise<boolean> => (await target.counts(mode)).accepted === 8 * (round + 1);
        await until("it is accepted", 20_000, accepted);
      }
      await until("all are closed", 20_000, async () => (await target.counts(mode)).open === 0);
    });
  }

  test("a command or port that it does not know is an error", async (t) => {
    const target = await Target.start(t, ["tcp"]);
    await assert.rejects(target.ask("down 1"), /'error' !== 'down'|error/);
  });
});
