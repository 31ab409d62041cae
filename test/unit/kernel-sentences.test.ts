import assert from "node:assert/strict";
import { test } from "node:test";
import { kernelSentences } from "../../main/control/kernel-sentences.js";

const upTo = (n: number): readonly number[] => Array.from({ length: n }, (_, i) => i);
const some = (n: number) => (service: number) => upTo(n).map((i) => `service ${service} refused ${i}`);

test("a few sentences are all shown, and nothing is added", () => {
  assert.deepEqual(kernelSentences([1, 2], some(1)), ["service 1 refused 0", "service 2 refused 0"]);
  assert.deepEqual(
    kernelSentences(upTo(256), () => []),
    [],
  );
  assert.equal(kernelSentences([1], some(20)).length, 20);
});

test("of ten thousand the first 20 are shown, and the others counted", () => {
  const said = kernelSentences([1, 2], some(5000));
  assert.equal(said.length, 21);
  assert.equal(said.at(-2), "service 1 refused 19");
  assert.equal(said.at(-1), "and 9980 more sentences like these: the log has them");
});

test("of thousands of services not all are asked, and it says so", () => {
  const said = kernelSentences(upTo(1000), some(1));
  assert.deepEqual(said.slice(20), [
    "and at least 236 more sentences like these: the log has them",
    "(only the first 256 of its services have been asked)",
  ]);
  let yielded = 0;
  const endless = function* () {
    for (;;) yield yielded++;
  };
  kernelSentences(endless(), () => []);
  assert.equal(yielded, 257, "262,144 services would take longer than adverts may wait");
  const quiet = kernelSentences(upTo(257), () => []);
  assert.deepEqual(quiet, ["(only the first 256 of its services have been asked)"]);
});
