import assert from "node:assert/strict";
import { test } from "node:test";
import { ms, priority, vrid } from "../../main/units.js";
import { advertShape } from "../../main/vrrp/advert-shape.js";
import { applyFilter, type Wanted } from "../../main/vrrp/endpoint-filter.js";
import { Endpoints } from "../../main/vrrp/endpoints.js";
import { encodeAdvert } from "../../main/vrrp/packet.js";
import { packetFilter } from "../../main/vrrp/packet-filter.js";
import { instanceConfig } from "../harness/config-fixtures.js";
import { ManualClock, recordingLog } from "./notify-support.js";

const GROUP = "224.0.0.18";
const config = instanceConfig();

function bench() {
  const clock = new ManualClock();
  const { log, lines } = recordingLog();
  const filters: Wanted[] = [];
  let hear: (packet: Buffer, source: string) => void = () => assert.fail("no socket");
  const transport = {
    open: (_: unknown, onPacket: typeof hear, wanted: Wanted | undefined) => {
      hear = onPacket;
      if (wanted !== undefined) filters.push(wanted);
      return {
        send: () => 0,
        filter: (wanted: Wanted) => void filters.push(wanted),
        [Symbol.dispose]: () => undefined,
      };
    },
  };
  const endpoints = new Endpoints({ transport, clock, log });
  const attachment = endpoints.attach(
    { kind: "multicast", link: undefined, address: GROUP },
    {
      ...{ vrid: 51, version: 2, peers: [], shape: () => advertShape(config, GROUP) },
      footprint: () => ({ own: undefined, mtu: 1500, advert: 40 }),
      onAdvert: ({ priority: value }) => value > 100,
    },
  );
  const send = (value: number, source = "192.0.2.1"): void => {
    const spec = { version: 2 as const, vrid: vrid(51), interval: ms(1000), addresses: [], authPass: undefined };
    hear(Buffer.from(encodeAdvert({ ...spec, source, destination: GROUP }, priority(value), 1)), source);
  };
  return { clock, lines, filters, attachment, send };
}

test("a socket begins with the filter for whom it is opened for", () => {
  const { filters } = bench();
  assert.deepEqual(
    filters.map(({ routers, flooded, unknown }) => [routers.map(({ vrid: id }) => id), flooded, unknown]),
    [[[51], false, false]],
  );
});

test("a flood ends by time, also when nothing is heard any more", () => {
  const { clock, lines, filters, send } = bench();
  for (let i = 0; i < 2500; i++) send(1);
  assert.equal(filters.at(-1)?.flooded, true);
  clock.advance(9_500);
  assert.equal(filters.at(-1)?.flooded, true);
  clock.advance(2_000);
  assert.equal(filters.at(-1)?.flooded, false);
  assert.match(lines.at(-1)?.sentence ?? "", /flood of useless VRRP packets to 224\.0\.0\.18 is over/);
});

test("a flood that passes the filter is narrowed to known senders; a new one is known with its first good advert", () => {
  const { clock, filters, send } = bench();
  send(200, "192.0.2.7");
  for (let i = 0; i < 5000; i++) send(1);
  assert.deepEqual(
    filters.at(-1)?.senders?.map((sender) => sender.join(".")),
    ["192.0.2.7"],
  );
  send(200, "192.0.2.8");
  assert.equal(filters.at(-1)?.senders?.length, 2);
  const made = filters.length;
  for (let i = 0; i < 100; i++) send(200, `192.0.3.${i}`);
  assert.equal(filters.length, made, "a filter is not made for every address that somebody thinks of");
  clock.advance(1000);
  assert.equal(filters.at(-1)?.senders?.length, 20);
  assert.equal(filters.length, made + 1);
  for (let i = 0; i < 20; i++) send(200, `192.0.3.${80 + i}`);
  clock.advance(5000);
  assert.equal(filters.length, made + 1, "nobody new");
});

test("what is closed in a flood leaves no timer", () => {
  const { clock, attachment, filters, send } = bench();
  for (let i = 0; i < 2500; i++) send(1);
  attachment.reshaped();
  const count = filters.length;
  attachment[Symbol.dispose]();
  clock.advance(60_000);
  assert.equal(filters.length, count);
});

test("a filter that is too long for the kernel gives way to shorter ones", () => {
  for (const { room, want } of [
    { room: 10_000, want: "judges" },
    { room: 400, want: "by version" },
    { room: 120, want: "everyday" },
  ]) {
    const sizes: number[] = [];
    const set = (program: Uint8Array): number => {
      sizes.push(program.length);
      return program.length > room ? 12 : 0;
    };
    const routers = [{ vrid: 51, version: 2 as const, shape: () => advertShape(config, GROUP) }];
    const endpoint = { kind: "multicast" as const, link: undefined, address: GROUP };
    assert.equal(applyFilter(endpoint, { routers, flooded: true }, set), 0);
    assert.equal(["judges", "by version", "everyday"][sizes.length - 1], want, `${sizes}`);
  }
});

test("a flood where more instances share a router than a filter can tell apart is filtered all the same", () => {
  const shape = advertShape(config, GROUP);
  const routers = Array.from({ length: 400 }, (_, i) => ({
    ...{ vrid: 51, version: 2 as const },
    shape: () => ({ ...shape, authType: i >> 8, seconds: i & 0xff }),
  }));
  const place = { family: "inet", ah: false, destination: Uint8Array.of(192, 0, 2, 1), multicast: false } as const;
  assert.ok(
    packetFilter({ ...place, routers, flooded: true }).length >
      packetFilter({ ...place, routers, flooded: false }).length,
  );
});

test("a change of one of many that share a socket asks nobody else", () => {
  const clock = new ManualClock();
  const buffers: number[] = [];
  const socket = { send: () => 0, receiveBuffer: (bytes: number) => void buffers.push(bytes) };
  const transport = { open: () => ({ ...socket, [Symbol.dispose]: () => undefined }) };
  const endpoints = new Endpoints({ transport, clock, log: recordingLog().log });
  let asked = 0;
  const needs = [1000, 2000, 3000];
  const attachments = needs.map((_, i) =>
    endpoints.attach(
      { kind: "multicast", link: undefined, address: GROUP },
      {
        ...{ vrid: i + 1, version: 2 as const, peers: [], shape: () => advertShape(config, GROUP) },
        footprint: () => {
          asked++;
          return { own: needs[i], mtu: 1500, advert: 40 };
        },
        onAdvert: () => true,
      },
    ),
  );
  assert.deepEqual([asked, buffers.at(-1)], [3, 6000]);
  needs[1] = 2500;
  attachments[1]?.reshaped();
  assert.deepEqual([asked, buffers.at(-1)], [4, 6500]);
  attachments[0]?.[Symbol.dispose]();
  assert.deepEqual([asked, buffers.at(-1)], [4, 5500]);
  endpoints.configure({ logUnknown: false, buffers: { vrrpReceive: "MTU", vrrpReceiveMultiplier: 1 } });
  assert.deepEqual([asked, buffers.at(-1)], [6, 5500]);
});
