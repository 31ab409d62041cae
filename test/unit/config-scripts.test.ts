import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { dirname, resolve } from "node:path/posix";
import { test } from "node:test";
import { loadConfig } from "../../main/config/load.js";
import type { FileStatus } from "../../main/config/ports.js";
import { fakeHost, instance, MAIN_FILE } from "./config-fake-host.js";

/** /opt/current is a link to /opt/v7; what is below it changes with each release. */
function load(global: string, current: Partial<FileStatus> = {}) {
  const folder: FileStatus = { kind: "directory", uid: 0, gid: 0, mode: 0o755, ...current };
  const file: FileStatus = { kind: "file", uid: 0, gid: 0, mode: 0o755 };
  const plain: FileStatus = { kind: "directory", uid: 0, gid: 0, mode: 0o755 };
  const known: Readonly<Record<string, FileStatus>> = {
    "/": plain,
    "/opt": folder,
    "/opt/current": plain,
    "/opt/current/told": file,
    "/srv": plain,
    "/srv/v7": plain,
    "/srv/v7/told": file,
  };
  const text = `global_defs {\n script_user root\n enable_script_security\n ${global}\n}\n${instance("notify /opt/current/told")}`;
  const files = { [MAIN_FILE]: text };
  const host = fakeHost(files, {
    stat: (path) => known[path] ?? fakeHost(files).stat(path),
    realpath: (path) => path.replace("/opt/current", "/srv/v7"),
  });
  const { config, diagnostics } = loadConfig(MAIN_FILE, host);
  return { argv: config?.vrrpInstances[0]?.notify.all?.argv, messages: diagnostics.map(({ message }) => message) };
}

test("a script is run by the path that its links lead to", () => {
  assert.deepEqual(load("").argv, ["/srv/v7/told"]);
});

test("use_symlink_paths: by the path that is written", () => {
  assert.deepEqual(load("use_symlink_paths").argv, ["/opt/current/told"]);
});

test("use_symlink_paths: whoever can change a link could change the script", () => {
  assert.deepEqual(load("", { mode: 0o777 }).argv, ["/srv/v7/told"], "the link was followed when the file was read");
  const { argv, messages } = load("use_symlink_paths", { mode: 0o777 });
  assert.equal(argv, undefined);
  const sentence = "Unsafe permissions found for script '/opt/current/told': /opt is writable by everyone";
  assert.ok(messages.includes(`${sentence} (owner root, group gid 0, mode 0777) - disabling it`), messages.join("\n"));
});

/** What is said of the script /opt/told, which use_symlink_paths has run by this path. `places`: folders and links. */
function complaint(
  places: Readonly<Record<string, Partial<FileStatus> & { readonly leadsTo?: string; readonly by?: number }>>,
) {
  const text = `global_defs {\n script_user root\n enable_script_security\n use_symlink_paths\n}\n${instance("notify /opt/told")}`;
  const files = { [MAIN_FILE]: text };
  const plain: FileStatus = { kind: "directory", uid: 0, gid: 0, mode: 0o755 };
  const host = fakeHost(files, {
    stat: (path) => {
      if (path === MAIN_FILE) return fakeHost(files).stat(path);
      return { ...plain, ...(path.endsWith("/told") ? { kind: "file" } : {}), ...places[path] };
    },
    readLink: (path) => {
      const { leadsTo: target, by: uid = 0 } = places[path] ?? {};
      return target === undefined ? undefined : { target, uid };
    },
    realpath: (path) => {
      const { leadsTo } = places[path] ?? {};
      if (path === "/opt/told") return "/srv/told";
      return leadsTo === undefined ? path : resolve(dirname(path), leadsTo);
    },
    userName: (uid) => (uid === 7 ? "eve" : "root"),
  });
  const said = loadConfig(MAIN_FILE, host).diagnostics.filter(({ code }) => code === "CFG_SCRIPT_SECURITY");
  return said.map(({ message, hint }) => `${message} - ${hint}`);
}

const links = "Unsafe permissions found for script '/opt/told': ";

test("use_symlink_paths: every folder on the way of a link is looked at", () => {
  assert.deepEqual(complaint({ "/opt/told": { leadsTo: "../srv/told" } }), []);
  assert.deepEqual(
    complaint({
      "/opt/told": { leadsTo: "/home/eve/told" },
      "/home/eve": { uid: 7 },
      "/home/eve/told": { leadsTo: "/srv/told", by: 7 },
    }),
    [`${links}/home/eve belongs to eve, not to root (mode 0755) - disabling it - chown root /home/eve`],
  );
  assert.deepEqual(
    complaint({ "/opt": { leadsTo: "usr/opt" }, "/opt/told": { leadsTo: "../told" }, "/usr/told": { uid: 7 } }),
    [`${links}/usr/told belongs to eve, not to root (mode 0755) - disabling it - chown root /usr/told`],
    "from where the folder really is",
  );
  assert.deepEqual(complaint({ "/opt/told": { leadsTo: "/opt/told" } }), [], "a loop ends");
});

test("use_symlink_paths: in a sticky folder a link is whose it is", () => {
  const opt = { mode: 0o1777 };
  assert.deepEqual(complaint({ "/opt": opt, "/opt/told": { leadsTo: "/srv/told", by: 0 } }), []);
  assert.deepEqual(complaint({ "/opt": opt, "/opt/told": { leadsTo: "/srv/told", by: 7 } }), [
    `${links}/opt/told is a link that belongs to eve, not to root - disabling it - chown -h root /opt/told`,
  ]);
});

/** Eve belongs to 20 and 30; each row is a line of global_defs, the user of the script, and the groups that it gets. */
const groupRows = [
  ["", "eve", undefined],
  ["", "eve adm", undefined],
  ["", "eve :adm", [4, 20, 30]],
  ["set_supplementary_groups", "eve", [1000, 20, 30]],
  ["set_supplementary_groups", "eve adm", [4, 20, 30]],
] as const;

for (const [global, user, groups] of groupRows) {
  test(`script of ${user}${global === "" ? "" : `, ${global}`}: groups ${groups?.join(", ") ?? "as it names"}`, () => {
    const text = `global_defs {\n enable_script_security\n ${global}\n}\n${instance(`notify /usr/bin/notify ${user}`)}`;
    const host = fakeHost({ [MAIN_FILE]: text }, { groupsOf: (name) => (name === "eve" ? [20, 30] : []) });
    const { config } = loadConfig(MAIN_FILE, host);
    assert.deepEqual(config?.vrrpInstances[0]?.notify.all?.user.groups, groups);
  });
}

test("a script that gets root's group beside its own is checked like one of root", () => {
  const text = `global_defs {\n enable_script_security\n}\n${instance("notify /usr/bin/notify eve :adm")}`;
  const load = (groups: readonly number[]) => {
    const host = fakeHost({ [MAIN_FILE]: text }, { groupsOf: () => groups });
    const open: FileStatus = { kind: "directory", uid: 0, gid: 0, mode: 0o777 };
    const stat = (path: string) => (path === "/usr" ? open : host.stat(path));
    return loadConfig(MAIN_FILE, { ...host, stat }).config?.vrrpInstances[0]?.notify.all?.user.groups;
  };
  assert.deepEqual(load([20]), [4, 20]);
  assert.equal(load([0, 20]), undefined);
});

/** `</file` as a track script: what is run for it. */
function opening(file: string, shells: readonly string[]): readonly string[] | undefined {
  const text = `vrrp_script s {\n script "<${file}"\n user root\n}\n${instance("track_script {\n s\n }")}`;
  const host = fakeHost({ [MAIN_FILE]: text });
  const there: FileStatus = { kind: "file", uid: 0, gid: 0, mode: 0o755 };
  const stat = (path: string) => (shells.includes(path) ? there : path === "/bin/bash" ? undefined : host.stat(path));
  return loadConfig(MAIN_FILE, { ...host, stat }).config?.vrrpScripts[0]?.command.argv;
}

test("a script of </FILE tells whether the file can be opened, a socket of bash's too", async (t) => {
  const shell = "/bin/sh";
  assert.deepEqual(opening("/etc/passwd", []), [shell, "-c", '<"$0"', "/etc/passwd"]);
  assert.equal(
    opening("/dev/tcp/127.0.0.1/80", [])?.[0],
    shell,
    "as keepalived has it: whoever has no bash may have linked it",
  );
  assert.equal(opening("/dev/tcp/127.0.0.1/80", ["/bin/bash"])?.[0], "/bin/bash");

  const exitOf = async ([file = "", ...args]: readonly string[] = []): Promise<unknown> => {
    const [code]: unknown[] = await once(spawn(file, args, { stdio: "ignore" }), "exit");
    return code;
  };
  assert.equal(await exitOf(opening("/etc/passwd", [])), 0);
  assert.notEqual(await exitOf(opening("/nonexistent;true", [])), 0);
  if (!existsSync("/bin/bash")) return t.diagnostic("no bash here");
  const server = createServer().listen(0, "127.0.0.1");
  t.after(() => server.close());
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const knock = opening(`/dev/tcp/127.0.0.1/${port}`, ["/bin/bash"]);
  assert.equal(await exitOf(knock), 0);
  server.close();
  await once(server, "close");
  assert.notEqual(await exitOf(knock), 0);
});
