import assert from "node:assert/strict";
import { test } from "node:test";
import { load } from "./config-fake-host.js";

interface Case {
  readonly name: string;
  readonly held: string;
  readonly kind?: string;
  readonly server?: string;
  readonly warns: boolean;
}

const cases: readonly Case[] = [
  { name: "a prefix of 64 is preferred", held: "2001:db8::1/64", warns: true },
  { name: "a prefix of 128 is not", held: "2001:db8::1/128", warns: false },
  { name: "without a prefix", held: "2001:db8::1", warns: false },
  { name: "preferred_lft 0", held: "2001:db8::1/64 preferred_lft 0", warns: false },
  { name: "preferred_lft forever", held: "2001:db8::1/128 preferred_lft forever", warns: true },
  { name: "an IPv4 tunnel", held: "2001:db8::1/64", server: "192.0.2.2", warns: false },
  { name: "no tunnel", held: "2001:db8::1/64", kind: "DR", warns: false },
  { name: "another address", held: "2001:db8::2/64", warns: false },
];

for (const { name, held, kind = "TUN", server = "2001:db8:1::2", warns } of cases)
  test(`an IPv6 address and tunnels to IPv6 servers: ${name}`, () => {
    const { diagnostics } = load(`vrrp_instance V {
  interface eth0
  virtual_router_id 51
  virtual_ipaddress {
    ${held}
  }
}
virtual_server 2001:db8::1 80 {
  lb_algo rr
  lb_kind ${kind}
  real_server ${server} 80 {
  }
}
`);
    const found = diagnostics.filter(({ message }) => message.includes("may be a source"));
    assert.equal(found.length, warns ? 1 : 0, diagnostics.map(({ message }) => message).join("\n"));
    if (warns)
      assert.match(
        `${found[0]?.severity} ${found[0]?.hint}`,
        /^warning write 2001:db8::1\/128, or add .*preferred_lft 0/,
      );
  });
