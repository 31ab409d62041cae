import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  readSync,
  realpathSync,
  type Stats,
  statSync,
} from "node:fs";
import { hostname } from "node:os";
import { getHeapStatistics } from "node:v8";
import { diskAnswers } from "../../native-bindings/disk-answers.js";
import { checkPattern } from "../../native-bindings/pattern-check.js";
import { errnoName } from "../errors.js";
import type { BodyPattern } from "./model-checks.js";
import { Patience } from "./patience.js";
import type { ConfigHost, FileContent, FileStatus, PatternVerdict, UserEntry } from "./ports.js";

/** Larger files are no configurations; reading one (or a device) must not fill the memory. */
const LARGEST_FILE_BYTES = 256 * 1024 * 1024;

/** Of a file that does not tell its size. */
const LARGEST_UNTOLD_BYTES = 16 * 1024 * 1024;

export interface HostOptions {
  readonly configId?: string | undefined;
  /** Disks that do not answer are given up: for a daemon, which nobody interrupts. */
  readonly patience?: "bounded";
}

/** The real host. Synchronous: it runs before service starts, or in the config worker. `configId`: -i, else the host name. */
export function createHost(options: HostOptions = {}): ConfigHost {
  const hostName = hostname();
  // Read once per host: thousands of scripts may name a user.
  const users = once(readUsers);
  const groups = once(() => records("/etc/group"));
  /** Regular files by what their directory says: thousands of includes are opened without being looked at first. */
  const regular = new Set<string>();
  return {
    configId: options.configId ?? hostName.replace(/\..*$/s, ""),
    effectiveUid: process.geteuid?.() ?? 0,
    hostName,
    workingDirectory: process.cwd(),
    readFile: (path) => readFile(path, regular.has(path)),
    stat,
    ...(options.patience === "bounded" ? { answers: new Patience(diskAnswers).answers } : {}),
    readLink: (path) => attempt(() => readLink(path)),
    realpath: (path) => attempt(() => realpathSync(path)),
    list: (directory) => {
      const entries = attempt(() => readdirSync(directory, { withFileTypes: true })) ?? [];
      for (const entry of entries) if (entry.isFile()) regular.add(`${directory}/${entry.name}`);
      return entries.map(({ name }) => name);
    },
    user: (name) => users().find((user) => user.name === name),
    userName: (uid) => users().find((user) => user.uid === uid)?.name,
    group: (name) => {
      const gid = groups().find((fields) => fields[0] === name)?.[2];
      return gid === undefined ? undefined : Number(gid);
    },
    groupsOf: (user) =>
      groups()
        .filter((fields) => fields[3]?.split(",").includes(user))
        .map((fields) => Number(fields[2])),
    groupName: (gid) => groups().find((fields) => Number(fields[2]) === gid)?.[0],
    interfaceExists: (name) => /^[^/\s]{1,15}$/.test(name) && stat(`/sys/class/net/${name}`) !== undefined,
    environment: (name) => process.env[name],
    checkPattern: patternVerdict,
    memoryIsShort,
  };
}

/** Without waiting: a FIFO, and files of the kernel that deliver when something happens (/proc/kmsg), are no configurations. */
function readFile(path: string, regular: boolean): FileContent {
  const { O_RDONLY, O_NONBLOCK, O_NOCTTY } = constants;
  let fd: number | undefined;
  try {
    const before = regular ? undefined : refusal(statSync(path)); // opening a device may already do something
    if (before !== undefined) return { kind: "unreadable", why: before };
    fd = openSync(path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
    const status = fstatSync(fd);
    const why = refusal(status);
    if (why !== undefined) return { kind: "unreadable", why };
    const bytes = readAll(fd, status.size);
    return bytes === undefined ? { kind: "unreadable", why: "EFBIG" } : { kind: "content", bytes };
  } catch (error) {
    const why = errnoName(error);
    if (why === undefined) throw error;
    return { kind: "unreadable", why };
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}

/** keepalived.conf(5) include: a configuration is a regular file that nobody may execute. */
function refusal(status: Stats): string | undefined {
  if (!status.isFile()) return status.isDirectory() ? "EISDIR" : "not a regular file";
  if ((status.mode & 0o111) !== 0) return "it is executable; a configuration must not be (chmod a-x)";
  return status.size > LARGEST_FILE_BYTES ? "EFBIG" : undefined;
}

/** For small files, one after the other: memory of its own for each takes as long as reading it. */
const small = Buffer.allocUnsafeSlow(64 * 1024);

/** `size` 0: it is empty, or one of the kernel's files that do not tell. */
function readAll(fd: number, size: number): Uint8Array | undefined {
  if (size === 0) return readToEnd(fd, LARGEST_UNTOLD_BYTES);
  const bytes = size <= small.length ? small : Buffer.allocUnsafeSlow(size);
  let have = 0;
  while (have < size) {
    const more = readSync(fd, bytes, have, size - have, null);
    if (more === 0) break; // it became shorter
    have += more;
  }
  return bytes.subarray(0, have);
}

/** Some files of the kernel are endless (/proc/PID/pagemap), and pipes may be. @returns undefined: more than `most` bytes */
export function readToEnd(fd: number, most = LARGEST_FILE_BYTES): Uint8Array | undefined {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for (let more = readSync(fd, small); more > 0; more = readSync(fd, small)) {
    size += more;
    if (size > most) return undefined;
    chunks.push(Uint8Array.prototype.slice.call(small, 0, more));
  }
  return Buffer.concat(chunks);
}

/** Reading goes on without the add-on: it may be somebody's editor that reads. */
function patternVerdict(pattern: BodyPattern): PatternVerdict {
  try {
    const error = checkPattern(pattern);
    return error === undefined ? { is: "good" } : { is: "bad", ...error };
  } catch (error) {
    if (!(error instanceof Error) || !("code" in error)) throw error;
    return { is: "unchecked", why: String(error.code) };
  }
}

/** Checking needs as much memory as reading once more, and some of what is used is garbage. */
function memoryIsShort(): boolean {
  const { used_heap_size: used, heap_size_limit: limit } = getHeapStatistics();
  return used > limit * 0.33;
}

function stat(path: string): FileStatus | undefined {
  const status = attempt(() => statSync(path));
  if (status === undefined) return undefined;
  const kind = status.isFile() ? "file" : status.isDirectory() ? "directory" : "other";
  return { kind, uid: status.uid, gid: status.gid, mode: status.mode & 0o7777 };
}

/** Most paths have none, and an error for each would cost more than the look. */
function readLink(path: string): { uid: number; target: string } | undefined {
  const status = lstatSync(path);
  return status.isSymbolicLink() ? { uid: status.uid, target: readlinkSync(path) } : undefined;
}

/** Undefined when the system refuses (ENOENT, EACCES, ...). */
function attempt<T>(call: () => T): T | undefined {
  try {
    return call();
  } catch (error) {
    if (errnoName(error) === undefined) throw error;
    return undefined;
  }
}

function once<T extends object>(read: () => T): () => T {
  let value: T | undefined;
  return () => (value ??= read());
}

const readUsers = (): readonly UserEntry[] =>
  records("/etc/passwd").map(([name = "", , uid, gid]) => ({ name, uid: Number(uid), gid: Number(gid) }));

/** The colon-separated records of a file of passwd(5) or group(5); the name service switch is not asked. */
function records(path: string): readonly (readonly string[])[] {
  const text = attempt(() => readFileSync(path, "utf8")) ?? "";
  return text
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"))
    .map((line) => line.split(":"));
}
