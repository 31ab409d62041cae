import assert from "node:assert/strict";
import { test } from "node:test";
import type { HostNetwork } from "../../main/vrrp/ports.js";
import { rehearsal } from "../../main/vrrp/rehearsal.js";
import { daemonConfig, instanceConfig } from "../simulation/sim-router.js";

test("a rehearsal wins elections on the stage, and leaves nothing behind", () => {
  const changes = { added: 0, deleted: 0 };
  const network: HostNetwork = {
    link: (name) => ({
      index: 2,
      name,
      running: true,
      noArp: false,
      multicast: true,
      mtu: 1500,
      mac: new Uint8Array(6),
    }),
    addresses: () => [{ interfaceIndex: 2, address: "192.0.2.1", prefix: 24, tentative: false }],
    addAddress: (_index, _address, done) => {
      changes.added++;
      done(0);
    },
    deleteAddress: (_index, _address, done) => {
      changes.deleted++;
      done(0);
    },
    subscribe: () => ({ [Symbol.dispose]: () => undefined }),
  };
  const rounds = [...rehearsal(daemonConfig([instanceConfig()]), network)].length;
  assert.ok(rounds > 1);
  assert.ok(changes.added >= rounds, "each round becomes master");
  assert.ok(changes.deleted > changes.added, "and gives the addresses back");
});

test("without an instance there is nothing to rehearse", () => {
  const network = { subscribe: () => ({ [Symbol.dispose]: () => undefined }) } as unknown as HostNetwork;
  assert.deepEqual([...rehearsal(daemonConfig([]), network)], []);
});
