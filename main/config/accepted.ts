import { readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { deserialize, serialize } from "node:v8";
import type { Config } from "./model.js";

/**
 * A copy of the configuration in force, beside the pid file and for root only (it holds passwords). When a reload was refused,
 * the file on disk is broken; a daemon that has to take over then goes on with this instead. A reload finds here what runs, to
 * compare with. Written by the config worker.
 */

/** Of the format; a copy of another version is none. */
const VERSION = 4;

/** @throws system error when the directory cannot be written */
export function saveAccepted(path: string, edition: string, config: Config): void {
  const temporary = `${path}.new`;
  rmSync(temporary, { force: true }); // what somebody else put there is replaced, not followed
  writeFileSync(temporary, serialize({ version: VERSION, edition, config }), { mode: 0o600, flag: "wx" });
  renameSync(temporary, path);
}

/** Undefined when there is none, none that this version wrote, or another one than `edition`. */
export function readAccepted(path: string, edition: string): Config | undefined {
  const copy = readAnyAccepted(path);
  return copy?.edition === edition ? copy.config : undefined;
}

export interface Accepted {
  readonly edition: string;
  readonly config: Config;
}

/** Undefined when there is none, or none that this version wrote. */
export function readAnyAccepted(path: string): Accepted | undefined {
  try {
    const copy: unknown = deserialize(readFileSync(path));
    if (typeof copy !== "object" || copy === null || !("version" in copy) || copy.version !== VERSION) return undefined;
    return "edition" in copy && "config" in copy ? (copy as Accepted & { readonly version: number }) : undefined;
  } catch {
    return undefined; // not there, or torn
  }
}

export const removeAccepted = (path: string): void => rmSync(path, { force: true });
