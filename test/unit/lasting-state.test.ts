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
  assert.deepEqual(next.owned(), [{ key: "service", print: 8 }]);
});
