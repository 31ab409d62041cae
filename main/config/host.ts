import { closeSync, constants, fstatSync, openSync, readdirSync, readFileSync, realpathSync, statSync } from "node:fs";
import { hostname } from "node:os";
import { errnoName } from "../errors.js";
import type { ConfigHost, FileContent, FileStatus, UserEntry } from "./ports.js";

/** Larger files are no configurations; reading one (or a device) must not fill the memory. */
const LARGEST_FILE_BYTES = 256 * 1024 * 1024;

/** The real host. Synchronous: it runs before service starts, or in the config worker. `configId`: -i, else the host name. */
export function createHost(options: { readonly configId?: string | undefined } = {}): ConfigHost {
  const hostName = hostname();
  // Read once per host: thousands of scripts may name a user.
  const users = once(readUsers);
  const groups = once(() => records("/etc/group"));
  return {
    configId: options.configId ?? hostName.replace(/\..*$/s, ""),
    effectiveUid: process.geteuid?.() ?? 0,
    hostName,
    workingDirectory: process.cwd(),
    readFile,
    stat,
    realpath: (path) => attempt(() => realpathSync(path)),
    list: (directory) => attempt(() => readdirSync(directory)) ?? [],
    user: (name) => users().find((user) => user.name === name),
    userName: (uid) => users().find((user) => user.uid === uid)?.name,
    group: (name) => {
      const gid = groups().find((fields) => fields[0] === name)?.[2];
      return gid === undefined ? undefined : Number(gid);
    },
    interfaceExists: (name) => /^[^/\s]{1,15}$/.test(name) && stat(`/sys/class/net/${name}`) !== undefined,
    environment: (name) => process.env[name],
  };
}

/** Without waiting: a FIFO, and files of the kernel that deliver when something happens (/proc/kmsg), are no configurations. */
function readFile(path: string): FileContent {
  const { O_RDONLY, O_NONBLOCK, O_NOCTTY } = constants;
  let fd: number | undefined;
  try {
    if (!statSync(path).isFile())
      return { kind: "unreadable", why: statSync(path).isDirectory() ? "EISDIR" : "not a regular file" };
    fd = openSync(path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
    const status = fstatSync(fd);
    if (!status.isFile()) return { kind: "unreadable", why: "not a regular file" };
    if (status.size > LARGEST_FILE_BYTES) return { kind: "unreadable", why: "EFBIG" };
    return { kind: "content", bytes: readFileSync(fd) };
  } catch (error) {
    const why = errnoName(error);
    if (why === undefined) throw error;
    return { kind: "unreadable", why };
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}

function stat(path: string): FileStatus | undefined {
  const status = attempt(() => statSync(path));
  if (status === undefined) return undefined;
  const kind = status.isFile() ? "file" : status.isDirectory() ? "directory" : "other";
  return { kind, uid: status.uid, gid: status.gid, mode: status.mode & 0o7777 };
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
