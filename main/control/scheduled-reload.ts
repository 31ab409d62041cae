import type { Clock } from "../clock.js";
import type { ReloadConfig } from "../config/model-global.js";
import type { Log } from "../observe/log.js";
import { ms } from "../units.js";
import type { TrackFileHost } from "../vrrp/file-monitor.js";
import { type ReloadTime, reloadTimeOf, reloadTimeText } from "./reload-time.js";

/** The host's clock is looked at this often at least: it may be set, and timers do not know. */
const LOOK_AGAIN_MS = 60_000;

export interface ScheduledReloadDeps {
  readonly clock: Clock;
  readonly files: Pick<TrackFileHost, "watch">;
  /** Milliseconds since 1970. */
  readonly today: () => number;
  readonly remove: (path: string) => void;
  readonly reload: () => void;
  readonly log: Log;
}

/** reload_time_file: a reload at the time that a file names, now or whenever the file is written. */
export class ScheduledReload implements Disposable {
  readonly #deps: ScheduledReloadDeps;
  #path: string | undefined;
  #repeat = false;
  #watch: Disposable | undefined;
  #timer: Disposable | undefined;
  /** What the file held when it was last looked at. */
  #text = "";
  #wanted: Extract<ReloadTime, { kind: "at" }> | undefined;

  constructor(deps: ScheduledReloadDeps) {
    this.#deps = deps;
  }

  /** At the start and at each reload. */
  configure({ timeFile, repeat }: Pick<ReloadConfig, "timeFile" | "repeat">): void {
    this.#repeat = repeat;
    if (timeFile === this.#path) return;
    this.#watch?.[Symbol.dispose]();
    this.#onText("");
    this.#path = timeFile;
    this.#watch =
      timeFile === undefined
        ? undefined
        : this.#deps.files.watch(timeFile, undefined, (text) => this.#onText(text ?? ""));
  }

  [Symbol.dispose](): void {
    this.#watch?.[Symbol.dispose]();
    this.#timer?.[Symbol.dispose]();
  }

  #onText(text: string): void {
    if (text === this.#text) return;
    this.#text = text;
    const time = reloadTimeOf(text, this.#deps.today());
    if (time.kind === "at") {
      this.#schedule(time);
      return;
    }
    if (time.kind === "past") this.#complain(`${reloadTimeText(time.time)} is in the past - ignoring`);
    if (time.kind === "invalid") this.#complain("no time in its first line - write [YYYY-MM-DD ]HH:MM:SS[Z]");
    this.#cancel();
  }

  #complain(why: string): void {
    this.#deps.log("warning", "reload.not-scheduled", `reload_time_file ${this.#path ?? ""}: ${why}`);
  }

  #schedule(time: Extract<ReloadTime, { kind: "at" }>): void {
    const { log } = this.#deps;
    const [before, at] = [this.#wanted, reloadTimeText(time.time)];
    if (before === undefined) log("info", "reload.scheduled", `Scheduling reload for ${at}`);
    else log("info", "reload.scheduled", `Reload time updated from ${reloadTimeText(before.time)} to ${at}`);
    this.#wanted = time;
    this.#arm();
  }

  #cancel(): void {
    if (this.#wanted === undefined) return;
    const at = reloadTimeText(this.#wanted.time);
    this.#wanted = undefined;
    this.#timer?.[Symbol.dispose]();
    this.#deps.log("info", "reload.cancelled", `Cancelling reload scheduled for ${at}`);
  }

  #arm(): void {
    this.#timer?.[Symbol.dispose]();
    if (this.#wanted === undefined) return;
    const { clock, today } = this.#deps;
    const left = this.#wanted.time - today();
    if (left <= 0) this.#fire(this.#wanted.daily);
    else this.#timer = clock.after(ms(Math.min(left, LOOK_AGAIN_MS)), () => this.#arm());
  }

  /** The file goes before the reload: one that fails is not tried again every day, or at the next start. */
  #fire(daily: boolean): void {
    const { remove, reload, today } = this.#deps;
    this.#wanted = undefined;
    if (daily && this.#repeat) {
      const next = reloadTimeOf(this.#text, today());
      if (next.kind === "at") this.#schedule(next);
    } else if (this.#path !== undefined) remove(this.#path);
    reload();
  }
}
