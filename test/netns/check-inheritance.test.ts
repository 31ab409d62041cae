import assert from "node:assert/strict";
import { chmod } from "node:fs/promises";
import path from "node:path";
import { test } from "node:test";
import { holdfast } from "../harness/daemon.js";
import { Lan } from "../harness/lan.js";
import { needs } from "../harness/needs.js";
import { lacksReferenceChecker, referenceChecker } from "../harness/reference-checker.js";
import { blocksOf, check, runAt } from "./check-dump.js";
import { type Kind, probedKinds } from "./check-kinds.js";

/**
 * What each kind of checker inherits, from its real server, its virtual server and global_defs, item by item and all together: what
 * keepalived_check.data says of its times is what that of Debian's keepalived says.
 */

/** A number for each scope, so that one is not taken for another. */
type Scope = "virtual server" | "real server" | "checker";
const items = {
  delay_loop: { "virtual server": "41", "real server": "42", checker: "43" },
  delay_before_retry: { "virtual server": "11", "real server": "12", checker: "13" },
  retry: { "virtual server": "21", "real server": "22", checker: "23" },
  warmup: { "virtual server": "31", "real server": "32", checker: "33" },
  connect_timeout: { "virtual server": "1.5", "real server": "2.5", checker: "3.5" },
} as const satisfies Readonly<Record<string, Readonly<Record<Scope, string>>>>;
type Item = keyof typeof items;
const all = Object.keys(items) as readonly Item[];

const kinds: readonly Kind[] = [...probedKinds, ["MISC_CHECK", "misc_path /bin/true"]];

/** What is said where. */
interface Said {
  readonly virtualServer: readonly Item[];
  readonly realServer: readonly Item[];
  readonly checker: readonly Item[];
  /** Lines of their own. */
  readonly more?: { readonly [In in "virtualServer" | "realServer" | "checker"]?: string };
}

const none: readonly Item[] = [];
const subsets = [none, all];
const cases: readonly Said[] = [
  ...subsets.flatMap((virtualServer) =>
    subsets.flatMap((realServer) => subsets.map((checker) => ({ virtualServer, realServer, checker }))),
  ),
  ...all.flatMap((item): readonly Said[] => [
    { virtualServer: [item], realServer: none, checker: none },
    { virtualServer: none, realServer: [item], checker: none },
    { virtualServer: none, realServer: none, checker: [item] },
    { virtualServer: all, realServer: [item], checker: none },
    { virtualServer: none, realServer: all, checker: [item] },
  ]),
  ...(
    [
      { virtualServer: "alpha" },
      { realServer: "alpha" },
      { checker: "alpha" },
      { checker: "alpha false" },
      { virtualServer: "alpha", checker: "alpha false" },
      { realServer: "alpha", checker: "alpha no" },
      { checker: "log_all_failures" },
      { checker: "log_all_failures false" },
      { checker: "retry 0" },
      { virtualServer: "retry 4", checker: "retry 0" },
      { virtualServer: "delay_loop 0.000001" },
      { checker: "warmup 0" },
    ] as const
  ).map((more): Said => ({ virtualServer: none, realServer: none, checker: none, more })),
];

const lines = (scope: Scope, said: readonly Item[]): string =>
  said.map((item) => `${item} ${items[item][scope]}`).join("\n");

const service = ({ virtualServer, realServer, checker, more = {} }: Said, i: number): string => `
virtual_server 198.51.100.${i + 1} 80 {
lb_algo rr
lb_kind NAT
protocol TCP
${lines("virtual server", virtualServer)}
${more.virtualServer ?? ""}
real_server 10.9.0.${i + 1} 80 {
${lines("real server", realServer)}
${more.realServer ?? ""}
${kinds
  .map(([kind, ...own]) => {
    // How long a program may run is misc_timeout.
    const has = kind === "MISC_CHECK" ? checker.filter((item) => item !== "connect_timeout") : checker;
    return [`${kind} {`, ...own, lines("checker", has), more.checker ?? "", "}"].join("\n");
  })
  .join("\n")}
}
}
`;

const configOf = (globals: string): string =>
  [`global_defs {\nrouter_id test\nscript_user root\n${globals}\n}`, ...cases.map(service)].join("\n");

const ofTimes =
  /^ +(Alpha|Delay loop|Warmup|Retry count|Delay before retry|Default delay before retry|Log all failures|Timeout|timeout) = /;

const timesOf = (dump: string, isMeant: (line: string) => boolean): readonly string[] =>
  blocksOf(dump).flatMap(({ title, lines: all }) =>
    check.test(title) ? [title, ...all.filter((line) => ofTimes.test(line) && isMeant(line))] : [],
  );

const options = {
  skip: needs("root", "netns", "native", "keepalived") || lacksReferenceChecker(),
  timeout: 120_000,
};

/** keepalived says of each check what the block says, and what the globals say elsewhere; ours says what holds. */
const ofLog = /Log all failures/;

for (const globals of ["", "checker_log_all_failures"])
  test(`what checkers inherit, beside keepalived ${globals}`, options, async () => {
    await using lan = await Lan.create([
      { name: "a", links: [{ addresses: ["192.0.2.1/24"] }] },
      { name: "b", links: [{ segment: "other", addresses: ["192.0.2.1/24"] }] },
    ]);
    await chmod(lan.dir, 0o755);
    for (const host of ["a", "b"]) await lan.host(host).exec(["mkdir", path.join(lan.dir, host)]);
    const [theirs, ours] = await Promise.all([
      runAt(lan, "a", referenceChecker, configOf(globals)),
      runAt(lan, "b", holdfast("memory"), configOf(globals)),
    ]);
    const [dump, reference] = [await ours(), await theirs()];
    const isMeant = (line: string): boolean => globals === "" || !ofLog.test(line);
    const want = timesOf(reference, isMeant);
    assert.ok(want.length > cases.length * kinds.length * 5, `${want.length} lines`);
    assert.deepEqual(timesOf(dump, isMeant), want);
    const silent = dump.split("\n").filter((line) => ofLog.test(line) && line.endsWith("no")).length;
    const said = globals === "" ? cases.length - 1 : 1; // one case says yes, and one no
    assert.equal(silent, said * kinds.length);
  });
