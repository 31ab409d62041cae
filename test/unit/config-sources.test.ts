import assert from "node:assert/strict";
import { test } from "node:test";
import { loadConfig } from "../../main/config/load.js";
import { findingLines, testExitCode } from "../../main/config/report.js";
import { fakeHost, instance, load, MAIN_FILE } from "./config-fake-host.js";

const routerId = (text: string, more: Readonly<Record<string, string>> = {}): string | undefined =>
  load(text, more).config?.global.routerId;

for (const [name, text, want] of [
  ["a plain value", "global_defs { router_id a }", "a"],
  ["CRLF and no last line end", "global_defs {\r\n router_id a\r\n}", "a"],
  ["a definition in braces", `$A=x\nglobal_defs { router_id ${"$"}{A}.y }`, "x.y"],
  ["a definition at a word's end", "$A=x\nglobal_defs { router_id $A }", "x"],
  ["a name inside a word is no use of it", "$A=x\nglobal_defs { router_id $A.y }", "$A.y"],
  ["values are expanded where they are used", `$A=${"$"}{B}\n$B=late\nglobal_defs { router_id $A }`, "late"],
  ["substitution inside quotes", `$A=x y\nglobal_defs { router_id "${"$"}{A}" }`, "x y"],
  ["a value may hold a block", "$G=global_defs { router_id a }\n$G", "a"],
  ["the configuration id", `global_defs { router_id ${"$"}{_INSTANCE} }`, "node1"],
  ["an environment variable", `global_defs { router_id s${"$"}{_ENV SITE} }`, "s7"],
  ["the folder of the file", `global_defs { router_id ${"$"}{_PWD} }`, "/etc/holdfast"],
  ["a line for this host", "@node1 global_defs { router_id a }", "a"],
  ["a line for other hosts", "@^node1 global_defs { router_id a }\n@other global_defs { router_id b }", "node1"],
  ["the last one wins", "global_defs { router_id a }\nglobal_defs { router_id b }", "b"],
] as const) {
  test(`source text: ${name}`, () => assert.equal(routerId(text), want));
}

const parts = {
  "/etc/holdfast/conf.d/1.conf": "global_defs {\n",
  "/etc/holdfast/conf.d/2.conf": " router_id part\n",
  "/etc/holdfast/conf.d/3.conf": "}\n",
  "/etc/holdfast/conf.d/.hidden.conf": "hidden\n",
  "/etc/holdfast/conf.d/sub.conf": "include deeper/x.conf\n",
  "/etc/holdfast/conf.d/deeper/x.conf": "global_defs { router_id deep }\n",
};

for (const [pattern, want] of [
  ["conf.d/[1-3].conf", "part"],
  ["/etc/holdfast/conf.d/?.conf", "part"],
  ["conf.d/{1,2,3}.conf", "part"],
  ["conf.d/sub.conf", "deep"],
] as const) {
  test(`include ${pattern}`, () => {
    const result = load(`include ${pattern}\n`, parts);
    assert.deepEqual(findingLines(result.diagnostics), []);
    assert.equal(result.config?.global.routerId, want);
    assert.equal(result.files[0], MAIN_FILE);
  });
}

for (const [pattern, want] of [
  ["*", true],
  ["a*", true],
  ["*c", true],
  ["a*b*c", true],
  ["a?c*", true],
  ["[a-b][!a]c*", true],
  ["[z-a]*", false],
  ["[!a]*", false],
  ["*d", false],
  ["*b", false],
  ["abc?", false],
  ["ab", false],
] as const) {
  test(`wildcards: ${pattern} ${want ? "fits" : "does not fit"} abc`, () => {
    const host = fakeHost({ "/c/abc": "global_defs { router_id x }" });
    assert.equal(loadConfig(`/c/${pattern}`, host).missing, !want);
  });
}

test("a pattern of many wildcards takes no longer than a short one", { timeout: 5000 }, () => {
  const host = fakeHost({ [`/c/${"a".repeat(250)}`]: "" });
  assert.equal(loadConfig(`/c/${"*a".repeat(60)}b`, host).missing, true);
});

test("the file itself may be a pattern", () => {
  const host = fakeHost({ "/c/a.conf": "global_defs {", "/c/b.conf": "router_id ab }" });
  const result = loadConfig("/c/*.conf", host);
  assert.deepEqual([result.config?.global.routerId, result.files], ["ab", ["/c/a.conf", "/c/b.conf"]]);
});

test("positions name the included file", () => {
  const result = load("\ninclude bad.conf\n", { "/etc/holdfast/bad.conf": "\n  nonsense\n" });
  assert.deepEqual(result.diagnostics[0]?.at, { file: "/etc/holdfast/bad.conf", line: 2, column: 3 });
});

test("a missing file: exit 4 and one sentence", () => {
  const result = loadConfig("/none.conf", fakeHost({}));
  assert.deepEqual([result.missing, result.config, testExitCode(result)], [true, undefined, 4]);
  assert.deepEqual(findingLines(result.diagnostics), [
    "Config files missing '/none.conf' (ENOENT). - correct its path, or its owner and mode",
  ]);
});

test("enable_script_security disables what others can change, and nothing else", () => {
  const secured = `global_defs {\n enable_script_security\n script_user root\n}\n`;
  const result = load(
    secured + instance("notify_master /home/eve/script\nnotify_backup /tmp/script\nnotify_fault notify"),
  );
  const notify = result.config?.vrrpInstances[0]?.notify;
  assert.deepEqual(
    [notify?.master, notify?.backup?.argv, notify?.fault?.argv],
    [undefined, ["/tmp/script"], ["/usr/bin/notify"]],
  );
  assert.deepEqual([result.diagnostics.length, result.diagnostics[0]?.severity], [1, "error"]);
});

test("a script run as an ordinary user may belong to that user", () => {
  const result = load(`global_defs { enable_script_security }\n${instance("notify /home/eve/script eve")}`);
  assert.deepEqual(findingLines(result.diagnostics), []);
  assert.deepEqual(result.config?.vrrpInstances[0]?.notify.all?.user, { name: "eve", uid: 1000, gid: 1000 });
});

test("scripts without a user: keepalived_script when it exists, root without script security, else none", () => {
  const text = instance("notify /usr/bin/notify");
  const userOf = (config: string, host = fakeHost({ [MAIN_FILE]: config })): string | undefined =>
    loadConfig(MAIN_FILE, host).config?.vrrpInstances[0]?.notify.all?.user.name;
  assert.equal(userOf(text), "root");
  assert.equal(userOf(`global_defs { enable_script_security }\n${text}`), undefined);
  const user = (name: string) => ({ name, uid: 77, gid: 77 });
  assert.equal(userOf(text, fakeHost({ [MAIN_FILE]: text }, { user })), "keepalived_script");
});
