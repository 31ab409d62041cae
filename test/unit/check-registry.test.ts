import assert from "node:assert/strict";
import { test } from "node:test";
import type { CheckConfig, CheckTiming } from "../../main/config/model.js";
import { CheckRegistry, type CheckUser } from "../../main/health/check-registry.js";
import { ms } from "../../main/units.js";
import { httpCheck, tcpCheck, timing } from "./health-fixtures.js";

/** Who shares a run: the same check (one identity) at the same times. */

const shares = (a: CheckConfig, b: CheckConfig): boolean => {
  const registry = new CheckRegistry();
  const user = { live: {}, server: 0, checker: 0 } as CheckUser;
  return registry.add(a, "one", user) === registry.add(b, "one", user);
};

const others: { readonly [Field in keyof CheckTiming]: CheckTiming[Field] } = {
  delayLoop: ms(1),
  fastInterval: ms(1),
  jitter: ms(1),
  connectTimeout: ms(1),
  retry: 9,
  rise: 9,
  delayBeforeRetry: ms(1),
  warmup: ms(1),
  alpha: true,
  logAllFailures: true,
};

for (const [field, value] of Object.entries(others)) {
  test(`another ${field} ${field === "alpha" ? "shares the run" : "is another run"}`, () => {
    assert.equal(shares(tcpCheck(), tcpCheck({ [field]: value })), field === "alpha");
  });
}

test("equal checks share a run; another pass phrase or fast_recovery is another run", () => {
  const tls = { caFile: undefined, certificateFile: undefined, keyFile: "/k", password: "one" };
  const of = (password: string): CheckConfig =>
    httpCheck({ type: "SSL_GET", timing: timing(), tls: { ...tls, password } });
  assert.ok(shares(of("one"), of("one")));
  assert.ok(!shares(of("one"), of("two")));
  assert.ok(!shares(httpCheck(), httpCheck({ fastRecovery: true })));
});
