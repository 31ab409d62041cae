import assert from "node:assert/strict";
import { test } from "node:test";
import { IdMap, partByEnd, WideMap } from "../../main/wide-map.js";

for (const [name, map] of Object.entries({
  WideMap: new WideMap<number, string>((key) => key >>> 10),
  IdMap: new IdMap<number, string>(),
})) {
  test(`${name}: what is set is found until it is deleted; numbers come in their order`, () => {
    for (let key = 0; key < 5000; key++) map.set(key, `old ${key}`);
    for (let key = 0; key < 5000; key++) map.set(key, `${key}`);
    for (let key = 0; key < 5000; key += 2) assert.equal(map.delete(key), true);
    assert.deepEqual([map.delete(2), map.get(2), map.get(3), map.get(70_000)], [false, undefined, "3", undefined]);
    assert.deepEqual(
      [...map.values()],
      Array.from({ length: 2500 }, (_, i) => `${2 * i + 1}`),
    );
  });
}

test("the keys in use are spread over the parts", () => {
  for (const keyOf of [
    (n: number) => (n * 2654435761).toString(16),
    (n: number) => String.fromCharCode(33 + (n % 85), 33 + (Math.floor(n / 85) % 85), 33 + (Math.floor(n / 7225) % 85)),
  ]) {
    const counts = new Map<number, number>();
    for (let n = 0; n < 60_000; n++) counts.set(partByEnd(keyOf(n)), (counts.get(partByEnd(keyOf(n))) ?? 0) + 1);
    assert.ok(Math.max(...counts.values()) < 6000, `${Math.max(...counts.values())} in one part`);
  }
});

test("short keys have a part as well", () => {
  for (const key of ["", "a", "ab"]) {
    const map = new WideMap<string, number>(partByEnd);
    map.set(key, 1);
    assert.deepEqual([map.get(key), [...map.values()]], [1, [1]]);
  }
});
