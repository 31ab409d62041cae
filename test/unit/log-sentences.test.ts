import assert from "node:assert/strict";
import test from "node:test";
import { commandSentence, startSentence, stopSentence, usageSentence } from "../../main/control/usage.js";
import { edgeSentences } from "../../main/health/check-sentences.js";
import { goneEffects, removalEffects, shutdownEffects } from "../../main/health/departure.js";
import type { HealthEffect } from "../../main/health/effects.js";
import { realServer as realServerState } from "../../main/health/real-server.js";
import { applyReport, startVirtualServer } from "../../main/health/virtual-server.js";
import type { VirtualServerContext } from "../../main/health/virtual-server-state.js";
import { lateSentence } from "../../main/observe/lateness.js";
import { checkId, ms, port, priority } from "../../main/units.js";
import { step } from "../../main/vrrp/machine.js";
import type { AdvertEvent, Context, Effect, Event, State } from "../../main/vrrp/machine-types.js";
import type { ScriptResult } from "../../main/vrrp/ports.js";
import { overrunSentence, type ScriptState, scriptStep } from "../../main/vrrp/script-track.js";
import type { Tracking } from "../../main/vrrp/tracking.js";
import type { CheckEdge } from "../../workers/protocol.js";
import { loadText } from "../harness/config-fixtures.js";
import { httpCheck, pingCheck, realServer, tcpCheck, url, virtualServer } from "./health-fixtures.js";
import { instance } from "./observe-fixtures.js";

const late = { overdue: ms(1250), timers: 1, cause: "work", lasted: ms(1200), majorFaults: 0 } as const;

/**
 * What monitoring, log filters and people's fingers know of keepalived's log. An operator greps for
 * these at 3 a.m., so they are an interface. A row names the module that says the sentence and makes it say it.
 */
interface Row {
  readonly module: string;
  readonly sentence: string;
  readonly said: () => readonly string[];
}

// --- VRRP: the instance's reducer

const tracking = (over: Partial<Tracking> = {}): Tracking => ({
  effective: priority(150),
  faults: [],
  waiting: [],
  contributions: [],
  ...over,
});

const config = { ...instance, trackScripts: [], trackInterfaces: [] };

const backup: State = {
  at: "backup",
  masterInterval: ms(1000),
  downAt: ms(3400),
  preemptAt: undefined,
  master: undefined,
  wantsMaster: false,
  yielded: false,
};
const master: State = { at: "master", rogueUntil: undefined };
const advert = (prio: number, over: Partial<AdvertEvent> = {}): AdvertEvent => ({
  on: "advert",
  priority: prio,
  interval: ms(1000),
  source: "10.9.0.7",
  order: -1,
  ...over,
});

/** Sentences of one step of the VRRP machine. */
function vrrp(state: State, event: Event, over: Partial<Context> = {}): () => string[] {
  const context: Context = { config, tracking: tracking(), now: ms(0), ...over };
  const sentences = (effects: readonly Effect[]): string[] =>
    effects.flatMap((effect) => (effect.do === "log" ? [effect.sentence] : []));
  return () => sentences(step(context, state, event).effects);
}

const down: Tracking = tracking({ faults: [{ kind: "interface-down", name: "v0" }] });

function loadRich(): Pick<typeof config, "excludedAddresses" | "routes" | "rules"> {
  const lines = [
    "virtual_ipaddress_excluded { 10.9.0.3 }",
    "virtual_routes { 10.8.0.0/16 dev v0 }",
    "virtual_rules { from 10.8.0.0/16 table 8 priority 8 }",
  ];
  const head = ["interface v0", "virtual_router_id 9", "virtual_ipaddress { 10.9.0.2 }"];
  const { vrrpInstances } = loadText(`vrrp_instance R {\n ${[...head, ...lines].join("\n ")}\n}\n`);
  assert.ok(vrrpInstances[0]);
  const { excludedAddresses, routes, rules } = vrrpInstances[0];
  return { excludedAddresses, routes, rules };
}

/** An instance that holds more than addresses. */
const rich = { config: { ...config, ...loadRich(), accept: false } };

const machineRows = rows("main/vrrp/machine.ts", [
  ["(VI_1) Entering BACKUP STATE (init)", vrrp({ at: "init" }, { on: "start" })],
  ["(VI_1) Entering FAULT STATE (init)", vrrp({ at: "init" }, { on: "start" }, { tracking: down })],
  ["(VI_1) Receive advertisement timeout", vrrp(backup, { on: "masterDownTimer" })],
  ["(VI_1) Entering MASTER STATE", vrrp(backup, { on: "masterDownTimer" })],
  ["(VI_1) setting VIPs.", vrrp(backup, { on: "masterDownTimer" })],
  ["(VI_1) received lower priority (90) advert from 10.9.0.7 - discarding", vrrp(backup, advert(90))],
  ["(VI_1) Master received advert from 10.9.0.7 with higher priority 200, ours 150", vrrp(master, advert(200))],
  [
    "(VI_1) Master received advert from 10.9.0.7 with same priority 150 but higher IP address than ours",
    vrrp(master, advert(150, { order: 1 })),
  ],
  ["(VI_1) setting firewall drop rule", vrrp(backup, { on: "masterDownTimer" }, rich)],
  ["(VI_1) removing firewall drop rule", vrrp(master, advert(200), rich)],
  ["(VI_1) setting E-VIPs.", vrrp(backup, { on: "masterDownTimer" }, rich)],
  ["(VI_1) setting Virtual Routes", vrrp(backup, { on: "masterDownTimer" }, rich)],
  ["(VI_1) setting Virtual Rules", vrrp(backup, { on: "masterDownTimer" }, rich)],
  ["(VI_1) removing E-VIPs.", vrrp(master, advert(200), rich)],
  ["(VI_1) removing Virtual Routes", vrrp(master, advert(200), rich)],
  ["(VI_1) removing Virtual Rules", vrrp(master, advert(200), rich)],
  ["(VI_1) Entering BACKUP STATE", vrrp(master, advert(200))],
  ["(VI_1) removing VIPs.", vrrp(master, advert(200))],
  [
    "(VI_1) Received advert from 10.9.0.7 with lower priority 90, ours 150, forcing new election",
    vrrp(master, advert(90)),
  ],
  [
    "(VI_1) Received advert from 10.9.0.7 with lower priority 90, ours 150",
    vrrp(master, advert(90), { config: { ...config, lowerPrioNoAdvert: true } }),
  ],
  ["(VI_1) Entering FAULT STATE", vrrp(master, { on: "tracking", next: down })],
  ["(VI_1) sent 0 priority", vrrp(master, { on: "shutdown", release: true })],
  [
    "(VI_1) Changing effective priority from 150 to 152",
    vrrp(master, { on: "tracking", next: tracking({ effective: priority(152) }) }),
  ],
]);

// --- VRRP: track scripts

const chk = { name: "chk", rise: 1, fall: 1, initFail: false };
function script(state: ScriptState, result: ScriptResult, lastExit?: number): () => readonly string[] {
  return () => scriptStep(chk, state, result, lastExit).sentences;
}

const up: ScriptState = { at: "up", streak: 0 };
const scriptRows = rows("main/vrrp/script-track.ts", [
  ["VRRP_Script(chk) succeeded", script({ at: "init" }, { kind: "exited", value: 0 })],
  ["VRRP_Script(chk) failed (exited with status 1)", script(up, { kind: "exited", value: 1 })],
  ["VRRP_Script(chk) failed (due to signal 9)", script(up, { kind: "signalled", value: 9 })],
  ["Script `chk` now returning 1", script(up, { kind: "exited", value: 1 }, 0)],
  ["Track script chk is already running, expect idle - skipping run", () => [overrunSentence("chk")]],
]);

// --- Health: checkers

const RS = "[10.0.0.1]:tcp:80";
const VS = "[192.0.2.1]:tcp:80";
const edge = (isUp: boolean, retries = 0): CheckEdge => ({
  id: checkId(1),
  up: isUp,
  outcome: isUp ? "up" : "refused",
  retries,
  latency: ms(1),
  status: 0,
});

const names = { realServer: RS, virtualServer: VS };
const http = httpCheck({ urls: [url({ path: "/a" })] });
const ssl = httpCheck({ type: "SSL_GET", urls: [url({ path: "/b", digest: "0".repeat(32) })] });
const checkRows = rows("main/health/check-sentences.ts", [
  [`TCP connection to ${RS} success.`, () => edgeSentences(tcpCheck(), names, edge(true), true)],
  [`TCP_CHECK on service ${RS} failed.`, () => edgeSentences(tcpCheck(), names, edge(false), false)],
  [`TCP_CHECK on service ${RS} failed after 3 retries.`, () => edgeSentences(tcpCheck(), names, edge(false, 3), false)],
  [`Remote Web server ${RS} succeed on service.`, () => edgeSentences(http, names, edge(true), false)],
  [`HTTP status code success to ${RS} url(/a).`, () => edgeSentences(http, names, edge(true), true)],
  [`MD5 digest success to ${RS} url(/b).`, () => edgeSentences(ssl, names, edge(true), true)],
  [`HTTP_CHECK on service ${RS} failed after 1 retries.`, () => edgeSentences(http, names, edge(false, 1), false)],
  [`ICMP connection to ${RS} success.`, () => edgeSentences(pingCheck(), names, edge(true), true)],
  [`ICMP CHECK on service ${RS} failed.`, () => edgeSentences(pingCheck(), names, edge(false), false)],
  [
    `ICMP CHECK on service ${RS} of ${VS} failed after 2 retries.`,
    () => edgeSentences(pingCheck(), names, edge(false, 2), false),
  ],
  [`SSL_CHECK on service ${RS} failed.`, () => edgeSentences(ssl, names, edge(false), false)],
]);

// --- Health: real servers, quorum, sorry server

const health = (effects: readonly HealthEffect[]): string[] =>
  effects.flatMap((effect) => (effect.do === "log" ? [effect.sentence] : []));

const context = (over: Parameters<typeof virtualServer>[0] = {}): VirtualServerContext => ({
  config: virtualServer(over),
  name: VS,
  routerId: "lb1",
});

/** The one server of `over` starts as `before`, then its check reports the contrary. */
function turns(before: "up" | "down", over: Parameters<typeof virtualServer>[0] = {}): () => string[] {
  const started = startVirtualServer(context(over), [realServerState([before])]);
  const report = { server: 0, checker: 0, up: before === "down", mailBody: "" };
  return () => health(applyReport(context(over), started.state, report).effects);
}

const start = (state: "up" | "down") => () => health(startVirtualServer(context(), [realServerState([state])]).effects);
const settled = startVirtualServer(context(), [realServerState(["up"])]).state;
const sorry = { sorryServer: { address: "10.0.0.9", port: port(80) } };
const inhibited = { realServers: [realServer({ inhibitOnFailure: true })] };
const SORRY = "[10.0.0.9]:tcp:80";

const virtualServerRows = rows("main/health/virtual-server.ts", [
  [`Adding service ${RS} to VS ${VS}`, turns("down")],
  [`Removing service ${RS} from VS ${VS}`, turns("up")],
  [`Enabling service ${RS} of VS ${VS}`, turns("down", inhibited)],
  [`Disabling service ${RS} of VS ${VS}`, turns("up", inhibited)],
]);

const quorumRows = rows("main/health/quorum.ts", [
  [`Gained quorum 1+0=1 <= 1 for VS ${VS}`, start("up")],
  [`Starting with quorum down 1-0=1 > 0 for VS ${VS}`, start("down")],
  [`Lost quorum 1-0=1 > 0 for VS ${VS}`, turns("up")],
  [`Adding sorry server ${SORRY} to VS ${VS}`, turns("up", sorry)],
  [`Removing alive servers from the pool for VS ${VS}`, turns("up", sorry)],
  [`Removing sorry server ${SORRY} from VS ${VS}`, turns("down", sorry)],
  [`Adding alive servers to the pool for VS ${VS}`, turns("down", sorry)],
  [`Enabling sorry server ${SORRY} to VS ${VS}`, turns("up", { ...sorry, sorryServerInhibit: true })],
  [`Disabling sorry server ${SORRY} from VS ${VS}`, turns("down", { ...sorry, sorryServerInhibit: true })],
]);

const departureRows = rows("main/health/departure.ts", [
  [`Shutting down service ${RS} from VS ${VS}`, () => health(shutdownEffects(context(), settled))],
  [`Removing Virtual Server ${VS}`, () => health([...removalEffects(context(), settled)])],
  [`service ${RS} no longer exist`, () => health(goneEffects(context(), realServer(), undefined))],
]);

// --- The process

const processRows = [
  ...rows("main/control/usage.ts", [
    ["Starting Keepalived v2.4.3 (07/20,2026)", () => [startSentence()]],
    ["Stopped Keepalived v2.4.3 (07/20,2026)", () => [stopSentence()]],
    ["Command line: 'keepalived' '-n' '-l'", () => [commandSentence("keepalived", ["-n", "-l"])]],
    ["CPU usage user: 1.500000 system: 0.000250", () => [usageSentence({ user: 1_500_000, system: 250 })]],
  ]),
  ...rows("main/observe/lateness.ts", [
    ["A thread timer expired 1.250000 seconds ago", () => [lateSentence(late).split(":", 1)[0] ?? ""]],
  ]),
];

type Pair = readonly [sentence: string, said: () => readonly string[]];

function rows(module: string, pairs: readonly Pair[]): Row[] {
  return pairs.map(([sentence, said]) => ({ module, sentence, said }));
}

const table = [
  ...machineRows,
  ...scriptRows,
  ...checkRows,
  ...virtualServerRows,
  ...quorumRows,
  ...departureRows,
  ...processRows,
];

for (const { module, sentence, said } of table) {
  test(`${module}: ${sentence}`, () => assert.ok(said().includes(sentence), `said instead: ${said().join(" | ")}`));
}
