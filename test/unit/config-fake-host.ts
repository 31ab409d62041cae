import { type LoadResult, loadConfig } from "../../main/config/load.js";
import type { ConfigHost, FileStatus } from "../../main/config/ports.js";

export const MAIN_FILE = "/etc/holdfast/test.conf";

const rootFile = (mode: number): FileStatus => ({ kind: "file", uid: 0, gid: 0, mode });
const directory = (mode = 0o755): FileStatus => ({ kind: "directory", uid: 0, gid: 0, mode });

/** Programs that exist on the fake host besides the configuration files. */
const programs: Readonly<Record<string, FileStatus>> = {
  "/usr/bin/check": rootFile(0o755),
  "/usr/bin/notify": rootFile(0o755),
  "/usr/bin/plain": rootFile(0o644),
  "/home/eve/script": { kind: "file", uid: 1000, gid: 1000, mode: 0o755 },
  "/srv/shared/script": rootFile(0o755),
  "/srv/team/script": rootFile(0o755),
  "/tmp/script": rootFile(0o755),
  "/usr/bin/open": rootFile(0o757),
};

const directories: Readonly<Record<string, FileStatus>> = {
  "/": directory(),
  "/usr": directory(),
  "/usr/bin": directory(),
  "/home": directory(),
  "/home/eve": { kind: "directory", uid: 1000, gid: 1000, mode: 0o755 },
  "/srv": directory(),
  "/srv/shared": directory(0o777),
  "/srv/team": { ...directory(0o777), gid: 50 },
  "/tmp": directory(0o1777),
};

const users = [
  { name: "root", uid: 0, gid: 0 },
  { name: "eve", uid: 1000, gid: 1000 },
  { name: "daemon", uid: 1, gid: 1 },
];

/** A host made of `files`, with interfaces eth0 and eth1 and the programs above. */
export function fakeHost(
  files: Readonly<Record<string, string | Uint8Array>>,
  overrides: Partial<ConfigHost> = {},
): ConfigHost {
  const stat = (path: string): FileStatus | undefined =>
    path in files ? rootFile(0o644) : (programs[path] ?? directories[path]);
  return {
    configId: "node1",
    effectiveUid: 0,
    hostName: "node1",
    workingDirectory: "/etc/holdfast",
    readFile: (path) => {
      const text = files[path];
      if (text === undefined) return { kind: "unreadable", why: "ENOENT" };
      return { kind: "content", bytes: typeof text === "string" ? new TextEncoder().encode(text) : text };
    },
    stat,
    realpath: (path) => (stat(path) === undefined ? undefined : path),
    list: (path) =>
      Object.keys(files)
        .filter((file) => file.startsWith(`${path}/`))
        .map((file) => file.slice(path.length + 1).replace(/\/.*$/, "")),
    user: (name) => users.find((user) => user.name === name),
    userName: (uid) => users.find((user) => user.uid === uid)?.name,
    group: (name) => ({ root: 0, eve: 1000, adm: 4 })[name],
    interfaceExists: (name) => ["eth0", "eth1", "ens33", "lo"].includes(name),
    environment: (name) => ({ PATH: "/usr/bin:/bin", SITE: "7" })[name],
    // All that the tests need of PCRE2.
    checkPattern: ({ pattern }) =>
      /^[^)]*\([^)]*$/.test(pattern)
        ? { is: "bad", message: "missing closing parenthesis", offset: Buffer.byteLength(pattern) }
        : { is: "good" },
    ...overrides,
  };
}

export const load = (text: string | Uint8Array, more: Readonly<Record<string, string>> = {}): LoadResult =>
  loadConfig(MAIN_FILE, fakeHost({ [MAIN_FILE]: text, ...more }));

/** A complete instance with `lines` added. */
export const instance = (lines: string, name = "A", vrid = 1): string =>
  `vrrp_instance ${name} {\n interface eth0\n virtual_router_id ${vrid}\n virtual_ipaddress { 10.0.0.1 }\n ${lines}\n}\n`;

/** A complete service with `lines` added and the lines of one real server. */
export const service = (lines: string, server = ""): string =>
  `virtual_server 10.0.0.1 80 {\n lb_algo rr\n lb_kind NAT\n protocol TCP\n ${lines}\n real_server 10.0.0.2 80 {\n ${server}\n }\n}\n`;
