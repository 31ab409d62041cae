import assert from "node:assert/strict";
import { test } from "node:test";
import { ms, priority, vrid } from "../../main/units.js";
import { KnownAdvert } from "../../main/vrrp/known-advert.js";
import { encodeAdvert } from "../../main/vrrp/packet.js";

const spec = {
  version: 2,
  source: "192.0.2.1",
  destination: "224.0.0.18",
  vrid: vrid(51),
  interval: ms(1000),
  addresses: ["192.0.2.100"],
  authPass: undefined,
} as const;

test("a reader's buffer holds another advert the next time, and that is heard", () => {
  const known = new KnownAdvert();
  const memory = Buffer.alloc(64);
  const received = (at: number): ReturnType<KnownAdvert["read"]> => {
    const packet = encodeAdvert(spec, priority(at), 1);
    memory.set(packet);
    return known.read(memory.subarray(0, packet.length));
  };
  const first = received(200);
  assert.ok(first !== undefined);
  known.keep(first);
  assert.equal(received(200)?.priority, 200);
  assert.equal(received(0)?.priority, 0, "the master leaves");
  assert.equal(received(50)?.priority, 50);
});
