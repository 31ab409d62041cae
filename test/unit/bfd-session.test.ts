import assert from "node:assert/strict";
import { test } from "node:test";
import type { ControlPacket, StateName } from "../../main/bfd/packet.js";
import {
  detectionTime,
  jittered,
  newSession,
  packetOf,
  type Session,
  type Settings,
  step,
  txInterval,
} from "../../main/bfd/session.js";

const settings: Settings = { minTx: 50_000, minRx: 60_000, idleTx: 1_000_000, multiplier: 3, passive: false };
const enabled = step(settings, newSession(7, settings), { on: "enable" }).session;

const packet = (state: StateName, more: Partial<ControlPacket> = {}): ControlPacket => ({
  diag: 0,
  state,
  poll: false,
  final: false,
  demand: false,
  multiplier: 4,
  myDiscriminator: 9,
  yourDiscriminator: 7,
  desiredMinTx: 100_000,
  requiredMinRx: 70_000,
  ...more,
});
const hear = (session: Session, state: StateName, more: Partial<ControlPacket> = {}) =>
  step(settings, session, { on: "packet", packet: packet(state, more) });
const down = enabled;
const init = hear(down, "Down").session;
const up = hear(hear(init, "Up").session, "Up", { final: true }).session;
const adminDown = step(settings, up, { on: "disable" }).session;

/** RFC 5880 §6.2 and §6.8.6: state, what is heard, state afterwards, whether those who follow are told. */
const moves: readonly (readonly [Session, StateName, StateName, ("up" | "down")?])[] = [
  [down, "Down", "Init"],
  [down, "Init", "Up", "up"],
  [down, "Up", "Down"],
  [down, "AdminDown", "Down"],
  [init, "Down", "Init"],
  [init, "Init", "Up", "up"],
  [init, "Up", "Up", "up"],
  [init, "AdminDown", "Down"],
  [up, "Down", "Down", "down"],
  [up, "Init", "Up"],
  [up, "Up", "Up"],
  [up, "AdminDown", "Down"], // on purpose: the path has not failed (RFC 5882 §3.2)
  [adminDown, "Down", "AdminDown"],
  [adminDown, "Init", "AdminDown"],
  [adminDown, "Up", "AdminDown"],
];
for (const [session, heard, want, told] of moves) {
  test(`${session.state} hears ${heard}: ${want}`, () => {
    const { session: after, effects } = hear(session, heard);
    assert.equal(after.state, want);
    assert.deepEqual(
      effects.flatMap((effect) => (effect.do === "tell" ? [effect.state] : [])),
      told === undefined ? [] : [told],
    );
    const moved = want !== session.state;
    assert.equal(
      effects.some((effect) => effect.do === "entered"),
      moved,
    );
  });
}

test("while it is not up it sends every second at most (RFC 5880 §6.8.3)", () => {
  assert.equal(txInterval(settings, down), 1_000_000);
  assert.equal(txInterval(settings, init), 1_000_000);
  assert.equal(packetOf(settings, init, false).desiredMinTx, 1_000_000);
  assert.equal(packetOf(settings, up, false).desiredMinTx, 50_000);
});

test("it sends as often as both sides want, and waits for as long as both allow", () => {
  assert.equal(txInterval(settings, up), 70_000);
  assert.equal(detectionTime(up), 4 * 100_000);
  const fast = hear(up, "Up", { desiredMinTx: 10_000, requiredMinRx: 10_000 }).session;
  assert.equal(txInterval(settings, fast), 50_000);
  assert.equal(detectionTime(fast), 4 * 60_000);
});

test("no packets to whom wants none, or is up and asks for demand mode", () => {
  assert.equal(txInterval(settings, hear(up, "Up", { requiredMinRx: 0 }).session), undefined);
  assert.equal(txInterval(settings, hear(up, "Up", { demand: true }).session), undefined);
  assert.equal(txInterval(settings, hear(init, "Down", { demand: true }).session), 1_000_000);
});

test("a passive side is silent until it is asked, and after silence", () => {
  const passive = { ...settings, passive: true };
  const first = step(passive, newSession(7, passive), { on: "enable" });
  assert.deepEqual(
    first.effects.map((effect) => effect.do),
    ["entered"],
  );
  assert.equal(txInterval(passive, first.session), undefined);
  const asked = step(passive, first.session, { on: "packet", packet: packet("Down") }).session;
  assert.equal(txInterval(passive, asked), 1_000_000);
  assert.equal(txInterval(passive, step(passive, asked, { on: "silence" }).session), undefined);
});

test("a poll is answered at once, with final and without poll", () => {
  const { session, effects } = hear(up, "Up", { poll: true });
  assert.deepEqual(effects, [{ do: "send", final: true }]);
  const { poll, final } = packetOf(settings, { ...session, polling: true }, true);
  assert.deepEqual({ poll, final }, { poll: false, final: true });
});

test("coming up it polls, until the other side says final", () => {
  const polling = hear(init, "Up").session;
  assert.equal(packetOf(settings, polling, false).poll, true);
  const answered = hear(polling, "Up", { final: true }).session;
  assert.equal(packetOf(settings, answered, false).poll, false);
});

test("other intervals are in use when the other side knows; until then the slower of both (RFC 5880 §6.8.3)", () => {
  const other = { ...settings, minTx: 200_000, minRx: 10_000 };
  const asking = step(other, up, { on: "settings" }).session;
  assert.equal(packetOf(other, asking, false).poll, true);
  assert.equal(packetOf(other, asking, false).desiredMinTx, 200_000);
  assert.equal(txInterval(other, asking), 70_000);
  assert.equal(asking.inUse.minRx, 60_000);
  const agreed = step(other, asking, { on: "packet", packet: packet("Up", { final: true }) }).session;
  assert.equal(txInterval(other, agreed), 200_000);
  assert.equal(agreed.inUse.minRx, 10_000);
});

test("silence is the end of the session, and what was known of the other side is forgotten (RFC 5880 §6.8.1)", () => {
  const { session, effects } = step(settings, up, { on: "silence" });
  assert.deepEqual([session.state, session.diag, session.remote], ["Down", 1, undefined]);
  assert.deepEqual(effects, [
    { do: "entered", state: "Down", diag: 1, remoteDiag: 0 },
    { do: "tell", state: "down" },
    { do: "send", final: false },
  ]);
  assert.equal(packetOf(settings, session, false).yourDiscriminator, 0);
});

test("after silence the next packet begins anew, with the discriminator that it brings", () => {
  const silent = step(settings, up, { on: "silence" }).session;
  const again = hear(silent, "Down", { myDiscriminator: 11, yourDiscriminator: 0 }).session;
  const { state, diag, yourDiscriminator } = packetOf(settings, again, false);
  assert.deepEqual([state, diag, yourDiscriminator], ["Init", 1, 11]);
});

test("what changes nothing gives the same session: the shell then looks at octets only", () => {
  const step2 = hear(up, "Up");
  assert.equal(step2.session, up);
  assert.deepEqual(step2.effects, []);
});

test("jitter: 75 to 100 percent, with multiplier 1 at most 90 (RFC 5880 §6.8.7)", () => {
  assert.deepEqual([jittered(settings, 0), jittered(settings, 1)], [0.75, 1]);
  const single = { ...settings, multiplier: 1 };
  assert.deepEqual([jittered(single, 0), jittered(single, 1)], [0.75, 0.9]);
});
