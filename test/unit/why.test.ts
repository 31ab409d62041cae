import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import type { VrrpInstanceConfig } from "../../main/config/model.js";
import type { SyncGroupConfig } from "../../main/config/model-vrrp.js";
import { ControlSocket } from "../../main/control/control-socket.js";
import { parseOptions } from "../../main/control/options.js";
import { askWhy } from "../../main/control/status-client.js";
import { questionUsage } from "../../main/control/usage.js";
import type { WhyDocument } from "../../main/control/why.js";
import { renderWhy } from "../../main/control/why-render.js";
import { whyDocument } from "../../main/control/why-report.js";
import { ms, vrid } from "../../main/units.js";
import { checkScript as check, syncGroup } from "../harness/config-fixtures.js";
import { SimClock } from "../simulation/sim-clock.js";
import { daemonConfig, foreignAdvert, instanceConfig, SimRouter, virtualAddress } from "../simulation/sim-router.js";
import { SimSegment } from "../simulation/sim-segment.js";

/** `holdfast why`: from a running instance to sentences. The texts are an interface: people search for them. */

class Stand {
  readonly clock = new SimClock();
  readonly segment = new SimSegment(this.clock);
  readonly sim = new SimRouter("us", "192.0.2.1", this.clock, this.segment);

  constructor(instances: readonly VrrpInstanceConfig[], groups: readonly SyncGroupConfig[] = []) {
    this.segment.delay = 0;
    this.sim.router.start(daemonConfig(instances, { syncGroups: groups, vrrpScripts: [check] }));
  }

  hear(config: VrrpInstanceConfig, at: number, changes: object = {}): void {
    this.segment.inject(foreignAdvert(config, at, changes));
    this.clock.advance(0);
  }

  /** Ends the run of the script that is due. */
  exit(code: number): void {
    this.clock.advance(0);
    this.sim.exit("/chk", code);
  }

  why(name = "V"): WhyDocument {
    const { router } = this.sim;
    const [snapshot] = router.snapshotsOf(new Set([name]));
    assert(snapshot !== undefined);
    const group = router.groups().find(({ config }) => config.members.includes(name));
    const others = router.standingsOf(new Set(group?.config.members));
    return whyDocument({ snapshot, group, others, scripts: router.scripts(), now: this.clock.now() });
  }
}

const tracked = { trackScripts: [{ name: "chk", weight: -30, reverse: false }] };

test("a master: its priority, its timer, its addresses, and nothing that would make it one", () => {
  const stand = new Stand([instanceConfig()]);
  stand.clock.advance(4000);
  assert.equal(
    renderWhy(stand.why()),
    [
      "V is MASTER for 0.39 s: no advert within Master_Down_Interval",
      "priority     100 = 100 configured",
      "adverts      sent one 0.39 s ago",
      "             heard none",
      "timers       next advert in 0.61 s",
      "addresses    192.0.2.100/24 dev eth0",
      "",
    ].join("\n"),
  );
});

test("a backup whose script fails: what the script would give, and whether it is enough", () => {
  const config = instanceConfig(tracked);
  const stand = new Stand([config]);
  stand.exit(3);
  stand.hear(config, 90);
  stand.clock.advance(500);
  const why = stand.why();
  assert.deepEqual(why.priority, {
    base: 100,
    effective: 70,
    parts: [{ tracker: "script", name: "chk", state: "down", delta: -30, bestDelta: 0 }],
  });
  assert.deepEqual(why.wouldMakeItMaster, [
    "192.0.2.9 is not heard for another 3.23 s",
    "192.0.2.9 goes below priority 70",
    "its own priority goes above 90: with script chk well it is 100, which is enough",
  ]);
  assert.equal(
    renderWhy(why),
    [
      "V is BACKUP for 0.50 s: startup",
      "priority     70 = 100 configured, and",
      "               -30  script chk is down, at best +0",
      "checks       script chk is down, last exit 3",
      "adverts      heard 192.0.2.9 0.50 s ago: priority 90, every 1.00 s",
      "timers       master-down in 3.23 s",
      "addresses    192.0.2.100/24 dev eth0, not set",
      "master when  192.0.2.9 is not heard for another 3.23 s",
      "             192.0.2.9 goes below priority 70",
      "             its own priority goes above 90: with script chk well it is 100, which is enough",
      "",
    ].join("\n"),
  );
});

const rows: readonly (readonly [
  name: string,
  Partial<VrrpInstanceConfig>,
  heard: number | undefined,
  readonly string[],
])[] = [
  ["nobody is heard", {}, undefined, ["nobody is heard for another 2.61 s"]],
  [
    "no tracker helps",
    {},
    150,
    [
      "192.0.2.9 is not heard for another 3.61 s",
      "192.0.2.9 goes below priority 100",
      "its own priority goes above 150: every tracker gives what it can already, so priority 100 has to be changed",
    ],
  ],
  [
    "a file could help",
    { track: { files: [{ name: "f", weight: 1, reverse: false }], processes: [], bfds: [] } },
    150,
    [
      "192.0.2.9 is not heard for another 3.61 s",
      "192.0.2.9 goes below priority 100",
      "its own priority goes above 150: the number in file f has to give 51 more",
    ],
  ],
  [
    "nopreempt",
    { preempt: false },
    50,
    ["192.0.2.9 is not heard for another 3.61 s", "nopreempt: no priority makes it take over from 192.0.2.9"],
  ],
  [
    "preempt_delay",
    { preemptDelay: ms(60_000) },
    50,
    ["192.0.2.9 is not heard for another 3.61 s", "its preempt_delay ends in 60 s, and 192.0.2.9 is still weaker"],
  ],
  ["a weaker one", {}, 50, ["192.0.2.9 with priority 50 is weaker: it takes over in 2.61 s"]],
  [
    "an owner",
    {},
    255,
    [
      "192.0.2.9 is not heard for another 3.61 s",
      "192.0.2.9 goes below priority 100",
      "its own priority goes above 255: no tracker can do that",
    ],
  ],
];

for (const [name, changes, heard, sentences] of rows) {
  test(`a backup, ${name}`, () => {
    const config = instanceConfig(changes);
    const stand = new Stand([config]);
    stand.clock.advance(1000);
    if (heard !== undefined) stand.hear(config, heard);
    assert.deepEqual(stand.why().wouldMakeItMaster, sentences);
  });
}

test("a fault: each reason, and what comes after the last one has gone", () => {
  const config = instanceConfig({ trackScripts: [{ name: "chk", weight: 0, reverse: false }] });
  const stand = new Stand([config]);
  assert.deepEqual(stand.why().waitingFor, ["chk"]);
  stand.exit(1);
  stand.sim.host.setRunning(false);
  const why = stand.why();
  assert.equal(why.state, "FAULT");
  assert.deepEqual(why.faults, ["interface eth0 is down", "script chk fails (exit 1)"]);
  assert.deepEqual(why.wouldMakeItMaster, [
    "this ends: interface eth0 is down",
    "this ends: script chk fails (exit 1)",
    "all of these are needed",
    "then nobody stronger is heard for 3.61 s",
  ]);
});

test("a sync group: who holds it back, and whose fault it is", () => {
  const a = instanceConfig({ name: "A", vrid: vrid(1), virtualAddresses: [virtualAddress("192.0.2.101")] });
  const b = { ...a, ...tracked, name: "B", vrid: vrid(2), virtualAddresses: [virtualAddress("192.0.2.102")] };
  const fatal = [{ name: "chk", weight: 0, reverse: false }];
  const stand = new Stand([a, { ...b, trackScripts: fatal }], [syncGroup("G", ["A", "B"])]);
  stand.exit(0);
  stand.clock.advance(1000);
  assert.deepEqual(stand.why("A").wouldMakeItMaster, [
    "nobody is heard for another 2.61 s",
    "whichever it is, B of sync group G must be ready for it too",
  ]);
  for (let i = 0; i < 4; i++) {
    stand.clock.advance(1000);
    stand.hear(b, 150);
  }
  assert.deepEqual(stand.why("A").wouldMakeItMaster, ["it is ready itself: B of sync group G must be ready too"]);
  stand.exit(1);
  assert.deepEqual(stand.why("A").faults, ["B of sync group G has a fault due to script chk"]);
  assert.deepEqual(stand.why("A").group, {
    name: "G",
    state: "FAULT",
    others: [{ instance: "B", state: "FAULT", wantsMaster: false, faults: ["due to script chk"] }],
  });
  assert.match(renderWhy(stand.why("A")), /^group {8}G is FAULT\n {13} {2}B is FAULT: due to script chk$/m);
});

test("what the group tracks is named as its part", () => {
  const stand = new Stand([instanceConfig()], [syncGroup("G", ["V"], tracked)]);
  stand.exit(1);
  assert.deepEqual(stand.why().priority.parts, [
    { tracker: "script", name: "chk", state: "down", delta: -30, bestDelta: 0, group: "G" },
  ]);
  assert.deepEqual(stand.why().checks, [{ script: "chk", state: "down", lastExit: 1, running: false }]);
});

test("parts of every kind in words", () => {
  const why = new Stand([instanceConfig()]).why();
  const part = { name: "t", state: "up", delta: 0 } as const;
  const parts: WhyDocument["priority"]["parts"] = [
    { ...part, tracker: "file", value: 20, delta: 20 },
    { ...part, tracker: "file", state: "init", value: 0 },
    { ...part, tracker: "process", state: "init", bestDelta: 10 },
    { ...part, tracker: "interface", state: "down", delta: -5, bestDelta: 0, group: "G" },
  ];
  const text = renderWhy({ ...why, priority: { base: 100, effective: 115, parts } });
  assert.deepEqual(text.split("\n").slice(1, 6), [
    "priority     115 = 100 configured, and",
    "               +20  file t holds 20",
    "               +0  file t is not read yet",
    "               +0  process t is not known yet, at best +10",
    "               -5  interface t is down, at best +0, of sync group G",
  ]);
});

test("a rejected advert is shown with its reason", () => {
  const config = instanceConfig();
  const stand = new Stand([config]);
  stand.hear(config, 150, { interval: ms(2000) });
  stand.clock.advance(1000);
  const { heard, rejected } = stand.why().adverts;
  assert.equal(heard, undefined);
  assert.equal(rejected?.source, "192.0.2.9");
  assert.equal(rejected?.agoMs, 1000);
  assert.match(rejected?.reason ?? "", /interval/);
});

test("over the control socket: the document, and names for one that does not exist", async (t) => {
  const dir = mkdtempSync(join(tmpdir(), "holdfast-why-"));
  const path = join(dir, "sock");
  const document = new Stand([instanceConfig()]).why();
  const known = ["V", "W"];
  const why = (name: string) => (name === "V" ? document : name === "G" ? { known, members: ["W"] } : { known });
  await using _socket = await ControlSocket.open(path, () => assert.fail("nobody asked for it"), { why });
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  assert.deepEqual(await askWhy(path, "V"), JSON.parse(JSON.stringify(document)));
  await assert.rejects(askWhy(path, "XYZ"), /there is no instance or server XYZ - there are V, W/);
  await assert.rejects(askWhy(path, "two\nlines"), /there is no instance or server "two\\nlines" - there are V, W/);
  await assert.rejects(askWhy(path, "G"), /G is a sync group - ask for a member: W$/);
});

test("command line", () => {
  const parse = (...argv: readonly string[]) => {
    const { options, errors } = parseOptions(argv, {});
    return { action: options.action, json: options.statusJson, socket: options.controlSocket, errors };
  };
  const plain = { action: { do: "why", instance: "V 1" }, json: false, socket: undefined, errors: [] };
  assert.deepEqual(parse("why", "V 1"), plain);
  assert.match(questionUsage("holdfast", "why"), /^Usage: holdfast why NAME(?!.*--dont-fork)/s);
  assert.deepEqual(parse("why", "V 1", "--format", "json"), { ...plain, json: true });
  assert.deepEqual(parse("why", "V 1", "--format=json", "--control-socket=/s"), { ...plain, json: true, socket: "/s" });
  assert.deepEqual(parse("why", "V 1", "--control-socket", "/s", "--format", "text"), { ...plain, socket: "/s" });
  assert.deepEqual(parse("why", "V 1", "--format", "xml").errors, ["why: unknown format 'xml' - use text or json"]);
  assert.match(parse("why").errors[0] ?? "", /^why: no instance or server is named/);
});
