import { Socket } from "node:net";
import { constants } from "node:os";
import type { Duplex } from "node:stream";
import { DaemonError } from "../errors.js";
import {
  type LauncherMessage,
  type NamespaceVerdict,
  type PidFileVerdict,
  parseLauncherLine,
  type SignalName,
  type Supervisor,
  type SupervisorEvent,
  type UpgradeVerdict,
} from "./signals.js";

/** Descriptor of the daemon's end of the socket pair (PROTOCOL.md). */
const LINK_FD = 3;
/** PATH_MAX of linux/limits.h, with the final NUL. */
const PATH_MAX = 4096;
/** No line of the protocol is longer than a path and a few words. */
const MAX_LINE = 8192;
const MAX_STATUS = 200;

/** What asks this process itself to leave: the end of the launcher (PDEATHSIG), or somebody who takes it for the daemon's pid. */
const leave: readonly (readonly [NodeJS.Signals, SignalName])[] = [
  ["SIGTERM", "TERM"],
  ["SIGINT", "INT"],
];
/** What the launcher hears for us. Sent to every process of the name (`pidof`) these would end this one, or open Node's inspector. */
const launchers: readonly NodeJS.Signals[] = ["SIGHUP", "SIGUSR1", "SIGUSR2"];
const ignored = (): void => {};

interface Waiting<T> {
  readonly resolve: (value: T) => void;
  readonly reject: (error: DaemonError) => void;
}

/** The link to the launcher: lines of ASCII over a stream socket. */
export class LauncherLink implements Supervisor {
  readonly #stream: Duplex;
  readonly #onEvent: (event: SupervisorEvent) => void;
  readonly #pidFiles = new Map<string, Waiting<PidFileVerdict>>();
  #fork: Waiting<void> | undefined;
  #namespace: Waiting<NamespaceVerdict> | undefined;
  #upgrade: Waiting<UpgradeVerdict> | undefined;
  #partial = "";
  #phase: "open" | "closed" = "open";
  #onFirstLine: (() => void) | undefined;

  /**
   * `onEvent` is called for every signal, in order; the first ones may come before anything was sent.
   * @param onFirstLine before the first line is sent
   */
  constructor(stream: Duplex, onEvent: (event: SupervisorEvent) => void, onFirstLine?: () => void) {
    this.#stream = stream;
    this.#onEvent = onEvent;
    this.#onFirstLine = onFirstLine;
    stream.setEncoding("utf8");
    stream.on("data", (chunk: string) => this.#receive(chunk));
    stream.on("error", (error) => this.#lost(error.message));
    stream.on("end", () => this.#lost("it has ended"));
    stream.on("close", () => this.#lost("it has ended"));
  }

  /**
   * Takes over the inherited descriptor. The link keeps the process alive (a spare has nothing else) until disposed. Signals to this
   * process itself no longer end it; those that ask it to leave do so until the first line: the launcher ends one that hangs before it
   * with SIGTERM.
   */
  static inherit(onEvent: (event: SupervisorEvent) => void): LauncherLink {
    for (const signal of launchers) process.on(signal, ignored);
    return new LauncherLink(new Socket({ fd: LINK_FD, readable: true, writable: true }), onEvent, () => {
      for (const [signal, name] of leave) process.on(signal, () => onEvent({ kind: "signal", name }));
    });
  }

  pidFile(path: string): Promise<PidFileVerdict> {
    if (/[\r\n]/.test(path))
      return Promise.reject(new DaemonError("E_LAUNCHER", `Pid file name has a line break: ${JSON.stringify(path)}`));
    // The launcher drops a line that is too long, and would never answer.
    if (Buffer.byteLength(path) >= PATH_MAX)
      return Promise.resolve({ kind: "failed", errno: constants.errno.ENAMETOOLONG });
    return new Promise((resolve, reject) => {
      this.#pidFiles.set(path, { resolve, reject });
      this.#send(`pidfile ${path}`);
    });
  }

  /** A name with a line break would be two messages, and is no name of a namespace. */
  enterNamespace(name: string): Promise<NamespaceVerdict> {
    if (/[\r\n]/.test(name) || Buffer.byteLength(name) >= PATH_MAX)
      return Promise.resolve({ kind: "failed", errno: constants.errno.EINVAL });
    return new Promise((resolve, reject) => {
      this.#namespace = { resolve, reject };
      this.#send(`namespace ${name}`);
    });
  }

  fork(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#fork = { resolve, reject };
      this.#send("fork");
    });
  }

  upgrade(): Promise<UpgradeVerdict> {
    if (this.#upgrade !== undefined) return Promise.resolve({ kind: "refused", why: "another upgrade is under way" });
    return new Promise((resolve, reject) => {
      this.#upgrade = { resolve, reject };
      this.#send("upgrade");
    });
  }

  loaded(version: string): void {
    this.#send(`loaded ${version}`);
  }

  unfit(why: string): void {
    this.#send(`unfit ${why}`);
  }

  ready(): void {
    this.#send("ready");
  }

  reloading(): void {
    this.#send("reloading");
  }

  reloaded(): void {
    this.#send("reloaded");
  }

  stopping(): void {
    this.#send("stopping");
  }

  status(text: string): void {
    this.#send(`status ${text.replace(/[^\x20-\x7e]+/g, " ").slice(0, MAX_STATUS)}`);
  }

  name(text: string | undefined): void {
    this.#send(`name ${text?.replace(/[^\x21-\x7e]+/g, "_") ?? "-"}`);
  }

  /** Skipped while earlier lines wait: a launcher that does not read must not cost memory. */
  alive(): void {
    if (this.#stream.writableLength === 0) this.#send("alive");
  }

  [Symbol.dispose](): void {
    this.#phase = "closed";
    this.#stream.destroy();
    this.#fail("closed");
  }

  #send(line: string): void {
    this.#onFirstLine?.();
    this.#onFirstLine = undefined;
    if (this.#phase === "open") this.#stream.write(`${line}\n`);
    else this.#fail("it has ended");
  }

  #receive(chunk: string): void {
    const lines = (this.#partial + chunk).split("\n");
    this.#partial = lines.pop() ?? "";
    for (const line of lines) this.#handle(line);
    if (this.#partial.length > MAX_LINE) this.#lost("it sent an endless line");
  }

  #handle(line: string): void {
    const message = parseLauncherLine(line);
    // A newer launcher may say more than we know; what we wait for is never missed that way.
    if (message !== undefined) this.#dispatch(message);
  }

  #dispatch(message: LauncherMessage): void {
    switch (message.kind) {
      case "pidfile":
        this.#pidFiles.get(message.path)?.resolve(message.verdict);
        this.#pidFiles.delete(message.path);
        return;
      case "namespace":
        this.#namespace?.resolve(message.verdict);
        this.#namespace = undefined;
        return;
      case "upgrade":
        this.#upgrade?.resolve(message.verdict);
        this.#upgrade = undefined;
        return;
      case "forked":
        this.#fork?.resolve();
        this.#fork = undefined;
        return;
      default:
        this.#onEvent(message);
    }
  }

  #lost(reason: string): void {
    if (this.#phase === "closed") return;
    this.#phase = "closed";
    this.#stream.destroy();
    this.#fail(reason);
    this.#onEvent({ kind: "lost", reason });
  }

  /** Whoever still waits for an answer learns that none will come. */
  #fail(reason: string): void {
    const error = new DaemonError("E_LAUNCHER", `No answer from the launcher: ${reason}. Start the daemon again.`);
    for (const waiting of this.#pidFiles.values()) waiting.reject(error);
    this.#pidFiles.clear();
    this.#fork?.reject(error);
    this.#fork = undefined;
    this.#namespace?.reject(error);
    this.#namespace = undefined;
    this.#upgrade?.reject(error);
    this.#upgrade = undefined;
  }
}
