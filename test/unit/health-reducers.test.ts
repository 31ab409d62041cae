import assert from "node:assert/strict";
import test from "node:test";
import type { RealServerConfig, ScriptCommand, VirtualServerConfig } from "../../main/config/model.js";
import { carryOver } from "../../main/health/carry-over.js";
import { removalEffects, shutdownEffects } from "../../main/health/departure.js";
import type { HealthEffect } from "../../main/health/effects.js";
import { realServerName, virtualServerName } from "../../main/health/names.js";
import { nextQuorum } from "../../main/health/quorum.js";
import { applyCheck, type CheckerState, realServer as serverState } from "../../main/health/real-server.js";
import { applyReport, poolOf, startVirtualServer } from "../../main/health/virtual-server.js";
import type { VirtualServerContext, VirtualServerState } from "../../main/health/virtual-server-state.js";
import { port } from "../../main/units.js";
import { identityOf, realServer, tcpCheck, virtualServer } from "./health-fixtures.js";

const VS = "[192.0.2.1]:tcp:80";
const RS = (n: number): string => `[10.0.0.${n}]:tcp:80`;
const script = (name: string): ScriptCommand => ({ argv: [name], user: { name: "root", uid: 0, gid: 0 } });

const context = (over: Partial<VirtualServerConfig> = {}): VirtualServerContext => {
  const config = virtualServer(over);
  return { config, name: virtualServerName(config.service), routerId: "lb1" };
};

const servers = (count: number, over: Partial<RealServerConfig> = {}): RealServerConfig[] =>
  Array.from({ length: count }, (_, i) => realServer({ address: `10.0.0.${i + 1}`, ...over }));

/** One line per effect, short enough for a table. */
function lines(effects: readonly HealthEffect[]): string[] {
  return effects.flatMap((effect) => {
    if (effect.do === "pool" || effect.do === "held") return [];
    if (effect.do === "log") return [effect.sentence];
    const { event } = effect;
    const state = event.up ? "UP" : "DOWN";
    if (event.kind === "check") return [`mail ${event.mail.subject}: ${event.mail.body}`];
    const run = event.script === undefined ? "" : ` run ${event.script.argv[0]}`;
    if (event.kind === "real-server") return [`RS ${event.realServer} ${state}${run}`];
    const mail = event.mail === undefined ? "" : ` mail ${event.mail.subject}: ${event.mail.body}`;
    return [`VS ${state}${run}${mail}`];
  });
}

const pool = (vs: VirtualServerContext, state: VirtualServerState): string[] =>
  [...poolOf(vs, state)].map((entry) => `${entry.address} ${entry.weight}${entry.isSorry ? " sorry" : ""}`);

const report = (server: number, up: boolean, checker = 0) => ({
  server,
  checker,
  up,
  mailBody: up ? "=> ok <=" : "=> no <=",
});

/** Starts `vs` with all checkers in `state` and lets the reports come in. @returns what the last one gave rise to */
function play(vs: VirtualServerContext, first: CheckerState, ...reports: readonly ReturnType<typeof report>[]) {
  const fresh = vs.config.realServers.map((server) => serverState(server.checks.map(() => first)));
  let step = startVirtualServer(vs, fresh);
  for (const next of reports) step = applyReport(vs, step.state, next);
  return { said: lines(step.effects), pool: pool(vs, step.state), state: step.state };
}

test("rs_init_notifies: servers that begin in service are told, before the quorum", () => {
  const vs = context({ realServers: servers(2, { notifyUp: script("/up") }), quorumUp: script("/quorum") });
  const states = [serverState(["unrun-up"]), serverState(["unrun-down"])];
  const said = (each: VirtualServerContext): string[] => lines(startVirtualServer(each, [...states]).effects);
  assert.deepEqual(
    said(vs).filter((line) => line.startsWith("RS")),
    [],
  );
  assert.deepEqual(
    said({ ...vs, initNotifies: true }).filter((line) => /^[RV]S/.test(line)),
    [`RS ${RS(1)} UP run /up`, "VS UP run /quorum"],
  );
});

test("no_checker_emails: mail when the server comes or goes, not for every checker", () => {
  const vs = context({ realServers: servers(1, { smtpAlert: true, checks: [tcpCheck(), tcpCheck()] }) });
  const mails = (each: VirtualServerContext): number =>
    [report(0, false, 0), report(0, false, 1), report(0, true, 0), report(0, true, 1)].filter((_, i, all) =>
      play(each, "up", ...all.slice(0, i + 1)).said.some((line) => line.startsWith("mail")),
    ).length;
  assert.deepEqual([mails(vs), mails({ ...vs, mailsServersOnly: true })], [4, 2]);
});

test("names are keepalived's", () => {
  const fwmark = { kind: "fwmark", fwmark: 7, family: "inet" } as const;
  const v6 = { kind: "address", address: "2001:db8::1", port: port(53), protocol: "UDP" } as const;
  assert.equal(virtualServerName(fwmark), "FWM 7");
  assert.equal(virtualServerName(v6), "[2001:db8::1]:udp:53");
  assert.equal(realServerName(fwmark, realServer()), "[10.0.0.1]:none:80");
  assert.equal(realServerName(v6, realServer({ port: port(53) })), "[10.0.0.1]:udp:53");
});

const checkerRows: readonly (readonly [rule: string, states: CheckerState[], up: boolean, want: string])[] = [
  ["first success as assumed", ["unrun-up"], true, "none same"],
  ["first failure", ["unrun-up"], false, "down changed"],
  ["alpha: first success", ["unrun-down"], true, "up changed"],
  ["alpha: first failure is told, once", ["unrun-down"], false, "reported same"],
  ["alpha: the second checker's first failure", ["down", "unrun-down"], false, "none same"],
  ["failure", ["up"], false, "down changed"],
  ["recovery", ["down"], true, "up changed"],
  ["all checkers have to agree: one of two fails", ["up", "up"], false, "down changed"],
  ["the other one failed already", ["down", "up"], false, "none changed"],
  ["one of two recovers", ["down", "down"], true, "none changed"],
];
for (const [rule, states, up, want] of checkerRows) {
  test(`real server: ${rule}`, () => {
    const { change, checkerChanged } = applyCheck(serverState(states), states.length - 1, up);
    assert.equal(`${change} ${checkerChanged ? "changed" : "same"}`, want);
  });
}

const quorumRows: readonly (readonly [before: "up" | "down", weight: number, q: number, h: number, after: string])[] = [
  ["down", 0, 1, 0, "down"],
  ["down", 1, 1, 0, "up"],
  ["up", 0, 1, 0, "down"],
  ["up", 2, 3, 1, "up"],
  ["up", 1, 3, 1, "down"],
  ["down", 3, 3, 1, "down"],
  ["down", 4, 3, 1, "up"],
  ["up", 0, 0, 0, "down"],
  ["down", 0, 0, 0, "down"],
];
for (const [before, weight, quorum, hysteresis, after] of quorumRows) {
  test(`quorum ${quorum}±${hysteresis}: ${before} with weight ${weight} becomes ${after}`, () => {
    assert.equal(nextQuorum(virtualServer({ quorum, hysteresis }), before, weight), after);
  });
}

const scripts = { notifyUp: script("/up"), notifyDown: script("/down") };
const quorumScripts = { quorumUp: script("/q-up"), quorumDown: script("/q-down") };
const sorry = { address: "10.9.9.9", port: port(80) };
const MAIL = (n: number, state: string, body: string): string =>
  `mail [lb1] Realserver ${RS(n)} of virtual server ${VS} - ${state}: ${body}`;

test("a service that starts gains its quorum and says so", () => {
  const got = play(context({ realServers: servers(2), smtpAlert: true, ...quorumScripts }), "unrun-up");
  assert.deepEqual(got.said, [
    `Gained quorum 1+0=1 <= 2 for VS ${VS}`,
    "VS UP run /q-up mail [lb1] Virtualserver [192.0.2.1]:tcp:80 - UP: => Starting with quorum up <=",
  ]);
  assert.deepEqual(got.pool, ["10.0.0.1 1", "10.0.0.2 1"]);
});

test("alpha: a service that starts without anybody uses the sorry server", () => {
  const got = play(context({ realServers: servers(1), sorryServer: sorry, ...quorumScripts }), "unrun-down");
  assert.deepEqual(got.said, [
    `Starting with quorum down 1-0=1 > 0 for VS ${VS}`,
    `Adding sorry server [10.9.9.9]:tcp:80 to VS ${VS}`,
    `Removing alive servers from the pool for VS ${VS}`,
    "VS DOWN run /q-down",
  ]);
  assert.deepEqual(got.pool, ["10.9.9.9 1 sorry"]);
});

test("one server of two fails: log, script, mail; the pool without it", () => {
  const got = play(context({ realServers: servers(2, scripts) }), "up", report(1, false));
  assert.deepEqual(got.said, [
    `Removing service ${RS(2)} from VS ${VS}`,
    `RS ${RS(2)} DOWN run /down`,
    MAIL(2, "DOWN", "=> no <="),
  ]);
  assert.deepEqual(got.pool, ["10.0.0.1 1"]);
});

test("it comes back", () => {
  const got = play(context({ realServers: servers(2, scripts) }), "up", report(1, false), report(1, true));
  assert.deepEqual(got.said, [
    `Adding service ${RS(2)} to VS ${VS}`,
    `RS ${RS(2)} UP run /up`,
    MAIL(2, "UP", "=> ok <="),
  ]);
});

test("the last one fails: the sorry server takes over", () => {
  const vs = context({ realServers: servers(1), sorryServer: sorry, smtpAlert: true });
  const got = play(vs, "up", report(0, false));
  assert.deepEqual(got.said, [
    `Removing service ${RS(1)} from VS ${VS}`,
    `RS ${RS(1)} DOWN`,
    `Lost quorum 1-0=1 > 0 for VS ${VS}`,
    `Adding sorry server [10.9.9.9]:tcp:80 to VS ${VS}`,
    `Removing alive servers from the pool for VS ${VS}`,
    `VS DOWN mail [lb1] Virtualserver ${VS} - DOWN: => Lost quorum 1-0=1 > 0 <=`,
    MAIL(1, "DOWN", "=> no <="),
  ]);
  assert.deepEqual(got.pool, ["10.9.9.9 1 sorry"]);
});

test("the quorum is gained again: the sorry server leaves", () => {
  const got = play(context({ realServers: servers(1), sorryServer: sorry }), "up", report(0, false), report(0, true));
  assert.deepEqual(got.said, [
    `Adding service ${RS(1)} to VS ${VS}`,
    `RS ${RS(1)} UP`,
    `Gained quorum 1+0=1 <= 1 for VS ${VS}`,
    `Removing sorry server [10.9.9.9]:tcp:80 from VS ${VS}`,
    `Adding alive servers to the pool for VS ${VS}`,
    "VS UP",
    MAIL(1, "UP", "=> ok <="),
  ]);
  assert.deepEqual(got.pool, ["10.0.0.1 1"]);
});

test("below the quorum, without a sorry server, who is alive goes on serving", () => {
  const got = play(context({ realServers: servers(3), quorum: 3 }), "up", report(0, false));
  assert.deepEqual([got.state.quorum, got.pool], ["down", ["10.0.0.2 1", "10.0.0.3 1"]]);
});

test("below the quorum, with a sorry server, it serves alone", () => {
  const got = play(context({ realServers: servers(3), quorum: 3, sorryServer: sorry }), "up", report(0, false));
  assert.deepEqual(got.pool, ["10.9.9.9 1 sorry"]);
});

test("inhibit_on_failure: disabled instead of removed", () => {
  const vs = context({ realServers: servers(2, { inhibitOnFailure: true, weight: 5 }) });
  const got = play(vs, "up", report(0, false));
  assert.equal(got.said[0], `Disabling service ${RS(1)} of VS ${VS}`);
  assert.deepEqual(got.pool, ["10.0.0.1 0", "10.0.0.2 5"]);
  assert.equal(play(vs, "up", report(0, false), report(0, true)).said[0], `Enabling service ${RS(1)} of VS ${VS}`);
});

test("inhibit_on_failure and a sorry server: disabled servers stay in the table", () => {
  const got = play(
    context({ realServers: servers(1, { inhibitOnFailure: true }), sorryServer: sorry }),
    "up",
    report(0, false),
  );
  assert.deepEqual(got.pool, ["10.0.0.1 0", "10.9.9.9 1 sorry"]);
});

test("sorry_server_inhibit: weight 0 while it is not needed", () => {
  const vs = context({ realServers: servers(1), sorryServer: sorry, sorryServerInhibit: true });
  assert.deepEqual(play(vs, "up").pool, ["10.0.0.1 1", "10.9.9.9 0 sorry"]);
  const got = play(vs, "up", report(0, false));
  assert.equal(got.said[3], `Enabling sorry server [10.9.9.9]:tcp:80 to VS ${VS}`);
  assert.deepEqual(got.pool, ["10.9.9.9 1 sorry"]);
});

test("a server of weight 0 stays in the pool and is no quorum", () => {
  const got = play(context({ realServers: servers(1, { weight: 0 }) }), "up");
  assert.deepEqual([got.state.quorum, got.pool], ["down", ["10.0.0.1 0"]]);
});

test("smtp_alert off: nothing is mailed", () => {
  const got = play(context({ realServers: servers(2, { smtpAlert: false }) }), "up", report(0, false));
  assert.deepEqual(got.said, [`Removing service ${RS(1)} from VS ${VS}`, `RS ${RS(1)} DOWN`]);
});

test("the daemon leaves: only omega notifies", () => {
  const silent = context({ realServers: servers(1) });
  assert.deepEqual(lines(shutdownEffects(silent, play(silent, "up").state)), [
    `Shutting down service ${RS(1)} from VS ${VS}`,
  ]);
  const loud = context({ realServers: servers(1, scripts), omega: true, smtpAlert: true, ...quorumScripts });
  assert.deepEqual(lines(shutdownEffects(loud, play(loud, "up").state)), [
    `Shutting down service ${RS(1)} from VS ${VS}`,
    `RS ${RS(1)} DOWN run /down`,
    MAIL(1, "DOWN", "=> Shutting down <="),
    `VS DOWN run /q-down mail [lb1] Virtualserver ${VS} - DOWN: => Shutting down <=`,
  ]);
});

test("a virtual server is removed by a reload", () => {
  const vs = context({ realServers: servers(1, { smtpAlert: false }) });
  assert.deepEqual(lines([...removalEffects(vs, play(vs, "up").state)]), [
    `Removing Virtual Server ${VS}`,
    `RS ${RS(1)} DOWN`,
    "VS DOWN",
  ]);
});

interface ReloadRow {
  readonly what: string;
  readonly before: readonly RealServerConfig[];
  readonly after: readonly RealServerConfig[];
  readonly fails?: number;
  readonly known?: "up" | "down";
  readonly said: readonly string[];
  readonly pool: readonly string[];
}

const plain = { smtpAlert: false };
const changed = { ...plain, checks: [tcpCheck({}, 8080)] };
const reloadRows: readonly ReloadRow[] = [
  {
    what: "without change says nothing",
    before: servers(2, plain),
    after: servers(2, plain),
    fails: 0,
    known: "down",
    said: [],
    pool: ["10.0.0.2 1"],
  },
  {
    what: "in another order says nothing",
    before: servers(2, plain),
    after: servers(2, plain).reverse(),
    said: [],
    pool: ["10.0.0.2 1", "10.0.0.1 1"],
  },
  {
    what: "a weight",
    before: servers(1, plain),
    after: servers(1, { ...plain, weight: 9 }),
    said: [`Changing weight from 1 to 9 for active service ${RS(1)} of VS ${VS}`],
    pool: ["10.0.0.1 9"],
  },
  {
    what: "a server less",
    before: servers(2, plain),
    after: servers(1, plain),
    said: [`service ${RS(2)} no longer exist`, `RS ${RS(2)} DOWN`],
    pool: ["10.0.0.1 1"],
  },
  {
    what: "a server more: it serves until its first check",
    before: servers(1, plain),
    after: servers(2, plain),
    said: [],
    pool: ["10.0.0.1 1", "10.0.0.2 1"],
  },
  {
    what: "a server more whose check is known to fail: it does not",
    before: servers(1, plain),
    after: [...servers(1, plain), realServer({ ...plain, address: "10.0.0.2", checks: [tcpCheck({}, 81)] })],
    known: "down",
    said: [],
    pool: ["10.0.0.1 1"],
  },
  {
    what: "another check on a server that is down: it has to pass first",
    before: servers(2, plain),
    after: [realServer({ ...changed, address: "10.0.0.1" }), ...servers(2, plain).slice(1)],
    fails: 0,
    said: [],
    pool: ["10.0.0.2 1"],
  },
  {
    what: "no check any more: the server is in",
    before: servers(2, plain),
    after: servers(2, { ...plain, checks: [] }),
    fails: 0,
    said: [`Adding service ${RS(1)} to VS ${VS}`, `RS ${RS(1)} UP`],
    pool: ["10.0.0.1 1", "10.0.0.2 1"],
  },
];
for (const row of reloadRows) {
  test(`reload: ${row.what}`, () => {
    const old = context({ realServers: row.before });
    const reports = row.fails === undefined ? [] : [report(row.fails, false)];
    const { state } = play(old, "unrun-up", ...reports);
    const vs = context({ realServers: row.after });
    // Servers of a row share one check, so what is known is told only where the row asks for it.
    const asked =
      row.known === undefined ? [] : row.after.filter((_, i) => i === (row.fails ?? 1)).flatMap((rs) => rs.checks);
    const step = resultOf(
      carryOver(
        vs,
        { context: old, state },
        {
          identityOf,
          value: () => undefined,
          known: (check) => (asked.includes(check) ? row.known : undefined),
        },
      ),
    );
    assert.deepEqual(lines(step.effects), row.said);
    assert.deepEqual(pool(vs, step.state), row.pool);
  });
}

test("reload: with rs_init_notifies a server that it brings is told like those of a start", () => {
  const old = { ...context({ realServers: servers(1, plain) }), initNotifies: true };
  const vs = { ...context({ realServers: servers(3, { ...plain, notifyUp: script("/up") }) }), initNotifies: true };
  const memory = { identityOf, value: () => undefined, known: () => undefined };
  const one = { context: old, state: play(old, "unrun-up").state };
  const said = (each: VirtualServerContext): string[] => lines(resultOf(carryOver(each, one, memory)).effects);
  assert.deepEqual(said(vs), [`RS ${RS(2)} UP run /up`, `RS ${RS(3)} UP run /up`]);
  assert.deepEqual(said({ ...vs, initNotifies: false }), []);
});

function resultOf<T>(steps: Generator<void, T>): T {
  for (let next = steps.next(); ; next = steps.next()) if (next.done === true) return next.value;
}
