import assert from "node:assert/strict";
import test, { afterEach, mock } from "node:test";
import type { VirtualServerConfig } from "../../main/config/model.js";
import { parseServersWhy, type ServersWhy } from "../../main/control/why-servers.js";
import { whyServers } from "../../main/control/why-servers-find.js";
import { renderServersWhy } from "../../main/control/why-servers-render.js";
import { HealthDirector } from "../../main/health/director.js";
import { type CheckId, type Milliseconds, ms, port } from "../../main/units.js";
import type { Outcome } from "../../workers/protocol.js";
import { config, httpCheck, realServer, tcpCheck, timing, unheard, virtualServer } from "./health-fixtures.js";
import { HandClock } from "./health-hand-clock.js";
import { recordingLog } from "./notify-support.js";

/** `holdfast why` of servers: from a director to sentences. The texts are an interface: people search for them. */

afterEach(() => mock.restoreAll());

interface Stand {
  readonly director: HealthDirector;
  readonly clock: HandClock;
  fail(id: number, outcome?: Outcome, status?: number): void;
  pass(id: number): void;
  why(name: string, more?: { trouble?: string; kernel?: readonly string[] }): Promise<string>;
  document(name: string): Promise<unknown>;
}

async function stand(...virtualServers: readonly VirtualServerConfig[]): Promise<Stand> {
  mock.method(performance, "now", () => 0); // what is done at once is done
  const clock = new HandClock();
  const director = new HealthDirector({
    log: recordingLog().log,
    now: () => clock.now(),
    clock,
    ...unheard,
  });
  await director.start(config(virtualServers));
  const tell = (id: number, up: boolean, outcome: Outcome, status: number): void =>
    director.onEdges([{ id: id as CheckId, up, outcome, retries: 0, latency: ms(1), status }]);
  const ask = (name: string, { trouble = "", kernel = [] as readonly string[] } = {}) =>
    whyServers(
      name,
      {
        *virtualServers() {
          let i = 0;
          for (const snapshot of director.snapshot()) {
            const of = virtualServers[i++];
            if (of !== undefined) yield { config: of, snapshot };
          }
        },
        selfCheck: () => (trouble === "" ? undefined : { state: "holding", holds: 1, trouble }),
        kernelSays: () => kernel,
        nextAttempts: async (ids) => new Map(ids.map((id): [CheckId, Milliseconds] => [id, ms(id * 1000)])),
      },
      clock.now(),
    );
  return {
    director,
    clock,
    fail: (id, outcome = "refused", status = 0) => tell(id, false, outcome, status),
    pass: (id) => tell(id, true, "up", 0),
    async why(name, more) {
      const answer = await ask(name, more);
      assert.ok(!("known" in answer), `nothing is called ${name}`);
      return renderServersWhy(parsed(answer));
    },
    document: (name) => ask(name),
  };
}

/** As it comes out of the control socket. */
function parsed(document: ServersWhy): ServersWhy {
  const back = parseServersWhy(JSON.parse(JSON.stringify(document)));
  assert.ok(back);
  assert.deepEqual(back, document);
  return back;
}

const server = (n: number, over: Parameters<typeof realServer>[0] = {}) =>
  realServer({ address: `10.0.0.${n}`, checks: [tcpCheck({ delayLoop: ms(6000) }, 80, `10.0.0.${n}`)], ...over });
const sorryServer = { address: "10.9.9.9", port: port(80) };
const lines = (...text: readonly string[]): string => `${text.join("\n")}\n`;

test("a real server whose checks fail: with what, since when, when next, and all that is needed", async () => {
  const both = [tcpCheck({ delayLoop: ms(6000) }, 80, "10.0.0.1"), httpCheck({ timing: timing({ rise: 2 }) })];
  const { clock, fail, why } = await stand(virtualServer({ realServers: [server(1, { checks: both }), server(2)] }));
  clock.advance(60_000);
  fail(1);
  clock.advance(5000);
  fail(2, "bad-status", 503);
  clock.advance(7000);
  const text = lines(
    "[10.0.0.1]:tcp:80 of [192.0.2.1]:tcp:80 is DOWN for 12 s: TCP_CHECK [10.0.0.1]:80 fails: connection refused - does the service run?, HTTP_GET [127.0.0.1]:80 fails: HTTP status 503",
    "table      not in it",
    "checks     TCP_CHECK [10.0.0.1]:80 is down for 12 s: connection refused - does the service run?; every 6.00 s; next in 1.00 s",
    "           HTTP_GET [127.0.0.1]:80 is down for 7.00 s: HTTP status 503; every 60 s; next in 2.00 s",
    "quorum     up: weight 1 is in service, 1 wanted",
    "back when  TCP_CHECK [10.0.0.1]:80 passes",
    "           HTTP_GET [127.0.0.1]:80 passes 2 times in a row",
    "           all of these are needed",
  );
  for (const name of ["[10.0.0.1]:tcp:80", "[10.0.0.1]:80", "10.0.0.1:80", "10.0.0.1"])
    assert.equal(await why(name), text);
});

test("a virtual server without its quorum: the band, the sorry server, who is missing", async () => {
  const realServers = [server(1), server(2), server(3)];
  const own = { realServers, quorum: 2, hysteresis: 1, sorryServer };
  const { clock, fail, pass, why } = await stand(virtualServer(own));
  assert.equal(
    await why("192.0.2.1:80"),
    lines(
      "[192.0.2.1]:tcp:80 is UP for 0.00 s: weight 3 is in service, quorum 2",
      "quorum   weight 3 is in service, 2 wanted (gained at 3, lost below 1)",
      "servers  3 of 3 up",
      "sorry    [10.9.9.9]:tcp:80 rests",
    ),
  );
  for (const id of [1, 2, 3]) fail(id);
  clock.advance(2000);
  pass(3);
  clock.advance(1000);
  assert.equal(
    await why("[192.0.2.1]:tcp:80"),
    lines(
      "[192.0.2.1]:tcp:80 is DOWN for 3.00 s: weight 1 is in service: quorum 2 is lost, and comes back at 3",
      "quorum     weight 1 is in service, 2 wanted (gained at 3, lost below 1)",
      "servers    1 of 3 up",
      "             [10.0.0.1]:tcp:80 is DOWN for 3.00 s: TCP_CHECK [10.0.0.1]:80 fails: connection refused - does the service run?",
      "             [10.0.0.2]:tcp:80 is DOWN for 3.00 s: TCP_CHECK [10.0.0.2]:80 fails: connection refused - does the service run?",
      "sorry      [10.9.9.9]:tcp:80 takes the connections",
      "back when  weight 3 is in service: 2 more",
    ),
  );
  const healthy = await why("[10.0.0.3]:tcp:80");
  assert.match(
    healthy,
    /is UP for 1.00 s: its checks pass, but there is no quorum: sorry server \[10.9.9.9\]:tcp:80 takes/,
  );
  assert.match(healthy, /^table +not in it$/m);
  assert.match(healthy, /^back when +weight 3 is in service: 2 more$/m);
});

test("who is held back goes when the floor says so, or when the self check lets go", async () => {
  const removalFloor = { percent: 50, confirm: ms(10_000) };
  const { director, clock, fail, why } = await stand(
    virtualServer({ realServers: [server(1), server(2)], removalFloor }),
  );
  fail(1);
  fail(2);
  clock.advance(4000);
  const held = await why("10.0.0.2:80");
  assert.match(held, /^\[10.0.0.2\]:tcp:80 of .* is HELD for 4.00 s: .*; removal_floor keeps it for another 6.00 s$/m);
  assert.match(held, /^table +in it with weight 1$/m);
  assert.match(held, /^floor +50% confirm 10 s$/m);
  assert.match(await why("[192.0.2.1]:tcp:80"), /^servers +0 of 2 up, 1 held back$/m);
  director.freeze(true);
  const frozen = await why("10.0.0.2:80", { trouble: "uplink eth1 is down" });
  assert.match(frozen, /; self_check holds the table \(uplink eth1 is down\)$/m);
  assert.match(frozen, /^self check +holds the table: uplink eth1 is down$/m);
});

test("what takes no connections although its checks pass, or were not made", async () => {
  const alpha = tcpCheck({ alpha: true }, 80, "10.0.0.2");
  const inhibited = server(4, { inhibitOnFailure: true });
  const realServers = [server(1, { weight: 0 }), server(2, { checks: [alpha] }), server(3, { checks: [] }), inhibited];
  const { fail, why } = await stand(virtualServer({ realServers }));
  assert.match(await why("10.0.0.1"), /is UP .*: its weight is 0 in the configuration: no new connections$/m);
  assert.match(await why("10.0.0.1"), /^back when +its weight is set in the configuration$/m);
  assert.match(await why("10.0.0.2"), /is DOWN .*: TCP_CHECK \[10.0.0.2\]:80 has not passed yet \(alpha\)$/m);
  assert.match(await why("10.0.0.3"), /is UP .*: nobody checks it$/m);
  assert.doesNotMatch(await why("10.0.0.3"), /back when/);
  fail(3, "timeout");
  assert.match(
    await why("10.0.0.4"),
    /no answer in time \(connect_timeout\); inhibit_on_failure keeps it with weight 0$/m,
  );
  assert.match(await why("10.0.0.4"), /^table +in it with weight 0$/m);
});

test("a virtual server that rests, one that can never have its quorum, and what the kernel refuses", async () => {
  const { director, fail, why } = await stand(virtualServer({ realServers: [server(1)], quorum: 3, haSuspend: true }));
  fail(1);
  await director.suspend(() => true);
  const text = await why("[192.0.2.1]:tcp:80", { kernel: ["IPVS [192.0.2.1]:tcp:80: no such scheduler"] });
  assert.match(text, /is DOWN .*: none of its 1 real servers is up; ha_suspend: no address of it is on this host/);
  assert.match(text, /^suspended +ha_suspend: no address of it is on this host, its checks rest$/m);
  assert.match(text, /^kernel +IPVS \[192.0.2.1\]:tcp:80: no such scheduler$/m);
  assert.match(text, /weight 3 is needed, and all its servers together have 1: change quorum, hysteresis or weights$/m);
  const resting = await why("10.0.0.1:80");
  assert.match(resting, /^back when +an address of it comes to this host: then it is checked \(ha_suspend\)$/m);
  assert.doesNotMatch(resting, /next in|every/);
});

test("names: of a server that many have, of a group, and of nothing", async () => {
  const { service } = virtualServer();
  assert.ok(service.kind === "address");
  const at = (n: number) => virtualServer({ service: { ...service, port: port(n) }, realServers: [server(1)] });
  const group = virtualServer({
    service: { kind: "group", group: "WEB", protocol: "TCP", ordinal: 0, family: "inet" },
    realServers: [server(2)],
  });
  const { why, document } = await stand(...Array.from({ length: 23 }, (_, i) => at(80 + i)), group);
  const all = await why("10.0.0.1:80");
  assert.equal(all.match(/^\[10.0.0.1\]:tcp:80 of /gm)?.length, 20);
  assert.match(all, /^3 more virtual servers have 10.0.0.1:80$/m);
  assert.match(await why("[192.0.2.1]:tcp:81"), /^\[192.0.2.1\]:tcp:81 is UP/);
  assert.match(await why("WEB"), /^\[WEB\]:0 is UP/);
  for (const name of ["10.0.0.1:81", "[10.0.0.1]:udp:80", "nothing", "", "[", "10.0.0.1:tcp:80:80"]) {
    const answer = await document(name);
    assert.ok(typeof answer === "object" && answer !== null && "known" in answer, name);
    assert.equal((answer.known as readonly string[]).length, 24);
  }
});

test("names: marks of both families, what a group has, sorry servers, and other spellings of an address", async () => {
  const mark = (family: "inet" | "inet6") =>
    virtualServer({ service: { kind: "fwmark", fwmark: 7, family }, realServers: [server(1)] });
  const v6 = virtualServer({
    service: { kind: "address", address: "2001:db8::200", port: port(80), protocol: "TCP" },
    realServers: [server(2)],
    sorryServer,
  });
  const group = virtualServer({
    service: { kind: "group", group: "WEB", protocol: "TCP", ordinal: 0, family: "inet" },
    groupEntries: [
      { kind: "addresses", first: "192.0.2.60", last: "192.0.2.62", port: port(80) },
      { kind: "fwmark", fwmark: 9, family: "inet" },
    ],
    realServers: [server(3)],
  });
  const { document } = await stand(mark("inet"), mark("inet6"), v6, group);
  const whom = async (name: string): Promise<readonly string[]> => {
    const answer = await document(name);
    assert.ok(typeof answer === "object" && answer !== null, name);
    if ("known" in answer) return [];
    assert.ok("virtualServers" in answer && "about" in answer);
    assert.equal(answer.about, "virtual-server", name);
    return (answer.virtualServers as { vs: string; servers: object }[]).map(({ vs }) => vs);
  };
  const rows: readonly [names: readonly string[], found: readonly string[]][] = [
    [
      ["FWM 7", "fwmark 7"],
      ["FWM 7", "FWM 7 inet6"],
    ],
    [["FWM 7 inet"], ["FWM 7"]],
    [["FWM 7 inet6"], ["FWM 7 inet6"]],
    [
      ["[2001:db8::200]:tcp:80", "[2001:DB8:0::200]:80", "2001:db8:0:0::200 80", "2001:DB8::0:200"],
      ["[2001:db8::200]:tcp:80"],
    ],
    [["10.9.9.9", "[10.9.9.9]:tcp:80"], ["[2001:db8::200]:tcp:80"]],
    [["192.0.2.60", "192.0.2.61:80", "[192.0.2.62]:tcp:80", "FWM 9", "FWM 9 inet", "WEB", "[WEB]:0"], ["[WEB]:0"]],
    [
      [
        "192.0.2.59",
        "192.0.2.63",
        "192.0.2.61:81",
        "[192.0.2.61]:udp:80",
        "FWM 9 inet6",
        "FWM 8",
        "10.9.9.9:81",
        "::1",
      ],
      [],
    ],
  ];
  for (const [names, found] of rows) for (const name of names) assert.deepEqual(await whom(name), found, name);
  assert.deepEqual(await document("x"), { known: ["FWM 7", "FWM 7 inet6", "[2001:db8::200]:tcp:80", "[WEB]:0"] });
});

test("what is no such document is not shown", () => {
  for (const value of [undefined, null, 1, {}, { about: "x", virtualServers: [{}] }, { virtualServers: [] }])
    assert.equal(parseServersWhy(value), undefined);
});
