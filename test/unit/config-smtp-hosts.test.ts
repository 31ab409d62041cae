import assert from "node:assert/strict";
import { test } from "node:test";
import type { CheckConfig } from "../../main/config/model.js";
import { load, service } from "./config-fake-host.js";

/** What Debian's keepalived 2.2.7 connects to, by its connections and its dump, except for `connect_timeout` (docs/differences.md). */

type SmtpCheck = Extract<CheckConfig, { type: "SMTP_CHECK" }>;

const checksOf = (inside: string): readonly SmtpCheck[] => {
  const { config, diagnostics } = load(service("delay_loop 60", `SMTP_CHECK {\nhelo_name a.example\n${inside}\n}`));
  assert.deepEqual(
    diagnostics.filter(({ severity }) => severity === "error"),
    [],
  );
  return (config?.virtualServers[0]?.realServers[0]?.checks ?? []) as readonly SmtpCheck[];
};

const host = (...lines: readonly string[]): string => `host {\n${lines.join("\n")}\n}`;
const places = (inside: string): string[] => checksOf(inside).map(({ target }) => `${target.address}:${target.port}`);

const own = places("")[0] ?? "";
const at = (port: number): string => own.replace(/\d+$/, String(port));

const rows: readonly (readonly [inside: string, places: readonly string[]])[] = [
  ["", [own]],
  [host(), [own]],
  [`${host()}\n${host()}`, [own, own]],
  [`${host("connect_port 2501")}\n${host("connect_port 2502")}\n${host()}`, [at(2501), at(2502), own]],
  [`connect_port 2506\n${host("connect_port 2507")}`, [at(2506), at(2507)]],
  [`${host("connect_port 2509")}\nconnect_port 2510`, [at(2510), at(2509)]],
  [
    `${host("connect_ip 127.0.0.2", "connect_port 2513")}\n${host("connect_ip 127.0.0.1")}`,
    ["127.0.0.2:2513", `127.0.0.1:${own.split(":").at(-1)}`],
  ],
];

for (const [inside, expected] of rows) {
  test(`SMTP_CHECK checks ${expected.join(" and ")}: ${inside.replace(/\s+/g, " ")}`, () => {
    assert.deepEqual(places(inside), expected);
  });
}

test("hosts of SMTP_CHECK: bindings are of one host, times of all, and connect_timeout is inherited", () => {
  const inside = `connect_timeout 3\n${host("bindto 127.0.0.7", "delay_loop 4", "retry 5")}\n${host("connect_timeout 2", "fwmark 9")}`;
  const seen = checksOf(inside).map(({ heloName, target, timing }) => [
    heloName,
    target.bindAddress,
    target.fwmark,
    timing.delayLoop,
    timing.retry,
    timing.connectTimeout,
  ]);
  assert.deepEqual(seen, [
    ["a.example", "127.0.0.7", 0, 4000, 5, 3000],
    ["a.example", undefined, 9, 4000, 5, 2000],
  ]);
});
