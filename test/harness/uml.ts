import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync, statfsSync } from "node:fs";
import { readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { hasCommand } from "./needs.js";
import { onTermination } from "./on-termination.js";
import { crashTree } from "./process-tree.js";
import { projectRoot } from "./project.js";

/** Where the guest sees the host folder for results. */
export const guestResults = "/run/results";

export interface UmlJob {
  /** Command and arguments; runs as root in the checkout, inside the guest. */
  readonly argv: readonly string[];
  /** An existing host folder that the guest sees as `guestResults`, the only place that it can write to and that stays. */
  readonly resultsDir: string;
  /** Boot included; then the kernel is killed. */
  readonly timeoutMs: number;
  /** Default 2 GiB; sparse, taken as it is touched. */
  readonly memoryMiB?: number;
  readonly env?: Readonly<Record<string, string>>;
  /** Hears the job's output as it comes. */
  readonly onOutput?: (text: string) => void;
  /** Ends the kernel at once. */
  readonly signal?: AbortSignal;
}

export interface UmlResult {
  /** Of the job; undefined when it did not get to its end. */
  readonly exitCode: number | undefined;
  readonly timedOut: boolean;
  /** What the job wrote to its standard output and error. */
  readonly output: string;
}

/** The kernel writes to the console too, before and after the job. */
const BEGIN = "=== job begins ===\n";
const END = "=== job ends ===\n";
const EXIT_CODE_FILE = "exit-code";

/**
 * The guest's one CPU is a kernel process and the process that it runs, which take turns at every fault and system call. Spread
 * over two CPUs of the machine each turn costs four times as much (a page fault 172 to 313 µs instead of 46), for whatever runs in
 * the guest. So both stay on one, that with the fewest guests.
 */
function onOneCpu(): readonly string[] {
  if (!hasCommand("taskset")) return [];
  const taken = readdirSync("/proc").flatMap((name) => (/^\d+$/.test(name) ? guestCpu(name) : []));
  const load = (cpu: string): number => taken.filter((other) => other === cpu).length;
  const [cpu] = cpusOf("self").sort((a, b) => load(a) - load(b));
  return cpu === undefined ? [] : ["taskset", "-c", cpu];
}

/** Of a process that is a guest's kernel, and of each process that runs in it. */
function guestCpu(pid: string): readonly string[] {
  try {
    return readFileSync(`/proc/${pid}/comm`, "latin1") === "linux.uml\n" ? cpusOf(pid) : [];
  } catch {
    return []; // it is gone
  }
}

/** The last first: the first one takes most interrupts. */
function cpusOf(pid: string): string[] {
  const list = /^Cpus_allowed_list:\s*(\S+)$/m.exec(readFileSync(`/proc/${pid}/status`, "latin1"))?.[1] ?? "";
  return list
    .split(",")
    .flatMap((range) => {
      const [first = 0, last = first] = range.split("-").map(Number);
      return Array.from({ length: last - first + 1 }, (_, i) => String(first + i));
    })
    .reverse();
}

/**
 * Boots a User Mode Linux kernel that sees this machine's files read-only, runs one job in it, and powers off.
 * It has one CPU, real IPVS, and a network of its own: nothing that happens in it reaches the machine.
 */
export async function runInUml(job: UmlJob): Promise<UmlResult> {
  const init = path.join(job.resultsDir, "init.sh");
  await rm(path.join(job.resultsDir, EXIT_CODE_FILE), { force: true });
  await writeFile(init, initScript(job), { mode: 0o755 });
  const [program = "", ...args] = [...onOneCpu(), "linux.uml", ...kernelArguments(init, job.memoryMiB ?? 2048)];
  const child = spawn(program, args, {
    stdio: ["ignore", "pipe", "pipe"],
    detached: true, // Ctrl-C at a terminal is for whoever started us
    env: { ...process.env, ...memoryBacking(job.memoryMiB ?? 2048) },
  });
  const output = collect(child, job.onOutput);
  const { timedOut } = await ended(child, job);
  const code = await readFile(path.join(job.resultsDir, EXIT_CODE_FILE), "utf8").catch(() => undefined);
  return { exitCode: code === undefined ? undefined : Number(code), timedOut, output: output() };
}

function kernelArguments(init: string, memoryMiB: number): readonly string[] {
  const files = ["root=/dev/root", "rootfstype=hostfs", "hostfs=/", "ro"];
  const console_ = ["con=null", "con0=fd:0,fd:1", "quiet", "loglevel=1"];
  return [...files, ...console_, `mem=${memoryMiB}M`, `init=${init}`];
}

/** UML keeps its memory in a file in /dev/shm; containers often give that 64 MiB only, and then the kernel dies half-way. */
function memoryBacking(memoryMiB: number): Readonly<Record<string, string>> {
  try {
    const { bavail, bsize } = statfsSync("/dev/shm");
    if (bavail * bsize > memoryMiB * 2 ** 20) return {};
  } catch {
    // no /dev/shm at all
  }
  return { TMPDIR: tmpdir() };
}

/**
 * The guest's first process. `/tmp` and `/run` become the guest's own; what the job needs from below the host's `/tmp` or
 * `/run` (a checkout may live there) is mounted again in its place.
 */
function initScript({ argv, resultsDir, env = {} }: UmlJob): string {
  const environment = { HOME: "/root", LANG: "C.UTF-8", PATH: guestPath(), ...env };
  const exports = Object.entries(environment).map(([key, value]) => `export ${key}=${quote(value)}`);
  return `#!/bin/sh
${exports.join("\n")}
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t tmpfs tmpfs /run
mount -t tmpfs tmpfs /tmp
mkdir -p ${guestResults}
mount -t hostfs none ${guestResults} -o ${quote(resultsDir)}
mount --bind /usr/lib/uml/modules /lib/modules
${reappear(projectRoot)}
${reappear(path.dirname(process.execPath))}
ip link set lo up
stty -opost
cd ${quote(projectRoot)}
printf ${quote(BEGIN)}
${argv.map(quote).join(" ")} 2>&1
echo $? > ${guestResults}/${EXIT_CODE_FILE}
printf ${quote(END)}
sync
echo o > /proc/sysrq-trigger
sleep 30
`;
}

function reappear(dir: string): string {
  const quoted = quote(dir);
  return `[ -e ${quoted} ] || { mkdir -p ${quoted}; mount -t hostfs none ${quoted} -o ${quoted}; }`;
}

function guestPath(): string {
  return [path.dirname(process.execPath), "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"].join(":");
}

const quote = (word: string): string => `'${word.replaceAll("'", "'\\''")}'`;

/** Passes on what the job wrote and keeps it. @returns a reader of the output so far; of the whole console without a job */
function collect(child: ChildProcess, onOutput: ((text: string) => void) | undefined): () => string {
  let console_ = "";
  let passedOn = 0;
  const jobOutput = (): string | undefined => {
    const begin = console_.indexOf(BEGIN);
    if (begin < 0) return undefined;
    const end = console_.indexOf(END, begin);
    return console_.slice(begin + BEGIN.length, end < 0 ? undefined : end);
  };
  child.stdout?.setEncoding("utf8").on("data", (text: string) => {
    console_ += text;
    const output = jobOutput();
    if (output === undefined || output.length <= passedOn) return;
    onOutput?.(output.slice(passedOn));
    passedOn = output.length;
  });
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    if (jobOutput() === undefined) console_ += text; // a kernel that does not boot says why here
  });
  return () => jobOutput() ?? console_;
}

async function ended(child: ChildProcess, { timeoutMs, signal }: UmlJob): Promise<{ readonly timedOut: boolean }> {
  let timedOut = false;
  const kill = (): void => {
    if (child.pid !== undefined && child.exitCode === null && child.signalCode === null) crashTree(child.pid);
  };
  using _termination = onTermination(() => Promise.resolve(kill()));
  const limit = setTimeout(() => {
    timedOut = true;
    kill();
  }, timeoutMs);
  signal?.addEventListener("abort", kill, { once: true });
  try {
    await once(child, "close");
  } finally {
    clearTimeout(limit);
    signal?.removeEventListener("abort", kill);
  }
  return { timedOut };
}
