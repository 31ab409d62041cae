import { readdirSync, readFileSync } from "node:fs";

/** A process that is not taken for a later one with its number: `started` is its start in clock ticks since boot. */
export interface FamilyMember {
  readonly pid: number;
  readonly started: string;
}

/** In whose environment, whatever group, session and parent it has by now. */
export interface MarkedProcess extends FamilyMember {
  readonly mark: string;
  readonly group: number;
}

/** Which run of which check a process comes from; what it starts has it too, unless it takes care to have another environment. */
export const RUN_MARK = "HOLDFAST_RUN";

/** A program that forks without end is not followed for ever. */
const MOST = 256;

/**
 * What a process has started, and what that has started: also what left its process group (setsid(2)). Whose parent has ended
 * already is not among them (proc_pid_task(5), children).
 */
export function descendantsOf(pid: number): readonly FamilyMember[] {
  const found: FamilyMember[] = [];
  const parents = [pid];
  for (let parent = parents.pop(); parent !== undefined && found.length < MOST; parent = parents.pop())
    for (const child of childrenOf(parent).slice(0, MOST - found.length)) {
      const started = startOf(child);
      if (started === undefined) continue;
      found.push({ pid: child, started });
      parents.push(child);
    }
  return found;
}

/** All processes of this host that have a mark, one that has none being a step: there may be thousands. Without /proc there are none. */
export function* markedProcesses(): Generator<MarkedProcess | undefined> {
  const since = Number(startOf(process.pid));
  for (const pid of processNumbers()) yield marked(pid, since);
}

function processNumbers(): readonly number[] {
  try {
    return readdirSync("/proc").flatMap((name) => (/^\d+$/.test(name) ? Number(name) : []));
  } catch {
    return [];
  }
}

/**
 * Whether a process may be one of ours, and its environment may be read. Reading it takes locks of the process, which one that waits
 * for a dead disk may hold for ever: this thread would hang with it. And whoever is older than we are is none of ours.
 * @param fields of `statOf`
 */
export const mayBeMarked = (fields: readonly string[], since: number): boolean =>
  fields[0] !== "D" && fields[0] !== "Z" && !(Number(fields[19]) < since);

function marked(pid: number, since: number): MarkedProcess | undefined {
  try {
    const fields = statOf(pid);
    if (!mayBeMarked(fields, since)) return undefined;
    const environment = readFileSync(`/proc/${pid}/environ`, "latin1");
    const at = `\0${environment}`.indexOf(`\0${RUN_MARK}=`);
    if (at < 0) return undefined;
    const mark = environment.slice(at + RUN_MARK.length + 1).split("\0", 1)[0];
    const [group, started] = [Number(fields[2]), fields[19]];
    return mark === undefined || started === undefined ? undefined : { pid, started, group, mark };
  } catch {
    return undefined; // ended meanwhile, or none of our business (another user's)
  }
}

/** Nothing when it has ended. */
export function signalMember({ pid, started }: FamilyMember, signal: number): void {
  if (startOf(pid) !== started) return;
  signalProcess(pid, signal);
}

/** kill(2), of a group with a negative number. Nothing when nobody is left. */
export function signalProcess(pid: number, signal: number): void {
  try {
    process.kill(pid, signal);
  } catch {
    // it has ended, or became somebody else's (setuid programs): nothing is left to do about it
  }
}

function childrenOf(pid: number): readonly number[] {
  try {
    return readdirSync(`/proc/${pid}/task`).flatMap((thread) =>
      readFileSync(`/proc/${pid}/task/${thread}/children`, "latin1").trim().split(" ").filter(Boolean).map(Number),
    );
  } catch {
    return []; // ended meanwhile
  }
}

/** Its start. Undefined: ended. */
function startOf(pid: number): string | undefined {
  try {
    const fields = statOf(pid);
    return fields[0] === "Z" ? undefined : fields[19];
  } catch {
    return undefined;
  }
}

/** proc_pid_stat(5), from field 3 on: counted from behind the name, which may hold anything. @throws system error */
function statOf(pid: number): readonly string[] {
  const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
  return stat.slice(stat.lastIndexOf(")") + 2).split(" ");
}
