import assert from "node:assert/strict";
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
