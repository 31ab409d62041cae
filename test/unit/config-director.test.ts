import assert from "node:assert/strict";
import { test } from "node:test";
import type { Config } from "../../main/config/model.js";
import { load } from "./config-fake-host.js";

/** The lines about the director's own faults: removal_floor and track_quorum. */

const service = (lines: string, address = "192.0.2.1"): string => `
virtual_server ${address} 80 {
  lb_algo rr
  lb_kind DR
  protocol TCP
  ${lines}
  real_server 10.0.0.1 80 {
  }
}
`;

interface Read {
  readonly config: Config | undefined;
  readonly found: readonly string[];
}

function read(text: string): Read {
  const { config, diagnostics } = load(text);
  return { config, found: diagnostics.map(({ message }) => message) };
}

const floors: readonly (readonly [global: string, own: string, expected: unknown])[] = [
  ["", "", undefined],
  ["", "removal_floor 50%", { percent: 50, confirm: 120_000 }],
  ["", "delay_loop 2\nremoval_floor 50", { percent: 50, confirm: 10_000 }],
  ["", "delay_loop 30\nfast_interval 6\nremoval_floor 0%", { percent: 0, confirm: 12_000 }],
  ["", "delay_loop 2\nremoval_floor 33% confirm 2.5", { percent: 33, confirm: 2500 }],
  ["", "removal_floor 100%", undefined],
  ["removal_floor 25% confirm 90", "", { percent: 25, confirm: 90_000 }],
  ["removal_floor 25% confirm 90", "removal_floor 50% confirm 70", { percent: 50, confirm: 70_000 }],
  ["removal_floor 25% confirm 90", "removal_floor off", undefined],
];
for (const [global, own, expected] of floors) {
  test(`removal_floor: "${global}", then "${own.replaceAll("\n", "; ")}"`, () => {
    const { config, found } = read(`global_defs {\n${global}\n}\n${service(own)}`);
    assert.deepEqual([config?.virtualServers[0]?.removalFloor, found], [expected, []]);
  });
}

for (const [line, says] of [
  ["removal_floor", /removal_floor '' is not a percentage between 0% and 100% - ignoring/],
  ["removal_floor 101%", /removal_floor '101%' is not a percentage/],
  ["removal_floor half", /removal_floor 'half' is not a percentage/],
  ["removal_floor off 50%", /'50%' after removal_floor off is ignored/],
  ["removal_floor 50% confirm 0", /confirm '0' of removal_floor is not between 0.1 and 86400 seconds/],
  ["removal_floor 50% confirmed 3", /unknown option 'confirmed' of removal_floor/],
  ["removal_floor 50% confirm 90 confirm 80", /'confirm' of removal_floor is given twice; the last one is used/],
  ["delay_loop 6\nremoval_floor 50% confirm 3", /confirms after 3 s, but checks come every 6 s/],
] as const) {
  test(`reported: ${line}`, () => {
    const { found } = read(service(line));
    assert.ok(
      found.some((message) => says.test(message)),
      found.join("\n"),
    );
  });
}

const tracking = (lines: string, more = ""): string => `
vrrp_instance V {
  interface eth0
  virtual_router_id 51
  ${more}
  virtual_ipaddress {
    192.0.2.1/24
  }
  track_quorum {
    ${lines}
  }
}
`;

test("track_quorum names virtual servers as the log does", () => {
  const mark = "virtual_server fwmark 7 {\nip_family inet6\nlb_algo rr\nlb_kind DR\nreal_server fd00::1 {\n}\n}\n";
  const names = '[192.0.2.1]:tcp:80\n"FWM 7 inet6" weight -20 reverse\n[2001:db8::1]:tcp:80 weight 5';
  const six = service("", "2001:db8::1").replace("10.0.0.1", "fd00::2");
  const { config, found } = read(`${tracking(names)}${service("")}${mark}${six}`);
  assert.deepEqual(found, []);
  assert.deepEqual(config?.vrrpInstances[0]?.track.quorums, [
    { name: "[192.0.2.1]:tcp:80", weight: 0, reverse: false },
    { name: "FWM 7 inet6", weight: -20, reverse: true },
    { name: "[2001:db8::1]:tcp:80", weight: 5, reverse: false },
  ]);
});

test("without the block there is nothing about quorums in an instance", () => {
  const { config } = read(tracking("").replace(/track_quorum[^}]*}/, ""));
  assert.deepEqual(config?.vrrpInstances[0]?.track, { files: [], processes: [], bfds: [] });
});

for (const [what, text, says] of [
  [
    "a name that nobody has",
    tracking("[192.0.2.1]:tcp:81") + service(""),
    /virtual server \[192.0.2.1\]:tcp:81 not found/,
  ],
  [
    "twice",
    tracking("[192.0.2.1]:tcp:80\n[192.0.2.1]:tcp:80 weight 3") + service(""),
    /given twice; the first one is used/,
  ],
  [
    "ha_suspend",
    tracking("[192.0.2.1]:tcp:80") + service("ha_suspend"),
    /with ha_suspend nobody checks it on a backup/,
  ],
  [
    "a weight and the owner of the addresses",
    tracking("[192.0.2.1]:tcp:80 weight 3", "priority 255") + service(""),
    /ignoring tracked quorum/,
  ],
] as const) {
  test(`reported: track_quorum, ${what}`, () => {
    const { config, found } = read(text);
    assert.ok(
      found.some((message) => says.test(message)),
      found.join("\n"),
    );
    assert.equal(config?.vrrpInstances[0]?.track.quorums?.length, what === "twice" ? 1 : undefined);
  });
}

for (const [words, twice] of [
  ["most 30% hold 5 most 40%", ["most"]],
  ["notify_fifo smtp_alert smtp_alert notify_fifo notify_fifo", ["smtp_alert", "notify_fifo", "notify_fifo"]],
  ["interface eth0 interface eth1", []],
] as const) {
  test(`self_check ${words}: what is given twice is reported, and the last one is used`, () => {
    const { config, found } = read(`global_defs {\nself_check ${words}\n}\n${service("")}`);
    const sentence = (word: string): string => `'${word}' of self_check is given twice; the last one is used`;
    assert.deepEqual(found, twice.map(sentence));
    assert.equal(config?.global.selfCheck?.most, words.includes("40%") ? 40 : 50);
  });
}

test("self_check off is off, as removal_floor off is", () => {
  const off = read(`global_defs {\nself_check most 30%\nself_check off\n}\n${service("")}`);
  assert.deepEqual([off.config?.global.selfCheck, off.found], [undefined, []]);
});

test("a word of track_quorum in a wrong place is not proposed again", () => {
  const { diagnostics } = load(service("") + tracking("[192.0.2.1]:tcp:80 reverse weight 10"));
  const hints = diagnostics.flatMap(({ hint }) => hint ?? []);
  assert.deepEqual(
    hints.filter((hint) => hint.includes("did you mean")),
    [],
  );
  assert.match(hints.join("\n"), /write: <name> \[weight/);
});

test("an interface of self_check that the host does not have is a warning, unless it may come", () => {
  const text = (globals: string): string => `global_defs {\n${globals}\nself_check interface eth7 hold 30\n}\n`;
  const { config, diagnostics } = load(text(""));
  assert.deepEqual(config?.global.selfCheck?.interfaces, ["eth7"]);
  assert.deepEqual(
    diagnostics.map(({ severity, code, at }) => [severity, code, at?.line]),
    [["warning", "CFG_INTERFACE", 3]],
  );
  assert.match(diagnostics[0]?.message ?? "", /interface eth7 of self_check doesn't exist/);
  assert.deepEqual(read(text("dynamic_interfaces")).found, []);
});
