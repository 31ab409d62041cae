import assert from "node:assert/strict";
import test from "node:test";
import { differences, NetworkTable } from "../../main/network/network-table.js";
import type { AddressMessage, LinkMessage, RouteMessage } from "../../main/network/rtnetlink.js";
import type { InterfaceAddress, Link, NetworkChange } from "../../main/vrrp/ports.js";

const UP_RUNNING = 0x1 | 0x40;
const mac = Uint8Array.of(2, 0, 0, 0, 0, 1);

const link = (index: number, name: string, more: Partial<LinkMessage> = {}): RouteMessage => ({
  kind: "link",
  link: { index, name, flags: UP_RUNNING | 0x1000, mtu: 1500, mac, details: undefined, ...more },
});
const known = (index: number, name: string, more: Partial<Link> = {}): Link => {
  return { index, name, running: true, noArp: false, multicast: true, mtu: 1500, mac, details: undefined, ...more };
};
const addressMessage = (interfaceIndex: number, address: string, prefix: number, flags = 0): AddressMessage => {
  return { interfaceIndex, address, prefix, scope: 0, flags, label: undefined, broadcast: undefined, protocol: 18 };
};
const address = (...args: Parameters<typeof addressMessage>): RouteMessage => ({
  kind: "address",
  address: addressMessage(...args),
});
const gone = (...args: Parameters<typeof addressMessage>): RouteMessage => ({
  kind: "address-gone",
  address: addressMessage(...args),
});
const on = (interfaceIndex: number, text: string, prefix: number, tentative = false): InterfaceAddress => {
  return { interfaceIndex, address: text, prefix, tentative };
};

/** `before` is applied silently; `want` is what `message` changes. */
const rows: readonly (readonly [
  what: string,
  before: readonly RouteMessage[],
  message: RouteMessage,
  want: readonly NetworkChange[],
])[] = [
  ["a new link", [], link(2, "eth0"), [{ kind: "link", link: known(2, "eth0") }]],
  ["the same link again", [link(2, "eth0")], link(2, "eth0"), []],
  ["a counter changed", [link(2, "eth0")], link(2, "eth0", { flags: UP_RUNNING | 0x1000 | 0x10000 }), []],
  [
    "down: IFF_UP is missing",
    [link(2, "eth0")],
    link(2, "eth0", { flags: 0x1040 }),
    [{ kind: "link", link: known(2, "eth0", { running: false }) }],
  ],
  [
    "no carrier: IFF_RUNNING is missing",
    [link(2, "eth0")],
    link(2, "eth0", { flags: 0x1001 }),
    [{ kind: "link", link: known(2, "eth0", { running: false }) }],
  ],
  [
    "IFF_NOARP, no multicast, another MTU",
    [],
    link(2, "tun0", { flags: UP_RUNNING | 0x80, mtu: 1400, mac: new Uint8Array() }),
    [
      {
        kind: "link",
        link: known(2, "tun0", { noArp: true, multicast: false, mtu: 1400, mac: new Uint8Array() }),
      },
    ],
  ],
  [
    "loopback has no hardware address",
    [],
    link(1, "lo", { mac: new Uint8Array(6) }),
    [{ kind: "link", link: known(1, "lo", { mac: new Uint8Array() }) }],
  ],
  [
    "a message with little in it keeps what is known",
    [link(2, "eth0")],
    link(2, "eth0", { name: undefined, mtu: undefined, mac: undefined, flags: 0x1001 }),
    [{ kind: "link", link: known(2, "eth0", { running: false }) }],
  ],
  ["a link without a name is not known", [], link(2, "eth0", { name: undefined }), []],
  [
    "renamed",
    [link(2, "eth0")],
    link(2, "wan"),
    [
      { kind: "link-gone", index: 2, name: "eth0" },
      { kind: "link", link: known(2, "wan") },
    ],
  ],
  [
    "a link takes its addresses along",
    [link(2, "eth0"), address(2, "10.0.0.1", 24)],
    { kind: "link-gone", index: 2 },
    [
      { kind: "address-gone", address: on(2, "10.0.0.1", 24) },
      { kind: "link-gone", index: 2, name: "eth0" },
    ],
  ],
  ["an unknown link is gone", [], { kind: "link-gone", index: 9 }, []],
  ["a new address", [], address(2, "10.0.0.1", 24), [{ kind: "address", address: on(2, "10.0.0.1", 24) }]],
  ["the same address again", [address(2, "10.0.0.1", 24)], address(2, "10.0.0.1", 24), []],
  [
    "the same address with another prefix",
    [address(2, "10.0.0.1", 24)],
    address(2, "10.0.0.1", 32),
    [{ kind: "address", address: on(2, "10.0.0.1", 32) }],
  ],
  [
    "a tentative address",
    [],
    address(2, "fe80::1", 64, 0x40),
    [{ kind: "address", address: on(2, "fe80::1", 64, true) }],
  ],
  [
    "it is tentative no more",
    [address(2, "fe80::1", 64, 0x40)],
    address(2, "fe80::1", 64, 0x80),
    [{ kind: "address", address: on(2, "fe80::1", 64) }],
  ],
  ["a duplicate is never usable", [address(2, "fe80::1", 64, 0x40)], address(2, "fe80::1", 64, 0x08), []],
  [
    "an address is gone",
    [address(2, "10.0.0.1", 24)],
    gone(2, "10.0.0.1", 24),
    [{ kind: "address-gone", address: on(2, "10.0.0.1", 24) }],
  ],
  ["it is gone from another interface", [address(2, "10.0.0.1", 24)], gone(3, "10.0.0.1", 24), []],
];

for (const [what, before, message, want] of rows) {
  test(what, () => {
    const table = new NetworkTable();
    for (const each of before) table.apply(each);
    const copy = table.copy();
    assert.deepEqual(table.apply(message), want);
    assert.deepEqual(differences(copy, table), want, "the same when found out by comparing");
  });
}

test("two links that swap their names are both found", () => {
  const table = new NetworkTable();
  for (const message of [link(2, "a"), link(3, "b"), link(2, "tmp"), link(3, "a"), link(2, "b")]) table.apply(message);
  assert.deepEqual([table.link("a")?.index, table.link("b")?.index, table.link("tmp")], [3, 2, undefined]);
  table.apply({ kind: "link-gone", index: 3 });
  assert.deepEqual([table.link("a"), table.linkAt(2)?.name], [undefined, "b"]);
});

test("flags and broadcast address, which dumps show, are kept without a word to anybody", () => {
  const table = new NetworkTable();
  const shape = { hardware: 1, broadcast: Uint8Array.of(255, 255) };
  table.apply(link(2, "eth0", { shape }));
  assert.deepEqual(
    table.apply(link(2, "eth0", { flags: UP_RUNNING | 0x1100, shape: { ...shape, broadcast: undefined } })),
    [],
  );
  assert.deepEqual(table.link("eth0")?.shape, { flags: UP_RUNNING | 0x1100, ...shape });
});
