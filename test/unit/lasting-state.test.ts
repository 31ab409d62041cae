import assert from "node:assert/strict";
import { test } from "node:test";
import { LastingState } from "../../main/control/lasting-state.js";
import { StateSlab } from "../../main/control/state-slab.js";
import { ms } from "../../main/units.js";

/** What the daemon before wrote, and what the one after it finds. */
function handOver(write: (state: LastingState) => void): LastingState {
  const memory = Buffer.alloc(64 * 64);
  write(new LastingState(new StateSlab(memory)));
  return new LastingState(new StateSlab(memory));
}

test("health goes on: a dead server stays dead, an unknown one is unknown", () => {
  const next = handOver((state) => {
    state.rememberHealth("dead", false);
    state.rememberHealth("alive", true);
    state.rememberHealth("gone", true);
    state.forgetHealth("gone");
  });
  assert.deepEqual([next.health("dead"), next.health("alive"), next.health("gone")], ["down", "up", undefined]);
});

test("health of checks that nobody wants any more is forgotten: they begin anew, and leave no record", () => {
  const next = handOver((state) => {
    state.rememberHealth("kept", false);
    state.rememberHealth("left", true);
    state.rememberHealth("left too", false);
    state.rememberVrrp("left", "BACKUP");
  });
  for (const _ of next.forgettingHealth((identity) => identity === "kept"));
  assert.deepEqual([next.health("kept"), next.health("left"), next.health("left too")], ["down", undefined, undefined]);
  assert.equal(next.resumption("left")?.state, "BACKUP", "nothing but health");
  for (const _ of next.forgettingHealth(() => false));
  assert.equal(next.knowsHealth(), false);
});

test("sequence numbers of signed adverts go on above what was reserved; who stopped begins anew", () => {
  const next = handOver((state) => {
    state.sequences("a").reserve("ah", 1025);
    state.sequences("a").reserve("hmac", 2 ** 32 - 1);
    state.sequences("b").reserve("ah", 7);
    state.rememberVrrp("b", "STOP");
  });
  const floors = ["a", "b"].map((key) => (["ah", "hmac"] as const).map((what) => next.sequences(key).floor(what)));
  assert.deepEqual(floors, [
    [1025, 2 ** 32 - 1],
    [0, 0],
  ]);
});

test("a master is found with the time of its last advert", () => {
  const key = "51 inet eth0 unicast 192.0.2.1 192.0.2.2,192.0.2.3,192.0.2.4 and longer than a record's key";
  const next = handOver((state) => {
    state.rememberVrrp(key, "MASTER");
    state.rememberAdvert(key, ms(1234.5));
  });
  assert.deepEqual(next.resumption(key), { state: "MASTER", lastAdvertBootMs: 1234.5 });
});

test("who left the mastership is not resumed as master, and who stopped is not known", () => {
  const next = handOver((state) => {
    state.rememberAdvert("a", ms(1));
    state.rememberVrrp("a", "BACKUP");
    state.rememberAdvert("b", ms(1));
    state.rememberVrrp("b", "STOP");
  });
  assert.equal(next.resumption("a")?.state, "BACKUP");
  assert.equal(next.resumption("b"), undefined);
});

test("who was removed by a reload is not known, but signs on; who is configured no more is forgotten after a take-over", () => {
  const next = handOver((state) => {
    for (const key of ["kept", "removed", "left"]) {
      state.rememberAdvert(key, ms(1));
      state.sequences(key).reserve("ah", 1025);
    }
    state.startup.remember(ms(7));
    state.rememberVrrp("removed", "FAULT");
    state.forgetVrrp("removed");
  });
  assert.deepEqual([next.resumption("removed"), next.sequences("removed").floor("ah")], [undefined, 1025]);
  assert.equal(next.resumption("left")?.state, "MASTER");
  for (const _ of next.forgettingOthers(() => ["kept"]));
  const floors = ["kept", "removed", "left"].map((key) => next.sequences(key).floor("ah"));
  assert.deepEqual(
    [next.resumption("kept")?.state, next.resumption("left"), floors],
    ["MASTER", undefined, [1025, 0, 0]],
  );
  assert.equal(next.startup.began(), 7);
  next.startup.remember(undefined);
  assert.equal(next.startup.began(), undefined);
});

test("what is ours in IPVS is found with its print", () => {
  const next = handOver((state) => {
    state.ownershipChanged(
      [
        { key: "service", print: 7 },
        { key: "destination", print: 0xffffffff },
      ],
      [],
    );
    state.ownershipChanged([{ key: "service", print: 8 }], ["destination"]);
  });
  assert.deepEqual([...next.owned()], [{ key: "service", print: 8 }]);
});
