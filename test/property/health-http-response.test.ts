import assert from "node:assert/strict";
import { type AddressInfo, createServer } from "node:net";
import test, { after } from "node:test";
import { setImmediate } from "node:timers/promises";
import fc from "fast-check";
import { ms } from "../../main/units.js";
import { LiveProbe, short } from "../unit/check-live-probe.js";
import { httpCheck, timing, url } from "../unit/health-fixtures.js";

const part = fc.constantFrom(
  "HTTP/1.0 200 OK",
  "HTTP/1.1 503 x",
  "\r\n",
  "\n",
  "\r\n\r\n",
  "Content-Length: 3",
  "abc",
  " ",
  "\0",
);
const bytes = fc.oneof(
  fc.uint8Array({ maxLength: 6000 }).map((octets) => Buffer.from(octets)),
  fc.array(part, { maxLength: 30 }).map((parts) => Buffer.from(parts.join(""))),
);
const anyPattern = { options: [], noMatch: false, minOffset: 0, maxOffset: undefined, stack: undefined };
const wanted = fc.constantFrom(
  url(),
  url({ digest: "900150983cd24fb0d6963f7d28e17f72" }), // MD5 of "abc"
  url({ body: { ...anyPattern, pattern: "bca" } }),
);

/** What the next connection is answered, in these pieces. */
let pieces: readonly Buffer[] = [];
const server = createServer({ noDelay: true }, (socket) => {
  const mine = pieces;
  socket.on("error", () => {}); // the engine resets it when it has heard enough
  socket.once("data", () => void answer(mine));
  const answer = async (all: readonly Buffer[]): Promise<void> => {
    for (const piece of all) {
      if (!socket.writable) return;
      socket.write(piece);
      await setImmediate();
    }
    socket.end();
  };
});
await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
const live = new LiveProbe();
after(() => {
  live[Symbol.dispose]();
  server.close();
});

test("HTTP response: any bytes get a verdict, and it does not depend on how they were cut", async () => {
  await fc.assert(
    fc.asyncProperty(bytes, wanted, fc.array(fc.integer({ min: 1, max: 500 })), async (all, what, cuts) => {
      const { port } = server.address() as AddressInfo;
      const check = httpCheck({ urls: [what], timing: timing({ connectTimeout: ms(20_000) }) }, port);
      pieces = [all];
      const whole = await live.once(check);
      pieces = pieced(all, cuts);
      assert.equal(short(await live.once(check)), short(whole));
    }),
    { numRuns: 150 },
  );
});

function pieced(all: Buffer, cuts: readonly number[]): Buffer[] {
  const found: Buffer[] = [];
  let from = 0;
  for (const cut of cuts) {
    found.push(all.subarray(from, from + cut));
    from += cut;
  }
  return [...found, all.subarray(from)];
}
