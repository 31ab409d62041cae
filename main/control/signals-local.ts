import { closeSync, constants, fstatSync, ftruncateSync, openSync, readFileSync, unlinkSync, writeSync } from "node:fs";
import { constants as os } from "node:os";
import { errnoName } from "../errors.js";
import type {
  NamespaceVerdict,
  PidFileVerdict,
  SignalName,
  Supervisor,
  SupervisorEvent,
  UpgradeVerdict,
} from "./signals.js";

const heard: readonly (readonly [NodeJS.Signals, SignalName])[] = [
  ["SIGHUP", "HUP"],
  ["SIGTERM", "TERM"],
  ["SIGINT", "INT"],
  ["SIGUSR1", "USR1"],
  ["SIGUSR2", "USR2"],
];

/**
 * Stands in for the launcher where there is none (tests, development): always in the foreground, no restarts, pid files
 * without locks. Node cannot subscribe to real-time signals, so JSON, STATS_CLEAR and TDUMP are not heard.
 */
export class LocalSupervisor implements Supervisor {
  readonly #listeners: readonly (readonly [NodeJS.Signals, () => void])[];
  readonly #pidFiles: string[] = [];

  constructor(onEvent: (event: SupervisorEvent) => void) {
    this.#listeners = heard.map(([signal, name]) => [signal, () => onEvent({ kind: "signal", name })]);
    for (const [signal, listener] of this.#listeners) process.on(signal, listener);
  }

  pidFile(path: string): Promise<PidFileVerdict> {
    return Promise.resolve(this.#claim(path));
  }

  enterNamespace(): Promise<NamespaceVerdict> {
    return Promise.resolve({ kind: "failed", errno: os.errno.ENOSYS });
  }

  fork(): Promise<void> {
    return Promise.resolve();
  }

  upgrade(): Promise<UpgradeVerdict> {
    return Promise.resolve({ kind: "refused", why: "the daemon was started without its launcher" });
  }

  loaded(): void {}
  unfit(): void {}
  ready(): void {}
  reloading(): void {}
  reloaded(): void {}
  stopping(): void {}
  status(): void {}
  name(): void {}
  alive(): void {}

  [Symbol.dispose](): void {
    for (const [signal, listener] of this.#listeners) process.off(signal, listener);
    for (const path of this.#pidFiles.splice(0)) unlinkIfThere(path);
  }

  #claim(path: string): PidFileVerdict {
    const owner = readPid(path);
    if (owner !== undefined && owner !== process.pid && isRunning(owner)) return { kind: "busy", pid: owner };
    try {
      const { O_WRONLY, O_CREAT, O_NOFOLLOW } = constants;
      const fd = openSync(path, O_WRONLY | O_CREAT | O_NOFOLLOW, 0o644);
      try {
        if (fstatSync(fd).nlink !== 1) return { kind: "failed", errno: os.errno.EMLINK }; // as pid_file.cc
        ftruncateSync(fd);
        writeSync(fd, `${process.pid}\n`);
      } finally {
        closeSync(fd);
      }
      this.#pidFiles.push(path);
      return { kind: "ok" };
    } catch (error) {
      const name = errnoName(error);
      if (name === undefined) throw error;
      return { kind: "failed", errno: (os.errno as Readonly<Record<string, number>>)[name] ?? os.errno.EIO };
    }
  }
}

function readPid(path: string): number | undefined {
  try {
    const pid = Number(readFileSync(path, "utf8").trim());
    return Number.isInteger(pid) && pid > 0 ? pid : undefined;
  } catch {
    return undefined; // none there, or not readable: opening it for writing says why
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return errnoName(error) === "EPERM";
  }
}

function unlinkIfThere(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if (errnoName(error) !== "ENOENT") throw error;
  }
}
