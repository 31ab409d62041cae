import assert from "node:assert/strict";
import { test } from "node:test";
import { netlinkBufferBytes } from "../../main/network/receive-buffer.js";
import { neededBytes, receiveBytes } from "../../main/vrrp/receive-buffer.js";

const here = (own?: number, mtu: number | undefined = 1500, advert = 40) => ({ own, mtu, advert });

for (const { name, instances, policy, want } of [
  { name: "nothing said", instances: [here()], policy: "system", want: undefined },
  { name: "MTU of two instances on the interface", instances: [here(), here()], policy: "MTU", want: 9000 },
  { name: "no interface: Ethernet", instances: [{ ...here(), mtu: undefined }], policy: "MTU", want: 4500 },
  { name: "length of adverts", instances: [here(), here(undefined, 9000, 60)], policy: "ADVERT", want: 300 },
  { name: "a size for each", instances: [here(), here()], policy: 5000, want: 10_000 },
  { name: "an own size is not multiplied", instances: [here(777), here()], policy: "ADVERT", want: 897 },
  { name: "an own size only", instances: [here(777), here()], policy: "system", want: 777 },
  { name: "more than the kernel takes", instances: [here(0xffff_ffff), here()], policy: "MTU", want: 0x3fff_ffff },
] as const) {
  test(`receive buffer of a socket for adverts: ${name}`, () => {
    const needed = instances.map((one) => neededBytes(one, { vrrpReceive: policy, vrrpReceiveMultiplier: 3 }));
    assert.equal(receiveBytes(needed.reduce((sum, bytes) => sum + bytes, 0)), want);
  });
}

test("receive buffer of netlink: the larger of those that share a socket", () => {
  const of = (size: number | undefined) => ({ size, force: false });
  assert.equal(netlinkBufferBytes(of(undefined), of(undefined)), undefined);
  assert.equal(netlinkBufferBytes(of(1000), of(undefined)), 1000);
  assert.equal(netlinkBufferBytes(of(1000), of(2000)), 2000);
  assert.equal(netlinkBufferBytes(of(0xffff_ffff)), 0x3fff_ffff);
});
