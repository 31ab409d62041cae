import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import { HttpResponse } from "../../workers/http-response.js";
import { url } from "../unit/health-fixtures.js";

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
const wanted = fc.constantFrom(url(), url({ digest: "900150983cd24fb0d6963f7d28e17f72" })); // MD5 of "abc"

test("HTTP response: any bytes get a verdict, and it does not depend on how they were cut", () => {
  fc.assert(
    fc.property(bytes, wanted, fc.array(fc.integer({ min: 1, max: 500 })), (all, what, cuts) => {
      const whole = new HttpResponse(what);
      whole.feed(all);
      const piecewise = new HttpResponse(what);
      let from = 0;
      for (const cut of cuts) {
        piecewise.feed(all.subarray(from, from + cut));
        from += cut;
      }
      piecewise.feed(all.subarray(from));
      assert.deepEqual(piecewise.verdict(), whole.verdict());
    }),
    { numRuns: 500 },
  );
});
