import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { basename } from "node:path";
import { errnoName } from "../errors.js";
import type { ProcessTable } from "./keepalived-processes.js";

/** By proc(5), which is no disk: reading it does not wait. */
export const procProcesses: ProcessTable = {
  pidIn(file) {
    const pid = Number(/^\s*([1-9]\d{0,9})\s*$/.exec(read(file) ?? "")?.[1]);
    return Number.isSafeInteger(pid) ? pid : undefined;
  },
  program(pid) {
    try {
      return basename(readlinkSync(`/proc/${pid}/exe`).replace(/ \(deleted\)$/, "")); // its package was replaced meanwhile
    } catch {
      return read(`/proc/${pid}/comm`)?.trim(); // which everybody may read
    }
  },
  state: (pid) => statOf(pid)?.state,
  childrenOf: (parent) =>
    readdirSync("/proc").flatMap((name) => {
      const pid = Number(name);
      return Number.isInteger(pid) && statOf(pid)?.parent === parent ? pid : [];
    }),
  signal(pid, name) {
    try {
      return process.kill(pid, name);
    } catch (error) {
      if (errnoName(error) === "ESRCH") return false;
      throw error;
    }
  },
};

/** pid (comm) state ppid ...: comm may hold blanks and parentheses, so the last `)` ends it. */
function statOf(pid: number): { readonly state: string; readonly parent: number } | undefined {
  const match = /^\d+ \(.*\) (\S) (\d+) /s.exec(read(`/proc/${pid}/stat`) ?? "");
  return match === null ? undefined : { state: match[1] ?? "", parent: Number(match[2]) };
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, "latin1");
  } catch {
    return undefined;
  }
}
