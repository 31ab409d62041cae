import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { diagnosticCodes } from "../../main/config/diagnostic-codes.js";
import { createHost } from "../../main/config/host.js";
import { rootScope } from "../../main/config/keywords/root.js";
import { loadConfig } from "../../main/config/load.js";
import { renderDiagnostics, testExitCode } from "../../main/config/report.js";
import { type Place, places } from "../../main/config/walk.js";
import { fakeHost, instance, load, MAIN_FILE } from "./config-fake-host.js";

/** Bad input that once did harm, and bad input for every keyword. */

const lines = (count: number, line: (i: number) => string): string =>
  Array.from({ length: count }, (_, i) => line(i)).join("");

test("a file of the kernel without an end is not read to its end", { timeout: 20_000 }, () => {
  const content = createHost().readFile("/proc/self/pagemap");
  assert.deepEqual(content, { kind: "unreadable", why: "EFBIG" });
});

test("files of the kernel that have an end are read, whatever size they tell", () => {
  const content = createHost().readFile("/proc/self/status");
  assert.ok(content.kind === "content" && Buffer.from(content.bytes).includes("VmRSS"));
});

test("wildcards over directories that contain themselves end", { timeout: 60_000 }, () => {
  let listed = 0;
  const names = Array.from({ length: 1000 }, (_, i) => `d${i}`);
  const list = (): readonly string[] => {
    listed++;
    return names;
  };
  const text = `include ${"*/".repeat(10)}x.conf\ninclude */*/*/y.conf\n`;
  const { diagnostics } = loadConfig(MAIN_FILE, fakeHost({ [MAIN_FILE]: text }, { list }));
  assert.ok(listed < 3000, `${listed} directories`);
  const told = diagnostics.filter(({ code }) => code === "CFG_INCLUDE_REFUSED");
  assert.deepEqual(
    told.map(({ at, message }) => [at?.line, /more than \d+ names/.test(message)]),
    [[1, true]],
  );
});

test("a file whose name looks like a pattern is read", () => {
  for (const name of ["/etc/a[1].conf", "/etc/{a,b}.conf", "/etc/*.conf", "/etc/what?.conf"]) {
    const { missing, files } = loadConfig(name, fakeHost({ [name]: "" }));
    assert.deepEqual([missing, files], [false, [name]]);
  }
});

test("one name defined again and again for a password costs its definitions once", { timeout: 20_000 }, () => {
  const { diagnostics } = load(`${lines(90_000, (i) => `$P=secret${i}\n`)}${"auth_pass $P\n".repeat(1000)}`);
  assert.ok(diagnostics.length >= 1000);
  assert.doesNotMatch(renderDiagnostics(diagnostics), /secret\d/);
});

test("checks across things take time in proportion to their number", { timeout: 30_000 }, () => {
  const address = (i: number): string => `11.${i >> 16}.${(i >> 8) & 255}.${i & 255}`;
  const limited = load(instance(`unicast_peer {\n${lines(200_000, (i) => `${address(i)} min_ttl 3\n`)}}`));
  assert.equal(limited.config?.vrrpInstances[0]?.unicastPeers.length, 200_000);
  const scripts = lines(60_000, (i) => `vrrp_script S${i} {\n script /usr/bin/check\n}\n`);
  const tracked = load(`${scripts}${instance(`track_script {\n${lines(60_000, (i) => `S${i}\n`)}}`)}`);
  assert.equal(tracked.config?.vrrpInstances[0]?.trackScripts.length, 60_000);
  const peers = lines(20_000, (i) => instance(`unicast_peer { ${address(i)} }`, `I${i}`));
  assert.equal(load(peers).config?.vrrpInstances.length, 20_000);
});

test("an empty command is none, as templates write it", () => {
  for (const line of ['notify_master ""', 'notify "" root', 'notify_fault " "']) {
    const result = load(instance(line));
    assert.equal(testExitCode(result), 0);
    assert.match(renderDiagnostics(result.diagnostics), /^[^\n]* names no command; nothing is run/);
  }
  assert.equal(testExitCode(load(instance("notify_master"))), 2);
  assert.equal(testExitCode(load('vrrp_script S {\nscript ""\n}\n')), 5);
});

/** What opens a block so that what is inside is looked at. */
const headers: Readonly<Record<string, string>> = {
  vrrp_instance: "A",
  vrrp_sync_group: "G",
  vrrp_script: "S",
  vrrp_track_process: "P",
  track_file: "F",
  vrrp_track_file: "F",
  virtual_server: "10.0.0.1 80",
  virtual_server_group: "V",
  real_server: "10.0.0.2 80",
  bfd_instance: "B",
};

const hostile: readonly string[] = [
  "",
  ' ""',
  " -1",
  " 99999999999999999999",
  " 1e9 0x10 1.0000001",
  " __proto__ constructor",
  " { toString 5 }",
  " } {",
  ' "',
  " 10.0.0.1/33 weight -999 dev",
  " \u{1b}[31m\u0085\u202e\ud800 \u0663",
  ` ${"w ".repeat(300)}`,
];

const scopes = new Map<string, Place[]>();
for (const place of places(rootScope as never)) {
  const scope = place.path.at(-1) ?? "the file";
  const known = scopes.get(scope) ?? [];
  scopes.set(scope, known);
  if (!known.some(({ name }) => name === place.name)) known.push(place);
}

describe("any value of any keyword gives findings that can be read", () => {
  for (const [scope, keywords] of scopes) {
    test(scope, () => {
      for (const { path, name } of keywords) {
        for (const value of hostile) assertReadable(path.reduceRight(inside, `${name}${value}`));
      }
    });
  }
});

const inside = (text: string, block: string): string => `${block} ${headers[block] ?? ""} {\n${text}\n}`;

function assertReadable(text: string): void {
  const { diagnostics } = load(text);
  const given = text.split("\n");
  for (const { code, message, hint, at } of diagnostics) {
    assert.ok(Object.hasOwn(diagnosticCodes, code), text);
    assert.doesNotMatch(`${message} ${hint ?? ""}`, /undefined|\[object|NaN|function|native code/, text);
    if (at === undefined) continue;
    const line = given[at.line - 1];
    assert.ok(line !== undefined && at.column >= 1 && at.column <= line.length + 1, `${JSON.stringify(at)} in ${text}`);
  }
  assert.doesNotMatch(renderDiagnostics(diagnostics), /(?!\n|\t)[\p{Cc}\u202e]/u);
}
