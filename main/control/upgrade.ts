import { DaemonError } from "../errors.js";
import type { Log } from "../observe/log.js";
import { type Milliseconds, ms } from "../units.js";
import type { Supervisor } from "./signals.js";
import { version } from "./version.js";

/** One daemon of two. */
export interface Edition {
  readonly version: string;
  readonly pid: number;
}

/** What `holdfast upgrade` is told: who goes on, or why the daemon that it asked does. */
export type UpgradeAnswer =
  | { readonly upgrade: { readonly from: Edition; readonly to: Edition } }
  | { readonly error: string };

export type UpgradeSource = () => Promise<UpgradeAnswer>;

/** Has the launcher load what is on disk now. On success this process has to end, without a word to anybody. */
export async function upgradeBy(
  supervisor: Pick<Supervisor, "upgrade">,
  isRunning: boolean,
  log: Log,
): Promise<UpgradeAnswer> {
  const verdict = await asked(supervisor, isRunning);
  if (verdict.kind === "refused") {
    const sentence = `Not upgraded: ${verdict.why}`;
    log("error", "upgrade.refused", `${sentence}; version ${version} goes on`);
    return { error: `${sentence}; version ${version} (pid ${process.pid}) goes on` };
  }
  const { pid, version: next } = verdict;
  log("notice", "upgrade.makes-way", `Version ${version} makes way for ${next} (pid ${pid})`, { next, pid });
  return { upgrade: { from: { version, pid: process.pid }, to: { version: next, pid } } };
}

/** The launcher's limit for a new version to load its code, and then for the daemon to make way (supervisor_upgrade.cc). */
export const LAUNCHER_WAITS = ms(30_000);
/** For the way of its words. */
const WORDS_TAKE = ms(5000);

/** A reload that was under way may have taken so long that the launcher has given the new version up: then to end is to crash. */
export const isAwaited = (answered: Milliseconds, now: Milliseconds): boolean =>
  now - answered < LAUNCHER_WAITS - WORDS_TAKE;

async function asked(
  supervisor: Pick<Supervisor, "upgrade">,
  isRunning: boolean,
): ReturnType<typeof supervisor.upgrade> {
  if (!isRunning) return { kind: "refused", why: "the daemon is starting or leaving" };
  try {
    return await supervisor.upgrade();
  } catch (error) {
    if (!(error instanceof DaemonError)) throw error;
    return { kind: "refused", why: error.message };
  }
}
