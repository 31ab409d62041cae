import { lstat } from "node:fs/promises";
import { DaemonError, errnoName } from "../errors.js";
import type { Log } from "../observe/log.js";
import type { OwnPidFile } from "./options.js";
import { pidFileFailure } from "./pid-file-failure.js";
import type { PidFileVerdict, Supervisor } from "./signals.js";

/** A lock on a file without a name keeps nobody from starting a second daemon. */
const LOOK_MS = 3000;

export interface PidFileWatchDeps {
  readonly files: readonly OwnPidFile[];
  readonly supervisor: Pick<Supervisor, "pidFile">;
  readonly log: Log;
  /** The files are gone because they are to be: somebody else takes them. */
  readonly givesThemUp: () => boolean;
}

/** Pid files that somebody deletes are made again. The disk is looked at by other threads. */
export class PidFileWatch implements Disposable {
  readonly #deps: PidFileWatchDeps;
  #looking: NodeJS.Timeout | undefined;
  /** A disk or a launcher that does not answer is asked no more: each question would keep one of libuv's few threads. */
  #waits: boolean = false;
  /** What cannot be written from the beginning is the start's to tell. Lost: it could not be made again, which is said once. */
  readonly #known = new Map<string, "there" | "lost">();

  constructor(deps: PidFileWatchDeps, every = LOOK_MS) {
    this.#deps = deps;
    this.#looking = setInterval(() => void this.#look(), every).unref();
    void this.#look();
  }

  async #look(): Promise<void> {
    if (this.#waits) return;
    this.#waits = true;
    for (const file of this.#deps.files) {
      const errno = await lstat(file.path).then(() => undefined, errnoName);
      if (errno === undefined) this.#known.set(file.path, "there");
      else if (errno === "ENOENT" && this.#known.has(file.path)) await this.#makeAgain(file);
    }
    this.#waits = false;
  }

  async #makeAgain({ path, option }: OwnPidFile): Promise<void> {
    const { supervisor, log, givesThemUp } = this.#deps;
    if (this.#looking === undefined || givesThemUp()) return;
    const verdict = await supervisor.pidFile(path).catch(withoutLauncher);
    if (verdict === undefined) return;
    if (verdict.kind === "ok") log("warning", "pid-file.deleted", `Pid file ${path} was deleted: made again`, { path });
    else if (this.#known.get(path) === "there") {
      log("error", "pid-file.lost", lossSentence(path, verdict, option), { path });
      this.#known.set(path, "lost");
    }
  }

  [Symbol.dispose](): void {
    clearInterval(this.#looking);
    this.#looking = undefined;
  }
}

/** Its end is told to the daemon, which leaves in good order: that nobody answers any more is no fault beside that. */
function withoutLauncher(error: unknown): undefined {
  if (!(error instanceof DaemonError)) throw error;
}

function lossSentence(path: string, verdict: Exclude<PidFileVerdict, { kind: "ok" }>, option: string): string {
  if (verdict.kind === "failed") return pidFileFailure(path, verdict.errno, option);
  return `Pid file ${path} was deleted, and process ${verdict.pid} has made one of its own: two daemons run - stop one of them`;
}
