import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { Command, Hello, Report } from "./launcher-fake-daemon.js";

const root = fileURLToPath(new URL("../../../", import.meta.url));
export const launcherPath = join(root, "build/Release/holdfast-launcher");
export const binPath = join(root, "bin/holdfast");
const fakeDaemon = fileURLToPath(new URL("launcher-fake-daemon.js", import.meta.url));

/** Two process starts of 0.1 s on an idle machine; the rest is for a busy one. */
const BOUND_MS = 20_000;

/** A queue whose readers wait, with a bound. */
class Inbox<T> {
  readonly #items: T[] = [];
  #wake: () => void = () => undefined;

  put(item: T): void {
    this.#items.push(item);
    this.#wake();
  }

  /** Takes the first item that `wanted` accepts, now or within the bound; others stay. */
  async take(what: string, wanted: (item: T) => boolean): Promise<T> {
    const signal = AbortSignal.timeout(BOUND_MS);
    for (;;) {
      const at = this.#items.findIndex(wanted);
      const [item] = at < 0 ? [] : this.#items.splice(at, 1);
      if (item !== undefined) return item;
      assert.ok(!signal.aborted, `no ${what} within ${BOUND_MS} ms; got ${JSON.stringify(this.#items)}`);
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
        signal.addEventListener("abort", () => resolve(), { once: true });
      });
    }
  }
}

/** One fake daemon that has connected. */
export class Fake {
  readonly #control: Socket;
  readonly #reports = new Inbox<Report>();
  readonly hello: Hello;
  readonly closed: Promise<unknown>;

  constructor(control: Socket, hello: Hello, lines: AsyncIterable<string>) {
    this.#control = control;
    this.hello = hello;
    this.closed = once(control, "close");
    void this.#collect(lines);
  }

  do(command: Command): void {
    this.#control.write(`${JSON.stringify(command)}\n`);
  }

  /** Sends one line to the launcher. */
  say(line: string): void {
    this.do({ do: "send", bytes: `${line}\n` });
  }

  /** The next line from the launcher, whatever it is. */
  async line(): Promise<string> {
    return (await this.#lineReport()).line;
  }

  /** When the next line came, which must be `expected`; wall clock in milliseconds. */
  async lineAt(expected: string): Promise<number> {
    const report = await this.#lineReport();
    assert.equal(report.line, expected);
    return report.at;
  }

  async peek(length: number): Promise<string> {
    this.do({ do: "peek", length });
    const report = await this.#reports.take("answer to peek", (r) => r.kind === "peeked");
    assert.equal(report.kind, "peeked");
    return report.text;
  }

  async signal(): Promise<string> {
    const report = await this.#reports.take("signal", (r) => r.kind === "signal");
    assert.equal(report.kind, "signal");
    return report.signal;
  }

  async #lineReport(): Promise<Extract<Report, { kind: "line" }>> {
    const report = await this.#reports.take("line from the launcher", (r) => r.kind === "line");
    assert.equal(report.kind, "line");
    return report;
  }

  async #collect(lines: AsyncIterable<string>): Promise<void> {
    for await (const line of lines) this.#reports.put(JSON.parse(line) as Report);
  }
}

export interface LaunchOptions {
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Default: the launcher itself. */
  readonly file?: string;
  readonly argv0?: string;
  readonly cwd?: string;
  /** Shell command line that runs `"$@"`, to set an umask for instance. */
  readonly via?: string;
  /** Default: none, so that a test sees only the daemon. */
  readonly spare?: boolean;
}

/** A launcher that was started, and its end. */
export interface Launched {
  readonly process: ChildProcess;
  readonly pid: number;
  /** Exit code, or the name of the signal that killed it. */
  readonly ended: Promise<number | string>;
  /** What it and its daemons wrote to standard error so far. */
  stderr(): string;
}

/** One test's launchers, daemons and files; all are gone after disposal. */
export class Stage implements AsyncDisposable {
  readonly dir = mkdtempSync(join(tmpdir(), "holdfast-launcher-"));
  readonly #server: Server = createServer();
  readonly #fakes = new Inbox<Fake>();
  readonly #launched: Launched[] = [];
  readonly #pids: number[] = [];
  readonly #sockets: Socket[] = [];

  static async create(): Promise<Stage> {
    const stage = new Stage();
    stage.#server.on("connection", (socket) => void stage.#welcome(socket));
    stage.#server.listen(join(stage.dir, "control"));
    await once(stage.#server, "listening");
    return stage;
  }

  launch(options: LaunchOptions = {}): Launched {
    const { args = ["-n"], env = {}, file = launcherPath, argv0, cwd = this.dir, via, spare = false } = options;
    const { NOTIFY_SOCKET: _, WATCHDOG_USEC: __, WATCHDOG_PID: ___, ...inherited } = process.env;
    const all = {
      ...inherited,
      HOLDFAST_DAEMON_SCRIPT: fakeDaemon,
      FAKE_CONTROL: join(this.dir, "control"),
      ...(spare ? {} : { HOLDFAST_NO_STANDBY: "1" }),
      ...env,
    };
    const child = via
      ? spawn("sh", ["-c", via, "sh", file, ...args], { env: all, cwd, stdio: ["ignore", "ignore", "pipe"] })
      : spawn(file, args, { env: all, cwd, stdio: ["ignore", "ignore", "pipe"], ...(argv0 ? { argv0 } : {}) });
    return this.#track(child);
  }

  /** The next daemon or spare that comes up. */
  daemon(role: "daemon" | "spare" = "daemon"): Promise<Fake> {
    return this.#fakes.take(role, (f) => (f.hello.env["HOLDFAST_STANDBY"] === "1") === (role === "spare"));
  }

  /** Ends a process that no launched child stands for (one that went to the background) with the stage. */
  adopt(pid: number): void {
    this.#pids.push(pid);
  }

  path(name: string): string {
    return join(this.dir, name);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const pid of this.#pids) if (isRunning(pid)) process.kill(pid, "SIGKILL");
    for (const { process: child } of this.#launched) if (child.exitCode === null) child.kill("SIGKILL");
    await Promise.all(this.#launched.map((l) => l.ended));
    for (const socket of this.#sockets) socket.destroy(); // which ends the daemons that are left
    this.#server.close();
    rmSync(this.dir, { recursive: true, force: true });
  }

  #track(child: ChildProcess): Launched {
    let text = "";
    child.stderr?.setEncoding("utf8").on("data", (chunk: string) => {
      text += chunk;
    });
    const ended = once(child, "exit").then(([code, signal]): number | string => code ?? signal);
    const launched = { process: child, pid: child.pid ?? -1, ended, stderr: () => text };
    this.#launched.push(launched);
    return launched;
  }

  async #welcome(socket: Socket): Promise<void> {
    this.#sockets.push(socket);
    socket.on("error", () => undefined); // a daemon that crashes resets it
    const lines = createInterface({ input: socket })[Symbol.asyncIterator]();
    const first = await lines.next();
    if (first.done) return;
    const report = JSON.parse(first.value) as Report;
    assert.equal(report.kind, "hello");
    this.#fakes.put(new Fake(socket, report.hello, { [Symbol.asyncIterator]: () => lines }));
  }
}

export function isRunning(pid: number): boolean {
  try {
    return !/^State:\tZ/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
}

/** Sends a signal to a launcher and waits until its loop has slept again: everything that had arrived is handled. */
export async function deliver(pid: number, signal: NodeJS.Signals): Promise<void> {
  const sleeps = (): number => Number(/^voluntary_ctxt_switches:\t(\d+)/m.exec(statusOf(pid))?.[1]);
  const isAsleep = (): boolean => /^State:\tS/m.test(statusOf(pid));
  await until("the launcher waits", isAsleep);
  const before = sleeps();
  process.kill(pid, signal);
  await until(`${signal} was taken`, () => sleeps() > before && isAsleep());
}

function statusOf(pid: number): string {
  return readFileSync(`/proc/${pid}/status`, "utf8");
}

/**
 * Measures what the machine can only make longer, up to five times as long as it takes `bound` ms or more: somebody else may have had
 * the processor in one of them. @returns the shortest
 */
export async function shortest(bound: number, measure: () => Promise<number>): Promise<number> {
  let took = await measure();
  for (let again = 0; again < 4 && took >= bound; again++) took = Math.min(took, await measure());
  return took;
}

/** Waits for a condition, with a bound. */
export async function until(what: string, condition: () => boolean): Promise<void> {
  const deadline = Date.now() + BOUND_MS;
  while (!condition()) {
    assert.ok(Date.now() < deadline, `not within ${BOUND_MS} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
