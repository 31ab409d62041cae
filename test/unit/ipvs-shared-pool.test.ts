import assert from "node:assert/strict";
import { test } from "node:test";
import { OwnershipJournal } from "../../main/ipvs/ownership-journal.js";
import { Slot } from "../../main/ipvs/slot.js";
import { type Destination, entryOf, HOST_MASK_INET, type Service } from "../../main/ipvs/table.js";
import { port } from "../../main/units.js";

/** Of the thousands of services of a group each would have two copies of the pool after the first change. */

const service = (address: string): Service => ({
  family: "inet",
  match: { kind: "address", protocol: "TCP", address, port: port(80) },
  scheduler: "rr",
  flags: 0,
  timeoutSeconds: 0,
  netmask: HOST_MASK_INET,
  persistenceEngine: "",
});

const destination = (address: string, weight: number): Destination => ({
  family: "inet",
  address,
  port: port(80),
  forwarding: "NAT",
  weight,
  upperThreshold: 0,
  lowerThreshold: 0,
});

test("services of a group have one list of destinations again when a change of it is written everywhere", () => {
  const [stays, changes] = [destination("10.0.0.1", 1), destination("10.0.0.2", 1)];
  const { destinations: before } = entryOf(service("192.0.2.1"), [stays, changes]);
  const heavier = destination("10.0.0.2", 5);
  const { destinations: after } = entryOf(service("192.0.2.1"), [stays, heavier]);
  for (const address of ["192.0.2.1", "192.0.2.2"]) {
    const slot = new Slot(service(address), new OwnershipJournal(undefined));
    slot.created({ service: service(address), destinations: before });
    slot.desired = { service: service(address), destinations: after };
    slot.share();
    assert.notEqual(slot.present?.destinations, after, "not as long as the kernel has something else");
    slot.settle({ do: "set-dest", service: service(address), destination: heavier }, 0);
    assert.notEqual(slot.present?.destinations, after);
    slot.share();
    assert.equal(slot.present?.destinations, after);
    assert.equal(slot.owned.destinations, after);
  }
});
