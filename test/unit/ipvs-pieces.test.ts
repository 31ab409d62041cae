import assert from "node:assert/strict";
import { test } from "node:test";
import { plainTunnel } from "../../main/config/keywords/forwarding.js";
import type { VirtualServerConfig } from "../../main/config/model.js";
import type { DestinationIpvsConfig, ServiceIpvsConfig, TunnelConfig } from "../../main/config/model-lvs.js";
import { TurnBudget } from "../../main/ipvs/batcher.js";
import { destinationPrint } from "../../main/ipvs/fingerprint.js";
import { entryFromConfig, serviceFromConfig } from "../../main/ipvs/from-config.js";
import { errorSentence, type Operation } from "../../main/ipvs/operation.js";
import { Pacer } from "../../main/ipvs/pacer.js";
import { RepairLimiter } from "../../main/ipvs/repair-limiter.js";
import { sameDestination, serviceKey } from "../../main/ipvs/table.js";
import { ms, port } from "../../main/units.js";
import { sampleDestination, sampleService } from "../harness/ipvs-samples.js";

type Wanted = Pick<
  VirtualServerConfig,
  "service" | "forwarding" | "persistenceTimeoutSeconds" | "persistenceGranularity" | "ipvs"
>;

const plainIpvs: ServiceIpvsConfig = {
  tunnel: plainTunnel,
  sorryForwarding: { method: "DR", tunnel: plainTunnel },
  onePacket: false,
  flag1: false,
  flag2: false,
  flag3: false,
  persistenceEngine: undefined,
};

/** What of a virtual server matters to IPVS. */
const config = (changes: Partial<Wanted>): VirtualServerConfig =>
  ({
    service: { kind: "address", protocol: "TCP", address: "192.0.2.1", port: port(80) },
    scheduler: "wlc",
    forwarding: "DR",
    persistenceTimeoutSeconds: 0,
    persistenceGranularity: undefined,
    ipvs: plainIpvs,
    ...changes,
  }) as VirtualServerConfig;

const mark = { kind: "fwmark", fwmark: 7, family: "inet6" } as const;
const v6 = { kind: "address", protocol: "UDP", address: "2001:db8::1", port: port(53) } as const;

const services: readonly (readonly [name: string, Partial<Wanted>, want: string])[] = [
  ["not persistent: the whole address counts", {}, "[192.0.2.1]:tcp:80 flags 0 timeout 0 mask ffffffff"],
  [
    "granularity without persistence is not used",
    { persistenceGranularity: "255.255.255.0" },
    "[192.0.2.1]:tcp:80 flags 0 timeout 0 mask ffffffff",
  ],
  ["persistent", { persistenceTimeoutSeconds: 50 }, "[192.0.2.1]:tcp:80 flags 1 timeout 50 mask ffffffff"],
  [
    "persistent by network",
    { persistenceTimeoutSeconds: 50, persistenceGranularity: "255.255.255.0" },
    "[192.0.2.1]:tcp:80 flags 1 timeout 50 mask ffffff00",
  ],
  ["IPv6", { service: v6 }, "[2001:db8::1]:udp:53 flags 0 timeout 0 mask 80"],
  [
    "IPv6 by network",
    { service: v6, persistenceTimeoutSeconds: 9, persistenceGranularity: "64" },
    "[2001:db8::1]:udp:53 flags 1 timeout 9 mask 40",
  ],
  ["a mark", { service: mark }, "FWM 7 inet6 flags 0 timeout 0 mask 80"],
  [
    "one packet and the scheduler's first and third flag, persistent",
    { persistenceTimeoutSeconds: 50, ipvs: { ...plainIpvs, onePacket: true, flag1: true, flag3: true } },
    "[192.0.2.1]:tcp:80 flags 2d timeout 50 mask ffffffff",
  ],
  ["flag 2", { ipvs: { ...plainIpvs, flag2: true } }, "[192.0.2.1]:tcp:80 flags 10 timeout 0 mask ffffffff"],
];

for (const [name, changes, want] of services)
  test(`service from configuration: ${name}`, () => {
    const service = serviceFromConfig(config(changes));
    const { flags, timeoutSeconds, netmask } = service;
    assert.equal(
      `${serviceKey(service)} flags ${flags.toString(16)} timeout ${timeoutSeconds} mask ${netmask.toString(16)}`,
      want,
    );
  });

const ports: readonly (readonly [name: string, Partial<Wanted>, want: number])[] = [
  ["NAT keeps the server's port", { forwarding: "NAT" }, 8080],
  ["DR has the service's", { forwarding: "DR" }, 80],
  ["TUN has the service's", { forwarding: "TUN" }, 80],
  ["a mark has none", { forwarding: "DR", service: mark }, 0],
];

for (const [name, changes, want] of ports)
  test(`port of a destination: ${name}`, () => {
    const address = changes.service === mark ? "2001:db8::9" : "10.0.0.1";
    const entry = entryFromConfig(config(changes), [{ address, port: port(8080), weight: 1 }]);
    assert.deepEqual(
      [...entry.destinations.values()].map((d) => d.port),
      [want],
    );
  });

const gue: TunnelConfig = { type: "gue", port: port(6080), checksum: "csum" };
const member = (ipvs: DestinationIpvsConfig) => ({ address: "10.0.0.1", port: port(8080), weight: 1, ipvs });
const only = (entry: ReturnType<typeof entryFromConfig>) => [...entry.destinations.values()][0];

test("a server's own method decides about its port; its tunnel and thresholds go with it", () => {
  const own = { forwarding: { method: "TUN", tunnel: gue }, upperThreshold: 9, lowerThreshold: 3 } as const;
  const destination = only(entryFromConfig(config({ forwarding: "NAT" }), [member(own)]));
  assert.deepEqual(destination, {
    family: "inet",
    address: "10.0.0.1",
    port: 80,
    forwarding: "TUN",
    weight: 1,
    upperThreshold: 9,
    lowerThreshold: 3,
    tunnel: gue,
  });
});

test("IP in IP, and what is said of tunnels beside another method, is no tunnel of its own", () => {
  for (const forwarding of [{ method: "TUN", tunnel: plainTunnel } as const, { method: "DR", tunnel: gue } as const]) {
    const destination = only(
      entryFromConfig(config({}), [member({ forwarding, upperThreshold: 0, lowerThreshold: 0 })]),
    );
    assert.ok(destination !== undefined && !("tunnel" in destination));
  }
});

test("another port of a tunnel is a change; the same in another object is none", () => {
  const one = sampleDestination("10.0.0.1", { forwarding: "TUN", tunnel: gue });
  assert.ok(sameDestination(one, { ...one, tunnel: { ...gue } }));
  assert.ok(!sameDestination(one, { ...one, tunnel: { ...gue, port: port(6081) } }));
  assert.ok(!sameDestination(one, sampleDestination("10.0.0.1", { forwarding: "TUN" })));
  assert.notEqual(destinationPrint(one), destinationPrint({ ...one, tunnel: { ...gue, checksum: "remcsum" } }));
});

test("weights are clamped to what the kernel takes", () => {
  const pool = [-5, 0, 7.9, 2 ** 40].map((weight, i) => ({ address: `10.0.0.${i}`, port: port(80), weight }));
  const { destinations } = entryFromConfig(config({}), pool);
  assert.deepEqual(
    [...destinations.values()].map((d) => d.weight),
    [0, 0, 7, 0x7fffffff],
  );
});

const web = sampleService("192.0.2.1");
const sentences: readonly (readonly [Operation, number, string])[] = [
  [
    { do: "new-service", service: web },
    17,
    "IPVS cmd IP_VS_SO_SET_ADD(1154) error: Service already exists(17) (192.0.2.1:tcp:80)",
  ],
  [
    { do: "new-dest", service: web, destination: sampleDestination("10.0.0.1") },
    17,
    "IPVS cmd IP_VS_SO_SET_ADDDEST(1159) error: Destination already exists(17) (192.0.2.1:tcp:80 -> 10.0.0.1:80)",
  ],
  [
    { do: "del-dest", service: sampleService("2001:db8::1", 443), destination: sampleDestination("2001:db8:1::1") },
    2,
    "IPVS cmd IP_VS_SO_SET_DELDEST(1160) error: No such destination(2) (2001:db8::1:tcp:443 -> 2001:db8:1::1:80)",
  ],
  [
    { do: "new-service", service: { ...web, match: { kind: "fwmark", fwmark: 5 } } },
    17,
    "IPVS cmd IP_VS_SO_SET_ADD(1154) error: Service already exists(17) (Fwm 5)",
  ],
  [
    { do: "set-dest", service: web, destination: sampleDestination("10.0.0.1") },
    12,
    "IPVS cmd IP_VS_SO_SET_EDITDEST(1161) error: Cannot allocate memory(12) (192.0.2.1:tcp:80 -> 10.0.0.1:80)",
  ],
  [
    { do: "new-service", service: { ...web, scheduler: "twos" } },
    2,
    "IPVS cmd IP_VS_SO_SET_ADD(1154) error: Scheduler or persistence engine not found(2) (192.0.2.1:tcp:80) - this kernel has no lb_algo twos (module ip_vs_twos): install the module, or configure another",
  ],
  [
    { do: "new-dest", service: web, destination: sampleDestination("10.0.0.1", { lowerThreshold: 5 }) },
    34,
    "IPVS cmd IP_VS_SO_SET_ADDDEST(1159) error: Error(34) (192.0.2.1:tcp:80 -> 10.0.0.1:80) - lthreshold 5 must not be above uthreshold 0",
  ],
];

for (const [operation, errno, want] of sentences)
  test(`keepalived's sentence: ${operation.do} ${errno}`, () =>
    assert.equal(errorSentence(operation, { errno, reason: "" }), want));

test("an entry is repaired three times a minute, then held for 1, 2, 4 ... 10 minutes; quiet forgives", () => {
  const limiter = new RepairLimiter();
  const at = (seconds: number): string => {
    const allowance = limiter.allow("entry", ms(seconds * 1000));
    return allowance.kind === "repair" ? "repair" : `hold ${allowance.for / 1000}`;
  };
  assert.deepEqual([0, 1, 2, 3].map(at), ["repair", "repair", "repair", "hold 60"]);
  assert.deepEqual([63, 64, 65, 66].map(at), ["repair", "repair", "repair", "hold 120"]);
  assert.deepEqual([190, 191, 192, 193].map(at), ["repair", "repair", "repair", "hold 240"]);
  assert.equal(limiter.allow("another", ms(193_000)).kind, "repair");
  assert.deepEqual([1000, 1001, 1002, 1003].map(at), ["repair", "repair", "repair", "hold 60"]);
});

test("polling takes its time with the size of the table and stays within 5 % of a core", () => {
  for (const { services: count, perService } of [
    { services: 10, perService: 0.5 },
    { services: 2000, perService: 0.35 },
    { services: 50, perService: 14 },
  ]) {
    const pacer = new Pacer();
    let spent = 0;
    let ticks = 0;
    for (let round = 0; round < 20; round++) {
      let left = count;
      while (left > 0) {
        const portion = Math.min(pacer.portion(count), left);
        ticks += 1;
        left -= portion;
        spent += portion * perService;
        pacer.measuredDestinations(portion * perService);
      }
      pacer.roundEnded();
    }
    const share = spent / (ticks * 250);
    assert.ok(share <= 0.05, `${count} services: ${(share * 100).toFixed(1)} %`);
    const expected = Math.max(750, (count * perService) / 0.04);
    assert.ok(Math.abs(pacer.roundPeriod(count) - expected) < 1, `${count} services: ${pacer.roundPeriod(count)} ms`);
  }
});

test("one slow reading does not slow polling down for long", () => {
  const pacer = new Pacer();
  for (const cost of [10, 10, 5000, 10, 10, 10]) {
    pacer.measuredDestinations(cost);
    pacer.roundEnded();
  }
  assert.equal(pacer.roundPeriod(10), 750);
  for (const cost of [0.5, 3000, 0.5, 0.5, 0.5, 0.5]) pacer.measuredServices(cost);
  assert.equal(pacer.servicesPeriod, 1000);
});

test("long work gives the loop a turn every 0.4 ms", async () => {
  let now = 0;
  const budget = new TurnBudget({ now: () => ms(now), after: () => ({ [Symbol.dispose]: () => undefined }) });
  let turns = 0;
  const count = setInterval(() => undefined, 1_000);
  const tick = (): void => {
    turns += 1;
    if (turns < 1_000) setImmediate(tick);
  };
  setImmediate(tick);
  for (let i = 0; i < 40; i++) {
    now += 0.25;
    await budget.breathe();
  }
  clearInterval(count);
  assert.ok(turns >= 19 && turns <= 22, `${turns} turns in 10 ms of work`);
  turns = 1_000;
});
