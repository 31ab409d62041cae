import { readdirSync, readFileSync, readlinkSync } from "node:fs";

interface ProcessEntry {
  readonly pid: number;
  readonly parent: number;
  /** Z in /proc/PID/stat: gone but not yet waited for. */
  readonly zombie: boolean;
}

/** All living descendants of `pid`, parents before their children. The process itself is not among them. */
export function descendants(pid: number): readonly number[] {
  const children = new Map<number, number[]>();
  for (const entry of processes()) {
    const siblings = children.get(entry.parent);
    if (siblings === undefined) children.set(entry.parent, [entry.pid]);
    else siblings.push(entry.pid);
  }
  const found: number[] = [];
  const queue = [pid];
  for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
    const below = children.get(next) ?? [];
    found.push(...below);
    queue.push(...below);
  }
  return found;
}

/**
 * Ends a supervisor and all that it supervises as a power cut would: nobody gets to say goodbye or to restart anybody.
 * The root is frozen first, because it would restart its children, and they would leave cleanly when it died first.
 */
export function crashTree(pid: number): void {
  signal(pid, "SIGSTOP");
  for (const child of descendants(pid)) signal(child, "SIGKILL");
  signal(pid, "SIGKILL");
}

/** True when a process took the signal, false when it is gone already. @throws Error on a lack of permission */
export function signal(pid: number, name: NodeJS.Signals): boolean {
  try {
    process.kill(pid, name);
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ESRCH") return false;
    throw error;
  }
}

/** Executable of a process (`/usr/bin/node`), or undefined when it is gone. */
export function executableOf(pid: number): string | undefined {
  return linkOf(`/proc/${pid}/exe`);
}

/** Whether a process has this file open. */
export function hasOpen(pid: number, file: string): boolean {
  return entriesOf(`/proc/${pid}/fd`).some((fd) => linkOf(`/proc/${pid}/fd/${fd}`) === file);
}

/** Whether a thread of a process runs, or would if it got a processor or its disk. */
export function hasWork(pid: number): boolean {
  const stats = entriesOf(`/proc/${pid}/task`).map((thread) => readOptional(`/proc/${pid}/task/${thread}/stat`) ?? "");
  return stats.some((stat) => /^\d+ \(.*\) [RD] /s.test(stat));
}

/** Value of a variable in the environment that a process was started with. */
export function environmentOf(pid: number, variable: string): string | undefined {
  const entries = readOptional(`/proc/${pid}/environ`)?.split("\0") ?? [];
  return entries.find((entry) => entry.startsWith(`${variable}=`))?.slice(variable.length + 1);
}

/** Processor time of a process and all its threads, in clock ticks (10 ms); undefined when it is gone. proc(5) 14, 15. */
export function processorTicks(pid: number): number | undefined {
  const fields = /^\d+ \(.*\) (.*)$/s.exec(readOptional(`/proc/${pid}/stat`) ?? "")?.[1]?.split(" ");
  return fields === undefined ? undefined : Number(fields[11]) + Number(fields[12]);
}

function processes(): readonly ProcessEntry[] {
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  return pids.flatMap((name) => {
    const entry = parseStat(readOptional(`/proc/${name}/stat`) ?? "");
    return entry === undefined || entry.zombie ? [] : [entry];
  });
}

/** proc(5): pid (comm) state ppid ...; comm may hold blanks and parentheses, so the last `)` ends it. */
export function parseStat(text: string): ProcessEntry | undefined {
  const match = /^(\d+) \(.*\) (\S) (\d+) /s.exec(text);
  if (match === null) return undefined;
  return { pid: Number(match[1]), parent: Number(match[3]), zombie: match[2] === "Z" };
}

function entriesOf(directory: string): readonly string[] {
  try {
    return readdirSync(directory);
  } catch {
    return []; // the process ended meanwhile
  }
}

function linkOf(file: string): string | undefined {
  try {
    return readlinkSync(file);
  } catch {
    return undefined; // ended between the listing and here
  }
}

function readOptional(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return undefined; // the process ended meanwhile
  }
}
